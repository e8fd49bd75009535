#include <array>
#include <boost/json/array.hpp>
#include <charconv>
#include <chrono>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/entity_tag.hpp"
#include "admin-web/json_fields.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"

namespace giromq::admin_web {
namespace {

// The ranges of schemas/giromq-config.xsd.
constexpr std::uint64_t max_messages_limit = 1'000'000'000'000;
constexpr std::uint64_t max_bytes_least = 1024;
constexpr std::uint64_t max_bytes_limit = 1024ull << 40;
constexpr std::uint64_t max_deliveries_limit = 1'000'000;
constexpr std::uint64_t duplicate_ids_limit = 1'000'000;
constexpr std::uint64_t duplicate_ids_age_least_ms = 1000;
constexpr std::uint64_t duplicate_ids_age_limit_ms = 7ull * 24 * 3600 * 1000;

/// The settings that a body gives; the others stay as they are.
struct GivenSettings {
    std::optional<std::uint64_t> max_messages;
    std::optional<std::uint64_t> max_bytes;
    std::optional<std::uint64_t> max_deliveries;
    std::optional<std::uint64_t> duplicate_ids_max;
    std::optional<std::uint64_t> duplicate_ids_age_ms;
    std::optional<std::string> dead_letter_queue;
    std::optional<std::string> overflow;
    std::optional<bool> strict;

    void apply(DestinationSettings& settings) const {
        if (max_messages) settings.max_messages = *max_messages;
        if (max_bytes) settings.max_bytes = *max_bytes;
        if (max_deliveries) settings.max_deliveries = static_cast<std::uint32_t>(*max_deliveries);
        if (duplicate_ids_max) settings.duplicate_ids_max = static_cast<std::uint32_t>(*duplicate_ids_max);
        if (duplicate_ids_age_ms) settings.duplicate_ids_age = std::chrono::milliseconds(*duplicate_ids_age_ms);
        if (dead_letter_queue) settings.dead_letter_queue = *dead_letter_queue;
        if (overflow) settings.overflow = *overflow == "hold" ? OverflowPolicy::hold : OverflowPolicy::refuse;
        if (strict) settings.strict = *strict;
    }
};

std::optional<Response> read_settings(const std::string& body, GivenSettings& given) {
    JsonFields fields(body);
    given.max_messages = fields.number("maxMessages", 0, max_messages_limit);
    given.max_bytes = fields.number("maxBytes", 0, max_bytes_limit);
    given.max_deliveries = fields.number("maxDeliveries", 0, max_deliveries_limit);
    given.duplicate_ids_max = fields.number("duplicateIdsMax", 0, duplicate_ids_limit);
    given.duplicate_ids_age_ms = fields.number("duplicateIdsAgeMs", duplicate_ids_age_least_ms, duplicate_ids_age_limit_ms);
    given.dead_letter_queue = fields.text("deadLetterQueue");
    given.overflow = fields.text("overflow");
    given.strict = fields.flag("strict");
    if (given.dead_letter_queue && given.dead_letter_queue->empty()) {
        fields.refuse("deadLetterQueue is a queue; with the name of the queue itself, messages that fail stay in it");
    }
    if (given.overflow && *given.overflow != "refuse" && *given.overflow != "hold") fields.refuse("overflow is \"refuse\" or \"hold\"");
    if (given.max_bytes && *given.max_bytes != 0 && *given.max_bytes < max_bytes_least) {
        fields.refuse("maxBytes is 0 (no limit) or at least " + std::to_string(max_bytes_least));
    }
    return fields.problem();
}

using Order = core::QueueQuery::Order;
constexpr std::array<std::pair<std::string_view, Order>, 8> orders{{{"name", Order::name},
                                                                    {"messages", Order::messages},
                                                                    {"bytes", Order::bytes},
                                                                    {"consumers", Order::consumers},
                                                                    {"producers", Order::producers},
                                                                    {"oldestArrivedAt", Order::oldest_arrived_at},
                                                                    {"enqueued", Order::enqueued},
                                                                    {"deadLettered", Order::dead_lettered}}};

constexpr std::array<std::pair<std::string_view, DestinationOrigin>, 4> origins{{{"configured", DestinationOrigin::configured},
                                                                                 {"administrator", DestinationOrigin::administrator},
                                                                                 {"automatic", DestinationOrigin::automatic},
                                                                                 {"temporary", DestinationOrigin::temporary}}};

template <typename Value, std::size_t size>
std::optional<Value> named(const std::array<std::pair<std::string_view, Value>, size>& names, std::string_view name) {
    for (const auto& [known, value] : names) {
        if (known == name) return value;
    }
    return std::nullopt;
}

Response wrong_query(std::string_view sentence) { return problem(400, "invalid_argument", "the query is not what is expected", sentence); }

/// `sort`: the order, with a hyphen before it the other way round.
bool read_order(std::string_view sort, core::QueueQuery& query) {
    query.is_descending = sort.starts_with('-');
    if (query.is_descending) sort.remove_prefix(1);
    const auto order = named(orders, sort);
    if (order) query.order = *order;
    return order.has_value();
}

/// "value:name" of the last one, opaque to clients.
bool read_cursor(std::string_view after, core::QueueQuery& query) {
    const auto colon = after.find(':');
    if (colon == std::string_view::npos || colon + 1 == after.size()) return false;
    const auto [end, error] = std::from_chars(after.data(), after.data() + colon, query.after_value);
    query.after_name = after.substr(colon + 1);
    return error == std::errc() && end == after.data() + colon;
}

std::optional<Response> read_query(const Target& target, core::QueueQuery& query) {
    auto page = page_request(target, {"name", "sort", "origin", "state"});
    if (page.problem) return page.problem;
    query.limit = page.limit;
    if (!read_order(target.parameter("sort").value_or("name"), query)) return wrong_query("queues are not sorted by that");
    if (!page.after.empty() && !read_cursor(page.after, query)) {
        return problem(400, "invalid_cursor", "the query is not what is expected", "the cursor is not one that was given out");
    }
    query.name_part = target.parameter("name").value_or("");
    if (const auto origin = target.parameter("origin")) {
        query.origin = named(origins, *origin);
        if (!query.origin) return wrong_query("origin is configured, administrator, automatic or temporary");
    }
    if (const auto state = target.parameter("state")) {
        if (*state != "running" && *state != "paused") return wrong_query("state is running or paused");
        query.is_paused = *state == "paused";
    }
    return std::nullopt;
}

}  // namespace

void Site::queues(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    core::QueueQuery query;
    if (auto wrong = read_query(call.target, query)) return call.done(std::move(*wrong));
    admin_.list_queues(call.who, std::move(query),
                       [done = std::move(call.done), &workers = workers_](Result<core::QueueList> found) mutable {
                           if (!found) return done(problem_of(found.error()));
                           // Making text of a long list is not the core's work.
                           workers.execute([done = std::move(done), queues = std::move(*found)]() mutable {
                               boost::json::array items;
                               for (const auto& queue : queues.items) items.push_back(to_json(queue));
                               std::optional<std::string> next;
                               if (queues.more) {
                                   next = encode_cursor(std::to_string(queues.last_value) + ':' + queues.items.back().settings.name);
                               }
                               done(list_response(std::move(items), next));
                           });
                       });
}

void Site::queue(Call call) {
    if (call.request.method == "PUT") return put_queue(std::move(call));
    auto& name = call.target.segments.back();
    if (is_read(call.request.method)) {
        admin_.view_queue(call.who, std::move(name), [done = std::move(call.done)](Result<core::QueueView> found) mutable {
            done(found ? queue_response(200, *found) : problem_of(found.error()));
        });
        return;
    }
    if (call.request.method == "PATCH") return change_queue(std::move(call));
    if (call.request.method != "DELETE") return call.done(method_not_allowed("GET, HEAD, PUT, PATCH, DELETE"));
    if (auto wrong = refuse_other_parameters(call.target, {"evenIfUsed"})) return call.done(std::move(*wrong));
    const auto even_if_used = call.target.parameter("evenIfUsed");
    if (even_if_used && *even_if_used != "true" && *even_if_used != "false") {
        return call.done(problem(400, "invalid_argument", "the query is not what is expected", "evenIfUsed is true or false"));
    }
    auto still = still_so<core::QueueView>(call.request);
    auto answer = [done = std::move(call.done)](Result<void> deleted) mutable {
        done(deleted ? empty_response(204) : problem_of(deleted.error()));
    };
    admin_.delete_queue(call.who, std::move(name), even_if_used == "true", std::move(answer), std::move(still));
}

/// PATCH: what is given changes, if the settings are still those that the client has seen.
void Site::change_queue(Call call) {
    auto still = still_so<core::QueueView>(call.request);
    if (!still) {
        return call.done(problem(428, "precondition_required", "say which settings you have seen",
                                 "send If-Match with the ETag of the queue, or with *"));
    }
    GivenSettings given;
    if (auto wrong = read_settings(call.request.body, given)) return call.done(std::move(*wrong));
    auto change = [given = std::move(given)](DestinationSettings settings) -> Result<DestinationSettings> {
        given.apply(settings);
        return settings;
    };
    auto answer = [done = std::move(call.done)](Result<core::QueueView> changed) mutable {
        done(changed ? queue_response(200, *changed) : problem_of(changed.error()));
    };
    admin_.change_queue(call.who, call.target.segments[3], std::move(change), std::move(answer), std::move(still));
}

void Site::pause(Call call) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    JsonFields fields(call.request.body);
    const auto send = fields.flag("send");
    const auto receive = fields.flag("receive");
    if (!send && !receive) fields.refuse("send or receive says what is paused (true) or goes on (false)");
    if (auto wrong = fields.problem()) return call.done(std::move(*wrong));
    admin_.pause_queue(call.who, call.target.segments[3], send, receive,
                       [done = std::move(call.done)](Result<core::QueueView> changed) mutable {
                           done(changed ? queue_response(200, *changed) : problem_of(changed.error()));
                       });
}

