#pragma once

#include <vector>

#include "store/operation.hpp"
#include "store/sqlite/connection.hpp"

namespace giromq::store::sqlite {

class BatchWriter;

/// The part of the batch writer that prepares and completes branches. What a branch has put and got waits in rows of its own; when it is
/// completed they become the ordinary operations of a batch, and go through the batch writer like any other.
///
/// Returns SQLite's codes, as BatchWriter does. A row of a branch whose checksum does not match is SQLITE_CORRUPT: the batch is not
/// applied, and the branch stays as it is.
class BranchWriter {
public:
    explicit BranchWriter(BatchWriter& writer) : writer_(writer) {}

    int prepare(Connection& connection);

    int run(const PrepareBranch& prepare);
    int run(const PreparePut& put);
    int run(const PrepareGet& get);
    int run(const CompleteBranch& complete);
    int run(const ForgetBranch& forget);
    int run(const PutTombstone& put);
    int run(const ForgetTombstones& forget);
    int run(const PutAudit& put);

    /// The entry is damaged and about to leave: a branch that has got it loses it, and the put that was to take its message over.
    int leave_branch(const EntryKey& key);

private:
    int prepare_rows();
    int prepare_completion();
    int must_be_prepared(BranchId branch);
    int read_puts(BranchId branch, std::vector<PreparePut>& puts);
    int read_gets(BranchId branch, std::vector<PrepareGet>& gets);
    int complete(const PreparePut& put, const CompleteBranch& operation);
    int complete(const PrepareGet& get, const CompleteBranch& operation);
    int unlock(Statement& statement, const PrepareGet& get);
    int remove_moved_puts(BranchId branch, MessageNumber number);

    BatchWriter& writer_;
    Connection* connection_ = nullptr;
    Statement insert_branch_, insert_put_, insert_get_, lock_entry_, is_prepared_, select_puts_, select_gets_, delete_puts_, delete_gets_;
    Statement unlock_, unlock_raised_, unlock_counted_, bury_, delete_branch_, decide_, forget_;
    Statement insert_tombstone_, forget_tombstones_, insert_audit_, locked_by_, leave_get_, moved_puts_, delete_put_;
};

}  // namespace giromq::store::sqlite
