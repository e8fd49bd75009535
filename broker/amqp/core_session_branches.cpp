#include <utility>

#include "amqp/core_session.hpp"

// What a connection's half on the core's executor does for branches of global transactions (docs/protocol-xa.md).

namespace giromq::amqp {
namespace {

/// Branches looked at in one go.
constexpr std::size_t page_branches = 256;

core::XaCall call_of(const XaRequest& request) {
    core::XaCall call{.kind = core::XaCall::Kind::prepare, .xid = *request.xid, .flags = request.flags, .decision = {}};
    switch (request.kind) {
        case XaRequest::Kind::commit: call.kind = core::XaCall::Kind::commit; break;
        case XaRequest::Kind::rollback: call.kind = core::XaCall::Kind::rollback; break;
        case XaRequest::Kind::forget: call.kind = core::XaCall::Kind::forget; break;
        default: break;
    }
    return call;
}

}  // namespace

core::XaDone CoreSession::answers(const std::shared_ptr<CoreLink>& link, pn_delivery_t* delivery) {
    return [link, delivery](xa::ReturnCode code) {
        link->session_->emit(
            news::XaAnswered{.link = link->id_, .delivery = delivery, .code = code, .transaction = {}, .error = {}, .recovered = {}});
    };
}

/// Calls are carried out in the order of the link, also behind an xa_end that waits for messages.
void CoreSession::run(command::Xa& command) {
    core_.in_turn(command.link->control_,
                  [link = command.link->shared_from_this(), delivery = command.delivery, request = std::move(command.request),
                   bytes_max = command.answer_bytes_max] { link->session_->carry_out(link, delivery, *request, bytes_max); });
}

Result<void> CoreSession::authorise_branch(const CoreLink& link, const xa::Xid& xid) const {
    const xa::Branch* const branch = core_.branches().find(xid);
    return branch == nullptr ? Result<void>() : security::authorise_branch(link.identity_, branch->owner());
}

void CoreSession::carry_out(const std::shared_ptr<CoreLink>& link, pn_delivery_t* delivery, const XaRequest& request,
                            std::size_t answer_bytes_max) {
    using Kind = XaRequest::Kind;
    auto done = answers(link, delivery);
    if (request.kind == Kind::suspend) return core_.xa_end(connection_, request.transaction, request.flags, std::move(done));
    if (request.kind == Kind::recover) {
        auto recovered = std::make_unique<RecoveredBranches>(recover(*link, request, answer_bytes_max));
        return emit(news::XaAnswered{link->id_, delivery, xa::ReturnCode::ok, {}, {}, std::move(recovered)});
    }
    if (const auto permitted = authorise_branch(*link, *request.xid); !permitted) {
        return emit(news::XaAnswered{link->id_, delivery, xa::ReturnCode::er_rm_error, {}, std::make_unique<Error>(permitted.error()), {}});
    }
    if (request.kind == Kind::start) return start_branch(*link, delivery, request);
    if (request.kind == Kind::set_timeout) return done(core_.xa_set_timeout(*request.xid, request.timeout));
    core_.xa_complete(link->control_, call_of(request), std::move(done));
}

void CoreSession::start_branch(const CoreLink& link, pn_delivery_t* delivery, const XaRequest& request) {
    news::XaAnswered answer{
        .link = link.id_, .delivery = delivery, .code = xa::ReturnCode::ok, .transaction = {}, .error = {}, .recovered = {}};
    answer.code = core_.xa_start(connection_, link.control_, *request.xid, request.flags,
                                 {.timeout = request.timeout, .owner = link.identity_.user}, answer.transaction);
    if (answer.code == xa::ReturnCode::er_rm_error) {
        const auto& registry = core_.branches();
        const bool has_too_many = registry.branches_of(link.identity_.user) >= registry.limits().branches_of_owner_max;
        answer.error = std::make_unique<Error>(core::errc::resource_limit,
                                               has_too_many ? "XAER_RMERR: user '" + link.identity_.user + "' has its maximum of " +
                                                                  std::to_string(registry.limits().branches_of_owner_max) + " branches"
                                                            : "XAER_RMERR: there are too many branches, or associations of this one");
    }
    emit(std::move(answer));
}

RecoveredBranches CoreSession::recover(const CoreLink& link, const XaRequest& request, std::size_t bytes_max) const {
    RecoveredBranches recovered;
    std::size_t bytes = recovered_bytes_fixed;
    const auto& registry = core_.branches();
    // Who may resolve only its own looks at no others: they may be many.
    const bool sees_all = authorise(link.identity_, security::Action::resolve_xa, {}).ok();
    for (auto after = request.xid;;) {
        const auto page =
            sees_all ? registry.in_doubt(after, page_branches) : registry.in_doubt_of(link.identity_.user, after, page_branches);
        for (const xa::Branch* const branch : page.branches) {
            after = branch->xid();
            if (!security::authorise_branch(link.identity_, branch->owner())) continue;
            bytes += recovered_bytes_max(branch->xid());
            recovered.more = recovered.branches.size() == request.limit || bytes > bytes_max;
            if (recovered.more) return recovered;
            recovered.branches.push_back({branch->xid(), branch->heuristic().has_value()});
        }
        if (!page.more) return recovered;
    }
}

}  // namespace giromq::amqp
