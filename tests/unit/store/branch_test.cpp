// What every engine of the store must do with transaction branches (operation.hpp), over each engine there is.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "unit/store/engines.hpp"
#include "unit/store/store_driver.hpp"

namespace giromq::store::test {
namespace {

template <typename Engine>
class BranchTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(BranchTest<Engine>);
    CPPUNIT_TEST(a_prepared_put_is_invisible_and_reserved_until_its_branch_is_committed);
    CPPUNIT_TEST(puts_take_their_places_when_the_branch_is_committed);
    CPPUNIT_TEST(a_put_of_a_branch_that_is_rolled_back_goes_with_its_chunks);
    CPPUNIT_TEST(chunks_of_a_prepared_put_survive_a_restart);
    CPPUNIT_TEST(the_message_of_a_put_is_read_by_its_number);
    CPPUNIT_TEST(a_get_is_locked_until_the_commit_removes_it);
    CPPUNIT_TEST(a_get_that_is_rolled_back_returns_to_its_place_with_its_count_raised);
    CPPUNIT_TEST(a_get_that_was_released_in_the_branch_returns_with_the_commit);
    CPPUNIT_TEST(a_get_that_was_rejected_in_the_branch_moves_with_the_commit);
    CPPUNIT_TEST(what_an_entry_counts_is_known_after_a_restart_whatever_its_branch_does_with_it);
    CPPUNIT_TEST(a_move_that_is_rolled_back_leaves_the_message_where_it_was);
    CPPUNIT_TEST(a_purge_neither_removes_nor_counts_what_a_branch_has_got);
    CPPUNIT_TEST(duplicate_ids_are_taken_with_the_commit_and_not_with_a_rollback);
    CPPUNIT_TEST(branches_come_back_after_a_restart_as_they_were_prepared);
    CPPUNIT_TEST(tombstones_come_back_in_order_until_forgotten);
    CPPUNIT_TEST(a_heuristic_decision_stays_until_it_is_forgotten);
    CPPUNIT_TEST(one_batch_prepares_and_completes_branches_in_order);
    CPPUNIT_TEST(a_damaged_entry_leaves_its_branch_and_the_branch_can_be_committed);
    CPPUNIT_TEST(what_breaks_a_promise_ends_the_process);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        engine_ = std::make_unique<Engine>();
        driver_ = std::make_unique<StoreDriver>(engine_->open());
        queue_ = driver_->create("payments");
    }
    void tearDown() override {
        driver_.reset();
        engine_.reset();
    }

