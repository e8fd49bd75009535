#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <limits>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/json_fields.hpp"
#include "admin-web/live_values.hpp"
#include "admin-web/message_json.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"

// Messages many at a time: /queues/{name}/messages/move, copy, retry and delete, and /operations.

namespace giromq::admin_web {
namespace json = boost::json;
using admin::OperationKind;
using admin::Operations;
using admin::OperationView;

namespace {

constexpr std::size_t ids_max = 1000;
constexpr std::size_t selector_bytes_max = 16 * 1024;

std::string_view to_text(core::Change change) {
    switch (change) {
        case core::Change::done: return "done";
        case core::Change::not_found: return "not_found";
        case core::Change::locked: return "locked";
        case core::Change::expired: return "expired";
        case core::Change::no_origin: return "no_origin";
        case core::Change::resource_limit: return "resource_limit";
        case core::Change::damaged: return "damaged";
        case core::Change::not_permitted: return "not_permitted";
    }
    return "not_found";
}

json::object to_json(const Operations::Outcome& outcome) {
    json::array failed;
    for (const auto& [position, change] : outcome.failed) {
        failed.push_back(json::object{{"id", std::to_string(position.value)}, {"code", to_text(change)}});
    }
    return {{"done", outcome.done}, {"failed", std::move(failed)}};
}

OperationKind kind_of(std::string_view verb) {
    if (verb == "copy") return OperationKind::copy;
    if (verb == "retry") return OperationKind::retry;
    return verb == "delete" ? OperationKind::remove : OperationKind::move;
}

void read_ids(JsonFields& fields, std::vector<Position>& ids) {
    const auto* const list = fields.value("ids");
    if (list == nullptr) return;
    constexpr auto sentence = "ids is a list of 1 to 1000 ids of messages";
    if (!list->is_array() || list->get_array().empty() || list->get_array().size() > ids_max) return fields.refuse(sentence);
    for (const auto& item : list->get_array()) {
        const auto number = item.is_string() ? positive_number(std::string_view(item.get_string())) : std::nullopt;
        if (!number || *number > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return fields.refuse(sentence);
        ids.push_back(Position{*number});
    }
}

/// What a body asks for: which messages, and what to do with them.
struct Wish {
    Operations::Request request;
    bool is_dry_run = false;
    std::optional<Response> problem;
};

Wish read_wish(const Target& target, const std::string& body) {
    Wish wish;
    auto& request = wish.request;
    JsonFields fields(body);
    request.queue = target.segments[3];
    request.kind = kind_of(target.segments[5]);
    const bool has_target = request.kind == OperationKind::move || request.kind == OperationKind::copy;
    if (has_target) {
        auto to = fields.word("to", 255);
        if (!to) fields.refuse("to is the queue that the messages go to");
        request.to = std::move(to).value_or("");
    }
    read_ids(fields, request.ids);
    const auto selector = fields.text("selector");
    const auto syntax = fields.text("syntax");
    const bool all = fields.flag("all").value_or(false);
    const auto limit = fields.number("limit", 1, std::numeric_limits<std::int64_t>::max());
    wish.is_dry_run = fields.flag("dryRun").value_or(false);
    request.selector = selector.value_or("");
    request.limit = limit.value_or(0);
    if (selector && (selector->find_first_not_of(" \t\r\n") == std::string::npos || selector->size() > selector_bytes_max)) {
        fields.refuse("a selector has 1 to 16384 bytes; all: true is for every message");
    }
    const bool by_ids = fields.value("ids") != nullptr;
    if ((by_ids ? 1 : 0) + (selector ? 1 : 0) + (all ? 1 : 0) != 1) fields.refuse("give one of ids, selector, and all: true");
    if (by_ids && (limit || wish.is_dry_run)) fields.refuse("limit and dryRun are not for ids");
    wish.problem = fields.problem();
    if (!wish.problem) wish.problem = refuse_other_syntax(request.selector, syntax);
    return wish;
}

template <typename Done>
auto operation_answer(int status, Done done) {
    return [status, done = std::move(done)](Result<OperationView> view) mutable {
        if (!view) return done(problem_of(view.error()));
        auto response = json_response(status, operation_json(*view));
        if (status == 202) response.headers.emplace_back("Location", "/api/v1/operations/" + std::to_string(view->id));
        done(std::move(response));
    };
}

}  // namespace

void Site::change_messages(Call call) {
    if (call.target.segments[4] != "messages") return call.done(not_found());
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    auto wish = read_wish(call.target, call.request.body);
    if (wish.problem) return call.done(std::move(*wish.problem));
    auto& operations = admin_.operations();
    // What goes for good, and what goes somewhere else in numbers that nobody has looked at.
    const bool is_many = wish.request.ids.empty() && !wish.is_dry_run;
    const bool is_destructive = wish.request.kind == OperationKind::remove && !wish.is_dry_run;
    if (is_destructive || (is_many && wish.request.kind != OperationKind::copy)) {
        if (auto refusal = refuse_unconfirmed(call)) return call.done(std::move(*refusal));
    }
    if (wish.is_dry_run) {
        operations.count(call.who, std::move(wish.request), [done = std::move(call.done)](Result<Operations::Count> count) mutable {
            if (!count) return done(problem_of(count.error()));
            done(json_response(200, {{"matched", count->matched}, {"bytes", count->bytes}, {"complete", count->complete}}));
        });
    } else if (!wish.request.ids.empty()) {
        operations.change(call.who, std::move(wish.request), [done = std::move(call.done)](Result<Operations::Outcome> outcome) mutable {
            done(outcome ? json_response(200, to_json(*outcome)) : problem_of(outcome.error()));
        });
    } else {
        operations.start(call.who, std::move(wish.request), operation_answer(202, std::move(call.done)));
    }
}

void Site::operations(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto page = page_request(call.target, {"queue", "state"});
    const auto before = positive_number(page.after);
    if (!page.after.empty() && !before && !page.problem) {
        page.problem = problem(400, "invalid_cursor", "the query is not what is expected", "the cursor is not one that was given out");
    }
    if (page.problem) return call.done(std::move(*page.problem));
    const auto queue = call.target.parameter("queue");
    const auto state = call.target.parameter("state");
    auto answer = [done = std::move(call.done), queue, state, limit = page.limit](Result<std::vector<OperationView>> views) mutable {
        if (!views) return done(problem_of(views.error()));
        json::array items;
        std::optional<std::string> next;
        std::uint64_t last = 0;
        for (const auto& view : *views) {
            if ((queue && view.queue != *queue) || (state && to_string(view.state) != *state)) continue;
            if (items.size() == limit) {
                next = encode_cursor(std::to_string(last));
                break;
            }
            last = view.id;
            items.push_back(operation_json(view));
        }
        done(list_response(std::move(items), next));
    };
    admin_.operations().list(call.who, before.value_or(0), std::move(answer));
}

void Site::operation(Call call) {
    const auto id = positive_number(call.target.segments[3]);
    if (!id) return call.done(not_found());
    if (is_read(call.request.method)) {
        admin_.operations().find(call.who, *id, operation_answer(200, std::move(call.done)));
    } else if (call.request.method == "DELETE") {
        admin_.operations().cancel(call.who, *id, operation_answer(200, std::move(call.done)));
    } else {
        call.done(method_not_allowed("GET, HEAD, DELETE"));
    }
}

}  // namespace giromq::admin_web
