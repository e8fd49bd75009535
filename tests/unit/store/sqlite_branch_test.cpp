// What only the SQLite engine has of transactions: rows that a person can read, the check, and stores of an older schema.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "security/audit_chain.hpp"
#include "store/sqlite/schema.hpp"
#include "unit/store/engines.hpp"
#include "unit/store/sqlite_tools.hpp"
#include "unit/store/store_driver.hpp"

namespace giromq::store::test {
namespace {

class SqliteBranchTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SqliteBranchTest);
    CPPUNIT_TEST(a_store_of_schema_1_is_brought_forward_with_all_it_holds);
    CPPUNIT_TEST(a_store_of_schema_2_is_brought_forward_with_its_branch);
    CPPUNIT_TEST(only_a_store_that_was_in_use_lets_applications_do_what_they_could);
    CPPUNIT_TEST(a_store_of_schema_3_keeps_its_audit);
    CPPUNIT_TEST(an_audit_of_an_earlier_schema_is_chained);
    CPPUNIT_TEST(an_auditor_can_read_what_a_branch_has_put_and_got);
    CPPUNIT_TEST(the_audit_can_only_grow);
    CPPUNIT_TEST(the_audit_is_read_as_it_was_written);
    CPPUNIT_TEST(a_look_at_a_long_audit_is_bounded);
    CPPUNIT_TEST(the_check_passes_over_branches);
    CPPUNIT_TEST(the_check_finds_what_is_wrong_with_branches);
    CPPUNIT_TEST(a_damaged_put_is_neither_committed_nor_rolled_back);
    CPPUNIT_TEST(a_store_with_a_damaged_branch_does_not_start);
    CPPUNIT_TEST(a_damaged_tombstone_is_passed_over);
    CPPUNIT_TEST(a_damaged_entry_is_not_made_right_by_a_rollback);
    CPPUNIT_TEST(a_backup_holds_the_branches);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        engine_ = std::make_unique<SqliteEngine>();
        open();
    }
    void tearDown() override {
        driver_.reset();
        engine_.reset();
    }

    void a_store_of_schema_1_is_brought_forward_with_all_it_holds() {
        driver_.reset();
        std::filesystem::remove_all(data());
        make_store_of_schema(1);
        CPPUNIT_ASSERT(check(data()).error().is(errc::invalid_argument));
        open();
        CPPUNIT_ASSERT_EQUAL(Lines({std::to_string(sqlite::newest_schema())}), query(database(), "PRAGMA user_version"));
        const auto& found = driver_->recovered();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, found.destinations.size());
        CPPUNIT_ASSERT(found.destinations[0].settings.name == "payments.in" && found.destinations[0].messages == 3);
        CPPUNIT_ASSERT(found.destinations[0].prepared_messages == 0 && found.destinations[0].crash_horizon == Position{4});
        CPPUNIT_ASSERT(found.next_position == Position{6} && found.next_message == MessageNumber{5});
        CPPUNIT_ASSERT(found.producers.size() == 1 && found.duplicate_ids.size() == 1 && found.users.size() == 1);
        CPPUNIT_ASSERT(found.branches.empty() && found.tombstones.empty());
        const auto entries = driver_->entries(found.destinations[0].id);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, entries.size());
        CPPUNIT_ASSERT_EQUAL(std::string("one"), text_of(*entries[0].message));
        CPPUNIT_ASSERT(entries[0].delivery_count == 2 && entries[0].locked_by == BranchId{});
        CPPUNIT_ASSERT(entries[2].message->chunk_count == 2 && driver_->store().chunk(entries[2].number, 1).ok());
        CPPUNIT_ASSERT(driver_->entries(found.destinations[1].id).front().dead_letter->cause == "rejected");
        const auto branch = prepare(found.destinations[0].id, entries[0]);
        driver_->maintain_all();
        driver_.reset();
        expect_sound(data());
        open();
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 1)});
        driver_->release();
        driver_.reset();
        expect_sound(data());
    }

    void a_store_of_schema_2_is_brought_forward_with_its_branch() {
        driver_.reset();
        std::filesystem::remove_all(data());
        make_store_of_schema(2);
        open();
        CPPUNIT_ASSERT_EQUAL(Lines({std::to_string(sqlite::newest_schema())}), query(database(), "PRAGMA user_version"));
        auto queue = driver_->recovered().destinations.at(0);
        CPPUNIT_ASSERT(!queue.settings.strict && queue.messages == 3 && queue.prepared_messages == 1);
        CPPUNIT_ASSERT(driver_->recovered().branches.size() == 1 && driver_->recovered().gets.size() == 1);
        CPPUNIT_ASSERT(driver_->entries(queue.id).front().locked_by == BranchId{6});
        queue.settings.strict = true;
        driver_->commit({PutDestination{queue.id, queue.settings, queue.created_at}});
        driver_->commit({driver_->complete(BranchId{6}, BranchOutcome::committed, 1)});
        driver_->release();
        driver_.reset();
        expect_sound(data());
        open();
        CPPUNIT_ASSERT(driver_->recovered().destinations.at(0).settings.strict);
        const auto entries = driver_->entries(queue.id);
        CPPUNIT_ASSERT(entries.size() == 3 && text_of(*entries.front().message) == "three" && text_of(*entries.back().message) == "put");
    }

    void a_store_of_schema_3_keeps_its_audit() {
        driver_.reset();
        std::filesystem::remove_all(data());
        make_store_of_schema(3);
        open();
        CPPUNIT_ASSERT(driver_->recovered().selectors.size() == 1 && driver_->recovered().destinations.at(0).settings.strict);
        CPPUNIT_ASSERT_EQUAL(Lines({"ann|transaction.commit|1:61:62|done", "bob|transaction.forget|1:61:62|done"}),
                             query(database(), "SELECT actor, action, subject, outcome FROM audit ORDER BY number"));
        driver_->release();
        driver_.reset();
        expect_sound(data());
    }

    void an_audit_of_an_earlier_schema_is_chained() {
        for (const int schema : {3, 4, 5}) {
            driver_.reset();
            std::filesystem::remove_all(data());
            make_store_of_schema(schema);
            open();
            CPPUNIT_ASSERT_EQUAL(Lines({std::to_string(sqlite::newest_schema())}), query(database(), "PRAGMA user_version"));
            driver_->commit({AuditEntry{Timestamp{7}, "ann", "queue.purge", "q"}});
            const auto records = driver_->store().audit({}).value().items;
            CPPUNIT_ASSERT(records.size() == 3 && records[1].entry.user == "bob" && records[1].entry.detail == "it was told");
            security::AuditVerifier verifier;
            for (const auto& record : records) verifier.look_at(record);
            verifier.finish();
            CPPUNIT_ASSERT(!verifier.finding().first_bad);
            CPPUNIT_ASSERT(is_refused("UPDATE audit SET actor = 'bob'"));
        }
        CPPUNIT_ASSERT(driver_->recovered().permissions.at(0).grantee == "ledger");
    }

    void only_a_store_that_was_in_use_lets_applications_do_what_they_could() {
        CPPUNIT_ASSERT_MESSAGE("a new one grants nothing", driver_->recovered().permissions.empty());
        for (const int schema : {1, 2, 3, 4}) {
            driver_.reset();
            std::filesystem::remove_all(data());
            make_store_of_schema(schema);
            open();
            const auto& permissions = driver_->recovered().permissions;
            CPPUNIT_ASSERT_EQUAL(std::size_t{1}, permissions.size());
            const auto& all = permissions[0];
            CPPUNIT_ASSERT(all.grantee_kind == GranteeKind::role && all.grantee == "application" && all.pattern == "#");
            CPPUNIT_ASSERT((all.actions == std::vector{Action::send, Action::receive, Action::browse, Action::read_body, Action::create}));
            CPPUNIT_ASSERT(all.created_by == "upgrade" && all.created_at.is_set());
        }
    }

    void an_auditor_can_read_what_a_branch_has_put_and_got() {
        const auto branch = prepare();
        CPPUNIT_ASSERT_EQUAL(Lines({"3|131077:67747269642d33:0062|prepared|ledger|1|1|2023-11-14T22:13:22.000Z|NULL"}),
                             query(database(), "SELECT number, xid, state, owner, puts, gets, prepared, decided FROM transaction_branch"));
        CPPUNIT_ASSERT_EQUAL(
            Lines({"get|payments|1", "put|payments|NULL"}),
            query(database(), "SELECT work, destination, position FROM transaction_message WHERE branch = 3 ORDER BY work"));
        CPPUNIT_ASSERT_EQUAL(Lines({"1|3", "2|NULL"}), query(database(), "SELECT position, CAST(lock AS TEXT) FROM entry"));
        auto decide = driver_->complete(branch, BranchOutcome::rolled_back, 1);
        decide.decision = BranchDecision{"alice", "the manager is lost"};
        driver_->commit({decide});
        CPPUNIT_ASSERT_EQUAL(Lines({"heuristically-rolled-back|2023-11-14T22:13:23.000Z|alice|the manager is lost"}),
                             query(database(), "SELECT state, decided, decided_by, reason FROM transaction_branch"));
    }

    void the_audit_can_only_grow() {
        driver_->commit({PutAudit{Timestamp{5}, "alice", "transaction.rollback", "1:01:", "done", "why"}, PutAudit{}});
        CPPUNIT_ASSERT_EQUAL(Lines({"1|5|alice|transaction.rollback|1:01:|done|why|32", "2|NULL||||done||32"}),
                             query(database(), "SELECT number, time, actor, action, subject, outcome, reason, length(hash) FROM audit"));
        CPPUNIT_ASSERT(is_refused("UPDATE audit SET actor = 'bob'"));
        CPPUNIT_ASSERT(is_refused("DELETE FROM audit WHERE number = 1"));
        driver_->release();
        driver_.reset();
        expect_sound(data());
        const std::string off = "DROP TRIGGER audit_is_never_changed; DROP TRIGGER audit_is_never_removed; ";
        CPPUNIT_ASSERT(finds(off + "UPDATE audit SET actor = 'bob' WHERE number = 1", "record 1 of the audit"));
        CPPUNIT_ASSERT(finds(off + "DELETE FROM audit WHERE number = 1", "record 2 of the audit"));
        CPPUNIT_ASSERT(finds(off + "DELETE FROM audit WHERE number = 2", "lost its last records"));
    }

    void the_audit_is_read_as_it_was_written() {
        AuditEntry entry{Timestamp{5}, "alice", "queue.purge", "q", "done", "why", "192.0.2.1:1", "http"};
        driver_->commit({entry});
        entry.user = "bob";
        entry.time = Timestamp{7};
        driver_->commit({entry, entry});
        const auto all = driver_->store().audit({}).value().items;
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, all.size());
        CPPUNIT_ASSERT(all[0].number == 3 && all[2].entry.peer == "192.0.2.1:1" && all[2].entry.protocol == "http");
        security::AuditVerifier verifier;
        for (const auto& record : all) verifier.look_at(record);
        verifier.finish();
        CPPUNIT_ASSERT(!verifier.finding().first_bad && verifier.finding().records == 3);
        AuditQuery query;
        query.user = "bob";
        query.before = 3;
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->store().audit(query).value().items.size());
        query = {};
        query.until = Timestamp{7};
        CPPUNIT_ASSERT(driver_->store().audit(query).value().items.at(0).number == 1);
    }

    void a_look_at_a_long_audit_is_bounded() {
        driver_->commit({AuditEntry{Timestamp{1}, "ann", "queue.purge", "q"}});
        std::vector<Operation> others(audit_look_max, AuditEntry{Timestamp{2}, "bob", "queue.pause", "q"});
        driver_->commit(std::move(others));
        AuditQuery query;
        query.action = "queue.purge";
        const auto nothing_yet = driver_->store().audit(query).value();
        CPPUNIT_ASSERT(nothing_yet.items.empty());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, nothing_yet.through);
        query.before = nothing_yet.through;
        const auto found = driver_->store().audit(query).value();
        CPPUNIT_ASSERT(found.items.size() == 1 && found.through == 0);
        query.action = "queue.";
        query.before = 0;
        query.limit = 3;
        const auto page = driver_->store().audit(query).value();
        CPPUNIT_ASSERT(page.items.size() == 3 && page.through == page.items.back().number);
    }

    void the_check_passes_over_branches() {
        const auto decided = prepare();
        prepare();
        auto decide = driver_->complete(decided, BranchOutcome::committed, 1);
        decide.decision = BranchDecision{"alice", "why"};
        driver_->commit({decide, PutTombstone{Position{driver_->next_position++}, StoreDriver::xid_of(77), BranchOutcome::committed, {}}});
        driver_.reset();
        expect_sound(data());
    }

    void the_check_finds_what_is_wrong_with_branches() {
        prepare();
        prepare();
        driver_->release();
        driver_.reset();
        CPPUNIT_ASSERT(finds("UPDATE destination SET prepared_bytes = prepared_bytes + 1", "reserves"));
        CPPUNIT_ASSERT(finds("UPDATE entry SET lock = NULL WHERE position = 1", "or its entry is not locked"));
        CPPUNIT_ASSERT(
            finds("UPDATE entry SET lock = CAST(99 AS BLOB) WHERE position = 1", "is locked by branch 99, which has not got it"));
        CPPUNIT_ASSERT(finds("UPDATE prepared_put SET destination = 99", "no destination"));
        CPPUNIT_ASSERT(finds("UPDATE prepared_put SET destination = 99", "prepared_put, branch 3: the checksum"));
        CPPUNIT_ASSERT(finds("UPDATE prepared_get SET message_bytes = 1", "prepared_get, branch 3: the checksum"));
        CPPUNIT_ASSERT(finds("UPDATE branch SET gtrid = x'01' WHERE number = 3", "branch, branch 3: the checksum"));
        CPPUNIT_ASSERT(finds("UPDATE branch SET gtrid = x'01'", "is that of another one"));
        CPPUNIT_ASSERT(finds("DELETE FROM branch WHERE number = 3", "or no prepared branch"));
        CPPUNIT_ASSERT(finds("DELETE FROM prepared_put", "is in no destination"));
        CPPUNIT_ASSERT(finds("UPDATE broker SET next_position = 4", "the counters of the broker are behind the rows"));
        expect_sound(data());
    }

    void a_damaged_put_is_neither_committed_nor_rolled_back() {
        const auto branch = prepare();
        query(database(), "UPDATE prepared_put SET message_bytes = message_bytes + 1");
        for (const auto outcome : {BranchOutcome::committed, BranchOutcome::rolled_back}) {
            const auto result = driver_->try_commit({driver_->complete(branch, outcome, 1)});
            CPPUNIT_ASSERT(result.outcome == CommitOutcome::not_applied && result.error.is(errc::damaged));
        }
        query(database(), "UPDATE prepared_put SET message_bytes = message_bytes - 1");
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 1)});
    }

    void a_store_with_a_damaged_branch_does_not_start() {
        prepare();
        driver_.reset();
        query(database(), "UPDATE branch SET gtrid = x'01'");
        const auto store = engine_->open();
        CPPUNIT_ASSERT(store->acquire().ok());
        Recovered recovered;
        const auto read = store->recover(recovered);
        CPPUNIT_ASSERT(!read.ok() && read.error().is(errc::damaged));
        CPPUNIT_ASSERT(recovered.branches.empty());
    }

    void a_damaged_tombstone_is_passed_over() {
        for (std::uint64_t number : {1U, 2U}) {
            const Position position{driver_->next_position++};
            driver_->commit({PutTombstone{position, StoreDriver::xid_of(number), BranchOutcome::committed, Timestamp{1}}});
        }
        driver_.reset();
        query(database(), "UPDATE tombstone SET outcome = 'committef' WHERE position = 1");
        open();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->recovered().tombstones.size());
        CPPUNIT_ASSERT(driver_->recovered().tombstones.front().xid == StoreDriver::xid_of(2));
    }

    void a_damaged_entry_is_not_made_right_by_a_rollback() {
        const auto branch = prepare();
        query(database(), "UPDATE entry SET delivery_count = 9 WHERE position = 1");
        driver_->commit({driver_->complete(branch, BranchOutcome::rolled_back, 1)});
        const auto entry = driver_->entries(DestinationId{1}).front();
        CPPUNIT_ASSERT(entry.message == nullptr && !entry.damage.empty());
    }

    void a_backup_holds_the_branches() {
        const auto branch = prepare();
        driver_->release();
        driver_.reset();
        const auto file = engine_->folder.path() + "/backup.db";
        CPPUNIT_ASSERT(backup_sqlite_store(data(), file, [](const std::string&) {}).ok());
        std::filesystem::remove_all(data());
        CPPUNIT_ASSERT(restore_sqlite_store(file, data()).ok());
        expect_sound(data());
        open();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, driver_->recovered().branches.size());
        CPPUNIT_ASSERT(driver_->entries(DestinationId{1}).front().locked_by == branch);
        driver_->commit({driver_->complete(branch, BranchOutcome::committed, 1)});
        CPPUNIT_ASSERT_EQUAL(Texts({"two", "put"}), texts_of(driver_->entries(DestinationId{1})));
    }

