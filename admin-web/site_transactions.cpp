#include <algorithm>
#include <boost/json/array.hpp>
#include <charconv>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/json_fields.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"
#include "xa/xid_text.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::string_view query_title = "the query is not what is expected";

std::string_view state_of(const admin::TransactionView& branch) {
    if (!branch.decided) return "prepared";
    return *branch.decided == xa::Outcome::committed ? "heuristically-committed" : "heuristically-rolled-back";
}

json::object to_json(const admin::TransactionView& branch, Timestamp now) {
    json::object item;
    item["xid"] = xa::to_text(branch.xid);
    item["formatId"] = branch.xid.format_id();
    item["formatName"] = xa::format_name(branch.xid.format_id());
    item["description"] = xa::describe(branch.xid);
    item["state"] = state_of(branch);
    item["owner"] = branch.owner;
    item["preparedAt"] = to_text(branch.prepared_at);
    item["ageMs"] = std::max<std::int64_t>(0, now.milliseconds - branch.prepared_at.milliseconds);
    item["puts"] = branch.work.puts;
    item["gets"] = branch.work.gets;
    item["bytes"] = branch.work.bytes;
    json::array destinations;
    for (const auto& destination : branch.destinations) {
        destinations.push_back(json::object{{"name", destination.name}, {"puts", destination.puts}, {"gets", destination.gets}});
    }
    item["destinations"] = std::move(destinations);
    if (!branch.decided) return item;
    item["decidedAt"] = to_text(branch.decided_at);
    item["decidedBy"] = branch.decision.decided_by;
    item["reason"] = branch.decision.reason;
    return item;
}

json::object to_json(const admin::TransactionMessage& message) {
    json::object item;
    item["work"] = message.is_put ? "put" : "get";
    item["destination"] = message.destination;
    item["messageId"] = message.message_id;
    item["type"] = message.type;
    item["arrivedAt"] = to_text(message.arrived_at);
    item["bytes"] = message.bytes;
    return item;
}

Response wrong_cursor() { return problem(400, "invalid_cursor", query_title, "the cursor is not one that was given out"); }

Response wrong_xid() {
    return problem(400, "invalid_xid", "the XID is not what is expected",
                   "an XID is the format in decimal, then gtrid and bqual in hexadecimal: 131077:0a0b:0c");
}

}  // namespace

void Site::transactions(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    auto page = page_request(call.target);
    if (page.problem) return call.done(std::move(*page.problem));
    std::optional<xa::Xid> after;
    if (!page.after.empty()) {
        after = xa::xid_from_text(page.after);
        if (!after) return call.done(wrong_cursor());
    }
    admin_.list_transactions(call.who, std::move(after), page.limit,
                             [this, done = std::move(call.done)](Result<admin::BrokerAdmin::TransactionPage> found) mutable {
                                 if (!found) return done(problem_of(found.error()));
                                 // Making text of a long list is not the core's work.
                                 workers_.execute([now = admin_.now(), done = std::move(done), branches = std::move(*found)]() mutable {
                                     json::array items;
                                     for (const auto& branch : branches.items) items.push_back(to_json(branch, now));
                                     std::optional<std::string> next;
                                     if (branches.more) next = encode_cursor(xa::to_text(branches.items.back().xid));
                                     done(list_response(std::move(items), next));
                                 });
                             });
}

void Site::transaction(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    const auto xid = xa::xid_from_text(call.target.segments[3]);
    if (!xid) return call.done(wrong_xid());
    admin_.view_transaction(call.who, *xid, [this, done = std::move(call.done)](Result<admin::TransactionView> found) mutable {
        done(found ? json_response(200, to_json(*found, admin_.now())) : problem_of(found.error()));
    });
}

void Site::transaction_messages(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    const auto xid = xa::xid_from_text(call.target.segments[3]);
    if (!xid) return call.done(wrong_xid());
    auto page = page_request(call.target);
    if (page.problem) return call.done(std::move(*page.problem));
    std::uint64_t first = 0;
    const auto* const end = page.after.data() + page.after.size();
    if (!page.after.empty() && std::from_chars(page.after.data(), end, first).ptr != end) return call.done(wrong_cursor());
    admin_.transaction_messages(call.who, *xid, first, page.limit,
                                [this, first, done = std::move(call.done)](Result<admin::BrokerAdmin::TransactionMessages> found) mutable {
                                    if (!found) return done(problem_of(found.error()));
                                    workers_.execute([first, done = std::move(done), messages = std::move(*found)]() mutable {
                                        json::array items;
                                        for (const auto& message : messages.items) items.push_back(to_json(message));
                                        std::optional<std::string> next;
                                        if (messages.more) next = encode_cursor(std::to_string(first + messages.items.size()));
                                        done(list_response(std::move(items), next));
                                    });
                                });
}

void Site::commit_transaction(Call call) { decide(std::move(call), admin::BrokerAdmin::Decide::commit); }
void Site::roll_back_transaction(Call call) { decide(std::move(call), admin::BrokerAdmin::Decide::roll_back); }
void Site::forget_transaction(Call call) { decide(std::move(call), admin::BrokerAdmin::Decide::forget); }

void Site::decide(Call call, admin::BrokerAdmin::Decide what) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    if (auto wrong = refuse_other_parameters(call.target, {})) return call.done(std::move(*wrong));
    const auto xid = xa::xid_from_text(call.target.segments[3]);
    if (!xid) return call.done(wrong_xid());
    JsonFields fields(call.request.body);
    auto reason = fields.text("reason");
    if (auto wrong = fields.problem()) return call.done(std::move(*wrong));
    admin_.decide_transaction(
        call.who, what, *xid, reason.value_or(std::string()),
        [done = std::move(call.done)](Result<void> decided) mutable { done(decided ? empty_response(204) : problem_of(decided.error())); });
}

}  // namespace giromq::admin_web
