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

using Entry = selector::SelectorDirectory::Entry;

json::object to_json(const Entry& entry) {
    json::object item;
    item["name"] = entry.selector.name;
    item["origin"] = entry.is_configured ? "configured" : "administrator";
    if (entry.selector.changed_at.is_set()) item["changedAt"] = to_text(entry.selector.changed_at);
    return item;
}

json::object with_text(const Entry& entry) {
    auto item = to_json(entry);
    item["text"] = entry.selector.text;
    return item;
}

Response selector_response(int status, const Entry& entry) {
    auto response = json_response(status, with_text(entry));
    response.headers.emplace_back("ETag", etag_of(entry));
    return response;
}

}  // namespace

void Site::selectors(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto page = page_request(call.target);
    if (page.problem) return call.done(std::move(*page.problem));
    const auto selectors = admin_.list_selectors(call.who);
    if (!selectors) return call.done(problem_of(selectors.error()));
    json::array items;
    std::optional<std::string> next;
    for (const auto& entry : *selectors) {
        if (entry.selector.name <= page.after) continue;
        if (items.size() == page.limit) {
            next = encode_cursor(std::string_view(items.back().as_object().at("name").as_string()));
            break;
        }
        items.push_back(to_json(entry));
    }
    call.done(list_response(std::move(items), next));
}

void Site::selector(Call call) {
    if (auto wrong = refuse_other_parameters(call.target, {})) return call.done(std::move(*wrong));
    if (call.request.method == "PUT") return put_selector(std::move(call));
    const auto& name = call.target.segments.back();
    if (call.request.method == "DELETE") {
        auto answer = [done = std::move(call.done)](Result<void> deleted) mutable {
            done(deleted ? empty_response(204) : problem_of(deleted.error()));
        };
        return admin_.delete_selector(call.who, name, std::move(answer), still_so<Entry>(call.request));
    }
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD, PUT, DELETE"));
    const auto found = admin_.view_selector(call.who, name);
    call.done(found ? selector_response(200, *found) : problem_of(found.error()));
}

void Site::put_selector(Call call) {
    using PutSelector = admin::BrokerAdmin::PutSelector;
    JsonFields fields(call.request.body);
    auto text = fields.text("text");
    if (auto wrong = fields.problem()) return call.done(std::move(*wrong));
    if (!text) {
        return call.done(
            problem(400, "invalid_argument", "the body is not what is expected", "text is missing: the selector, in SQL or XML"));
    }
    const auto name = call.target.segments.back();
    auto answer = [this, who = call.who, name, done = std::move(call.done)](Result<PutSelector> put) mutable {
        if (!put) return done(problem_of(put.error()));
        const auto stored = admin_.view_selector(who, name);
        if (!stored) return done(problem_of(stored.error()));
        const bool is_new = *put == PutSelector::created;
        auto response = selector_response(is_new ? 201 : 200, *stored);
        if (is_new) response.headers.emplace_back("Location", "/api/v1/selectors/" + name);
        done(std::move(response));
    };
    admin_.put_selector(call.who, name, std::move(*text), std::move(answer), still_so<Entry>(call.request));
}

}  // namespace giromq::admin_web
