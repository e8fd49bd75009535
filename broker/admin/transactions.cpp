#include <algorithm>
#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"
#include "xa/xid_text.hpp"

namespace giromq::admin {
namespace {

using security::Action;

constexpr std::size_t reason_bytes_max = 1024;

Error no_such_branch(const xa::Xid& xid) { return Error(errc::not_found, "no branch " + xa::to_text(xid) + " is in doubt"); }

bool is_reason(std::string_view text) {
    const bool is_printable = std::none_of(text.begin(), text.end(), [](char one) {
        const auto byte = static_cast<unsigned char>(one);
        return byte < 0x20 || byte == 0x7f;
    });
    const bool has_word = text.find_first_not_of(' ') != std::string_view::npos;
    return is_printable && has_word && text.size() <= reason_bytes_max;
}

/// What the answer to a decision or to xa_forget means for who asked.
Result<void> result_of(xa::ReturnCode code, const xa::Xid& xid, BrokerAdmin::Decide decide) {
    const auto name = std::string(xa::name_of(code));
    switch (code) {
        case xa::ReturnCode::ok: return {};
        case xa::ReturnCode::er_nota: return no_such_branch(xid);
        case xa::ReturnCode::er_inval: return Error(errc::invalid_argument, "the user's name or the reason is too long");
        case xa::ReturnCode::er_proto:
            return Error(errc::wrong_state, decide == BrokerAdmin::Decide::forget
                                                ? "it is prepared; only what was decided on can be forgotten"
                                                : "it is not prepared");
        case xa::ReturnCode::retry:
        case xa::ReturnCode::er_rm_fail:
        case xa::ReturnCode::er_rm_error: return Error(core::errc::not_ready, "it could not be written (" + name + "); try again");
        default: break;
    }
    if (xa::is_heuristic(code)) return Error(errc::wrong_state, "it was decided on already (" + name + ")");
    return Error(errc::failed, name);
}

const char* event_of(BrokerAdmin::Decide decide) {
    if (decide == BrokerAdmin::Decide::forget) return "transaction_forgotten";
    return decide == BrokerAdmin::Decide::commit ? "transaction_committed_by_decision" : "transaction_rolled_back_by_decision";
}

}  // namespace

void BrokerAdmin::list_transactions(const Identity& who, std::optional<xa::Xid> after, std::size_t limit, Done<TransactionPage> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, after = std::move(after), limit, done = std::move(done)]() mutable {
        TransactionPage page;
        if (parts_.transactions != nullptr) page.items = parts_.transactions->list(after, limit + 1);
        page.more = page.items.size() > limit;
        if (page.more) page.items.erase(page.items.begin() + static_cast<std::ptrdiff_t>(limit), page.items.end());
        done(std::move(page));
    });
}

void BrokerAdmin::view_transaction(const Identity& who, const xa::Xid& xid, Done<TransactionView> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, xid, done = std::move(done)]() mutable {
        auto found = parts_.transactions == nullptr ? std::nullopt : parts_.transactions->find(xid);
        if (!found) return done(no_such_branch(xid));
        done(std::move(*found));
    });
}

void BrokerAdmin::transaction_messages(const Identity& who, const xa::Xid& xid, std::uint64_t first, std::size_t limit,
                                       Done<TransactionMessages> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, xid, first, limit, done = std::move(done)]() mutable {
        if (parts_.transactions == nullptr || !parts_.transactions->find(xid)) return done(no_such_branch(xid));
        parts_.transactions->messages(xid, first, limit + 1,
                                      [limit, done = std::move(done)](Result<std::vector<TransactionMessage>> read) mutable {
                                          if (!read) return done(read.error());
                                          TransactionMessages messages{.items = std::move(*read), .more = false};
                                          messages.more = messages.items.size() > limit;
                                          if (messages.more) messages.items.resize(limit);
                                          done(std::move(messages));
                                      });
    });
}

void BrokerAdmin::decide_transaction(const Identity& who, Decide decide, const xa::Xid& xid, std::string reason, Done<void> done) {
    if (auto allowed = authorise(who, Action::resolve_xa, {}); !allowed) return done(allowed.error());
    if (!is_reason(reason)) {
        return done(Error(errc::invalid_argument,
                          "the reason is a sentence of at most " + std::to_string(reason_bytes_max) + " bytes without control characters"));
    }
    parts_.core_executor.execute([this, decide, xid, by = who.user, peer = who.peer, protocol = who.protocol, reason = std::move(reason),
                                  done = std::move(done)]() mutable {
        if (parts_.transactions == nullptr) return done(no_such_branch(xid));
        xa::Decision decision{by, reason, peer, protocol};
        auto answer = [decide, xid, by, reason, done = std::move(done)](xa::ReturnCode code) mutable {
            auto result = result_of(code, xid, decide);
            if (result) log::warning(event_of(decide), {{"xid", xa::to_text(xid)}, {"by", by}, {"reason", reason}});
            done(std::move(result));
        };
        if (decide == Decide::forget) {
            parts_.transactions->forget(xid, std::move(decision), std::move(answer));
        } else {
            const auto outcome = decide == Decide::commit ? xa::Outcome::committed : xa::Outcome::rolled_back;
            parts_.transactions->resolve(xid, outcome, std::move(decision), std::move(answer));
        }
    });
}

}  // namespace giromq::admin
