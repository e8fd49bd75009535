#include "admin-web/site.hpp"

#include <algorithm>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/request_gate.hpp"

namespace giromq::admin_web {
namespace {

constexpr std::string_view plain_text = "text/plain; charset=utf-8";

Response text_response(int status, std::string text) {
    Response response;
    response.status = status;
    response.content_type = plain_text;
    response.body = std::move(text);
    return response;
}

/// What was not allowed, for the audit.
std::string method_and_path(const Request& request) {
    constexpr std::size_t bytes_max = 512;
    return request.method + ' ' + request.target.substr(0, std::min(request.target.find('?'), bytes_max));
}

}  // namespace

Site::Site(admin::BrokerAdmin& admin, const security::UserDirectory& users, Executor& workers, Executor& logins, SiteSettings settings)
    : admin_(admin),
      users_(users),
      workers_(workers),
      logins_(logins),
      settings_(settings),
      sessions_(users, admin.clock()),
      remembered_(admin.clock()),
      rate_(admin.clock(), settings_.requests_per_second_max),
      console_(settings.console),
      events_(admin, workers) {
    admin_.on_moment([this](const admin::Moment& moment) { events_.publish(moment); });
}

void Site::handle(Request request, Done done) {
    if (!rate_.admit(request.peer.address)) {
        auto refusal = problem(429, "too_many_requests", "too many requests from this address", "wait a second");
        refusal.headers.emplace_back("Retry-After", "1");
        return done(std::move(refusal));
    }
    if (auto refusal = refuse_at_gate(request, settings_.anonymous_is_administrator)) return done(std::move(*refusal));
    if (ConsoleFiles::is_for(request.target)) return done(console_.serve(request));
    auto target = parse_target(request.target);
    if (!target) return done(problem(400, "invalid_target", "the address is not well-formed", {}));
    if (serve_public(request, *target, done)) return;
    const auto& path = target->segments;
    const bool is_login = request.method == "POST" && path.size() == 3 && path[0] == "api" && path[1] == "v1" && path[2] == "session";
    if (is_login) return open_session(std::move(request), std::move(done));
    log_in(std::move(request), std::move(*target), std::move(done));
}

bool Site::serve_public(const Request& request, const Target& target, Done& done) {
    const auto& path = target.segments;
    const bool is_root = path.empty();
    if (!is_root && !(path.size() == 1 && (path[0] == "livez" || path[0] == "readyz"))) return false;
    if (!is_read(request.method)) {
        done(method_not_allowed("GET, HEAD"));
    } else if (is_root && console_.available() && wants_page(request)) {
        done(redirect_to_console());
    } else if (is_root) {
        done(
            text_response(200, "GiroMQ\n\nConsole: /console/\nHealth: /livez /readyz\nMetrics: /metrics /metrics/queues\nREST: /api/v1\n"));
    } else if (path[0] == "livez") {
        done(text_response(200, "live\n"));
    } else {
        ready(request, target, std::move(done));
    }
    return true;
}

void Site::ready(const Request&, const Target& target, Done done) const {
    const auto readiness = admin_.readiness();
    const auto store = admin_.store_health();
    const bool is_ready = readiness.state == admin::BrokerState::ready && store.writable;
    std::string text(to_string(readiness.state));
    if (!readiness.reason.empty()) text += ": " + readiness.reason;
    if (!store.writable) text += ": the store cannot be written";
    text += '\n';
    if (target.parameter("verbose")) {
        text += std::string(readiness.state == admin::BrokerState::ready ? "[ok] " : "[failed] ") + "broker\n";
        text += std::string(store.writable ? "[ok] " : "[failed] ") + "store\n";
        // Consumers go on while the disk is full, and they are who makes room; so it is a warning.
        text += std::string(store.disk_full ? "[warning] " : "[ok] ") + "disk space\n";
    }
    done(text_response(is_ready ? 200 : 503, std::move(text)));
}

void Site::dispatch(Call call) {
    const auto& path = call.target.segments;
    if (path[0] == "metrics" && path.size() == 1) return metrics(std::move(call));
    if (path[0] == "metrics" && path.size() == 2 && path[1] == "queues") return queue_metrics(std::move(call));
    if (path.size() >= 3 && path[0] == "api" && path[1] == "v1") return dispatch_api(std::move(call));
    call.done(not_found());
}

void Site::dispatch_api(Call call) {
    struct Route {
        std::string_view collection;
        std::size_t segments;
        std::string_view last;  // empty: a name, or the collection itself
        void (Site::*serve)(Call);
        std::string_view confirmed;  // the methods for which a session's password must have been given lately
        bool is_once = false;        // what a repetition would do again: an Idempotency-Key is heeded
    };
    static constexpr Route routes[] = {
        {"session", 3, {}, &Site::session, {}},
        {"session", 4, "confirm", &Site::confirm_session, {}},
        {"session", 4, "password", &Site::change_own_password, {}},
        {"queues", 3, {}, &Site::queues, {}},
        {"queues", 4, {}, &Site::queue, "DELETE"},
        {"queues", 5, "purge", &Site::purge, "POST", true},
        {"queues", 5, "pause", &Site::pause, {}},
        {"queues", 5, "messages", &Site::messages, {}},
        {"queues", 6, "move", &Site::change_messages, {}, true},
        {"queues", 6, "copy", &Site::change_messages, {}, true},
        {"queues", 6, "retry", &Site::change_messages, {}, true},
        {"queues", 6, "delete", &Site::change_messages, {}, true},
        {"queues", 6, "export", &Site::export_messages, {}},
        {"queues", 6, {}, &Site::message, {}},
        {"queues", 7, "body", &Site::message_body, {}},
        {"operations", 3, {}, &Site::operations, {}},
        {"operations", 4, {}, &Site::operation, {}},
        {"users", 3, {}, &Site::users, {}},
        {"users", 4, {}, &Site::user, "PUT DELETE"},
        {"audit", 3, {}, &Site::audit, {}},
        {"audit", 4, "verify", &Site::verify_audit, {}},
        {"roles", 3, {}, &Site::roles, {}},
        {"permissions", 3, {}, &Site::permissions, "POST"},
        {"permissions", 4, "check", &Site::check_permission, {}},
        {"permissions", 4, {}, &Site::permission, "DELETE"},
        {"selectors", 3, {}, &Site::selectors, {}},
        {"selectors", 4, {}, &Site::selector, "DELETE"},
        {"transactions", 3, {}, &Site::transactions, {}},
        {"transactions", 4, {}, &Site::transaction, {}},
        {"transactions", 5, "messages", &Site::transaction_messages, {}},
        {"transactions", 5, "commit", &Site::commit_transaction, "POST"},
        {"transactions", 5, "rollback", &Site::roll_back_transaction, "POST"},
        {"transactions", 5, "forget", &Site::forget_transaction, "POST"},
        {"overview", 3, {}, &Site::overview, {}},
        {"history", 3, {}, &Site::history, {}},
        {"alarms", 3, {}, &Site::alarms, {}},
        {"events", 3, {}, &Site::events, {}},
        {"configuration", 4, "export", &Site::export_configuration, {}},
        {"configuration", 4, "diff", &Site::diff_configuration, {}},
        {"configuration", 4, "reload", &Site::reload_configuration, {}},
        {"configuration", 4, "apply", &Site::apply_configuration, "POST"},
        {"connections", 3, {}, &Site::connections, {}},
        {"connections", 4, {}, &Site::connection, "DELETE"},
        {"consumers", 3, {}, &Site::consumers, {}},
        {"consumers", 4, {}, &Site::link, "DELETE"},
        {"producers", 3, {}, &Site::producers, {}},
        {"producers", 4, {}, &Site::link, "DELETE"},
        {"backup", 3, {}, &Site::backup, {}},
    };
    const auto& path = call.target.segments;
    for (const auto& route : routes) {
        if (path[2] == route.collection && path.size() == route.segments && (route.last.empty() || path.back() == route.last)) {
            const bool is_confirmed = route.confirmed.find(call.request.method) != std::string_view::npos;
            if (route.is_once && !answer_once(call)) return;
            return serve(std::move(call), route.serve, is_confirmed);
        }
    }
    call.done(not_found());
}

/// False if a request with an Idempotency-Key is answered by what was answered before, or is not to be carried out at all.
bool Site::answer_once(Call& call) {
    auto key = idempotency_key(call.request);
    if (key.problem) {
        call.done(std::move(*key.problem));
        return false;
    }
    if (key.text.empty()) return true;
    if (auto answer = remembered_.begin(call.who.user, call.request, key.text)) {
        call.done(std::move(*answer));
        return false;
    }
    call.done = [this, user = call.who.user, key = std::move(key.text), done = std::move(call.done)](Response response) mutable {
        remembered_.keep(user, key, response);
        done(std::move(response));
    };
    return true;
}

/// What is refused for want of a right goes into the audit, whatever it was.
void Site::serve(Call call, void (Site::*route)(Call), bool is_confirmed) {
    if (is_confirmed) {
        if (auto refusal = refuse_unconfirmed(call)) return call.done(std::move(*refusal));
    }
    auto what = method_and_path(call.request);
    call.done = [this, who = call.who, what = std::move(what), done = std::move(call.done)](Response response) mutable {
        if (response.is_refusal) admin_.record_refusal(who, std::move(what));
        done(std::move(response));
    };
    (this->*route)(std::move(call));
}

}  // namespace giromq::admin_web
