#pragma once

#include <deque>
#include <vector>

#include "store/sqlite/batch_writer.hpp"

namespace giromq::store::sqlite {

/// Removes in the background what nobody refers to any more: entries that were volatile in an earlier run, and chunks whose message is
/// gone or never came (the puts of prepared branches have theirs). One slice is one small transaction, begun and committed by the owner.
class Sweeper {
public:
    Result<void> prepare(Connection& connection, BatchWriter& writer);

    /// A new run: everything volatile of earlier epochs goes, and every chunk without a message whose number is below `next_message`
    /// (those of this run may still be uploading).
    void start(Epoch epoch, MessageNumber next_message);

    /// Messages that were removed and may have left chunks behind.
    void add_garbage(const std::vector<MessageNumber>& numbers) { garbage_.insert(garbage_.end(), numbers.begin(), numbers.end()); }

    bool has_work() const { return has_stale_entries_ || scan_from_.value < scan_end_.value || !garbage_.empty(); }

    /// Removes some rows. Returns SQLite's code; after an error, or if its transaction is rolled back, the owner calls rolled_back().
    int run_slice();
    void committed();
    void rolled_back();

private:
    int is_referred_to(std::uint64_t number, bool& answer);
    int remove_stale_entries();
    int find_orphans();
    int remove_chunks();

    Connection* connection_ = nullptr;
    BatchWriter* writer_ = nullptr;
    Epoch epoch_;
    bool has_stale_entries_ = false;
    MessageNumber scan_from_;
    MessageNumber scan_end_;
    std::deque<MessageNumber> garbage_;  // messages whose chunks go
    // What the current slice changes here once it is durable.
    bool stale_entries_done_ = false;
    bool garbage_done_ = false;
    MessageNumber scanned_to_;
    std::vector<MessageNumber> found_;

    Statement select_stale_, delete_stale_, delete_dead_letter_, next_chunked_, is_referred_to_, select_chunks_, delete_chunk_;
};

}  // namespace giromq::store::sqlite