private:
    void open() { driver_ = std::make_unique<StoreDriver>(engine_->open()); }
    const std::string& data() const { return engine_->settings.directory; }
    std::string database() const { return data() + "/giromq.db"; }

    /// Schemas 1 and 2 are whole; each later file is what its schema added and wrote.
    void make_store_of_schema(int version) {
        std::filesystem::create_directory(data());
        std::filesystem::permissions(data(), std::filesystem::perms::owner_all);
        std::ofstream(database()).close();
        for (int number = std::min(version, 2); number <= version; ++number) {
            std::ostringstream sql;
            sql << std::ifstream(GIROMQ_SOURCE_DIR "/tests/unit/store/schema_" + std::to_string(number) + ".sql").rdbuf();
            query(database(), sql.str());
        }
    }

    /// A branch with one get and one put in the queue 1, which is made the first time with the messages one and two.
    BranchId prepare() {
        const DestinationId queue{1};
        if (driver_->next_destination == 1) {
            driver_->create("payments");
            for (const auto* const text : {"one", "two"}) driver_->commit(driver_->send(queue, text));
        }
        const auto entries = driver_->entries(queue);
        const auto is_free = [](const StoredEntry& entry) { return !entry.locked_by.is_set(); };
        return prepare(queue, *std::find_if(entries.begin(), entries.end(), is_free));
    }
    BranchId prepare(DestinationId queue, const StoredEntry& entry) {
        const auto branch = driver_->prepare(1, 1);
        std::vector<Operation> batch{branch, StoreDriver::prepare_get(branch.branch, entry)};
        batch += driver_->prepare_put(branch.branch, 0, queue, "put");
        driver_->commit(std::move(batch));
        return branch.branch;
    }

    bool is_refused(const std::string& sql) const {
        sqlite3* connection = nullptr;
        sqlite3_open_v2(database().c_str(), &connection, SQLITE_OPEN_READWRITE, nullptr);
        sqlite3_wal_autocheckpoint(connection, 0);
        const int code = sqlite3_exec(connection, sql.c_str(), nullptr, nullptr, nullptr);
        sqlite3_close(connection);
        return code == SQLITE_CONSTRAINT;
    }

    /// True if the check, over a copy of the store that `sql` has changed, says `sentence`.
    bool finds(const std::string& sql, const std::string& sentence) const {
        const TemporaryFolder copy;
        std::filesystem::copy_file(database(), copy.path() + "/giromq.db");
        std::filesystem::copy_file(database() + "-wal", copy.path() + "/giromq.db-wal");
        query(copy.path() + "/giromq.db", sql);
        const auto checked = check(copy.path());
        return !checked.ok() && checked.error().detail().find(sentence) != std::string::npos;
    }

    std::unique_ptr<SqliteEngine> engine_;
    std::unique_ptr<StoreDriver> driver_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(SqliteBranchTest);

}  // namespace
}  // namespace giromq::store::test
