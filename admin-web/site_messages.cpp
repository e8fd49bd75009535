#include <algorithm>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/message_build.hpp"
#include "admin-web/message_json.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"

// Messages one by one: /queues/{name}/messages.

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::uint64_t body_bytes_default = 64 * 1024;
constexpr std::uint64_t body_bytes_limit = 1024 * 1024;
constexpr std::uint64_t download_bytes_max = 16 * 1024 * 1024;
constexpr std::uint64_t export_bytes_max = 8 * 1024 * 1024;  // of 4 MiB of messages, as text

Response wrong_query(std::string_view sentence) { return problem(400, "invalid_argument", "the query is not what is expected", sentence); }

/// The queue and the message that the path names: /api/v1/queues/{name}/messages/{id}...
std::optional<Position> position_of(const Target& target) {
    const auto& path = target.segments;
    const auto number = path[4] == "messages" ? positive_number(path[5]) : std::nullopt;
    return number ? std::optional(Position{*number}) : std::nullopt;
}

std::optional<Response> read_browse(const Target& target, admin::Messages::Browse& browse) {
    auto page = page_request(target, {"selector", "syntax", "after"});
    if (page.problem) return page.problem;
    browse.queue = target.segments[3];
    browse.limit = page.limit;
    browse.selector = target.parameter("selector").value_or("");
    if (auto wrong = refuse_other_syntax(browse.selector, target.parameter("syntax"))) return wrong;
    const auto after = target.parameter("after");
    if (after && !page.after.empty()) return wrong_query("give after or cursor");
    const auto& begin = after ? *after : page.after;
    const auto position = positive_number(begin);
    if (!begin.empty() && begin != "0" && !position) return wrong_query("after is the id of a message");
    browse.after = Position{position.value_or(0)};
    return std::nullopt;
}

Response page_response(const admin::Messages::Page& page) {
    json::array items;
    for (const auto& item : page.items) items.push_back(to_json(item, shown_in_lists));
    json::object body;
    body["items"] = std::move(items);
    body["nextCursor"] = page.more ? json::value(encode_cursor(std::to_string(page.through.value))) : json::value(nullptr);
    body["searched"] = page.searched;
    return json_response(200, body);
}

/// A message a line, as it is shown alone. What is not in its row, the body of a large one, is left out and marked as truncated.
std::string lines_of(const std::string& queue, admin::Messages::Page&& page) {
    std::string lines;
    for (auto& item : page.items) {
        admin::Messages::Found found;
        found.item = std::move(item);
        if (const auto& message = found.item.stored.message) {
            found.bare = message->bare;
            found.is_whole = message->chunk_count == 0;
        }
        lines += json::serialize(to_json(queue, found, BodyForm::text, body_bytes_limit)) + '\n';
    }
    return lines;
}

/// Where the export goes on.
std::string next_part(const Target& target, Position through) {
    std::string link = "/api/v1/queues/" + percent_encode(target.segments[3]) + "/messages/export?";
    for (const auto* const name : {"limit", "selector", "syntax"}) {
        if (const auto value = target.parameter(name)) link += std::string(name) + '=' + percent_encode(*value) + '&';
    }
    return link + "cursor=" + encode_cursor(std::to_string(through.value));
}

}  // namespace

/// `syntax` is for who wants to be sure that a text is taken for what it is meant to be.
std::optional<Response> refuse_other_syntax(std::string_view selector, const std::optional<std::string>& syntax) {
    if (!syntax) return std::nullopt;
    if (*syntax != "sql" && *syntax != "xml") return wrong_query("syntax is sql or xml");
    const auto first = selector.find_first_not_of(" \t\r\n");
    const bool is_xml = first != std::string_view::npos && selector[first] == '<';
    if (is_xml == (*syntax == "xml")) return std::nullopt;
    return problem(400, "invalid_selector", "not a selector", is_xml ? "it is XML, not SQL" : "it is not XML: that begins with <");
}

void Site::messages(Call call) {
    if (call.request.method == "POST") return send_message(std::move(call));
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD, POST"));
    admin::Messages::Browse browse;
    if (auto wrong = read_browse(call.target, browse)) return call.done(std::move(*wrong));
    admin_.messages().browse(
        call.who, std::move(browse), [done = std::move(call.done), &workers = workers_](Result<admin::Messages::Page> page) mutable {
            if (!page) return done(problem_of(page.error()));
            workers.execute([done = std::move(done), page = std::move(*page)]() mutable { done(page_response(page)); });
        });
}

