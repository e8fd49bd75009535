#pragma once

#include <atomic>
#include <cstdint>

#include "base/clock.hpp"
#include "store/sqlite/connection.hpp"
#include "store/sqlite/reader_gate.hpp"
#include "store/store.hpp"

namespace giromq::store::sqlite {

/// Reads pages and chunks over a connection of its own that can change nothing. Used by one thread, the read queue's.
class PageReader {
public:
    PageReader(const Clock& clock, ReaderGate& gate, const std::atomic<std::uint64_t>& epoch) : clock_(clock), gate_(gate), epoch_(epoch) {}

    Result<void> open(const std::string& database, const std::string& vfs);

    Result<Page> page(DestinationId destination, Position after, PageLimits limits);
    Result<SharedBytes> chunk(MessageNumber number, std::uint32_t index);
    Result<MessagePtr> message(MessageNumber number);
    Result<AuditStretch> audit(const AuditQuery& query);

private:
    /// A cursor over one of the two tables of entries. After advance(), `code` is SQLITE_ROW or SQLITE_DONE, or an error.
    struct Cursor {
        Statement* statement;
        bool is_volatile;
        std::uint64_t position;  // of the current row, or of the last one before
        int code = SQLITE_DONE;
        void advance();
    };

    Result<Page> read_page(DestinationId destination, Position after, PageLimits limits);
    Result<void> read_snapshot(Page& page);
    Result<void> read_entries(DestinationId destination, Position after, PageLimits limits, Page& page);
    Result<void> confirm_end(DestinationId destination, std::uint64_t seen);
    Result<StoredEntry> read_entry(DestinationId destination, const Cursor& cursor);
    Result<void> attach_message(StoredEntry& entry);
    Result<void> attach_dead_letter(StoredEntry& entry);

    const Clock& clock_;
    ReaderGate& gate_;
    const std::atomic<std::uint64_t>& epoch_;
    Connection connection_;
    Statement begin_, end_, snapshot_, entries_, volatile_entries_, last_entry_, next_entry_, message_, has_dead_letters_, dead_letter_,
        chunk_, audit_, last_audit_;
    bool may_have_dead_letters_ = false;
};

}  // namespace giromq::store::sqlite
