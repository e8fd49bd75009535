#pragma once

#include <cstdint>
#include <deque>
#include <initializer_list>
#include <string>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "store/operation.hpp"
#include "store/sqlite/branch_writer.hpp"
#include "store/sqlite/connection.hpp"
#include "store/store.hpp"

namespace giromq::store::sqlite {

/// `code` of an insertion of a row whose key is new: if it is there already, the core gave a number twice.
int inserted(int code, const char* what);

/// Turns the operations of one batch into statements, within the transaction that its owner has begun. What changes many times in a
/// batch is written once, at its end: the counters of a destination, the row of a producer.
///
/// apply() and finish() return SQLite's code; after an error the owner rolls back and calls abandon(). A row that is missing or there
/// twice is a broken invariant of the core (operation.hpp) and aborts.
class BatchWriter {
public:
    BatchWriter() = default;
    BatchWriter(const BatchWriter&) = delete;  // its parts refer to it
    BatchWriter& operator=(const BatchWriter&) = delete;

    /// Prepares every statement. `connection` outlives this.
    Result<void> prepare(Connection& connection);

    /// The epoch that volatile entries are written with.
    void set_epoch(Epoch epoch) { epoch_ = epoch; }

    int apply(const Operation& operation);
    int finish();

    /// After COMMIT: what each PurgeEntries removed, and the numbers of the messages whose chunks are garbage now.
    std::vector<PurgeCount> take_purged() { return std::move(purged_); }
    std::vector<MessageNumber> take_garbage() { return std::move(garbage_); }
    /// Forgets everything of the batch, after ROLLBACK.
    void abandon();

    /// From now on the row of a quarantined message stays where it is: SQLite refuses to commit a transaction that has met a page which
    /// cannot be read.
    void leave_quarantined_rows(bool leave) { leaves_quarantined_rows_ = leave; }

    /// Deletes a message row; its chunks become garbage. `must_exist`: its absence is a broken invariant.
    int delete_message(MessageNumber number, bool must_exist);
    /// Counts puts of prepared branches, which are reserved in their destination.
    void count_prepared(DestinationId destination, std::int64_t messages, std::int64_t bytes);

private:
    /// What a batch changes in the row of a destination.
    struct Delta {
        std::int64_t messages = 0;
        std::int64_t bytes = 0;
        std::int64_t volatile_messages = 0;
        std::int64_t volatile_bytes = 0;
        std::int64_t prepared_messages = 0;
        std::int64_t prepared_bytes = 0;
        std::uint64_t horizon = 0;
        std::uint64_t horizon_that_stays = 0;
        bool needs_row = false;  // temporary destinations have none, and then nothing may need it
    };
    struct PurgedRow {
        std::uint64_t position;
        std::uint64_t number;
        std::uint64_t bytes;
        bool is_volatile;
    };

    int run(const PutMessage& put);
    int run(const PutChunk& put);
    int run(const DropChunks& drop);
    int run(const PutEntry& put);
    int run(const RemoveEntry& remove);
    int run(const SetDeliveryCount& set);
    int run(const SetHorizon& set);
    int run(const QuarantineEntry& quarantine);
    int run(const PutDestination& put);
    int run(const CloseDestination& close);
    int run(const RemoveDestination& remove);
    int run(const PurgeEntries& purge);
    int run(const PutProducer& put);
    int run(const RemoveProducer& remove);
    int run(const TakeSequence& take);
    int run(const PutDuplicateId& put);
    int run(const ForgetDuplicateIds& forget);
    int run(const PutUser& put);
    int run(const RemoveUser& remove);
    int run(const PutPermission& put);
    int run(const RemovePermission& remove);
    int run(const PutSelector& put);
    int run(const RemoveSelector& remove);
    int run(const PrepareBranch& prepare) { return branches_.run(prepare); }
    int run(const PreparePut& put) { return branches_.run(put); }
    int run(const PrepareGet& get) { return branches_.run(get); }
    int run(const CompleteBranch& complete) { return branches_.run(complete); }
    int run(const ForgetBranch& forget) { return branches_.run(forget); }
    int run(const PutTombstone& put) { return branches_.run(put); }
    int run(const ForgetTombstones& forget) { return branches_.run(forget); }
    int run(const PutAudit& put) { return branches_.run(put); }

    int prepare_all(std::initializer_list<std::pair<Statement*, const char*>> statements);
    int prepare_entries();
    int prepare_others();
    int prepare_quarantine();
    Delta& delta(DestinationId destination);
    void count(DestinationId destination, bool is_volatile, std::int64_t messages, std::int64_t bytes);
    int write_delta(std::uint64_t destination, const Delta& delta);
    int delete_entry(const EntryKey& key, MessageNumber number, bool is_volatile);
    int delete_dead_letter(DestinationId destination, Position position);
    int rows_to_purge(const PurgeEntries& purge, std::vector<PurgedRow>& rows);
    int collect(Statement& statement, bool is_volatile, std::vector<PurgedRow>& rows);
    int read_producer(PutProducer& row);
    int write_producer(std::string_view name, const PutProducer* put);

    Connection* connection_ = nullptr;
    BranchWriter branches_{*this};
    Epoch epoch_;
    std::unordered_map<std::uint64_t, Delta> deltas_;
    std::uint64_t last_destination_ = 0;  // the delta that was asked for last: most batches touch few destinations, in runs
    Delta* last_delta_ = nullptr;
    std::unordered_map<std::string_view, const PutProducer*> producers_;  // null: removed
    std::deque<PutProducer> changed_producers_;                           // what sequences were taken in
    std::vector<PurgeCount> purged_;
    std::vector<MessageNumber> garbage_;
    /// False while there can be no row, so that the message path need not ask.
    bool may_have_chunks_ = true;
    bool may_have_dead_letters_ = true;
    bool leaves_quarantined_rows_ = false;

    Statement insert_message_, delete_message_, insert_chunk_, find_chunk_, count_chunks_;
    Statement insert_entry_, delete_entry_, set_delivery_count_, select_purge_;
    Statement insert_volatile_, delete_volatile_, set_volatile_count_, select_volatile_purge_;
    Statement insert_dead_letter_, delete_dead_letter_;
    Statement update_counters_, put_destination_, pause_destination_, close_destination_, remove_destination_, remove_duplicate_ids_;
    Statement select_producer_, update_producer_, insert_producer_, delete_producer_;
    Statement insert_duplicate_id_, forget_duplicate_ids_, put_user_, delete_user_, put_selector_, delete_selector_;
    Statement put_permission_, delete_permission_, delete_permissions_of_;
    Statement quarantine_entry_, quarantine_volatile_, quarantine_message_, remove_quarantined_, remove_quarantined_volatile_;
};

}  // namespace giromq::store::sqlite