void Site::message(Call call) {
    const auto position = position_of(call.target);
    if (!position) return call.done(not_found());
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    if (auto wrong = refuse_other_parameters(call.target, {"body", "bodyBytesMax"})) return call.done(std::move(*wrong));
    const auto form_name = call.target.parameter("body").value_or("text");
    const auto form = form_name == "none" ? BodyForm::none : form_name == "text" ? BodyForm::text : BodyForm::base64;
    if (form == BodyForm::base64 && form_name != "base64") return call.done(wrong_query("body is none, text or base64"));
    auto bytes_max = body_bytes_default;
    if (const auto given = call.target.parameter("bodyBytesMax")) {
        const auto number = *given == "0" ? std::optional<std::uint64_t>(0) : positive_number(*given);
        if (!number || *number > body_bytes_limit) return call.done(wrong_query("bodyBytesMax is a number from 0 to 1048576"));
        bytes_max = *number;
    }
    auto queue = call.target.segments[3];
    const auto wanted = form == BodyForm::none ? 0 : bytes_max;
    auto answer = [done = std::move(call.done), &workers = workers_, queue, form, bytes_max](Result<admin::Messages::Found> found) mutable {
        if (!found) return done(problem_of(found.error()));
        workers.execute([done = std::move(done), queue = std::move(queue), form, bytes_max, found = std::move(*found)]() mutable {
            done(json_response(200, to_json(queue, found, form, bytes_max)));
        });
    };
    admin_.messages().find(call.who, std::move(queue), *position, wanted, std::move(answer));
}

void Site::message_body(Call call) {
    const auto position = position_of(call.target);
    if (!position) return call.done(not_found());
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto room = downloads_.admit(call.who.user, download_bytes_max);
    if (room.refusal) return call.done(std::move(*room.refusal));
    auto answer = [done = std::move(call.done), &workers = workers_, position,
                   held = std::move(room.held)](Result<admin::Messages::Found> found) mutable {
        if (!found) return done(problem_of(found.error()));
        workers.execute([done = std::move(done), position, found = std::move(*found), held = std::move(held)]() mutable {
            Response response;
            response.held = std::move(held);
            response.content_type = "application/octet-stream";
            response.body = body_of(found);
            const auto file = "message-" + std::to_string(position->value) + ".bin";
            response.headers.emplace_back("Content-Disposition", "attachment; filename=\"" + file + "\"");
            response.headers.emplace_back("X-Content-Type-Options", "nosniff");
            done(std::move(response));
        });
    };
    admin_.messages().read_body(call.who, call.target.segments[3], *position, download_bytes_max, std::move(answer));
}

void Site::export_messages(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    admin::Messages::Browse browse;
    if (auto wrong = read_browse(call.target, browse)) return call.done(std::move(*wrong));
    if (auto allowed = authorise(call.who, security::Action::read_body, browse.queue); !allowed)
        return call.done(problem_of(allowed.error()));
    auto room = downloads_.admit(call.who.user, export_bytes_max);
    if (room.refusal) return call.done(std::move(*room.refusal));
    auto answer = [done = std::move(call.done), &workers = workers_, target = call.target,
                   held = std::move(room.held)](Result<admin::Messages::Page> page) mutable {
        if (!page) return done(problem_of(page.error()));
        workers.execute([done = std::move(done), target = std::move(target), page = std::move(*page), held = std::move(held)]() mutable {
            Response response;
            response.held = std::move(held);
            response.content_type = "application/x-ndjson";
            if (page.more) response.headers.push_back(link_to_next(next_part(target, page.through)));
            response.body = lines_of(target.segments[3], std::move(page));
            done(std::move(response));
        });
    };
    admin_.messages().browse(call.who, std::move(browse), std::move(answer));
}

void Site::send_message(Call call) {
    auto key = idempotency_key(call.request);
    if (key.problem) return call.done(std::move(*key.problem));
    const auto& queue = call.target.segments[3];
    auto built = build_message(call.request.body, queue, call.who.user, admin_.now());
    if (built.problem) return call.done(std::move(*built.problem));
    auto answer = [done = std::move(call.done), queue, id = std::move(built.message_id)](Result<admin::Messages::Sent> sent) mutable {
        if (!sent) return done(problem_of(sent.error()));
        json::object body;
        const auto position = std::to_string(sent->position.value);
        body["id"] = sent->is_duplicate ? json::value(nullptr) : json::value(position);
        body["duplicate"] = sent->is_duplicate;
        if (!sent->is_duplicate) body["messageId"] = id;
        auto response = json_response(sent->is_duplicate ? 200 : 201, body);
        if (!sent->is_duplicate) {
            response.headers.emplace_back("Location", "/api/v1/queues/" + percent_encode(queue) + "/messages/" + position);
        }
        done(std::move(response));
    };
    auto once = key.text.empty() ? admin::Messages::Once{} : admin::Messages::Once{std::move(key.text), std::move(call.request.body)};
    admin_.messages().send(call.who, queue, std::move(built.message), std::move(once), std::move(answer));
}

}  // namespace giromq::admin_web