    void a_prepared_put_is_invisible_and_reserved_until_its_branch_is_committed() {
        const auto branch = prepare_puts({"one", "two"});
        CPPUNIT_ASSERT(driver_->entries(queue_).empty());
        restart(false);
        driver_->maintain_all();
        CPPUNIT_ASSERT(driver_->entries(queue_).empty());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, stored().messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, stored().prepared_messages);
        CPPUNIT_ASSERT_EQUAL(bytes_of(driver_->recovered().puts), stored().prepared_bytes);
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 2)});
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "two"}), texts_of(driver_->entries(queue_)));
        restart(true);
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "two"}), texts_of(driver_->entries(queue_)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, stored().messages);
        CPPUNIT_ASSERT(stored().bytes > 0 && stored().prepared_messages == 0 && stored().prepared_bytes == 0);
        CPPUNIT_ASSERT(driver_->recovered().branches.empty() && driver_->recovered().puts.empty());
    }

    void puts_take_their_places_when_the_branch_is_committed() {
        const auto branch = prepare_puts({"prepared first"});
        driver_->commit(driver_->send(queue_, "sent meanwhile"));
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 1)});
        driver_->commit(driver_->send(queue_, "sent afterwards"));
        CPPUNIT_ASSERT_EQUAL(Texts({"sent meanwhile", "prepared first", "sent afterwards"}), texts_of(driver_->entries(queue_)));
    }

    void a_put_of_a_branch_that_is_rolled_back_goes_with_its_chunks() {
        const auto [branch, number] = prepare_chunked();
        driver_->commit({driver_->complete(branch, BranchOutcome::rolled_back, 1)});
        driver_->maintain_all();
        CPPUNIT_ASSERT(driver_->entries(queue_).empty());
        CPPUNIT_ASSERT(driver_->store().chunk(number, 0).error().is(errc::not_found));
        restart(false);
        CPPUNIT_ASSERT(driver_->recovered().branches.empty() && driver_->recovered().puts.empty());
        CPPUNIT_ASSERT(stored().messages == 0 && stored().prepared_messages == 0 && stored().prepared_bytes == 0);
        // The row is gone, so the number is free as far as the store knows.
        auto again = std::make_shared<Message>(text_message("again"));
        again->number = number;
        driver_->commit({PutMessage{again}});
    }

    void chunks_of_a_prepared_put_survive_a_restart() {
        const auto [branch, number] = prepare_chunked();
        restart(false);
        driver_->maintain_all();
        CPPUNIT_ASSERT(driver_->store().chunk(number, 1).ok());
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 1)});
        driver_->maintain_all();
        CPPUNIT_ASSERT(driver_->store().chunk(number, 1).ok());
        CPPUNIT_ASSERT(driver_->entries(queue_).front().message->chunk_count == 2);
    }

    void the_message_of_a_put_is_read_by_its_number() {
        const auto branch = prepare_puts({"one", "two"});
        restart(false);
        const auto& puts = driver_->recovered().puts;
        const auto number = puts.at(1).number;
        const auto read = driver_->store().message(number);
        CPPUNIT_ASSERT(read.ok() && (*read)->number == number);
        CPPUNIT_ASSERT_EQUAL(std::string("two"), text_of(**read));
        engine_->damage(puts.at(0).number);
        CPPUNIT_ASSERT(driver_->store().message(puts.at(0).number).error().is(errc::damaged));
        driver_->commit({driver_->complete(branch, BranchOutcome::rolled_back, 2)});
        CPPUNIT_ASSERT(driver_->store().message(number).error().is(errc::not_found));
    }

    void a_get_is_locked_until_the_commit_removes_it() {
        send({"one", "two"});
        const auto entry = driver_->entries(queue_).front();
        const auto branch = prepare_get(entry);
        for (const bool restarts : {false, true}) {
            if (restarts) restart(false);
            const auto entries = driver_->entries(queue_);
            CPPUNIT_ASSERT_EQUAL(Texts({"one", "two"}), texts_of(entries));
            CPPUNIT_ASSERT(entries[0].locked_by == branch && entries[1].locked_by == BranchId{});
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->recovered().gets.size());
        const auto& get = driver_->recovered().gets.front();
        CPPUNIT_ASSERT(get.branch == branch && get.key == entry.key && get.number == entry.number);
        CPPUNIT_ASSERT(get.message_bytes == entry.message_bytes && get.outcome == GetOutcome::removed);
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 0)});
        CPPUNIT_ASSERT_EQUAL(Texts({"two"}), texts_of(driver_->entries(queue_)));
        restart(false);
        CPPUNIT_ASSERT_EQUAL(Texts({"two"}), texts_of(driver_->entries(queue_)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, stored().messages);
        CPPUNIT_ASSERT(driver_->recovered().gets.empty());
    }

    void a_get_that_is_rolled_back_returns_to_its_place_with_its_count_raised() {
        send({"one", "two"});
        driver_->commit({SetDeliveryCount{driver_->entries(queue_).front().key, 3}});
        const auto branch = prepare_get(driver_->entries(queue_).front());
        restart(false);
        driver_->commit({driver_->complete(branch, BranchOutcome::rolled_back, 0)});
        const auto entries = driver_->entries(queue_);
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "two"}), texts_of(entries));
        CPPUNIT_ASSERT_EQUAL(4U, entries[0].delivery_count);
        CPPUNIT_ASSERT(entries[0].locked_by == BranchId{});
        CPPUNIT_ASSERT_EQUAL(0U, entries[1].delivery_count);
        driver_->commit({StoreDriver::removal_of(entries[0])});
    }

    void what_an_entry_counts_is_known_after_a_restart_whatever_its_branch_does_with_it() {
        struct Case {
            GetOutcome outcome;
            std::uint32_t after_commit;
        };
        for (const auto& [outcome, after_commit] :
             {Case{GetOutcome::removed, 3}, Case{GetOutcome::returned, 3}, Case{GetOutcome::returned, 4}, Case{GetOutcome::moved, 4}}) {
            send({"one"});
            driver_->commit({SetDeliveryCount{driver_->entries(queue_).front().key, 3}});
            const auto batch = driver_->prepare(0, 1);
            auto get = StoreDriver::prepare_get(batch.branch, driver_->entries(queue_).front(), outcome);
            get.delivery_count = after_commit;
            get.failed_deliveries = 3;
            driver_->commit({batch, get});
            restart(false);
            CPPUNIT_ASSERT_EQUAL(3U, driver_->recovered().gets.front().failed_deliveries);
            driver_->commit({driver_->complete(batch.branch, BranchOutcome::rolled_back, 0)});
            driver_->commit({StoreDriver::removal_of(driver_->entries(queue_).front())});
        }
    }

    void a_get_that_was_released_in_the_branch_returns_with_the_commit() {
        send({"one"});
        const auto batch = driver_->prepare(0, 1);
        auto get = StoreDriver::prepare_get(batch.branch, driver_->entries(queue_).front(), GetOutcome::returned);
        get.delivery_count = 7;
        driver_->commit({batch, get});
        restart(false);
        CPPUNIT_ASSERT(driver_->recovered().gets.front().outcome == GetOutcome::returned);
        driver_->commit({driver_->complete(batch.branch, BranchOutcome::committed, 0)});
        const auto entries = driver_->entries(queue_);
        CPPUNIT_ASSERT_EQUAL(Texts({"one"}), texts_of(entries));
        CPPUNIT_ASSERT(entries[0].delivery_count == 7 && entries[0].locked_by == BranchId{});
    }

    void a_get_that_was_rejected_in_the_branch_moves_with_the_commit() {
        const auto dead_letters = driver_->create("DLQ");
        const auto branch = prepare_move(dead_letters);
        CPPUNIT_ASSERT(driver_->entries(dead_letters).empty());
        restart(false);
        const auto& put = driver_->recovered().puts.front();
        CPPUNIT_ASSERT(put.is_moved && put.dead_letter != nullptr && put.dead_letter->cause == "rejected");
        CPPUNIT_ASSERT(put.dead_letter->origin == "payments" && put.dead_letter->delivery_count == 2);
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 1)});
        CPPUNIT_ASSERT(driver_->entries(queue_).empty());
        const auto moved = driver_->entries(dead_letters);
        CPPUNIT_ASSERT_EQUAL(Texts({"rejected one"}), texts_of(moved));
        CPPUNIT_ASSERT(moved.front().dead_letter != nullptr && moved.front().dead_letter->description == "no such account");
        restart(false);
        CPPUNIT_ASSERT_EQUAL(Texts({"rejected one"}), texts_of(driver_->entries(dead_letters)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, stored().messages);
    }

    void a_move_that_is_rolled_back_leaves_the_message_where_it_was() {
        const auto dead_letters = driver_->create("DLQ");
        const auto branch = prepare_move(dead_letters);
        driver_->commit({driver_->complete(branch, BranchOutcome::rolled_back, 1)});
        restart(false);
        CPPUNIT_ASSERT(driver_->entries(dead_letters).empty());
        const auto entries = driver_->entries(queue_);
        CPPUNIT_ASSERT_EQUAL(Texts({"rejected one"}), texts_of(entries));
        CPPUNIT_ASSERT(entries[0].delivery_count == 1 && entries[0].dead_letter == nullptr && entries[0].locked_by == BranchId{});
    }

    void a_purge_neither_removes_nor_counts_what_a_branch_has_got() {
        send({"one", "two", "three"});
        const auto branch = prepare_get(driver_->entries(queue_)[1]);
        const auto purged = driver_->commit({PurgeEntries{queue_, Position{1000}, 2, {}}}).purged;
        CPPUNIT_ASSERT(purged.size() == 1 && purged[0].entries == 2);
        CPPUNIT_ASSERT_EQUAL(Texts({"two"}), texts_of(driver_->entries(queue_)));
        const auto nothing = driver_->commit({PurgeEntries{queue_, Position{1000}, 1000, {}}}).purged;
        CPPUNIT_ASSERT(nothing.size() == 1 && nothing[0].entries == 0 && nothing[0].bytes == 0);
        driver_->commit({driver_->complete(branch, BranchOutcome::rolled_back, 0)});
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, driver_->commit({PurgeEntries{queue_, Position{1000}, 1000, {}}}).purged.front().entries);
    }

    void duplicate_ids_are_taken_with_the_commit_and_not_with_a_rollback() {
        const auto prepare = [&](const std::string& id) {
            auto batch = driver_->prepare(1, 0);
            auto operations = driver_->prepare_put(batch.branch, 0, queue_, "text of " + id);
            auto& put = std::get<PreparePut>(operations.back());
            put.duplicate_id = id;
            put.producer = "producer of " + id;
            put.sequence = 17;
            operations.insert(operations.begin(), batch);
            driver_->commit(std::move(operations));
            return batch.branch;
        };
        const auto kept = prepare("kept");
        const auto given_back = prepare("given back");
        restart(false);
        CPPUNIT_ASSERT(driver_->recovered().duplicate_ids.empty());
        const auto& puts = driver_->recovered().puts;
        CPPUNIT_ASSERT(puts.size() == 2 && puts[0].duplicate_id == "kept" && puts[0].producer == "producer of kept");
        CPPUNIT_ASSERT(puts[0].sequence == 17 && puts[1].duplicate_id == "given back");
        driver_->commit({driver_->complete(kept, BranchOutcome::committed, 1)});
        driver_->commit({driver_->complete(given_back, BranchOutcome::rolled_back, 1)});
        restart(false);
        const auto& ids = driver_->recovered().duplicate_ids;
        CPPUNIT_ASSERT(ids.size() == 1 && ids[0].id == "kept" && ids[0].destination == queue_);
        CPPUNIT_ASSERT(ids[0].position == driver_->entries(queue_).front().key.position);
        CPPUNIT_ASSERT(ids[0].time == Timestamp{1'700'000'003'000});
    }

    void branches_come_back_after_a_restart_as_they_were_prepared() {
        const auto other = driver_->create("other");
        send({"got"});
        const auto first = driver_->prepare(2, 1);
        std::vector<Operation> batch{first};
        batch += driver_->prepare_put(first.branch, 0, other, "zero");
        batch += driver_->prepare_put(first.branch, 1, queue_, "one");
        auto& due = std::get<PreparePut>(batch.back());
        due.due_at = Timestamp{1'800'000'000'000};
        batch.emplace_back(StoreDriver::prepare_get(first.branch, driver_->entries(queue_).front()));
        driver_->commit(std::move(batch));
        const auto second = driver_->prepare(0, 0);
        driver_->commit({second});
        restart(false);
        const auto& found = driver_->recovered();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, found.branches.size());
        CPPUNIT_ASSERT(found.branches[0].branch == first.branch && found.branches[0].xid == first.xid);
        CPPUNIT_ASSERT(found.branches[0].owner == "ledger" && found.branches[0].prepared_at == first.prepared_at);
        CPPUNIT_ASSERT(found.branches[0].puts == 2 && found.branches[0].gets == 1 && found.branches[0].bytes == 200);
        CPPUNIT_ASSERT(!found.branches[0].heuristic && found.branches[1].xid == second.xid);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, found.puts.size());
        CPPUNIT_ASSERT(found.puts[0].branch == first.branch && found.puts[0].destination == other && found.puts[0].index == 0);
        CPPUNIT_ASSERT(found.puts[1].destination == queue_ && found.puts[1].index == 1 &&
                       found.puts[1].due_at.milliseconds == 1'800'000'000'000);
        CPPUNIT_ASSERT(!found.puts[1].is_moved && found.puts[1].dead_letter == nullptr && found.puts[1].duplicate_id.empty());
        CPPUNIT_ASSERT(found.gets.size() == 1 && found.gets[0].branch == first.branch);
        CPPUNIT_ASSERT(found.tombstones.empty());
    }

    void tombstones_come_back_in_order_until_forgotten() {
        const auto committed = prepare_puts({"one"});
        const auto rolled_back = prepare_puts({"two"});
        driver_->commit({driver_->complete(committed, BranchOutcome::committed, 1)});
        driver_->commit({driver_->complete(rolled_back, BranchOutcome::rolled_back, 1)});
        // What was committed in one phase never had a row.
        const Position last{driver_->next_position++};
        driver_->commit({PutTombstone{last, StoreDriver::xid_of(999), BranchOutcome::committed, Timestamp{5}}});
        restart(false);
        const auto& found = driver_->recovered().tombstones;
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, found.size());
        CPPUNIT_ASSERT(found[0].xid == StoreDriver::xid_of(committed.value) && found[0].outcome == BranchOutcome::committed);
        CPPUNIT_ASSERT(found[0].resolved_at == Timestamp{1'700'000'003'000});
        CPPUNIT_ASSERT(found[1].xid == StoreDriver::xid_of(rolled_back.value) && found[1].outcome == BranchOutcome::rolled_back);
        CPPUNIT_ASSERT(found[2].xid == StoreDriver::xid_of(999) && found[2].position == last);
        driver_->commit({ForgetTombstones{last}});
        restart(true);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->recovered().tombstones.size());
        CPPUNIT_ASSERT(driver_->recovered().tombstones.front().position == last);
    }

    void a_heuristic_decision_stays_until_it_is_forgotten() {
        for (const auto outcome : {BranchOutcome::committed, BranchOutcome::rolled_back}) {
            const auto branch = prepare_puts({"decided"});
            auto decide = driver_->complete(branch, outcome, 1);
            decide.decision = BranchDecision{"alice", "the manager is lost"};
            driver_->commit({decide, PutAudit{Timestamp{7}, "alice", "transaction.commit", "1:01:02", "done", "the manager is lost"}});
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->entries(queue_).size());
            restart(false);
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->recovered().branches.size());
            const auto& found = driver_->recovered().branches.front();
            CPPUNIT_ASSERT(found.branch == branch && found.heuristic == outcome && found.decided_at == decide.time);
            CPPUNIT_ASSERT(found.decision == *decide.decision && found.puts == 1);
            CPPUNIT_ASSERT(driver_->recovered().puts.empty());
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, driver_->recovered().tombstones.size());
            driver_->commit({ForgetBranch{branch}});
            restart(true);
            CPPUNIT_ASSERT(driver_->recovered().branches.empty() && driver_->recovered().tombstones.empty());
            CPPUNIT_ASSERT_EQUAL(Texts({"decided"}), texts_of(driver_->entries(queue_)));
        }
    }

    void one_batch_prepares_and_completes_branches_in_order() {
        send({"got"});
        const auto first = driver_->prepare(1, 1);
        std::vector<Operation> batch{first};
        batch += driver_->prepare_put(first.branch, 0, queue_, "put");
        batch.emplace_back(StoreDriver::prepare_get(first.branch, driver_->entries(queue_).front()));
        batch.emplace_back(driver_->complete(first.branch, BranchOutcome::committed, 1));
        const auto second = driver_->prepare(1, 0);
        batch.emplace_back(second);
        batch += driver_->prepare_put(second.branch, 0, queue_, "never seen");
        batch.emplace_back(driver_->complete(second.branch, BranchOutcome::rolled_back, 1));
        driver_->commit(std::move(batch));
        CPPUNIT_ASSERT_EQUAL(Texts({"put"}), texts_of(driver_->entries(queue_)));
        restart(false);
        CPPUNIT_ASSERT(driver_->recovered().branches.empty());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, stored().messages);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, driver_->recovered().tombstones.size());
    }

    void a_damaged_entry_leaves_its_branch_and_the_branch_can_be_committed() {
        const auto dead_letters = driver_->create("DLQ");
        const auto branch = prepare_move(dead_letters);
        const auto entry = driver_->entries(queue_).front();
        driver_->commit({QuarantineEntry{.key = entry.key,
                                         .number = entry.number,
                                         .message_bytes = entry.message_bytes,
                                         .is_volatile = false,
                                         .reason = "a test",
                                         .time = Timestamp{5}}});
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->recovered().branches.size());
        CPPUNIT_ASSERT(driver_->recovered().gets.empty() && driver_->recovered().puts.empty());
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 1)});
        restart(false);
        CPPUNIT_ASSERT(driver_->entries(queue_).empty() && driver_->entries(dead_letters).empty());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, stored().messages);
    }

    void what_breaks_a_promise_ends_the_process() {
        send({"got", "free"});
        const auto entries = driver_->entries(queue_);
        const auto branch = prepare_get(entries[0]);
        const auto other = driver_->prepare(1, 1);
        const auto with_put = [&](DestinationId destination, std::uint32_t index, BranchId id) {
            std::vector<Operation> batch{other};
            batch += driver_->prepare_put(id, index, destination, "put");
            return batch;
        };
        CPPUNIT_ASSERT(aborts({StoreDriver::removal_of(entries[0])}));
        CPPUNIT_ASSERT(aborts({other, StoreDriver::prepare_get(other.branch, entries[0])}));
        CPPUNIT_ASSERT(aborts({StoreDriver::prepare_get(BranchId{9999}, entries[1])}));
        CPPUNIT_ASSERT(aborts({other, other}));
        CPPUNIT_ASSERT(aborts(with_put(DestinationId{99}, 0, other.branch)));
        CPPUNIT_ASSERT(aborts(with_put(queue_, 0, BranchId{9999})));
        auto twice = with_put(queue_, 0, other.branch);
        twice += driver_->prepare_put(other.branch, 0, queue_, "put");
        CPPUNIT_ASSERT(aborts(std::move(twice)));
        CPPUNIT_ASSERT(aborts({driver_->complete(BranchId{9999}, BranchOutcome::committed, 0)}));
        CPPUNIT_ASSERT(aborts({ForgetBranch{branch}}));
        const auto empty = driver_->create("empty");
        auto reserved = with_put(empty, 0, other.branch);
        reserved.emplace_back(CloseDestination{empty});
        reserved.emplace_back(RemoveDestination{empty});
        CPPUNIT_ASSERT(aborts(std::move(reserved)));
        auto decide = driver_->complete(branch, BranchOutcome::committed, 0);
        decide.decision = BranchDecision{"alice", "because"};
        driver_->commit({decide});
        CPPUNIT_ASSERT(aborts({driver_->complete(branch, BranchOutcome::committed, 0)}));
        // None of it has changed anything.
        CPPUNIT_ASSERT_EQUAL(Texts({"free"}), texts_of(driver_->entries(queue_)));
        driver_->commit({ForgetBranch{branch}});
    }

