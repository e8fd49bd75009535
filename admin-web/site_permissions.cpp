#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/json_fields.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"
#include "security/authorisation.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::string_view body_title = "the body is not what is expected";
constexpr std::string_view query_title = "the query is not what is expected";

json::object to_json(const Permission& permission) {
    json::array actions;
    for (const auto action : permission.actions) actions.emplace_back(to_text(action));
    json::object grantee;
    grantee["kind"] = permission.grantee_kind == GranteeKind::role ? "role" : "user";
    grantee["name"] = permission.grantee;
    json::object item;
    item["id"] = std::to_string(permission.id);
    item["grantee"] = std::move(grantee);
    item["pattern"] = permission.pattern;
    item["actions"] = std::move(actions);
    item["createdAt"] = to_text(permission.created_at);
    item["createdBy"] = permission.created_by;
    return item;
}

std::optional<std::uint64_t> number_of(std::string_view text) {
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    return number;
}

/// What the body says, or the problem with it.
struct Read {
    Permission permission;
    std::optional<Response> problem;
};

Read read_permission(std::string_view body) {
    Read read;
    JsonFields fields(body);
    const auto grantee = fields.texts_of("grantee", {"kind", "name"});
    auto pattern = fields.text("pattern");
    const auto actions = fields.texts("actions", all_actions.size());
    read.problem = fields.problem();
    if (read.problem) return read;
    const bool is_kind = grantee && (grantee->at(0) == "user" || grantee->at(0) == "role");
    if (!is_kind || !pattern || !actions) {
        read.problem =
            problem(400, "invalid_argument", body_title, "grantee (kind \"user\" or \"role\", and name), pattern and actions are needed");
        return read;
    }
    read.permission.grantee_kind = grantee->at(0) == "role" ? GranteeKind::role : GranteeKind::user;
    read.permission.grantee = grantee->at(1);
    read.permission.pattern = std::move(*pattern);
    for (const auto& word : *actions) {
        const auto action = action_named(word);
        if (!action) {
            read.problem = problem(400, "invalid_argument", body_title, "there is no action '" + word + "'");
            return read;
        }
        read.permission.actions.push_back(*action);
    }
    return read;
}

}  // namespace

void Site::permissions(Call call) {
    if (call.request.method == "POST") return add_permission(std::move(call));
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD, POST"));
    auto page = page_request(call.target, {"grantee", "pattern"});
    if (page.problem) return call.done(std::move(*page.problem));
    const auto after = page.after.empty() ? std::optional<std::uint64_t>(0) : number_of(page.after);
    if (!after) return call.done(problem(400, "invalid_cursor", query_title, "the cursor is not one that was given out"));
    const auto permissions = admin_.list_permissions(call.who);
    if (!permissions) return call.done(problem_of(permissions.error()));
    const auto grantee = call.target.parameter("grantee");
    const auto pattern = call.target.parameter("pattern");
    json::array items;
    std::optional<std::string> next;
    for (const auto& permission : *permissions) {
        if (permission.id <= *after || (grantee && permission.grantee != *grantee) || (pattern && permission.pattern != *pattern)) continue;
        if (items.size() == page.limit) {
            next = encode_cursor(std::string_view(items.back().as_object().at("id").as_string()));
            break;
        }
        items.push_back(to_json(permission));
    }
    call.done(list_response(std::move(items), next));
}

void Site::add_permission(Call call) {
    auto read = read_permission(call.request.body);
    if (read.problem) return call.done(std::move(*read.problem));
    admin_.add_permission(call.who, std::move(read.permission), [done = std::move(call.done)](Result<Permission> added) mutable {
        if (!added) return done(problem_of(added.error()));
        auto response = json_response(201, to_json(*added));
        response.headers.emplace_back("Location", "/api/v1/permissions/" + std::to_string(added->id));
        done(std::move(response));
    });
}

void Site::permission(Call call) {
    if (call.request.method != "DELETE") return call.done(method_not_allowed("DELETE"));
    const auto id = number_of(call.target.segments.back());
    if (!id) return call.done(not_found());
    admin_.delete_permission(call.who, *id, [done = std::move(call.done)](Result<void> deleted) mutable {
        done(deleted ? empty_response(204) : problem_of(deleted.error()));
    });
}

void Site::check_permission(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    if (auto wrong = refuse_other_parameters(call.target, {"user", "action", "destination"})) return call.done(std::move(*wrong));
    const auto user = call.target.parameter("user");
    const auto word = call.target.parameter("action");
    const auto action = word ? action_named(*word) : std::nullopt;
    if (!user || !action)
        return call.done(problem(400, "invalid_argument", query_title, "user and action are needed, and an action that there is"));
    const auto decision = admin_.check_permission(call.who, *user, *action, call.target.parameter("destination").value_or(""));
    if (!decision) return call.done(problem_of(decision.error()));
    json::object body;
    body["allowed"] = decision->allowed;
    body["because"] = decision->because;
    body["permission"] = decision->permission ? json::value(std::to_string(*decision->permission)) : json::value(nullptr);
    call.done(json_response(200, body));
}

void Site::roles(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    if (auto wrong = refuse_other_parameters(call.target, {})) return call.done(std::move(*wrong));
    json::array items;
    for (const auto& [role, name] : role_names) {
        json::array actions;
        for (const auto action : all_actions) {
            if (authorise(Identity{{}, role}, action, {})) actions.emplace_back(to_text(action));
        }
        json::object item;
        item["name"] = name;
        item["mayDo"] = std::move(actions);
        items.push_back(std::move(item));
    }
    call.done(list_response(std::move(items), std::nullopt));
}

}  // namespace giromq::admin_web
