#pragma once

#include "admin/ports.hpp"
#include "core/core.hpp"
#include "store/commit_port.hpp"

namespace giromq::admin {

/// The transaction branches of the core, as administrators see them. Threads: the core's executor; the messages of a branch are read on
/// the reading thread, and answered on the core's executor.
class CoreTransactions final : public TransactionsPort {
public:
    /// Both outlive this.
    CoreTransactions(core::Core& core, store::ReadPort& reads) : core_(core), reads_(reads) {}

    TransactionCounts counts() const override;
    std::vector<TransactionView> list(const std::optional<xa::Xid>& after, std::size_t limit) const override;
    std::optional<TransactionView> find(const xa::Xid& xid) const override;
    void messages(const xa::Xid& xid, std::uint64_t first, std::size_t limit,
                  UniqueFunction<void(Result<std::vector<TransactionMessage>>)> done) override;
    void resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) override;
    void forget(const xa::Xid& xid, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) override;

private:
    TransactionView view_of(const xa::Branch& branch) const;
    std::vector<TransactionView::Destination> destinations_of(const xa::Xid& xid) const;

    core::Core& core_;
    store::ReadPort& reads_;
};

}  // namespace giromq::admin
