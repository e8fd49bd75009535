// What every engine of the store must do (store.hpp), over each engine there is.
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>

#include "unit/store/engines.hpp"
#include "unit/store/store_driver.hpp"

namespace giromq::store::test {
namespace {

template <typename Engine>
class ConformanceTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConformanceTest<Engine>);
    CPPUNIT_TEST(committed_messages_are_read_in_order);
    CPPUNIT_TEST(messages_keep_every_byte_and_fact_over_a_restart);
    CPPUNIT_TEST(a_page_begins_after_its_position_and_ends_at_its_limits);
    CPPUNIT_TEST(a_page_holds_at_least_one_entry);
    CPPUNIT_TEST(a_page_names_its_snapshot);
    CPPUNIT_TEST(a_removed_entry_takes_its_message_with_it);
    CPPUNIT_TEST(a_message_moves_with_its_dead_letter);
    CPPUNIT_TEST(delivery_counts_are_kept);
    CPPUNIT_TEST(counters_count_persistent_entries_only);
    CPPUNIT_TEST(volatile_entries_are_gone_after_a_restart);
    CPPUNIT_TEST(temporary_destinations_need_no_row);
    CPPUNIT_TEST(settings_of_destinations_come_back);
    CPPUNIT_TEST(closing_destinations_are_reported_until_removed);
    CPPUNIT_TEST(the_horizon_marks_what_an_unclean_stop_may_have_delivered);
    CPPUNIT_TEST(a_clean_stop_forgets_the_horizon_and_keeps_the_mark);
    CPPUNIT_TEST(a_horizon_that_stays_outlives_a_clean_stop);
    CPPUNIT_TEST(the_mark_never_covers_positions_that_were_not_given);
    CPPUNIT_TEST(purge_removes_the_lowest_up_to_its_limit_save_the_kept);
    CPPUNIT_TEST(chunks_are_read_back_and_go_with_their_message);
    CPPUNIT_TEST(chunks_without_a_message_go_after_a_restart);
    CPPUNIT_TEST(dropped_chunks_go_while_the_store_runs);
    CPPUNIT_TEST(a_damaged_message_is_reported_and_quarantined);
    CPPUNIT_TEST(the_last_state_of_a_producer_wins);
    CPPUNIT_TEST(a_sequence_is_taken_beside_what_is_known_of_its_producer);
    CPPUNIT_TEST(duplicate_ids_come_back_in_order_until_forgotten);
    CPPUNIT_TEST(users_come_back_as_they_were);
    CPPUNIT_TEST(permissions_come_back_as_they_were);
    CPPUNIT_TEST(named_selectors_come_back_as_they_were);
    CPPUNIT_TEST(batches_of_an_old_epoch_are_refused);
    CPPUNIT_TEST(a_store_keeps_its_name_over_restarts);
    CPPUNIT_TEST(the_counters_never_go_back);
    CPPUNIT_TEST(what_the_core_must_not_stage_ends_the_process);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        engine_ = std::make_unique<Engine>();
        driver_ = std::make_unique<StoreDriver>(engine_->open());
    }
    void tearDown() override {
        driver_.reset();
        engine_.reset();
    }

    void committed_messages_are_read_in_order() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        auto batch = driver_->send(queue, "two");
        batch += driver_->send(queue, "three");
        driver_->commit(std::move(batch));
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "two", "three"}), texts_of(driver_->entries(queue)));
        restart(false);
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "two", "three"}), texts_of(driver_->entries(queue)));
    }

    void messages_keep_every_byte_and_fact_over_a_restart() {
        const auto queue = driver_->create("payments");
        auto message = std::make_shared<Message>(text_message(std::string(70000, 'x'), "ID:1"));
        message->number = MessageNumber{driver_->next_message++};
        message->priority = 7;
        message->expires_at = Timestamp{1'900'000'000'001};
        message->due_at = Timestamp{1'800'000'000'002};
        std::vector<std::uint8_t> annotations{0x00, 0x53, 0x72, 0xc1, 0x01, 0x00};
        message->annotations = SharedBytes::copy_of(annotations);
        const EntryKey key{.destination = queue, .position = Position{driver_->next_position++}};
        driver_->commit({PutMessage{message}, PutEntry{.key = key,
                                                       .number = message->number,
                                                       .message_bytes = message->size(),
                                                       .delivery_count = 3,
                                                       .due_at = message->due_at,
                                                       .is_volatile = false,
                                                       .dead_letter = nullptr}});
        restart(true);
        const auto entries = driver_->entries(queue);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, entries.size());
        const auto& entry = entries.front();
        CPPUNIT_ASSERT(entry.key == key && entry.number == message->number && entry.due_at == message->due_at);
        CPPUNIT_ASSERT_EQUAL(3U, entry.delivery_count);
        CPPUNIT_ASSERT_EQUAL(message->size(), entry.message_bytes);
        CPPUNIT_ASSERT(entry.message != nullptr && !entry.is_volatile && entry.dead_letter == nullptr && entry.damage.empty());
        const Message& stored = *entry.message;
        CPPUNIT_ASSERT(stored.bare.view() == message->bare.view() && stored.annotations.view() == message->annotations.view());
        CPPUNIT_ASSERT(stored.number == message->number && stored.durable && stored.priority == 7);
        CPPUNIT_ASSERT(stored.arrived_at == message->arrived_at && stored.expires_at == message->expires_at);
        CPPUNIT_ASSERT(stored.due_at == message->due_at && stored.chunk_count == 0 && stored.chunked_bytes == 0);
    }

    void a_page_begins_after_its_position_and_ends_at_its_limits() {
        const auto queue = driver_->create("payments");
        std::vector<Operation> batch;
        for (int index = 0; index < 10; ++index) batch += driver_->send(queue, std::string(1000, static_cast<char>('a' + index)));
        driver_->commit(std::move(batch));
        const auto all = driver_->page(queue);
        CPPUNIT_ASSERT(all.end && all.entries.size() == 10);
        const auto first = driver_->page(queue, Position{}, {.entries = 4, .bytes = 1 << 20});
        CPPUNIT_ASSERT(!first.end && first.entries.size() == 4);
        const auto second = driver_->page(queue, first.entries.back().key.position, {.entries = 6, .bytes = 1 << 20});
        CPPUNIT_ASSERT(second.end && second.entries.size() == 6);
        CPPUNIT_ASSERT(second.entries.front().key.position == all.entries[4].key.position);
        const auto third = driver_->page(queue, Position{}, {.entries = 100, .bytes = 3500});
        CPPUNIT_ASSERT(!third.end && third.entries.size() >= 3 && third.entries.size() <= 4);
        const auto behind = driver_->page(queue, all.entries.back().key.position);
        CPPUNIT_ASSERT(behind.end && behind.entries.empty());
    }

    void a_page_holds_at_least_one_entry() {
        const auto queue = driver_->create("payments");
        auto batch = driver_->send(queue, std::string(5000, 'x'));
        batch += driver_->send(queue, "y");
        driver_->commit(std::move(batch));
        const auto page = driver_->page(queue, Position{}, {.entries = 0, .bytes = 1});
        CPPUNIT_ASSERT(!page.end && page.entries.size() == 1);
    }

    void a_page_names_its_snapshot() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        const auto page = driver_->page(queue);
        CPPUNIT_ASSERT(page.snapshot == driver_->store().last_batch().value());
        CPPUNIT_ASSERT(page.next_position == Position{driver_->next_position});
        driver_->commit({});
        CPPUNIT_ASSERT_EQUAL(page.snapshot.value + 1, driver_->page(queue).snapshot.value);
        const auto nowhere = driver_->page(DestinationId{77});
        CPPUNIT_ASSERT(nowhere.end && nowhere.entries.empty());
    }

    void a_removed_entry_takes_its_message_with_it() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        driver_->commit(driver_->send(queue, "two"));
        const auto entries = driver_->entries(queue);
        driver_->commit({StoreDriver::removal_of(entries[0])});
        CPPUNIT_ASSERT_EQUAL(Texts({"two"}), texts_of(driver_->entries(queue)));
        restart(false);
        CPPUNIT_ASSERT_EQUAL(Texts({"two"}), texts_of(driver_->entries(queue)));
        // Its number is free as far as the store knows, so the row is gone.
        auto again = std::make_shared<Message>(text_message("again"));
        again->number = entries[0].number;
        driver_->commit({PutMessage{again}});
    }

    void a_message_moves_with_its_dead_letter() {
        const auto queue = driver_->create("payments");
        const auto dead_letters = driver_->create("DLQ");
        driver_->commit(driver_->send(queue, "one"));
        const auto entry = driver_->entries(queue).front();
        auto reason = std::make_shared<DeadLetter>();
        reason->cause = "rejected";
        reason->description = "amqp:not-allowed: no such account";
        reason->origin = "payments";
        reason->delivery_count = 2;
        reason->time = Timestamp{1'700'000'001'000};
        const EntryKey key{.destination = dead_letters, .position = Position{driver_->next_position++}};
        driver_->commit({StoreDriver::removal_of(entry, false), PutEntry{.key = key,
                                                                         .number = entry.number,
                                                                         .message_bytes = entry.message_bytes,
                                                                         .delivery_count = 0,
                                                                         .due_at = {},
                                                                         .is_volatile = false,
                                                                         .dead_letter = reason}});
        restart(false);
        CPPUNIT_ASSERT(driver_->entries(queue).empty());
        const auto moved = driver_->entries(dead_letters);
        CPPUNIT_ASSERT_EQUAL(Texts({"one"}), texts_of(moved));
        const auto& found = moved.front().dead_letter;
        CPPUNIT_ASSERT(found != nullptr && found->cause == reason->cause && found->description == reason->description);
        CPPUNIT_ASSERT(found->origin == "payments" && found->delivery_count == 2 && found->time == reason->time);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, stored("DLQ").messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, stored("payments").messages);
        driver_->commit({StoreDriver::removal_of(moved.front())});
        CPPUNIT_ASSERT(driver_->entries(dead_letters).empty());
    }

    void delivery_counts_are_kept() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        driver_->commit(driver_->send(queue, "two", true));
        auto entries = driver_->entries(queue);
        driver_->commit({SetDeliveryCount{entries[0].key, 4}, SetDeliveryCount{entries[1].key, 5}});
        entries = driver_->entries(queue);
        CPPUNIT_ASSERT_EQUAL(4U, entries[0].delivery_count);
        CPPUNIT_ASSERT_EQUAL(5U, entries[1].delivery_count);
        restart(false);
        CPPUNIT_ASSERT_EQUAL(4U, driver_->entries(queue).front().delivery_count);
    }

    void counters_count_persistent_entries_only() {
        const auto queue = driver_->create("payments");
        for (const bool is_volatile : {false, true, false}) driver_->commit(driver_->send(queue, "four", is_volatile));
        const auto entries = driver_->entries(queue);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, entries.size());
        CPPUNIT_ASSERT(entries[1].is_volatile);
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, stored("payments").messages);
        CPPUNIT_ASSERT_EQUAL(2 * entries[0].message_bytes, stored("payments").bytes);
        driver_->commit({StoreDriver::removal_of(entries[0])});
        restart(true);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, stored("payments").messages);
        CPPUNIT_ASSERT_EQUAL(entries[2].message_bytes, stored("payments").bytes);
    }

    void volatile_entries_are_gone_after_a_restart() {
        for (const bool cleanly : {true, false}) {
            const auto queue = driver_->create(cleanly ? "one" : "two");
            driver_->commit(driver_->send(queue, "stays"));
            driver_->commit(driver_->send(queue, "goes", true));
            driver_->commit(driver_->send(queue, "stays too"));
            CPPUNIT_ASSERT_EQUAL(Texts({"stays", "goes", "stays too"}), texts_of(driver_->entries(queue)));
            restart(cleanly);
            CPPUNIT_ASSERT_EQUAL(Texts({"stays", "stays too"}), texts_of(driver_->entries(queue)));
            driver_->maintain_all();
            CPPUNIT_ASSERT_EQUAL(Texts({"stays", "stays too"}), texts_of(driver_->entries(queue)));
        }
    }

    void temporary_destinations_need_no_row() {
        const DestinationId temporary{driver_->next_destination++};
        auto batch = driver_->send(temporary, "one", true);
        batch += driver_->send(temporary, "two", true);
        batch.emplace_back(PutDuplicateId{temporary, Position{1}, "a", Timestamp{1}});
        driver_->commit(std::move(batch));
        const auto entries = driver_->entries(temporary);
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "two"}), texts_of(entries));
        driver_->commit({StoreDriver::removal_of(entries[0])});
        const auto purged = driver_->commit({PurgeEntries{temporary, Position{1000}, 1000, {}}}).purged;
        CPPUNIT_ASSERT(purged.size() == 1 && purged[0].entries == 1 && purged[0].bytes == entries[1].message_bytes);
        restart(false);
        CPPUNIT_ASSERT(driver_->recovered().destinations.empty());
        CPPUNIT_ASSERT(driver_->recovered().duplicate_ids.empty());
        CPPUNIT_ASSERT(driver_->recovered().next_destination == DestinationId{driver_->next_destination});
    }

    void settings_of_destinations_come_back() {
        PutDestination put;
        put.id = DestinationId{driver_->next_destination++};
        put.created_at = Timestamp{1'700'000'000'123};
        put.settings = {.name = "zahlungen/ä",
                        .kind = DestinationKind::topic,
                        .origin = DestinationOrigin::automatic,
                        .max_deliveries = 3,
                        .dead_letter_queue = "other",
                        .max_messages = 1'000'000'000'000,
                        .max_bytes = 9,
                        .overflow = OverflowPolicy::hold,
                        .duplicate_ids_max = 77,
                        .duplicate_ids_age = std::chrono::milliseconds(123456),
                        .strict = true};
        driver_->commit({put});
        driver_->commit(driver_->send(put.id, "one"));
        restart(false);
        auto found = stored("zahlungen/ä");
        CPPUNIT_ASSERT(found.settings == put.settings && found.created_at == put.created_at && found.id == put.id && !found.closing);
        put.settings.max_deliveries = 4;
        put.settings.overflow = OverflowPolicy::refuse;
        put.settings.strict = false;
        driver_->commit({put});
        restart(true);
        found = stored("zahlungen/ä");
        CPPUNIT_ASSERT(found.settings == put.settings);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, found.messages);
    }

    void closing_destinations_are_reported_until_removed() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        driver_->commit({PutDuplicateId{queue, Position{1}, "a", Timestamp{1}}, CloseDestination{queue}});
        restart(false);
        CPPUNIT_ASSERT(stored("payments").closing);
        driver_->commit({PurgeEntries{queue, Position{100}, 1000, {}}, RemoveDestination{queue}});
        restart(false);
        CPPUNIT_ASSERT(driver_->recovered().destinations.empty());
        CPPUNIT_ASSERT(driver_->recovered().duplicate_ids.empty());
        driver_->create("payments");
    }

    void the_horizon_marks_what_an_unclean_stop_may_have_delivered() {
        const auto queue = driver_->create("payments");
        driver_->next_position = 5000;
        driver_->commit({SetHorizon{queue, Position{1000}}, SetHorizon{queue, Position{900}}});
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, stored("payments").crash_horizon.value);
        // A later one that does not reach as far takes nothing back.
        driver_->commit({SetHorizon{queue, Position{500}}});
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, stored("payments").crash_horizon.value);
        driver_->commit({SetHorizon{queue, Position{2000}}});
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2000}, stored("payments").crash_horizon.value);
    }

    void a_clean_stop_forgets_the_horizon_and_keeps_the_mark() {
        const auto queue = driver_->create("payments");
        driver_->next_position = 5000;
        driver_->commit({SetHorizon{queue, Position{1000}}});
        restart(true);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, stored("payments").crash_horizon.value);
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, stored("payments").crash_horizon.value);
        driver_->commit({SetHorizon{queue, Position{1500}}});
        restart(false);
        restart(true);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1500}, stored("payments").crash_horizon.value);
    }

    void a_horizon_that_stays_outlives_a_clean_stop() {
        const auto queue = driver_->create("payments");
        driver_->next_position = 5000;
        driver_->commit({SetHorizon{queue, Position{3000}}, SetHorizon{queue, Position{70}, true}, SetHorizon{queue, Position{60}, true}});
        restart(true);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{70}, stored("payments").crash_horizon.value);
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{70}, stored("payments").crash_horizon.value);
    }

    void the_mark_never_covers_positions_that_were_not_given() {
        const auto queue = driver_->create("payments");
        driver_->next_position = 500;
        driver_->commit({SetHorizon{queue, Position{1400}}});
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{500}, stored("payments").crash_horizon.value);
        // Nor later, when the positions have been given to messages that nobody has seen.
        driver_->next_position = 2000;
        driver_->commit({SetHorizon{queue, Position{3}}});
        restart(true);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{500}, stored("payments").crash_horizon.value);
    }

    void purge_removes_the_lowest_up_to_its_limit_save_the_kept() {
        const auto queue = driver_->create("payments");
        std::vector<Operation> batch;
        for (int index = 0; index < 8; ++index)
            batch += driver_->send(queue, std::string(1, static_cast<char>('a' + index)), index % 3 == 1);
        driver_->commit(std::move(batch));
        const auto entries = driver_->entries(queue);
        const std::vector<Position> kept{entries[0].key.position, entries[2].key.position};
        const auto first = driver_->commit({PurgeEntries{queue, entries[6].key.position, 3, kept}}).purged;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, first.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, first[0].entries);
        CPPUNIT_ASSERT_EQUAL(3 * entries[0].message_bytes, first[0].bytes);
        CPPUNIT_ASSERT_EQUAL(Texts({"a", "c", "f", "g", "h"}), texts_of(driver_->entries(queue)));
        const auto second =
            driver_->commit({PurgeEntries{queue, entries[6].key.position, 3, kept}, PurgeEntries{queue, Position{1}, 9, kept}});
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, second.purged.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, second.purged[0].entries);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, second.purged[1].entries);
        CPPUNIT_ASSERT_EQUAL(Texts({"a", "c", "h"}), texts_of(driver_->entries(queue)));
        restart(false);
        CPPUNIT_ASSERT_EQUAL(Texts({"a", "c"}), texts_of(driver_->entries(queue)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, stored("payments").messages);
    }

    void chunks_are_read_back_and_go_with_their_message() {
        const auto queue = driver_->create("payments");
        const auto entry = put_chunked(queue, 3);
        restart(false);
        driver_->maintain_all();
        for (std::uint32_t index = 0; index < 3; ++index) {
            const auto chunk = driver_->store().chunk(entry.number, index);
            CPPUNIT_ASSERT(chunk.ok() && chunk->view() == chunk_text(index));
        }
        CPPUNIT_ASSERT(driver_->store().chunk(entry.number, 3).error().is(errc::not_found));
        const auto read = driver_->entries(queue).front();
        CPPUNIT_ASSERT_EQUAL(3U, read.message->chunk_count);
        CPPUNIT_ASSERT_EQUAL(entry.message_bytes, read.message->size());
        driver_->commit({StoreDriver::removal_of(read)});
        driver_->maintain_all();
        CPPUNIT_ASSERT(driver_->store().chunk(entry.number, 0).error().is(errc::not_found));
    }

    void chunks_without_a_message_go_after_a_restart() {
        const auto queue = driver_->create("payments");
        const MessageNumber abandoned{driver_->next_message++};
        driver_->commit({PutChunk{abandoned, 0, SharedBytes::copy_of("zero")}, PutChunk{abandoned, 1, SharedBytes::copy_of("one")}});
        const auto kept = put_chunked(queue, 2);
        driver_->maintain_all();
        // The message may still come: nothing of this run is taken away.
        CPPUNIT_ASSERT(driver_->store().chunk(abandoned, 1).ok());
        restart(false);
        const MessageNumber uploading{driver_->next_message++};
        driver_->commit({PutChunk{uploading, 0, SharedBytes::copy_of("zero")}});
        driver_->maintain_all();
        CPPUNIT_ASSERT(driver_->store().chunk(abandoned, 0).error().is(errc::not_found));
        CPPUNIT_ASSERT(driver_->store().chunk(abandoned, 1).error().is(errc::not_found));
        CPPUNIT_ASSERT(driver_->store().chunk(kept.number, 1).ok());
        CPPUNIT_ASSERT(driver_->store().chunk(uploading, 0).ok());
    }

    void dropped_chunks_go_while_the_store_runs() {
        const auto queue = driver_->create("payments");
        const MessageNumber abandoned{driver_->next_message++};
        std::vector<Operation> upload;
        for (std::uint32_t index = 0; index < 20; ++index) upload.emplace_back(PutChunk{abandoned, index, SharedBytes::copy_of("part")});
        driver_->commit(std::move(upload));
        const auto kept = put_chunked(queue, 2);
        driver_->commit({DropChunks{abandoned}});
        driver_->maintain_all();
        for (std::uint32_t index = 0; index < 20; ++index) {
            CPPUNIT_ASSERT(driver_->store().chunk(abandoned, index).error().is(errc::not_found));
        }
        CPPUNIT_ASSERT(driver_->store().chunk(kept.number, 1).ok());
    }

    void a_damaged_message_is_reported_and_quarantined() {
        const auto queue = driver_->create("payments");
        for (const auto* const text : {"one", "two", "three"}) driver_->commit(driver_->send(queue, text));
        const auto damaged = driver_->entries(queue)[1];
        engine_->damage(damaged.number);
        const auto entries = driver_->entries(queue);
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "(damaged)", "three"}), texts_of(entries));
        CPPUNIT_ASSERT(!entries[1].damage.empty() && entries[0].damage.empty());
        driver_->commit({QuarantineEntry{.key = damaged.key,
                                         .number = damaged.number,
                                         .message_bytes = damaged.message_bytes,
                                         .is_volatile = false,
                                         .reason = entries[1].damage,
                                         .time = Timestamp{5}}});
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "three"}), texts_of(driver_->entries(queue)));
        restart(false);
        driver_->maintain_all();
        CPPUNIT_ASSERT_EQUAL(Texts({"one", "three"}), texts_of(driver_->entries(queue)));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, stored("payments").messages);
    }

    void the_last_state_of_a_producer_wins() {
        const auto row = [](const std::string& name, std::uint64_t high_water, std::int64_t time) {
            PutProducer put;
            put.producer = name;
            put.high_water = high_water;
            put.window.assign(128, static_cast<std::uint8_t>(high_water));
            put.last_used = Timestamp{time};
            return put;
        };
        driver_->commit({row("a", 1, 1), row("b", 2, 2), row("c", 3, 3), row("a", 4, 4)});
        driver_->commit({row("b", 5, 5), RemoveProducer{"c"}, RemoveProducer{"never there"}, row("d", 6, 6), RemoveProducer{"d"}});
        restart(false);
        const auto& found = driver_->recovered().producers;
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, found.size());
        CPPUNIT_ASSERT(found[0].producer == "a" && found[0].high_water == 4 && found[0].last_used == Timestamp{4});
        CPPUNIT_ASSERT(found[1].producer == "b" && found[1].high_water == 5);
        CPPUNIT_ASSERT(found[1].window == std::vector<std::uint8_t>(128, 5));
    }

    void a_sequence_is_taken_beside_what_is_known_of_its_producer() {
        const auto seen = [this] {
            restart(false);
            std::string text;
            for (const auto& row : driver_->recovered().producers) {
                text += row.producer + " " + std::to_string(row.high_water) + ":";
                for (std::uint64_t sequence = 0; sequence < 1024; ++sequence) {
                    if ((row.window.at(sequence / 8) >> (sequence % 8) & 1U) != 0) text += " " + std::to_string(sequence);
                }
                text += "; ";
            }
            return text;
        };
        const auto take = [](const std::string& name, std::uint64_t sequence) { return TakeSequence{name, sequence, Timestamp{1}}; };
        driver_->commit({take("a", 1), take("a", 3)});
        driver_->commit({take("a", 2)});
        CPPUNIT_ASSERT_EQUAL(std::string("a 3: 1 2 3; "), seen());
        // Behind a row of the same batch, which may be gone.
        PutProducer row;
        row.producer = "a";
        row.high_water = 7;
        row.window.assign(128, 0);
        row.window[0] = 0x80;
        driver_->commit({row, take("a", 5)});
        CPPUNIT_ASSERT_EQUAL(std::string("a 7: 5 7; "), seen());
        driver_->commit({take("a", 1030), take("a", 6)});
        CPPUNIT_ASSERT_EQUAL(std::string("a 1030: 6 7; "), seen());
        driver_->commit({take("a", 7), RemoveProducer{"a"}, take("a", 4)});
        CPPUNIT_ASSERT_EQUAL(std::string("a 4: 4; "), seen());
        driver_->commit({take("a", 5000)});
        driver_->commit({take("a", 3976), take("a", 3977)});
        CPPUNIT_ASSERT_EQUAL(std::string("a 5000: 904 905; "), seen());
    }

    void duplicate_ids_come_back_in_order_until_forgotten() {
        const auto queue = driver_->create("payments");
        const auto other = driver_->create("other");
        driver_->commit({PutDuplicateId{queue, Position{1}, "z", Timestamp{1}}, PutDuplicateId{queue, Position{2}, "a", Timestamp{2}}});
        driver_->commit({PutDuplicateId{queue, Position{3}, "m", Timestamp{3}}, PutDuplicateId{other, Position{4}, "z", Timestamp{4}}});
        restart(false);
        CPPUNIT_ASSERT_EQUAL(Texts({"z", "a", "m"}), ids_of(queue));
        CPPUNIT_ASSERT_EQUAL(Texts({"z"}), ids_of(other));
        driver_->commit({ForgetDuplicateIds{queue, Position{3}}});
        restart(true);
        CPPUNIT_ASSERT_EQUAL(Texts({"m"}), ids_of(queue));
        CPPUNIT_ASSERT_EQUAL(Texts({"z"}), ids_of(other));
    }

    void users_come_back_as_they_were() {
        User user;
        user.name = "ledger";
        user.role = Role::administrator;
        user.salt = {1, 2, 3};
        user.iterations = 10000;
        user.stored_key.fill(7);
        user.server_key.fill(9);
        driver_->commit({PutUser{user}});
        user.iterations = 20000;
        User other;
        other.name = "batch";
        driver_->commit({PutUser{user}, PutUser{other}});
        driver_->commit({RemoveUser{"batch"}, RemoveUser{"never there"}});
        restart(false);
        const auto& users = driver_->recovered().users;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, users.size());
        CPPUNIT_ASSERT(users[0].name == "ledger" && users[0].role == Role::administrator && users[0].salt == user.salt);
        CPPUNIT_ASSERT(users[0].iterations == 20000 && users[0].stored_key == user.stored_key && users[0].server_key == user.server_key);
    }

    void permissions_come_back_as_they_were() {
        const Permission all{1, GranteeKind::role, "application", "#", {Action::send, Action::read_body}, Timestamp{5}, "ann"};
        Permission one{2, GranteeKind::user, "ledger", "payments.*", {Action::receive}, {}, "bob"};
        const Permission gone{3, GranteeKind::user, "batch", "x", {Action::purge}, Timestamp{6}, "ann"};
        driver_->commit({PutPermission{all}, PutPermission{one}, PutPermission{gone}});
        one.pattern = "payments.#";
        driver_->commit({PutPermission{one}, RemovePermission{99}});
        driver_->commit({RemoveUser{"batch"}});
        restart(false);
        CPPUNIT_ASSERT((driver_->recovered().permissions == std::vector{all, one}));
        driver_->commit({RemovePermission{1}, RemoveUser{"application"}});
        restart(true);
        CPPUNIT_ASSERT((driver_->recovered().permissions == std::vector{one}));
    }

    void named_selectors_come_back_as_they_were() {
        const std::string text = "name = 'Zo\xC3\xAB ''x'''\n\tOR \xE2\x82\xAC = 1\n";
        driver_->commit({PutSelector{{"large", "amount > 1", Timestamp{5}}}, PutSelector{{"b", "a = 1", Timestamp{6}}}});
        driver_->commit({PutSelector{{"large", text, Timestamp{7}}}, PutSelector{{"a", "a = 2", {}}}});
        driver_->commit({RemoveSelector{"b"}, RemoveSelector{"never there"}});
        restart(false);
        const auto& selectors = driver_->recovered().selectors;
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, selectors.size());
        CPPUNIT_ASSERT(selectors[0].name == "a" && selectors[0].text == "a = 2" && !selectors[0].changed_at.is_set());
        CPPUNIT_ASSERT(selectors[1].name == "large" && selectors[1].text == text && selectors[1].changed_at == Timestamp{7});
    }

    void batches_of_an_old_epoch_are_refused() {
        const auto queue = driver_->create("payments");
        const auto newer = driver_->store().acquire();
        CPPUNIT_ASSERT(newer.ok() && newer->epoch > driver_->lease().epoch);
        const auto result = driver_->try_commit(driver_->send(queue, "late"));
        CPPUNIT_ASSERT(result.outcome == CommitOutcome::not_applied);
        CPPUNIT_ASSERT(result.error.is(errc::lost_lease));
        CPPUNIT_ASSERT(driver_->entries(queue).empty());
        CPPUNIT_ASSERT(driver_->store().release(driver_->lease()).error().is(errc::lost_lease));
    }

    void a_store_keeps_its_name_over_restarts() {
        const auto before = driver_->store().instance().value();
        CPPUNIT_ASSERT_EQUAL(std::size_t{36}, before.size());
        restart(true);
        CPPUNIT_ASSERT_EQUAL(before, driver_->store().instance().value());
    }

    void the_counters_never_go_back() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        driver_->next_position = 5000;
        driver_->next_message = 6000;
        driver_->commit({});
        driver_->next_position = 4000;
        driver_->commit({});
        const auto last = driver_->store().last_batch().value();
        restart(false);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5000}, driver_->recovered().next_position.value);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{6000}, driver_->recovered().next_message.value);
        CPPUNIT_ASSERT(driver_->store().last_batch().value() == last);
    }

    void what_the_core_must_not_stage_ends_the_process() {
        const auto queue = driver_->create("payments");
        driver_->commit(driver_->send(queue, "one"));
        const auto entry = driver_->entries(queue).front();
        auto wrong_number = StoreDriver::removal_of(entry);
        wrong_number.number = MessageNumber{99};
        auto wrong_table = StoreDriver::removal_of(entry);
        wrong_table.is_volatile = true;
        auto twice = std::make_shared<Message>(text_message("twice"));
        twice->number = entry.number;
        const auto same_place = put_entry(entry.key, entry.number, 1);
        const auto no_destination = put_entry({.destination = DestinationId{99}, .position = Position{99}}, entry.number, 1);
        CPPUNIT_ASSERT(aborts({wrong_number}));
        CPPUNIT_ASSERT(aborts({wrong_table}));
        CPPUNIT_ASSERT(aborts({StoreDriver::removal_of(entry), StoreDriver::removal_of(entry)}));
        CPPUNIT_ASSERT(aborts({PutMessage{twice}}));
        CPPUNIT_ASSERT(aborts({same_place}));
        CPPUNIT_ASSERT(aborts({no_destination}));
        CPPUNIT_ASSERT(aborts({SetDeliveryCount{{.destination = queue, .position = Position{99}}, 1}}));
        CPPUNIT_ASSERT(aborts({SetHorizon{DestinationId{99}, Position{1}}}));
        CPPUNIT_ASSERT(aborts({RemoveDestination{queue}}));
        driver_->commit({StoreDriver::removal_of(entry)});
    }

