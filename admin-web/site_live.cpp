#include <algorithm>
#include <boost/json/array.hpp>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/live_values.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"
#include "admin-web/web_socket.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::string_view query_title = "the query is not what is expected";
constexpr std::int64_t day_ms = 24 * 60 * 60 * 1000;

json::object to_json(const store::Health& store, const store::CommitQueue::Statistics& commits) {
    json::object item;
    item["writable"] = store.writable;
    item["diskFull"] = store.disk_full;
    item["freeBytes"] = store.free_bytes;
    item["walBytes"] = store.wal_bytes;
    item["storeBytes"] = store.store_bytes;
    item["checkpoints"] = store.checkpoints;
    item["commits"] = commits.batches;
    item["units"] = commits.units;
    item["refusedUnits"] = commits.refused_units;
    item["commitNanoseconds"] = commits.commit_nanoseconds.sum();
    item["commitNanosecondsMax"] = commits.commit_nanoseconds.max();
    return item;
}

json::object to_json(const admin::CommitTimes& times) {
    json::object item;
    item["commits"] = times.commits;
    item["p50Us"] = times.p50_us;
    item["p99Us"] = times.p99_us;
    item["maxUs"] = times.max_us;
    return item;
}

/// Whole days, rounded down, also below zero.
std::int64_t days_between(Timestamp from, Timestamp to) {
    const auto difference = to.milliseconds - from.milliseconds;
    return difference >= 0 ? difference / day_ms : -((day_ms - 1 - difference) / day_ms);
}

json::object to_json(const admin::CertificateView& certificate, Timestamp now) {
    json::object item;
    item["listener"] = certificate.listener;
    item["subject"] = certificate.subject;
    item["issuer"] = certificate.issuer;
    item["notAfter"] = to_text(certificate.not_after);
    item["daysLeft"] = days_between(now, certificate.not_after);
    return item;
}

json::object to_json(const admin::Overview& overview) {
    json::object item;
    item["name"] = overview.name;
    item["version"] = overview.version;
    item["state"] = to_string(overview.state);
    item["reason"] = overview.reason;
    item["startedAt"] = to_text(overview.started_at);
    item["uptimeMs"] = overview.now.milliseconds - overview.started_at.milliseconds;
    item["connections"] = overview.connections;
    item["queues"] = overview.core.queues;
    item["messages"] = overview.core.messages;
    item["consumers"] = overview.core.consumers;
    item["producers"] = overview.core.producers;
    item["memoryBytes"] = overview.core.memory_bytes;
    item["enqueued"] = overview.core.enqueued;
    item["delivered"] = overview.core.delivered;
    item["redelivered"] = overview.core.redelivered;
    item["acknowledged"] = overview.core.acknowledged;
    item["expired"] = overview.core.expired;
    item["deadLettered"] = overview.core.dead_lettered;
    item["duplicates"] = overview.core.duplicates;
    item["quarantined"] = overview.core.quarantined;
    item["transactionsInDoubt"] = overview.transactions.in_doubt;
    auto store = to_json(overview.store, overview.commits);
    store["lastMinute"] = to_json(overview.last_minute);
    item["store"] = std::move(store);
    item["alarms"] = alarms_json(overview.alarms);
    json::array certificates;
    for (const auto& certificate : overview.certificates) certificates.push_back(to_json(certificate, overview.now));
    item["certificates"] = std::move(certificates);
    return item;
}

/// The series that a comma-separated list names; nothing if one is not known or is there twice.
std::optional<std::vector<admin::Series>> series_of(std::string_view list) {
    std::vector<admin::Series> chosen;
    while (true) {
        const auto name = list.substr(0, list.find(','));
        const auto found = std::find(admin::series_names.begin(), admin::series_names.end(), name);
        if (found == admin::series_names.end()) return std::nullopt;
        const auto series = static_cast<admin::Series>(found - admin::series_names.begin());
        if (std::find(chosen.begin(), chosen.end(), series) != chosen.end()) return std::nullopt;
        chosen.push_back(series);
        if (name.size() == list.size()) return chosen;
        list.remove_prefix(name.size() + 1);
    }
}

std::vector<admin::Series> all_series() {
    std::vector<admin::Series> all;
    for (std::size_t series = 0; series < admin::series_count; ++series) all.push_back(static_cast<admin::Series>(series));
    return all;
}

}  // namespace

void Site::overview(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    admin_.overview(call.who, [done = std::move(call.done)](Result<admin::Overview> overview) mutable {
        done(overview ? json_response(200, to_json(*overview)) : problem_of(overview.error()));
    });
}

void Site::alarms(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    if (auto refusal = refuse_other_parameters(call.target, {})) return call.done(std::move(*refusal));
    const auto alarms = admin_.alarms(call.who);
    call.done(alarms ? list_response(alarms_json(*alarms), std::nullopt) : problem_of(alarms.error()));
}

void Site::history(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    if (auto refusal = refuse_other_parameters(call.target, {"range", "series"})) return call.done(std::move(*refusal));
    const auto range = call.target.parameter("range").value_or("1h");
    if (range != "1h" && range != "1d") return call.done(problem(400, "invalid_range", query_title, "range is 1h or 1d"));
    const auto list = call.target.parameter("series");
    auto chosen = list ? series_of(*list) : all_series();
    if (!chosen) {
        return call.done(
            problem(400, "invalid_series", query_title, "series are names separated by commas, each once; see the API's description"));
    }
    const auto view = admin_.history(call.who, range == "1h" ? admin::History::Range::hour : admin::History::Range::day);
    if (!view) return call.done(problem_of(view.error()));
    // Tens of thousands of numbers are not written on a thread that serves connections.
    workers_.execute([view = std::move(*view), chosen = std::move(*chosen), done = std::move(call.done)]() mutable {
        Response response;
        response.body = history_text(view, chosen);
        done(std::move(response));
    });
}

/// The session, or the user as it was, is still there. Asked for as long as a socket is open, since nobody logs in again there.
EventHub::StillAllowed Site::still_allowed(const Call& call) {
    if (call.session) {
        return [this, id = session_id(call.request)] { return id && sessions_.view(*id).has_value(); };
    }
    if (call.request.count("authorization") == 0) return [] { return true; };  // --dev
    const auto then = users_.find(call.who.user);
    return [this, user = call.who.user, then] {
        const auto now = users_.find(user);
        return then && now && now->role == then->role && now->stored_key == then->stored_key;
    };
}

void Site::events(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET"));
    if (auto refusal = refuse_other_parameters(call.target, {})) return call.done(std::move(*refusal));
    if (!asks_for_web_socket(call.request)) {
        auto response = problem(426, "web_socket_only", "this is a WebSocket", "ask for it with version 13 of the protocol");
        response.headers.emplace_back("Connection", "Upgrade");
        response.headers.emplace_back("Upgrade", "websocket");
        response.headers.emplace_back("Sec-WebSocket-Version", "13");
        return call.done(std::move(response));
    }
    // Browsers send an Origin with every handshake, and it was our own, or the request had not come so far. Who has a cookie is a browser.
    if (call.request.count("cookie") > 0 && call.request.count("origin") == 0) {
        return call.done(problem(403, "foreign_origin", "refused because of where it comes from", "a browser's WebSocket has an Origin"));
    }
    if (const auto allowed = admin_.alarms(call.who); !allowed) return call.done(problem_of(allowed.error()));
    Response response;
    response.status = 101;
    response.socket = events_.join(call.who, still_allowed(call));
    if (!response.socket) response = problem(503, "busy", "too many sockets", "close a console, or try again later");
    call.done(std::move(response));
}

}  // namespace giromq::admin_web
