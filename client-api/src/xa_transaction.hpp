#pragma once

#include <optional>
#include <string>
#include <vector>

#include "transaction.hpp"
#include "xa/xid.hpp"

namespace giromq::detail {

/// The association of an XA session with a branch: one is active at most, any number is suspended (docs/protocol-xa.md §1).
class XaTransaction final : public Transaction {
public:
    struct Association {
        xa::Xid xid;
        std::string id;  // empty: lost with the link
        std::optional<Failure> doom;
    };

    explicit XaTransaction(SessionCore& session);

    const std::string* id_for_work() override;

    bool is_active() const { return active_.has_value(); }
    bool is_active(const xa::Xid& xid) const { return active_ && active_->xid == xid; }
    bool is_lost() const { return active_ && active_->id.empty(); }
    std::optional<xa::Xid> active_xid() const { return active_ ? std::optional(active_->xid) : std::nullopt; }
    void activate(const xa::Xid& xid, std::string id);
    /// The session works for no branch now.
    Association take_active();
    void suspend(Association association) { suspended_.push_back(std::move(association)); }
    std::optional<Association> take_suspended(const xa::Xid& xid);

    bool has_got = false;  // messages were received in a branch that may still be rolled back

private:
    void answered(const ControlRequestPtr& /*request*/) override {}
    void link_lost(const Failure* failure) override;

    std::optional<Association> active_;
    std::vector<Association> suspended_;
};

}  // namespace giromq::detail
