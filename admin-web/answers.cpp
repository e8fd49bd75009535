#include "admin-web/answers.hpp"

#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>
#include <cstdio>
#include <ctime>
#include <utility>

#include "admin-web/entity_tag.hpp"
#include "admin-web/problem.hpp"

namespace giromq::admin_web {
namespace json = boost::json;

Response json_response(int status, const json::object& body) {
    Response response;
    response.status = status;
    response.body = json::serialize(body);
    return response;
}

Response empty_response(int status) {
    Response response;
    response.status = status;
    response.content_type.clear();
    return response;
}

Response not_found() { return problem(404, "not_found", "there is nothing here", {}); }

Response method_not_allowed(std::string_view allowed) {
    auto response = problem(405, "method_not_allowed", "the method is not allowed here", {});
    response.headers.emplace_back("Allow", allowed);
    return response;
}

bool is_read(std::string_view method) { return method == "GET" || method == "HEAD"; }

Response list_response(json::array items, const std::optional<std::string>& next_cursor) {
    json::object body;
    body["items"] = std::move(items);
    body["nextCursor"] = next_cursor ? json::value(*next_cursor) : json::value(nullptr);
    return json_response(200, body);
}

std::pair<std::string, std::string> link_to_next(const std::string& target) { return {"Link", '<' + target + ">; rel=\"next\""}; }

std::optional<Response> refuse_other_parameters(const Target& target, std::initializer_list<std::string_view> allowed) {
    for (const auto& [name, value] : target.query) {
        if (std::find(allowed.begin(), allowed.end(), name) == allowed.end()) {
            return problem(400, "unknown_parameter", "the query is not what is expected", "there is no parameter '" + name + "'");
        }
    }
    return std::nullopt;
}

PageRequest page_request(const Target& target, std::initializer_list<std::string_view> other_parameters) {
    PageRequest page;
    for (const auto& [name, value] : target.query) {
        const bool is_known = std::find(other_parameters.begin(), other_parameters.end(), name) != other_parameters.end();
        if (is_known || name == "limit" || name == "cursor") continue;
        page.problem = problem(400, "unknown_parameter", "the query is not what is expected", "there is no parameter '" + name + "'");
    }
    if (const auto limit = target.parameter("limit")) {
        const auto [end, error] = std::from_chars(limit->data(), limit->data() + limit->size(), page.limit);
        if (error != std::errc() || end != limit->data() + limit->size() || page.limit < 1 || page.limit > http_limits::page_items) {
            page.problem = problem(400, "invalid_limit", "the query is not what is expected",
                                   "limit is a number from 1 to " + std::to_string(http_limits::page_items));
        }
    }
    if (const auto cursor = target.parameter("cursor")) {
        auto after = decode_cursor(*cursor);
        if (after) {
            page.after = std::move(*after);
        } else {
            page.problem = problem(400, "invalid_cursor", "the query is not what is expected", "the cursor is not one that was given out");
        }
    }
    return page;
}

std::string to_text(Timestamp time) {
    const auto seconds = static_cast<std::time_t>(time.milliseconds / 1000);
    std::tm parts{};
    if (::gmtime_r(&seconds, &parts) == nullptr) return {};
    char text[64];
    const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
    char fraction[16];
    std::snprintf(fraction, sizeof fraction, ".%03dZ", static_cast<int>(time.milliseconds % 1000));
    return std::string(text, length) + fraction;
}

namespace {

std::string_view to_text(DestinationOrigin origin) {
    switch (origin) {
        case DestinationOrigin::configured: return "configured";
        case DestinationOrigin::administrator: return "administrator";
        case DestinationOrigin::automatic: return "automatic";
        case DestinationOrigin::temporary: return "temporary";
    }
    return "administrator";
}

}  // namespace

json::object to_json(const core::QueueView& queue) {
    const auto& settings = queue.settings;
    json::object item;
    item["name"] = settings.name;
    item["messages"] = queue.messages;
    item["bytes"] = queue.bytes;
    item["delivering"] = queue.delivering;
    if (queue.oldest_arrived_at) item["oldestArrivedAt"] = to_text(*queue.oldest_arrived_at);
    item["windowMessages"] = queue.window_messages;
    item["consumers"] = queue.consumers;
    item["producers"] = queue.producers;
    item["selectors"] = queue.selectors;
    item["maxMessages"] = settings.max_messages;
    item["maxBytes"] = settings.max_bytes;
    item["overflow"] = settings.overflow == OverflowPolicy::hold ? "hold" : "refuse";
    item["maxDeliveries"] = settings.max_deliveries;
    item["deadLetterQueue"] = settings.dead_letter_queue;
    item["duplicateIdsMax"] = settings.duplicate_ids_max;
    item["duplicateIdsAgeMs"] = settings.duplicate_ids_age.count();
    item["strict"] = settings.strict;
    item["paused"] = json::object{{"send", settings.is_sending_paused}, {"receive", settings.is_receiving_paused}};
    item["origin"] = to_text(settings.origin);
    item["enqueued"] = queue.enqueued;
    item["delivered"] = queue.delivered;
    item["redelivered"] = queue.redelivered;
    item["acknowledged"] = queue.acknowledged;
    item["expired"] = queue.expired;
    item["deadLettered"] = queue.dead_lettered;
    item["duplicates"] = queue.duplicates;
    item["quarantined"] = queue.quarantined;
    item["selectorsOverBudget"] = queue.selectors_over_budget;
    item["createdAt"] = to_text(queue.created_at);
    return item;
}

Response queue_response(int status, const core::QueueView& queue) {
    auto response = json_response(status, to_json(queue));
    response.headers.emplace_back("ETag", etag_of(queue));
    return response;
}

std::optional<std::uint64_t> positive_number(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size() || number == 0) return std::nullopt;
    return number;
}

}  // namespace giromq::admin_web
