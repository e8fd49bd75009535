// One bit of a file turns over while the broker is stopped: whatever it is, it is found, or it does no harm.
#include <cppunit/extensions/HelperMacros.h>

#include <fstream>
#include <map>

#include "fault/support.hpp"

namespace giromq::store::test {
namespace {

constexpr std::uint64_t flips_of_a_run = 250;
constexpr std::uint64_t flips_of_a_long_run = 5000;

void flip_bit(const std::string& path, std::uint64_t bit) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(static_cast<std::streamoff>(bit / 8));
    const auto byte = static_cast<unsigned>(file.get());
    file.seekp(static_cast<std::streamoff>(bit / 8));
    file.put(static_cast<char>(byte ^ (1U << (bit % 8))));
    CPPUNIT_ASSERT(file.good());
}

class DamageTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(DamageTest);
    CPPUNIT_TEST(no_bit_of_the_store_delivers_what_was_not_sent);
    CPPUNIT_TEST(no_bit_of_the_log_loses_more_than_a_torn_write_can);
    CPPUNIT_TEST(a_commit_lost_from_the_middle_of_the_log_is_found);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        seed_ = random_seed();
        dice_.seed(seed_);
        origin_ = std::make_unique<TemporaryFolder>(quick_folder());
    }
    void tearDown() override { origin_.reset(); }

    void no_bit_of_the_store_delivers_what_was_not_sent() {
        make_store(true);
        const auto bits = std::filesystem::file_size(data() + "/giromq.db") * 8;
        run_all([&] { return std::pair("/giromq.db", any(bits)); }, [this](const std::string& copy) { return use(copy); });
    }

    void no_bit_of_the_log_loses_more_than_a_torn_write_can() {
        make_store(false);
        const auto bits = log_end() * 8;
        run_all([&] { return std::pair("/giromq.db-wal", any(bits)); }, [this](const std::string& copy) { return start(copy); });
    }

    void a_commit_lost_from_the_middle_of_the_log_is_found() {
        make_store(false);
        const QuietStandardError quiet;
        for (const std::uint64_t offset : {std::uint64_t{0}, std::uint64_t{20}, std::uint64_t{40}, std::uint64_t{5000}, log_end() / 2}) {
            const TemporaryFolder folder(quick_folder());
            const auto copy = copy_to(folder);
            flip_bit(copy + "/giromq.db-wal", offset * 8 + 3);
            const auto opened = open_sqlite_store(small_settings(copy), clock_);
            CPPUNIT_ASSERT(!opened.ok() && opened.error().is(errc::damaged));
            CPPUNIT_ASSERT(check(copy).error().is(errc::damaged));
            CPPUNIT_ASSERT(backup_sqlite_store(copy, copy + "/copy", [](const std::string&) {}).error().is(errc::damaged));
        }
    }

