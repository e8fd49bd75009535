#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/parse.hpp>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/request_gate.hpp"
#include "admin-web/site.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

json::value settings_json(const admin::DefinitionSettings& settings, bool is_there) {
    if (!is_there) return nullptr;
    json::object item;
    for (const auto& [name, value] : settings) item[name] = value;
    return item;
}

json::value problem_json(const std::optional<Error>& refused) {
    return refused ? json::parse(problem_of(*refused).body) : json::value(nullptr);
}

std::string_view outcome_of(const admin::Change& change, bool is_applied) {
    if (change.is_made) return "done";
    if (change.refused) return "refused";
    return is_applied ? "skipped" : "planned";
}

json::array changes_json(const std::vector<admin::Change>& changes, bool is_applied) {
    json::array items;
    items.reserve(changes.size());
    for (const auto& change : changes) {
        json::object item;
        item["kind"] = to_string(change.kind);
        item["object"] = to_string(change.key.first);
        item["name"] = change.key.second;
        item["before"] = settings_json(change.before, change.kind != admin::ChangeKind::create);
        item["after"] = settings_json(change.after, change.kind != admin::ChangeKind::remove);
        item["outcome"] = outcome_of(change, is_applied);
        item["problem"] = problem_json(change.refused);
        items.push_back(std::move(item));
    }
    return items;
}

Response applied_response(const std::vector<admin::Change>& changes, bool is_applied) {
    const auto first = std::find_if(changes.begin(), changes.end(), [](const admin::Change& change) { return change.refused.has_value(); });
    json::object body;
    body["changes"] = changes_json(changes, is_applied);
    body["done"] = std::count_if(changes.begin(), changes.end(), [](const admin::Change& change) { return change.is_made; });
    body["failed"] = first == changes.end() ? json::value(nullptr) : problem_json(first->refused);
    return json_response(200, body);
}

/// "true", "false", or not there; nothing for anything else.
std::optional<bool> flag_of(const Target& target, std::string_view name) {
    const auto value = target.parameter(name);
    if (!value || *value == "false") return false;
    if (*value == "true") return true;
    return std::nullopt;
}

Response invalid_flag() {
    return problem(400, "invalid_argument", "the query is not what is expected", "prune and dryRun are true or false");
}

}  // namespace

void Site::export_configuration(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    if (auto refusal = refuse_other_parameters(call.target, {})) return call.done(std::move(*refusal));
    admin_.export_definitions(call.who, [this, done = std::move(call.done)](Result<admin::Definitions> definitions) mutable {
        if (!definitions) return done(problem_of(definitions.error()));
        workers_.execute([this, definitions = std::move(*definitions), done = std::move(done)]() mutable {
            auto document = to_xml(definitions, admin_.queue_defaults());
            if (!document) return done(problem_of(document.error()));
            Response response;
            response.content_type = "application/xml";
            response.headers.emplace_back("Content-Disposition", "attachment; filename=\"giromq-definitions.xml\"");
            response.body = std::move(*document);
            done(std::move(response));
        });
    });
}

/// Reads the document on a worker, and goes on with what it says.
void Site::with_definitions(Call call, UniqueFunction<void(Call, admin::DefinitionsDocument)> go_on) {
    if (!is_xml(call.request.header("content-type"))) {
        return call.done(problem(415, "not_xml", "the body must be a document", "send it with Content-Type: application/xml"));
    }
    workers_.execute([this, call = std::move(call), go_on = std::move(go_on)]() mutable {
        auto definitions = admin::parse_definitions(call.request.body, admin_.queue_defaults());
        if (!definitions) return call.done(problem_of(definitions.error()));
        go_on(std::move(call), std::move(*definitions));
    });
}

void Site::diff_configuration(Call call) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    if (auto refusal = refuse_other_parameters(call.target, {"prune"})) return call.done(std::move(*refusal));
    const auto prune = flag_of(call.target, "prune");
    if (!prune) return call.done(invalid_flag());
    if (const auto allowed = authorise(call.who, security::Action::audit, {}); !allowed) return call.done(problem_of(allowed.error()));
    with_definitions(std::move(call), [this, prune = *prune](Call with, admin::DefinitionsDocument wanted) {
        const auto who = with.who;
        admin_.compare_definitions(who, std::move(wanted), prune,
                                   [done = std::move(with.done)](Result<std::vector<admin::Change>> changes) mutable {
                                       if (!changes) return done(problem_of(changes.error()));
                                       json::object body;
                                       body["changes"] = changes_json(*changes, false);
                                       done(json_response(200, body));
                                   });
    });
}

void Site::apply_configuration(Call call) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    if (auto refusal = refuse_other_parameters(call.target, {"prune", "dryRun"})) return call.done(std::move(*refusal));
    const auto prune = flag_of(call.target, "prune");
    const auto dry_run = flag_of(call.target, "dryRun");
    if (!prune || !dry_run) return call.done(invalid_flag());
    // A large document is not even read for somebody who may not apply it.
    if (const auto allowed = authorise(call.who, security::Action::administer, {}); !allowed) return call.done(problem_of(allowed.error()));
    with_definitions(std::move(call), [this, prune = *prune, dry_run = *dry_run](Call with, admin::DefinitionsDocument wanted) {
        const auto who = with.who;
        auto answer = [this, is_applied = !dry_run, done = std::move(with.done)](Result<std::vector<admin::Change>> changes) mutable {
            if (!changes) return done(problem_of(changes.error()));
            workers_.execute([changes = std::move(*changes), is_applied, done = std::move(done)]() mutable {
                done(applied_response(changes, is_applied));
            });
        };
        if (dry_run) return admin_.compare_definitions(who, std::move(wanted), prune, std::move(answer));
        admin_.apply_definitions(who, std::move(wanted), prune, std::move(answer));
    });
}

void Site::reload_configuration(Call call) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    if (auto refusal = refuse_other_parameters(call.target, {})) return call.done(std::move(*refusal));
    admin_.reload_configuration(call.who, [done = std::move(call.done)](Result<admin::Reloaded> reloaded) mutable {
        if (!reloaded) return done(problem_of(reloaded.error()));
        json::object body;
        body["applied"] = json::array(reloaded->applied.begin(), reloaded->applied.end());
        body["needsRestart"] = json::array(reloaded->needs_restart.begin(), reloaded->needs_restart.end());
        done(json_response(200, body));
    });
}

}  // namespace giromq::admin_web
