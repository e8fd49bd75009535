#include "store/sqlite/sweeper.hpp"

#include <cstdint>
#include <utility>

namespace giromq::store::sqlite {
namespace {

// A slice takes a few milliseconds: so many rows of entries and messages, so many numbers looked up, so many chunks of 256 KiB.
constexpr std::uint32_t entries_per_slice = 200;
constexpr std::uint32_t numbers_per_slice = 500;
constexpr std::uint32_t chunks_per_slice = 8;

}  // namespace

Result<void> Sweeper::prepare(Connection& connection, BatchWriter& writer) {
    connection_ = &connection;
    writer_ = &writer;
    const std::pair<Statement*, const char*> statements[] = {
        {&select_stale_, "SELECT epoch, destination, priority, position, message FROM volatile_entry WHERE epoch < ? LIMIT ?"},
        {&delete_stale_, "DELETE FROM volatile_entry WHERE epoch = ? AND destination = ? AND priority = ? AND position = ?"},
        {&delete_dead_letter_, "DELETE FROM dead_letter WHERE destination = ? AND position = ?"},
        {&next_chunked_, "SELECT number FROM chunk WHERE number >= ? ORDER BY number, idx LIMIT 1"},
        {&is_referred_to_,
         "SELECT EXISTS (SELECT 1 FROM message WHERE number = ?1) OR "
         "EXISTS (SELECT 1 FROM quarantine_message WHERE number = ?1) OR "
         "EXISTS (SELECT 1 FROM quarantine WHERE message = ?1)"},
        {&select_chunks_, "SELECT idx FROM chunk WHERE number = ? ORDER BY idx LIMIT ?"},
        {&delete_chunk_, "DELETE FROM chunk WHERE number = ? AND idx = ?"},
    };
    for (const auto& [statement, sql] : statements) {
        const int code = statement->prepare(connection.get(), sql);
        if (code != SQLITE_OK) return error_of(connection.get(), code, sql);
    }
    return {};
}

void Sweeper::start(Epoch epoch, MessageNumber next_message) {
    epoch_ = epoch;
    has_stale_entries_ = true;
    scan_from_ = MessageNumber{0};
    scan_end_ = next_message;
    garbage_.clear();
}

int Sweeper::run_slice() {
    stale_entries_done_ = garbage_done_ = false;
    scanned_to_ = scan_from_;
    found_.clear();
    if (has_stale_entries_) return remove_stale_entries();
    if (!garbage_.empty()) return remove_chunks();
    return find_orphans();
}

int Sweeper::remove_stale_entries() {
    struct Stale {
        std::uint64_t epoch, destination, priority, position, message;
    };
    std::vector<Stale> rows;
    {
        const ResetGuard guard(select_stale_);
        int code = select_stale_.bind(1, epoch_.value).bind(2, entries_per_slice).step();
        for (; code == SQLITE_ROW; code = select_stale_.step()) {
            rows.push_back({select_stale_.unsigned_number(0), select_stale_.unsigned_number(1), select_stale_.unsigned_number(2),
                            select_stale_.unsigned_number(3), select_stale_.unsigned_number(4)});
        }
        if (code != SQLITE_DONE) return code;
    }
    for (const auto& row : rows) {
        int code = delete_stale_.bind(1, row.epoch).bind(2, row.destination).bind(3, row.priority).bind(4, row.position).run();
        if (code == SQLITE_OK) code = delete_dead_letter_.bind(1, row.destination).bind(2, row.position).run();
        if (code == SQLITE_OK) code = writer_->delete_message(MessageNumber{row.message}, false);
        if (code != SQLITE_OK) return code;
    }
    stale_entries_done_ = rows.size() < entries_per_slice;
    return SQLITE_OK;
}

int Sweeper::find_orphans() {
    for (std::uint32_t looked_up = 0; looked_up < numbers_per_slice; ++looked_up) {
        std::uint64_t number = 0;
        {
            const ResetGuard guard(next_chunked_);
            const int code = next_chunked_.bind(1, scanned_to_.value).step();
            if (code == SQLITE_DONE) {
                scanned_to_ = scan_end_;
                return SQLITE_OK;
            }
            if (code != SQLITE_ROW) return code;
            number = next_chunked_.unsigned_number(0);
        }
        if (number >= scan_end_.value) {
            scanned_to_ = scan_end_;
            return SQLITE_OK;
        }
        bool is_in_use = false;
        if (const int code = is_referred_to(number, is_in_use); code != SQLITE_OK) return code;
        if (!is_in_use) found_.push_back(MessageNumber{number});
        scanned_to_ = MessageNumber{number + 1};
    }
    return SQLITE_OK;
}

int Sweeper::is_referred_to(std::uint64_t number, bool& answer) {
    const ResetGuard guard(is_referred_to_);
    const int code = is_referred_to_.bind(1, number).step();
    answer = code == SQLITE_ROW && is_referred_to_.number(0) != 0;
    return code == SQLITE_ROW ? SQLITE_OK : code;
}

int Sweeper::remove_chunks() {
    const auto number = garbage_.front().value;
    bool is_in_use = false;
    if (const int code = is_referred_to(number, is_in_use); code != SQLITE_OK) return code;
    if (is_in_use) {
        // Of a message in quarantine they are evidence.
        garbage_done_ = true;
        return SQLITE_OK;
    }
    std::vector<std::uint32_t> indexes;
    {
        const ResetGuard guard(select_chunks_);
        int code = select_chunks_.bind(1, number).bind(2, chunks_per_slice).step();
        for (; code == SQLITE_ROW; code = select_chunks_.step()) indexes.push_back(select_chunks_.number32(0));
        if (code != SQLITE_DONE) return code;
    }
    for (const auto index : indexes) {
        const int code = delete_chunk_.bind(1, number).bind(2, index).run();
        if (code != SQLITE_OK) return code;
    }
    garbage_done_ = indexes.size() < chunks_per_slice;
    return SQLITE_OK;
}

void Sweeper::committed() {
    if (stale_entries_done_) has_stale_entries_ = false;
    if (garbage_done_) garbage_.pop_front();
    scan_from_ = scanned_to_;
    add_garbage(found_);
    add_garbage(writer_->take_garbage());
    found_.clear();
    stale_entries_done_ = garbage_done_ = false;
}

void Sweeper::rolled_back() {
    writer_->abandon();
    scanned_to_ = scan_from_;
    found_.clear();
    stale_entries_done_ = garbage_done_ = false;
}

}  // namespace giromq::store::sqlite
