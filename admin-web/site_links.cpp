#include <algorithm>
#include <array>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <limits>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/json_fields.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/site.hpp"
#include "model/amqp_sections.hpp"
#include "selector/forms.hpp"

// Connections, consumers and producers.

namespace giromq::admin_web {
namespace json = boost::json;
using admin::BrokerAdmin;
using admin::ConnectionView;

namespace {

constexpr std::size_t reason_bytes_max = 256;

json::object to_json(const admin::ConnectionView& connection) {
    json::object item;
    item["id"] = connection.id.value;
    item["peer"] = connection.peer;
    item["encrypted"] = connection.is_encrypted;
    item["containerId"] = connection.container_id;
    item["user"] = connection.user;
    item["sessions"] = connection.sessions.size();
    item["consumers"] = connection.consumers;
    item["producers"] = connection.producers;
    item["messagesIn"] = connection.messages_in;
    item["messagesOut"] = connection.messages_out;
    return item;
}

json::object to_json(const admin::SessionView& session) {
    json::object item;
    item["number"] = session.number;
    item["consumers"] = session.consumers;
    item["producers"] = session.producers;
    item["controlLinks"] = session.control_links;
    item["transactions"] = session.transactions;
    item["unsettledIn"] = session.unsettled_in;
    item["unsettledOut"] = session.unsettled_out;
    item["bytesUnread"] = session.bytes_unread;
    item["bytesUnwritten"] = session.bytes_unwritten;
    return item;
}

json::object to_json(const core::ConsumerView& consumer, const std::string& user) {
    json::object item;
    item["id"] = consumer.id.value;
    item["connectionId"] = consumer.connection.value;
    item["user"] = user;
    item["linkName"] = codec::to_utf8(consumer.name);
    item["queue"] = consumer.queue;
    item["browser"] = consumer.is_browser;
    item["selector"] = consumer.selector == nullptr ? json::value(nullptr) : json::value(selector::print_sql(consumer.selector->tree()));
    item["credit"] = consumer.credit;
    item["unacknowledged"] = consumer.unsettled;
    item["delivered"] = consumer.delivered;
    item["acknowledged"] = consumer.acknowledged;
    item["since"] = to_text(consumer.since);
    return item;
}

json::object to_json(const core::ProducerView& producer, const std::string& user) {
    json::object item;
    item["id"] = producer.id.value;
    item["connectionId"] = producer.connection.value;
    item["user"] = user;
    item["linkName"] = codec::to_utf8(producer.name);
    item["queue"] = producer.queue.empty() ? json::value(nullptr) : json::value(producer.queue);
    item["sent"] = producer.sent;
    item["credit"] = producer.window;
    item["since"] = to_text(producer.since);
    return item;
}

Response wrong_cursor() {
    return problem(400, "invalid_cursor", "the query is not what is expected", "the cursor is not one that was given out");
}

bool holds(std::string_view text, std::string_view part) {
    const auto lower = [](char one) { return one >= 'A' && one <= 'Z' ? static_cast<char>(one - 'A' + 'a') : one; };
    const auto same = [&](char left, char right) { return lower(left) == lower(right); };
    return std::search(text.begin(), text.end(), part.begin(), part.end(), same) != text.end();
}

/// Which connections, and in which order.
struct ConnectionQuery {
    std::optional<std::string> user;
    std::optional<std::string> peer;
    std::optional<std::string> name;
    std::string sort;
    bool is_descending = false;
    std::size_t limit = 0;
    std::uint64_t after_value = 0;
    std::uint64_t after_id = 0;