void Site::put_queue(Call call) {
    using Put = admin::BrokerAdmin::Put;
    auto settings = admin_.queue_defaults();
    settings.name = call.target.segments.back();
    settings.origin = DestinationOrigin::administrator;
    GivenSettings given;
    if (auto wrong = read_settings(call.request.body, given)) return call.done(std::move(*wrong));
    given.apply(settings);
    const auto name = settings.name;
    admin_.put_queue(call.who, std::move(settings), [this, who = call.who, name, done = std::move(call.done)](Result<Put> put) mutable {
        if (!put) return done(problem_of(put.error()));
        const int status = *put == Put::created ? 201 : 200;
        admin_.view_queue(who, name, [status, name, done = std::move(done)](Result<core::QueueView> found) mutable {
            if (!found) return done(problem_of(found.error()));
            auto response = queue_response(status, *found);
            if (status == 201) response.headers.emplace_back("Location", "/api/v1/queues/" + percent_encode(name));
            done(std::move(response));
        });
    });
}

void Site::purge(Call call) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    admin_.purge_queue(call.who, call.target.segments[3], [done = std::move(call.done)](Result<std::uint64_t> purged) mutable {
        if (!purged) return done(problem_of(purged.error()));
        boost::json::object body;
        body["purged"] = *purged;
        done(json_response(200, body));
    });
}

}  // namespace giromq::admin_web