private:
    /// Ends the run, cleanly or not, and begins the next one.
    void restart(bool cleanly) {
        if (cleanly) driver_->release();
        driver_.reset();
        driver_ = std::make_unique<StoreDriver>(engine_->open());
    }

    StoredDestination stored(const std::string& name) {
        for (const auto& destination : driver_->recovered().destinations) {
            if (destination.settings.name == name) return destination;
        }
        CPPUNIT_FAIL("no destination " + name);
        return {};
    }

    Texts ids_of(DestinationId destination) {
        Texts ids;
        for (const auto& row : driver_->recovered().duplicate_ids) {
            if (row.destination == destination) ids.push_back(row.id);
        }
        return ids;
    }

    static std::string chunk_text(std::uint32_t index) { return std::string(3000, static_cast<char>('0' + index)); }

    PutEntry put_chunked(DestinationId queue, std::uint32_t chunks) {
        auto message = std::make_shared<Message>(text_message("head"));
        message->number = MessageNumber{driver_->next_message++};
        message->chunk_count = chunks;
        for (std::uint32_t index = 0; index < chunks; ++index) {
            driver_->commit({PutChunk{message->number, index, SharedBytes::copy_of(chunk_text(index))}});
            message->chunked_bytes += chunk_text(index).size();
        }
        const auto put =
            put_entry({.destination = queue, .position = Position{driver_->next_position++}}, message->number, message->size());
        driver_->commit({PutMessage{message}, put});
        return put;
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
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceTest<MemoryEngine>);
CPPUNIT_TEST_SUITE_REGISTRATION(ConformanceTest<SqliteEngine>);

}  // namespace
}  // namespace giromq::store::test
