#include <boost/json/array.hpp>
#include <utility>

#include "admin-web/answers.hpp"
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

/// The settings of a queue: those that are given, the broker's defaults for the rest.
std::optional<Response> read_settings(const std::string& body, DestinationSettings& settings) {
    JsonFields fields(body);
    if (const auto value = fields.number("maxMessages", 0, max_messages_limit)) settings.max_messages = *value;
    const auto max_bytes = fields.number("maxBytes", 0, max_bytes_limit);
    if (max_bytes) settings.max_bytes = *max_bytes;
    if (const auto value = fields.number("maxDeliveries", 0, max_deliveries_limit)) {
        settings.max_deliveries = static_cast<std::uint32_t>(*value);
    }
    if (const auto value = fields.number("duplicateIdsMax", 0, duplicate_ids_limit)) {
        settings.duplicate_ids_max = static_cast<std::uint32_t>(*value);
    }
    if (const auto value = fields.number("duplicateIdsAgeMs", duplicate_ids_age_least_ms, duplicate_ids_age_limit_ms)) {
        settings.duplicate_ids_age = std::chrono::milliseconds(*value);
    }
    if (const auto value = fields.flag("strict")) settings.strict = *value;
    if (auto value = fields.text("deadLetterQueue")) settings.dead_letter_queue = std::move(*value);
    const auto overflow = fields.text("overflow");
    if (auto wrong = fields.problem()) return wrong;
    constexpr std::string_view title = "the body is not what is expected";
    if (overflow && *overflow != "refuse" && *overflow != "hold") {
        return problem(400, "invalid_argument", title, "overflow is \"refuse\" or \"hold\"");
    }
    if (overflow) settings.overflow = *overflow == "hold" ? OverflowPolicy::hold : OverflowPolicy::refuse;
    if (settings.max_bytes != 0 && settings.max_bytes < max_bytes_least) {
        return problem(400, "invalid_argument", title, "maxBytes is 0 (no limit) or at least " + std::to_string(max_bytes_least));
    }
    return std::nullopt;
}

}  // namespace

void Site::queues(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto page = page_request(call.target);
    if (page.problem) return call.done(std::move(*page.problem));
    admin_.list_queues(call.who, std::move(page.after), page.limit,
                       [done = std::move(call.done), &workers = workers_](Result<admin::BrokerAdmin::QueuePage> found) mutable {
                           if (!found) return done(problem_of(found.error()));
                           // Making text of a long list is not the core's work.
                           workers.execute([done = std::move(done), queues = std::move(*found)]() mutable {
                               boost::json::array items;
                               for (const auto& queue : queues.items) items.push_back(to_json(queue));
                               std::optional<std::string> next;
                               if (queues.more) next = encode_cursor(queues.items.back().settings.name);
                               done(list_response(std::move(items), next));
                           });
                       });
}

void Site::queue(Call call) {
    if (call.request.method == "PUT") return put_queue(std::move(call));
    auto& name = call.target.segments.back();
    if (is_read(call.request.method)) {
        admin_.view_queue(call.who, std::move(name), [done = std::move(call.done)](Result<core::QueueView> found) mutable {
            done(found ? json_response(200, to_json(*found)) : problem_of(found.error()));
        });
        return;
    }
    if (call.request.method != "DELETE") return call.done(method_not_allowed("GET, HEAD, PUT, DELETE"));
    if (auto wrong = refuse_other_parameters(call.target, {"evenIfUsed"})) return call.done(std::move(*wrong));
    const auto even_if_used = call.target.parameter("evenIfUsed");
    if (even_if_used && *even_if_used != "true" && *even_if_used != "false") {
        return call.done(problem(400, "invalid_argument", "the query is not what is expected", "evenIfUsed is true or false"));
    }
    admin_.delete_queue(call.who, std::move(name), even_if_used == "true", [done = std::move(call.done)](Result<void> deleted) mutable {
        done(deleted ? empty_response(204) : problem_of(deleted.error()));
    });
}

void Site::put_queue(Call call) {
    using Put = admin::BrokerAdmin::Put;
    auto settings = admin_.queue_defaults();
    settings.name = call.target.segments.back();
    settings.origin = DestinationOrigin::administrator;
    if (auto wrong = read_settings(call.request.body, settings)) return call.done(std::move(*wrong));
    const auto name = settings.name;
    admin_.put_queue(call.who, std::move(settings), [this, who = call.who, name, done = std::move(call.done)](Result<Put> put) mutable {
        if (!put) return done(problem_of(put.error()));
        const int status = *put == Put::created ? 201 : 200;
        admin_.view_queue(who, name, [status, name, done = std::move(done)](Result<core::QueueView> found) mutable {
            if (!found) return done(problem_of(found.error()));
            auto response = json_response(status, to_json(*found));
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
