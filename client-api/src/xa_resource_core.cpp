#include "xa_resource_core.hpp"

#include <algorithm>
#include <limits>
#include <utility>

#include "consumer_core.hpp"
#include "giromq/exceptions.hpp"
#include "transaction_codec.hpp"
#include "xa/flags.hpp"
#include "xa_codec.hpp"
#include "xa_pending_ends.hpp"

namespace giromq::detail {
namespace {

using xa::ReturnCode;

[[noreturn]] void throw_code(ReturnCode code, const std::string& reason) { throw XAException(static_cast<int>(code), reason); }

[[noreturn]] void throw_code(ReturnCode code) {
    throw_code(code, std::string(xa::name_of(code)) + ": " + std::string(xa::text_of(code)) + ".");
}

[[noreturn]] void throw_out_of_reach(const std::string& why) {
    throw_code(ReturnCode::er_rm_fail, "XAER_RMFAIL: " + why + " Make the call again when the broker is in reach.");
}

xa::Xid checked(const Xid& xid) {
    const auto made = xa::Xid::make(xid.format_id, xid.global_transaction_id, xid.branch_qualifier);
    if (!made) throw_code(ReturnCode::er_inval, "XAER_INVAL: the XID is null, or one of its parts has a length that is not allowed.");
    return *made;
}

void check(ReturnCode code) {
    if (code != ReturnCode::ok) throw_code(code);
}

/// The rule of sessions that one thread uses them at a time, in the words of XA.
class Use {
public:
    explicit Use(SessionCore& session) : session_(session) {
        try {
            session.enter();
        } catch (const IllegalStateException& exception) {
            throw_code(ReturnCode::er_proto, std::string("XAER_PROTO: ") + exception.what());
        }
    }
    ~Use() { session_.leave(); }
    Use(const Use&) = delete;
    Use& operator=(const Use&) = delete;

private:
    SessionCore& session_;
};

/// Keeps the session's consumers from getting anything while a branch is rolled back.
class Held {
public:
    explicit Held(SessionCore& session) : session_(session), is_held_(session.hold_back()) {}
    ~Held() {
        if (is_held_) session_.go_on();
    }
    Held(const Held&) = delete;
    Held& operator=(const Held&) = delete;

private:
    SessionCore& session_;
    const bool is_held_;
};

std::string_view mode_of(xa::Flags flags) {
    if ((flags & xa::tm::join) != 0) return "join";
    return (flags & xa::tm::resume) != 0 ? "resume" : "new";
}

}  // namespace

XaResourceCore::~XaResourceCore() { end_is_over(); }

// Calls ------------------------------------------------------------------------------------------------------------------------------

XaResourceCore::CallPtr XaResourceCore::ask(std::string body) {
    ControlLink& control = transaction().control();
    if (control.state() == LinkCore::State::failed) transaction().attach();
    if (transaction().control().state() != LinkCore::State::attached) throw_out_of_reach("there is no connection to the broker.");
    auto call = std::make_shared<XaCall>();
    call->request =
        transaction().control().ask(std::move(body), "The broker answered", [answer = std::weak_ptr(call)](pn_delivery_t* delivery) {
            if (const auto one = answer.lock()) one->code = xa_code(delivery);
        });
    return call;
}

int XaResourceCore::wait(std::unique_lock<std::mutex>& lock, const CallPtr& call, ReturnCode other) {
    ConnectionCore& connection = session_->connection();
    connection.pump();
    wait_until(session_->changed(), lock, deadline_after(connection.settings().request_timeout), [&] { return call->request->is_over(); });
    if (!call->request->is_over()) throw_out_of_reach("the broker has not answered within the request timeout.");
    if (call->request->state != ControlRequest::State::answered)
        throw_out_of_reach("the connection was lost before the broker had answered.");
    end_is_over();  // the link answers in order
    if (call->code == ReturnCode::ok || call->code == other) return static_cast<int>(call->code);
    const std::string name(xa::name_of(call->code));
    if (!call->request->failure) throw_code(call->code);
    throw_code(call->code, name + ": " + call->request->failure->reason);
}

void XaResourceCore::end_is_over() {
    if (ending_) PendingEnds::remove(*session_);
    ending_.reset();
}

int XaResourceCore::resolve(const xa::Xid& xid, std::string body, ReturnCode other) {
    const std::lock_guard serial(calls_);
    PendingEnds::wait_for(xid, *session_);
    std::unique_lock lock(session_->connection().mutex());
    return wait(lock, ask(std::move(body)), other);
}

// The association --------------------------------------------------------------------------------------------------------------------

void XaResourceCore::start(const Xid& xid, std::int64_t flags) {
    const xa::Flags set = xa::flags_of(flags);
    check(xa::check_start_flags(set));
    const xa::Xid branch = checked(xid);
    const std::lock_guard serial(calls_);
    const Use use(*session_);
    std::unique_lock lock(session_->connection().mutex());
    if (transaction().is_active()) throw_code(ReturnCode::er_proto, "XAER_PROTO: the session works for a branch already; end that first.");
    const bool is_new = mode_of(set) == "new";
    const CallPtr call = ask(encode_xa_start(branch, mode_of(set), is_new ? timeout_ : std::chrono::milliseconds(0)));
    wait(lock, call);
    if (call->request->id.empty()) throw_code(ReturnCode::er_rm_error, "XAER_RMERR: the broker gave the transaction no id.");
    transaction().activate(branch, call->request->id);
}

void XaResourceCore::end(const Xid& xid, std::int64_t flags) {
    const xa::Flags set = xa::flags_of(flags);
    check(xa::check_end_flags(set));
    const xa::Xid branch = checked(xid);
    const std::lock_guard serial(calls_);
    const Use use(*session_);
    std::unique_lock lock(session_->connection().mutex());
    if (transaction().is_active(branch)) return end_active(lock, set);
    if ((set & xa::tm::suspend) != 0) throw_code(ReturnCode::er_proto, "XAER_PROTO: the session does not work for this branch.");
    end_suspended(lock, branch, set);
}

void XaResourceCore::end_active(std::unique_lock<std::mutex>& lock, xa::Flags flags) {
    // The broker has to have every message before it hears that the work is done.
    const auto consumers = session_->finish_branch_work(lock);
    const bool lost = transaction().is_lost();
    XaTransaction::Association ended = transaction().take_active();
    if (lost) throw_out_of_reach("the connection was lost while the session worked for the branch, which the broker has rolled back.");
    const bool fail = ended.doom.has_value() || (flags & xa::tm::fail) != 0;
    if ((flags & xa::tm::suspend) != 0) {
        wait(lock, ask(encode_xa_suspend(ended.id, (flags & xa::tm::migrate) != 0)));
        return transaction().suspend(std::move(ended));
    }
    const CallPtr call = ask(encode_discharge(ended.id, fail));
    const bool consumer_waits = std::any_of(consumers.begin(), consumers.end(), [](const auto& one) { return one->is_closed(); });
    if (!fail && !consumer_waits && session_->connection().settings().xa_pipeline) {
        session_->connection().pump_soon();
        ending_ = ended.xid;
        return PendingEnds::add(ended.xid, session_, call);
    }
    wait(lock, call);
    for (const auto& consumer : consumers) consumer->finish_close();
    if (ended.doom) throw_code(ReturnCode::rb_rollback, "XA_RBROLLBACK: a part of the work was not done. " + ended.doom->reason);
}

void XaResourceCore::end_suspended(std::unique_lock<std::mutex>& lock, const xa::Xid& xid, xa::Flags flags) {
    const auto association = transaction().take_suspended(xid);
    if (!association) throw_code(ReturnCode::er_nota, "XAER_NOTA: the session does not work for this branch.");
    if (association->id.empty()) throw_out_of_reach("the connection was lost while the branch was suspended.");
    const bool fail = association->doom.has_value() || (flags & xa::tm::fail) != 0;
    wait(lock, ask(encode_discharge(association->id, fail)));
    if (association->doom)
        throw_code(ReturnCode::rb_rollback, "XA_RBROLLBACK: a part of the work was not done. " + association->doom->reason);
}

// The end of the branch --------------------------------------------------------------------------------------------------------------

int XaResourceCore::prepare(const Xid& xid) {
    const xa::Xid branch = checked(xid);
    return resolve(branch, encode_xa_call("prepare", branch), ReturnCode::read_only);
}

void XaResourceCore::commit(const Xid& xid, bool one_phase) {
    const xa::Xid branch = checked(xid);
    resolve(branch, encode_xa_commit(branch, one_phase));
}

void XaResourceCore::rollback(const Xid& xid) {
    const xa::Xid branch = checked(xid);
    const Held held(*session_);
    resolve(branch, encode_xa_call("rollback", branch));
}

void XaResourceCore::forget(const Xid& xid) {
    const xa::Xid branch = checked(xid);
    resolve(branch, encode_xa_call("forget", branch));
}

// Recovery ---------------------------------------------------------------------------------------------------------------------------

xa::XidPage XaResourceCore::page(const std::optional<xa::Xid>& after, std::size_t limit) {
    std::unique_lock lock(session_->connection().mutex());
    const CallPtr call = ask(encode_xa_recover(after, limit));
    call->request->read = [answer = std::weak_ptr(call)](pn_delivery_t* delivery) {
        const auto one = answer.lock();
        if (one == nullptr) return;
        one->page = xa_recovered(delivery);
        one->code = one->page.code;
    };
    wait(lock, call);
    return call->page;
}

std::vector<Xid> XaResourceCore::recover(std::int64_t flags, std::int64_t count) {
    const std::lock_guard serial(calls_);
    const auto answer =
        scan_.recover(count, true, xa::flags_of(flags), [this](const auto& after, std::size_t limit) { return page(after, limit); });
    check(answer.code);
    std::vector<Xid> all;
    for (const xa::Xid& xid : answer.xids) all.push_back({xid.format_id(), std::string(xid.gtrid()), std::string(xid.bqual())});
    return all;
}

// The rest ---------------------------------------------------------------------------------------------------------------------------

bool XaResourceCore::is_same_rm(const XaResourceCore& other) const {
    const auto id_of = [](const XaResourceCore& one) {
        const std::lock_guard lock(one.session_->connection().mutex());
        return one.session_->connection().rm_id();
    };
    const std::string id = id_of(*this);
    return this == &other || (!id.empty() && id == id_of(other));
}

void XaResourceCore::set_timeout(std::chrono::milliseconds timeout) {
    if (timeout.count() < 0) throw_code(ReturnCode::er_inval, "XAER_INVAL: a timeout is not negative; 0 is the broker's own.");
    const std::lock_guard serial(calls_);
    timeout_ = timeout;
    std::unique_lock lock(session_->connection().mutex());
    const auto active = transaction().active_xid();
    if (active && timeout.count() > 0) wait(lock, ask(encode_xa_timeout(*active, timeout)));
}

std::chrono::milliseconds XaResourceCore::timeout() const {
    const std::lock_guard serial(calls_);
    return timeout_;
}

}  // namespace giromq::detail
