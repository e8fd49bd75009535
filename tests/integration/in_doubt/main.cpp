// giromq_test_in_doubt DATA BRANCHES: makes a store with so many prepared branches, as if their transaction managers had gone. Each has got
// a message of the queue "taken" and put one into the queue "given". For the benchmark of a start, and for tests.

#include <algorithm>
#include <cstdint>
#include <iostream>
#include <memory>
#include <string>
#include <utility>

#include "store/sqlite/sqlite_store.hpp"

namespace giromq::test {
namespace {

constexpr DestinationId taken{1};
constexpr DestinationId given{2};
constexpr std::uint64_t branches_of_a_batch = 1000;

/// Properties with a message-id and a subject, then a body of data (AMQP 1.0 §3.2): every list and every string is short.
SharedBytes encoded(const std::string& id, std::size_t body_bytes) {
    const auto text = [](const std::string& value) { return std::string{'\xa1', static_cast<char>(value.size())} + value; };
    const auto fields = text(id) + "\x40\x40" + text("transfer");
    std::string bytes{'\0', '\x53', '\x73', '\xc0', static_cast<char>(fields.size() + 1), '\4'};
    bytes += fields;
    bytes += std::string{'\0', '\x53', '\x75', '\xa0', static_cast<char>(body_bytes)} + std::string(body_bytes, '.');
    return SharedBytes::copy_of(bytes);
}

class Writer {
public:
    Writer(store::Store& store, store::Lease lease, BatchNumber last, Timestamp now)
        : store_(store), lease_(lease), batch_number_(last), now_(now) {}

    void queue(DestinationId id, const std::string& name) {
        DestinationSettings settings;
        settings.name = name;
        batch_.operations.emplace_back(store::PutDestination{id, settings, now_});
    }

    void branch(std::uint64_t number) {
        const auto message = put_message("taken-" + std::to_string(number));
        const store::EntryKey key{.destination = taken, .position = Position{position_++}};
        batch_.operations.emplace_back(store::PutEntry{.key = key,
                                                       .number = message->number,
                                                       .message_bytes = message->size(),
                                                       .delivery_count = 0,
                                                       .due_at = {},
                                                       .is_volatile = false,
                                                       .dead_letter = nullptr});
        const auto answer = put_message("given-" + std::to_string(number));
        const BranchId branch{position_++};
        batch_.operations.emplace_back(store::PrepareBranch{.branch = branch,
                                                            .xid = *xa::Xid::make(1, "transfer-" + std::to_string(number), "giromq"),
                                                            .owner = "teller",
                                                            .prepared_at = now_,
                                                            .puts = 1,
                                                            .gets = 1,
                                                            .bytes = answer->size()});
        store::PreparePut put;
        put.branch = branch;
        put.destination = given;
        put.number = answer->number;
        put.message_bytes = answer->size();
        batch_.operations.emplace_back(std::move(put));
        store::PrepareGet get;
        get.branch = branch;
        get.key = key;
        get.number = message->number;
        get.message_bytes = message->size();
        batch_.operations.emplace_back(std::move(get));
    }

    Result<void> commit() {
        batch_.next_position = Position{position_};
        batch_.next_message = MessageNumber{message_};
        batch_.next_destination = DestinationId{given.value + 1};
        batch_number_ = BatchNumber{batch_number_.value + 1};
        Result<void> answer;
        store_.commit(lease_, batch_number_, batch_, [&answer](const store::BatchResult& result) {
            if (result.outcome != store::CommitOutcome::durable) answer = result.error;
        });
        batch_ = {};
        for (auto more = store_.maintain(); more.ok() && *more; more = store_.maintain()) {
        }
        return answer;
    }

private:
    std::shared_ptr<Message> put_message(const std::string& id) {
        auto message = std::make_shared<Message>();
        message->number = MessageNumber{message_++};
        message->durable = true;
        message->arrived_at = now_;
        message->bare = encoded(id, 200);
        batch_.operations.emplace_back(store::PutMessage{message});
        return message;
    }

    store::Store& store_;
    store::Lease lease_;
    store::Batch batch_;
    BatchNumber batch_number_;
    Timestamp now_;
    std::uint64_t position_ = 1;
    std::uint64_t message_ = 1;
};

Result<void> make(const std::string& directory, std::uint64_t branches) {
    const SystemClock clock;
    store::SqliteSettings settings;
    settings.directory = directory;
    auto store = store::open_sqlite_store(settings, clock);
    if (!store) return store.error();
    const auto lease = (*store)->acquire();
    if (!lease) return lease.error();
    const auto last = (*store)->last_batch();
    if (!last) return last.error();
    Writer writer(**store, *lease, *last, clock.wall_now());
    writer.queue(taken, "taken");
    writer.queue(given, "given");
    for (std::uint64_t number = 0; number < branches; ++number) {
        writer.branch(number);
        if ((number + 1) % branches_of_a_batch != 0) continue;
        if (auto written = writer.commit(); !written) return written;
    }
    if (auto written = writer.commit(); !written) return written;
    return (*store)->release(*lease);
}

}  // namespace
}  // namespace giromq::test

int main(int count, char** words) {
    if (count != 3 || std::string(words[2]).find_first_not_of("0123456789") != std::string::npos) {
        std::cerr << "giromq_test_in_doubt DATA BRANCHES\n";
        return 2;
    }
    const auto made = giromq::test::make(words[1], std::stoull(words[2]));
    if (!made) std::cerr << made.error().to_string() << '\n';
    return made ? 0 : 1;
}
