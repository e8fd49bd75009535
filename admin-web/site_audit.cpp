#include <boost/json/array.hpp>
#include <ctime>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::string_view query_title = "the query is not what is expected";

std::string to_hex(const AuditHash& hash) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : hash) {
        text += digits[byte >> 4U];
        text += digits[byte & 0x0fU];
    }
    return text;
}

json::object to_json(const AuditRecord& record) {
    json::object item;
    item["number"] = record.number;
    item["at"] = to_text(record.entry.time);
    item["user"] = record.entry.user;
    item["peer"] = record.entry.peer;
    item["protocol"] = record.entry.protocol;
    item["action"] = record.entry.action;
    item["object"] = record.entry.object;
    item["outcome"] = record.entry.outcome;
    item["detail"] = record.entry.detail;
    item["hash"] = to_hex(record.hash);
    return item;
}

/// RFC 3339 in UTC, to the second or finer: "2026-11-22T03:00:00Z".
std::optional<Timestamp> timestamp_of(const std::string& text) {
    std::tm parts{};
    const char* rest = ::strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &parts);
    if (rest == nullptr) return std::nullopt;
    std::int64_t milliseconds = 0;
    if (*rest == '.') {
        const char* const first = ++rest;
        while (*rest >= '0' && *rest <= '9') {
            if (rest - first < 3) milliseconds = milliseconds * 10 + (*rest - '0');
            ++rest;
        }
        if (rest == first) return std::nullopt;
        for (auto digits = rest - first; digits < 3; ++digits) milliseconds *= 10;
    }
    if (std::string_view(rest) != "Z") return std::nullopt;
    return Timestamp{std::int64_t{::timegm(&parts)} * 1000 + milliseconds};
}

}  // namespace

void Site::audit(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto page = page_request(call.target, {"user", "action", "object", "outcome", "after", "before"});
    if (page.problem) return call.done(std::move(*page.problem));
    AuditQuery query;
    query.limit = page.limit;
    if (!page.after.empty()) {
        const auto before = positive_number(page.after);
        if (!before) return call.done(problem(400, "invalid_cursor", query_title, "the cursor is not one that was given out"));
        query.before = *before;
    }
    query.user = call.target.parameter("user").value_or("");
    query.action = call.target.parameter("action").value_or("");
    query.object = call.target.parameter("object").value_or("");
    query.outcome = call.target.parameter("outcome").value_or("");
    for (const auto& [name, time] : {std::pair{"after", &query.since}, {"before", &query.until}}) {
        const auto text = call.target.parameter(name);
        if (!text) continue;
        const auto read = timestamp_of(*text);
        if (!read)
            return call.done(problem(400, "invalid_argument", query_title, std::string(name) + " is a time such as 2026-11-22T03:00:00Z"));
        *time = *read;
    }
    admin_.list_audit(call.who, std::move(query), [done = std::move(call.done)](Result<AuditStretch> read) mutable {
        if (!read) return done(problem_of(read.error()));
        json::array items;
        for (const auto& record : read->items) items.push_back(to_json(record));
        std::optional<std::string> next;
        if (read->through > 0) next = encode_cursor(std::to_string(read->through));
        done(list_response(std::move(items), next));
    });
}

void Site::verify_audit(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    if (auto wrong = refuse_other_parameters(call.target, {})) return call.done(std::move(*wrong));
    admin_.verify_audit(call.who, [done = std::move(call.done)](Result<security::AuditVerifier::Finding> finding) mutable {
        if (!finding) return done(problem_of(finding.error()));
        json::object body;
        body["intact"] = !finding->first_bad.has_value();
        body["records"] = finding->records;
        body["firstBad"] = finding->first_bad ? json::value(*finding->first_bad) : json::value(nullptr);
        body["head"] = to_hex(finding->head);
        done(json_response(200, body));
    });
}

}  // namespace giromq::admin_web