private:
    void restart(bool cleanly) {
        if (cleanly) driver_->release();
        driver_.reset();
        driver_ = std::make_unique<StoreDriver>(engine_->open());
    }

    StoredDestination stored() {
        for (const auto& destination : driver_->recovered().destinations) {
            if (destination.id == queue_) return destination;
        }
        CPPUNIT_FAIL("the queue is gone");
        return {};
    }

    static std::uint64_t bytes_of(const std::vector<PreparePut>& puts) {
        std::uint64_t bytes = 0;
        for (const auto& put : puts) bytes += put.message_bytes;
        return bytes;
    }

    void send(const Texts& texts) {
        for (const auto& text : texts) driver_->commit(driver_->send(queue_, text));
    }

    BranchId prepare_puts(const Texts& texts) {
        const auto branch = driver_->prepare(texts.size(), 0);
        std::vector<Operation> batch{branch};
        std::uint32_t index = 0;
        for (const auto& text : texts) batch += driver_->prepare_put(branch.branch, index++, queue_, text);
        driver_->commit(std::move(batch));
        return branch.branch;
    }

    BranchId prepare_get(const StoredEntry& entry) {
        const auto branch = driver_->prepare(0, 1);
        driver_->commit({branch, StoreDriver::prepare_get(branch.branch, entry)});
        return branch.branch;
    }

    /// A put of two chunks.
    std::pair<BranchId, MessageNumber> prepare_chunked() {
        const auto branch = driver_->prepare(1, 0);
        auto message = std::make_shared<Message>(text_message("head"));
        message->number = MessageNumber{driver_->next_message++};
        message->chunk_count = 2;
        for (std::uint32_t index = 0; index < 2; ++index) {
            driver_->commit({PutChunk{message->number, index, SharedBytes::copy_of(std::string(3000, 'x'))}});
            message->chunked_bytes += 3000;
        }
        PreparePut put;
        put.branch = branch.branch;
        put.destination = queue_;
        put.number = message->number;
        put.message_bytes = message->size();
        driver_->commit({branch, PutMessage{message}, put});
        return {branch.branch, message->number};
    }

    /// A message is got and rejected in a branch: it will move to the dead-letter queue.
    BranchId prepare_move(DestinationId dead_letters) {
        send({"rejected one"});
        const auto entry = driver_->entries(queue_).front();
        const auto branch = driver_->prepare(0, 1);
        PreparePut put;
        put.branch = branch.branch;
        put.destination = dead_letters;
        put.number = entry.number;
        put.message_bytes = entry.message_bytes;
        put.is_moved = true;
        auto reason = std::make_shared<DeadLetter>();
        reason->cause = "rejected";
        reason->description = "no such account";
        reason->origin = "payments";
        reason->delivery_count = 2;
        put.dead_letter = reason;
        driver_->commit({branch, StoreDriver::prepare_get(branch.branch, entry, GetOutcome::moved), put});
        return branch.branch;
    }

    /// True if committing the operations ends the process. Tried in a child, which never gets as far as COMMIT then.
    bool aborts(std::vector<Operation> operations) {
        std::fflush(nullptr);
        const pid_t child = ::fork();
        CPPUNIT_ASSERT(child >= 0);
        if (child == 0) {
            ::close(STDERR_FILENO);
            ::signal(SIGABRT, SIG_DFL);
            driver_->store().commit(driver_->lease(), BatchNumber{driver_->store().last_batch().value().value + 1},
                                    Batch{std::move(operations), {}, {}, {}}, [](BatchResult) { ::_exit(0); });
            ::_exit(0);
        }
        int status = 0;
        CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
        return WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT;
    }

    std::unique_ptr<Engine> engine_;
    std::unique_ptr<StoreDriver> driver_;
    DestinationId queue_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(BranchTest<MemoryEngine>);
CPPUNIT_TEST_SUITE_REGISTRATION(BranchTest<SqliteEngine>);

}  // namespace
}  // namespace giromq::store::test