    bool wants(const ConnectionView& view) const {
        return (!user || view.user == *user) && (!peer || view.peer.find(*peer) != std::string::npos) &&
               (!name || holds(view.container_id, *name));
    }
    std::uint64_t value_of(const ConnectionView& view) const {
        if (sort == "messagesIn") return view.messages_in;
        if (sort == "messagesOut") return view.messages_out;
        if (sort == "consumers") return view.consumers;
        if (sort == "producers") return view.producers;
        return view.id.value;
    }
    bool is_before(std::uint64_t value, std::uint64_t id, std::uint64_t other_value, std::uint64_t other_id) const {
        if (value != other_value) return is_descending ? value > other_value : value < other_value;
        return id < other_id;
    }
};

std::optional<Response> read_query(const Target& target, ConnectionQuery& query) {
    auto page = page_request(target, {"user", "peer", "name", "sort"});
    if (page.problem) return page.problem;
    query.limit = page.limit;
    query.user = target.parameter("user");
    query.peer = target.parameter("peer");
    query.name = target.parameter("name");
    query.sort = target.parameter("sort").value_or("id");
    query.is_descending = query.sort.starts_with('-');
    if (query.is_descending) query.sort.erase(0, 1);
    constexpr std::array<std::string_view, 5> orders{"id", "messagesIn", "messagesOut", "consumers", "producers"};
    if (std::find(orders.begin(), orders.end(), query.sort) == orders.end()) {
        return problem(400, "invalid_argument", "the query is not what is expected", "connections are not sorted by that");
    }
    if (page.after.empty()) return std::nullopt;
    const auto colon = page.after.find(':');
    const auto value = page.after.substr(0, colon);
    const auto id = colon == std::string::npos ? std::nullopt : positive_number(page.after.substr(colon + 1));
    const auto number = value == "0" ? std::optional<std::uint64_t>(0) : positive_number(value);
    if (!id || !number) return wrong_cursor();
    query.after_value = *number;
    query.after_id = *id;
    return std::nullopt;
}

Response page_of(std::vector<ConnectionView> views, const ConnectionQuery& query) {
    std::erase_if(views, [&](const ConnectionView& view) {
        const bool was_shown =
            query.after_id != 0 && !query.is_before(query.after_value, query.after_id, query.value_of(view), view.id.value);
        return was_shown || !query.wants(view);
    });
    std::sort(views.begin(), views.end(), [&](const ConnectionView& left, const ConnectionView& right) {
        return query.is_before(query.value_of(left), left.id.value, query.value_of(right), right.id.value);
    });
    const bool more = views.size() > query.limit;
    if (more) views.erase(views.begin() + static_cast<std::ptrdiff_t>(query.limit), views.end());
    json::array items;
    for (const auto& view : views) items.push_back(to_json(view));
    std::optional<std::string> next;
    if (more) next = encode_cursor(std::to_string(query.value_of(views.back())) + ':' + std::to_string(views.back().id.value));
    return list_response(std::move(items), next);
}

std::optional<Response> read_query(const Target& target, core::LinkQuery& query) {
    auto page = page_request(target, {"queue", "connection"});
    if (page.problem) return page.problem;
    query.limit = page.limit + 1;
    query.queue = target.parameter("queue").value_or("");
    if (const auto connection = target.parameter("connection")) {
        const auto number = positive_number(*connection);
        if (!number) return problem(400, "invalid_argument", "the query is not what is expected", "connection is a number");
        query.connection = ConnectionId{*number};
    }
    const auto after = positive_number(page.after);
    if (!page.after.empty() && !after) return wrong_cursor();
    query.after = after.value_or(0);
    return std::nullopt;
}

template <typename View>
std::string user_of(const BrokerAdmin::Links<View>& links, const View& view) {
    const auto user = links.users.find(view.connection);
    return user == links.users.end() ? std::string() : user->second;
}

/// One more than a page was asked for.
template <typename View>
Response page_of(BrokerAdmin::Links<View> links, std::size_t asked) {
    const bool more = links.items.size() == asked;
    if (more) links.items.pop_back();
    json::array items;
    for (const auto& view : links.items) items.push_back(to_json(view, user_of(links, view)));
    std::optional<std::string> next;
    if (more) next = encode_cursor(std::to_string(links.items.back().id.value));
    return list_response(std::move(items), next);
}

/// The only one of them, if it has this id.
template <typename View>
Response one_of(const BrokerAdmin::Links<View>& links, std::uint64_t id) {
    if (links.items.empty() || links.items.front().id.value != id) return not_found();
    return json_response(200, to_json(links.items.front(), user_of(links, links.items.front())));
}

/// The reason in the body of a DELETE, which need not have one.
std::optional<Response> read_reason(const std::string& body, std::string& reason) {
    JsonFields fields(body);
    reason = fields.word("reason", reason_bytes_max).value_or("");
    return fields.problem();
}

template <typename Done>
auto deleted_answer(Done done) {
    return
        [done = std::move(done)](const Result<void>& closed) mutable { done(closed ? empty_response(204) : problem_of(closed.error())); };
}

}  // namespace

void Site::connections(Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    ConnectionQuery query;
    if (auto wrong = read_query(call.target, query)) return call.done(std::move(*wrong));
    admin_.list_connections(call.who, ConnectionId{}, std::numeric_limits<std::size_t>::max(),
                            [query, done = std::move(call.done)](Result<std::vector<ConnectionView>> found) mutable {
                                done(found ? page_of(std::move(*found), query) : problem_of(found.error()));
                            });
}

void Site::connection(Call call) {
    const auto id = positive_number(call.target.segments[3]);
    if (!id) return call.done(not_found());
    if (call.request.method == "DELETE") {
        std::string reason;
        if (auto wrong = read_reason(call.request.body, reason)) return call.done(std::move(*wrong));
        return admin_.close_connection(call.who, ConnectionId{*id}, std::move(reason), deleted_answer(std::move(call.done)));
    }
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD, DELETE"));
    admin_.view_connection(call.who, ConnectionId{*id}, [done = std::move(call.done)](Result<BrokerAdmin::ConnectionDetail> found) mutable {
        if (!found) return done(problem_of(found.error()));
        json::object item = to_json(found->connection);
        json::array sessions;
        json::array consumers;
        json::array producers;
        for (const auto& session : found->connection.sessions) sessions.push_back(to_json(session));
        for (const auto& consumer : found->consumers) consumers.push_back(to_json(consumer, found->connection.user));
        for (const auto& producer : found->producers) producers.push_back(to_json(producer, found->connection.user));
        item["sessionList"] = std::move(sessions);
        item["consumerList"] = std::move(consumers);
        item["producerList"] = std::move(producers);
        done(json_response(200, item));
    });
}

namespace {

template <typename View>
using ListLinks = void (BrokerAdmin::*)(const security::Identity&, core::LinkQuery, BrokerAdmin::Done<BrokerAdmin::Links<View>>);

template <typename View, typename Call>
void list_links(BrokerAdmin& admin, ListLinks<View> list, Call call) {
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD"));
    core::LinkQuery query;
    if (auto wrong = read_query(call.target, query)) return call.done(std::move(*wrong));
    const auto asked = query.limit;
    (admin.*list)(call.who, std::move(query), [asked, done = std::move(call.done)](Result<BrokerAdmin::Links<View>> found) mutable {
        done(found ? page_of(std::move(*found), asked) : problem_of(found.error()));
    });
}

}  // namespace

void Site::consumers(Call call) { list_links<core::ConsumerView>(admin_, &BrokerAdmin::list_consumers, std::move(call)); }
void Site::producers(Call call) { list_links<core::ProducerView>(admin_, &BrokerAdmin::list_producers, std::move(call)); }

/// /consumers/{id} and /producers/{id}.
void Site::link(Call call) {
    const auto id = positive_number(call.target.segments[3]);
    const bool is_consumer = call.target.segments[2] == "consumers";
    if (!id) return call.done(not_found());
    if (call.request.method == "DELETE") {
        std::string reason;
        if (auto wrong = read_reason(call.request.body, reason)) return call.done(std::move(*wrong));
        auto answer = deleted_answer(std::move(call.done));
        if (is_consumer) return admin_.close_consumer(call.who, ConsumerId{*id}, std::move(reason), std::move(answer));
        return admin_.close_producer(call.who, ProducerId{*id}, std::move(reason), std::move(answer));
    }
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD, DELETE"));
    core::LinkQuery query;
    query.after = *id - 1;
    query.limit = 1;
    if (is_consumer) {
        admin_.list_consumers(call.who, std::move(query), [id = *id, done = std::move(call.done)](auto links) mutable {
            done(links ? one_of(*links, id) : problem_of(links.error()));
        });
    } else {
        admin_.list_producers(call.who, std::move(query), [id = *id, done = std::move(call.done)](auto links) mutable {
            done(links ? one_of(*links, id) : problem_of(links.error()));
        });
    }
}

}  // namespace giromq::admin_web