private:
    using Queue = std::map<Position, StoredEntry>;
    using State = std::map<DestinationId, Queue>;

    static Result<void> check(const std::string& directory) {
        return check_sqlite_store(directory, [](const std::string&) {});
    }
    std::string data() const { return origin_->path() + "/data"; }
    std::uint64_t any(std::uint64_t bound) { return std::uniform_int_distribution<std::uint64_t>(0, bound - 1)(dice_); }

    std::string copy_to(const TemporaryFolder& folder) const {
        const auto copy = folder.path() + "/data";
        std::filesystem::copy(data(), copy);
        return copy;
    }

    /// Where the frames of the log end; zeros follow.
    std::uint64_t log_end() const {
        std::ifstream file(data() + "/giromq.db-wal", std::ios::binary);
        const std::string content((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
        return content.find_last_not_of('\0') + 1;
    }

    /// A store with something of everything in its log or, after a clean end, in its file.
    void make_store(bool cleanly) {
        const QuietStandardError quiet;
        auto settings = small_settings(data());
        // Nothing is copied before its end.
        settings.wal_bytes = settings.checkpoint_bytes = 4u << 20;
        states_.clear();
        StoreDriver driver(must_open(settings, clock_));
        DestinationId queues[2] = {driver.create("payments.in"), driver.create("payments.status")};
        states_[driver.store().last_batch().value()] = state_of(driver, queues);
        for (int index = 0; index < 70; ++index) {
            const auto queue = queues[any(2)];
            if (index % 10 == 9) {
                put_large(driver, queue);
            } else {
                driver.commit(driver.send(queue, std::string(1 + any(index % 4 == 0 ? 3000 : 200), static_cast<char>('a' + index % 26))));
            }
            if (index % 7 == 6) take_or_move(driver, queues);
            states_[driver.store().last_batch().value()] = state_of(driver, queues);
        }
        if (cleanly) driver.release();
    }

    static State state_of(StoreDriver& driver, const DestinationId (&queues)[2]) {
        State state;
        for (const auto queue : queues) {
            for (auto& entry : driver.entries(queue)) {
                const auto position = entry.key.position;
                state[queue].emplace(position, std::move(entry));
            }
        }
        return state;
    }

    static void put_large(StoreDriver& driver, DestinationId queue) {
        auto message = std::make_shared<Message>(text_message("head"));
        message->number = MessageNumber{driver.next_message++};
        message->chunk_count = 2;
        for (std::uint32_t index = 0; index < 2; ++index) {
            const auto bytes = chunk_of(message->number, index);
            message->chunked_bytes += bytes.size();
            driver.commit({PutChunk{message->number, index, bytes}});
        }
        const EntryKey key{.destination = queue, .position = Position{driver.next_position++}};
        driver.commit({PutMessage{message}, put_entry(key, message->number, message->size())});
    }
    static SharedBytes chunk_of(MessageNumber number, std::uint32_t index) {
        return SharedBytes::copy_of(std::string(2000, static_cast<char>('A' + (number.value + index) % 26)));
    }

    static void take_or_move(StoreDriver& driver, const DestinationId (&queues)[2]) {
        const auto entries = driver.entries(queues[0]);
        if (entries.size() < 2) return;
        driver.commit({StoreDriver::removal_of(entries[0])});
        auto put = put_entry({.destination = queues[1], .position = Position{driver.next_position++}}, entries[1].number,
                             entries[1].message_bytes);
        auto reason = std::make_shared<DeadLetter>();
        reason->cause = "rejected";
        put.dead_letter = reason;
        driver.commit({StoreDriver::removal_of(entries[1], false), put});
    }

    template <typename Choose, typename Try>
    void run_all(Choose choose, Try attempt) {
        const auto count = is_long_run() ? flips_of_a_long_run : flips_of_a_run;
        for (std::uint64_t index = 0; index < count; ++index) {
            const auto [file, bit] = choose();
            const TemporaryFolder folder(quick_folder());
            const auto copy = copy_to(folder);
            flip_bit(copy + file, bit);
            std::string wrong;
            {
                const QuietStandardError quiet;
                wrong = attempt(copy);
            }
            CPPUNIT_ASSERT_MESSAGE("GIROMQ_TEST_SEED=" + std::to_string(seed_) + ", bit " + std::to_string(bit % 8) + " of byte " +
                                       std::to_string(bit / 8) + " of " + file + ": " + wrong,
                                   wrong.empty());
        }
    }

    /// Opens a damaged store; nothing if it says itself that it cannot be used.
    std::unique_ptr<Store> open_damaged(const std::string& directory, Lease& lease) {
        auto opened = open_sqlite_store(small_settings(directory), clock_);
        if (!opened.ok()) return nullptr;
        const auto acquired = (*opened)->acquire();
        Recovered recovered;
        if (!acquired.ok() || !(*opened)->recover(recovered).ok()) return nullptr;
        lease = *acquired;
        return std::move(opened).value();
    }

    /// The life of a broker over a damaged file. Everything it would deliver is as it was sent, at its place, once; what it would not
    /// deliver was reported, or is by the check.
    std::string use(const std::string& directory) {
        bool reported = false;
        State seen;
        {
            Lease lease;
            const auto store = open_damaged(directory, lease);
            if (store == nullptr) return {};
            for (const auto& [id, queue] : states_.rbegin()->second) {
                if (auto wrong = read(*store, lease, id, queue, seen[id], reported); !wrong.empty()) return wrong;
            }
            if (auto wrong = acknowledge(*store, lease, seen); !wrong.empty()) return wrong;
        }
        std::size_t expected = 0;
        std::size_t found = 0;
        for (const auto& [id, queue] : states_.rbegin()->second) expected += queue.size(), found += seen[id].size();
        if (found == expected || reported || !check(directory).ok()) return {};
        return std::to_string(expected - found) + " messages are missing, and nothing was said";
    }

    std::string read(Store& store, const Lease& lease, DestinationId id, const Queue& sent, Queue& seen, bool& reported) {
        Position after;
        for (int pages = 0; pages < 1000; ++pages) {
            auto page = store.page(id, after, {.entries = 20, .bytes = 1u << 20});
            if (!page.ok()) {
                reported = true;
                return {};
            }
            for (auto& entry : page->entries) {
                if (entry.key.position <= after) return "out of order";
                after = entry.key.position;
                if (entry.message == nullptr) {
                    reported = true;
                    quarantine(store, lease, entry);
                    continue;
                }
                const auto expected = sent.find(after);
                if (expected == sent.end()) return "position " + std::to_string(after.value) + " was never given";
                if (auto wrong = compare(store, *expected, entry, reported); !wrong.empty()) return wrong;
                seen.emplace(after, std::move(entry));
            }
            if (page->end) return {};
        }
        return "the pages do not end";
    }

    static std::string compare(Store& store, const std::pair<const Position, StoredEntry>& sent, const StoredEntry& entry, bool& reported) {
        const auto where = "position " + std::to_string(sent.first.value) + ": ";
        const auto& message = *sent.second.message;
        if (entry.number != sent.second.number) return where + "another message";
        if (entry.message->bare.view() != message.bare.view()) return where + "other bytes";
        if (entry.delivery_count != sent.second.delivery_count) return where + "another delivery count";
        if (entry.message->chunk_count != message.chunk_count) return where + "another number of chunks";
        for (std::uint32_t index = 0; index < message.chunk_count; ++index) {
            const auto chunk = store.chunk(entry.number, index);
            if (!chunk.ok()) {
                reported = true;
            } else if (chunk->view() != chunk_of(entry.number, index).view()) {
                return where + "another chunk";
            }
        }
        return {};
    }

    static std::uint64_t next_batch(Store& store) {
        const auto last = store.last_batch();
        return last.ok() ? last->value + 1 : 0;
    }

    /// May be refused, if SQLite cannot write what it cannot read; then it is tried again, and nothing of it is delivered meanwhile.
    static void quarantine(Store& store, const Lease& lease, const StoredEntry& entry) {
        Batch batch;
        batch.operations.emplace_back(QuarantineEntry{.key = entry.key,
                                                      .number = entry.number,
                                                      .message_bytes = entry.message_bytes,
                                                      .is_volatile = entry.is_volatile,
                                                      .reason = entry.damage,
                                                      .time = Timestamp{1}});
        if (const auto number = next_batch(store); number != 0) static_cast<void>(commit(store, lease, number, batch));
    }

    static std::string acknowledge(Store& store, const Lease& lease, const State& seen) {
        for (const auto& [id, queue] : seen) {
            for (const auto& [position, entry] : queue) {
                Batch batch;
                batch.operations.emplace_back(StoreDriver::removal_of(entry));
                const auto number = next_batch(store);
                if (number == 0) return {};
                const auto result = commit(store, lease, number, batch);
                if (result.outcome == CommitOutcome::in_doubt) return "in doubt: " + result.error.to_string();
            }
        }
        return {};
    }

    /// Damage in the log: the store says so, or holds one of its last states, whole.
    std::string start(const std::string& directory) {
        Lease lease;
        const auto store = open_damaged(directory, lease);
        if (store == nullptr) return {};
        const auto last = store->last_batch();
        const auto newest = states_.rbegin()->first;
        if (!last.ok()) return {};
        // The last state is made by up to three commits, and the last two of them may have been torn writes.
        if (last->value + 2 < newest.value) return std::to_string(newest.value - last->value) + " commits are lost, and nothing was said";
        const auto expected = states_.find(*last);
        if (expected == states_.end()) return {};
        for (const auto& [id, queue] : expected->second) {
            const auto page = store->page(id, Position{}, {.entries = 1000, .bytes = 1u << 30});
            if (!page.ok()) return page.error().to_string();
            if (page->entries.size() != queue.size()) return "another number of messages";
            auto sent = queue.begin();
            bool reported = false;
            for (const auto& entry : page->entries) {
                if (entry.message == nullptr) return entry.damage;
                if (entry.key.position != sent->first) return "another position";
                if (auto wrong = compare(*store, *sent++, entry, reported); !wrong.empty() || reported) return "reported, " + wrong;
            }
        }
        return {};
    }

    std::uint32_t seed_ = 0;
    std::mt19937 dice_;
    giromq::test::ManualClock clock_;
    std::unique_ptr<TemporaryFolder> origin_;
    std::map<BatchNumber, State> states_;
};

CPPUNIT_TEST_SUITE_REGISTRATION(DamageTest);

}  // namespace
}  // namespace giromq::store::test
