#include <boost/json/array.hpp>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/entity_tag.hpp"
#include "admin-web/json_fields.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::string_view prometheus_text = "text/plain; version=0.0.4; charset=utf-8";
constexpr std::string_view body_title = "the body is not what is expected";

Response metrics_response(std::string text) {
    Response response;
    response.content_type = prometheus_text;
    response.body = std::move(text);
    return response;
}

json::object user_json(const std::string& name, Role role) { return {{"name", name}, {"role", to_text(role)}}; }

Response user_response(int status, const User& user) {
    auto response = json_response(status, user_json(user.name, user.role));
    response.headers.emplace_back("ETag", etag_of(user));
    return response;
}

}  // namespace

void Site::backup(Call call) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    JsonFields fields(call.request.body);
    auto file = fields.text("file");
    if (auto wrong = fields.problem()) return call.done(std::move(*wrong));
    if (!file) return call.done(problem(400, "invalid_argument", body_title, "file is missing: the name of the backup"));
    admin_.backup(call.who, std::move(*file), [done = std::move(call.done)](Result<admin::BrokerAdmin::Backup> backup) mutable {
        if (!backup) return done(problem_of(backup.error()));
        json::object body;
        body["path"] = backup->path;
        body["bytes"] = backup->bytes;
        done(json_response(200, body));
    });
}

void Site::users(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto page = page_request(call.target);
    if (page.problem) return call.done(std::move(*page.problem));
    const auto users = admin_.list_users(call.who);
    if (!users) return call.done(problem_of(users.error()));
    json::array items;
    std::optional<std::string> next;
    for (const auto& user : *users) {
        if (user.name <= page.after) continue;
        if (items.size() == page.limit) {
            next = encode_cursor(std::string_view(items.back().as_object().at("name").as_string()));
            break;
        }
        items.push_back(user_json(user.name, user.role));
    }
    call.done(list_response(std::move(items), next));
}

void Site::user(Call call) {
    if (auto wrong = refuse_other_parameters(call.target, {})) return call.done(std::move(*wrong));
    if (call.request.method == "PUT") return put_user(std::move(call));
    const auto& name = call.target.segments.back();
    if (call.request.method == "DELETE") {
        auto answer = [done = std::move(call.done)](Result<void> deleted) mutable {
            done(deleted ? empty_response(204) : problem_of(deleted.error()));
        };
        return admin_.delete_user(call.who, name, std::move(answer), still_so<User>(call.request));
    }
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD, PUT, DELETE"));
    const auto user = admin_.view_user(call.who, name);
    call.done(user ? user_response(200, *user) : problem_of(user.error()));
}

void Site::put_user(Call call) {
    using PutUser = admin::BrokerAdmin::PutUser;
    JsonFields fields(call.request.body);
    const auto role_name = fields.text("role");
    auto password = fields.text("password");
    if (auto wrong = fields.problem()) return call.done(std::move(*wrong));
    const auto named = role_name ? role_named(*role_name) : std::nullopt;
    if (!named) {
        return call.done(problem(400, "invalid_argument", body_title,
                                 "role is one of \"administrator\", \"operator\", \"auditor\" and \"application\""));
    }
    const Role role = *named;
    const auto name = call.target.segments.back();
    auto still = still_so<User>(call.request);
    auto answer = [this, who = call.who, name, done = std::move(call.done)](Result<PutUser> put) mutable {
        if (!put) return done(problem_of(put.error()));
        const auto user = admin_.view_user(who, name);
        done(user ? user_response(*put == PutUser::created ? 201 : 200, *user) : problem_of(user.error()));
    };
    admin_.put_user(call.who, name, role, std::move(password), std::move(answer), std::move(still));
}

void Site::metrics(Call call) {
    // Any user may read what holds for the broker as a whole, so that a monitor needs no administrator's password.
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    admin_.metrics([done = std::move(call.done)](std::string text) mutable { done(metrics_response(std::move(text))); });
}

void Site::queue_metrics(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto page = page_request(call.target);
    if (page.problem) return call.done(std::move(*page.problem));
    const auto limit = page.limit;
    auto answer = [limit, done = std::move(call.done)](Result<admin::BrokerAdmin::QueueMetrics> metrics) mutable {
        if (!metrics) return done(problem_of(metrics.error()));
        auto response = metrics_response(std::move(metrics->text));
        if (!metrics->next.empty()) {
            response.headers.push_back(
                link_to_next("/metrics/queues?limit=" + std::to_string(limit) + "&cursor=" + encode_cursor(metrics->next)));
        }
        done(std::move(response));
    };
    admin_.queue_metrics(call.who, std::move(page.after), limit, std::move(answer));
}

}  // namespace giromq::admin_web
