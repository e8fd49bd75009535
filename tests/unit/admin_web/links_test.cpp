#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>

#include "selector/selector.hpp"
#include "unit/admin_web/rig.hpp"

using namespace std::string_literals;

namespace giromq::test {
namespace json = boost::json;

/// Connections, consumers and producers over REST.
class AdminLinksTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AdminLinksTest);
    CPPUNIT_TEST(connections_are_filtered_and_sorted);
    CPPUNIT_TEST(a_connection_is_shown_with_its_links);
    CPPUNIT_TEST(a_connection_is_closed_with_the_reason);
    CPPUNIT_TEST(links_are_listed_page_by_page);
    CPPUNIT_TEST(a_consumer_that_is_closed_gives_back_what_it_holds);
    CPPUNIT_TEST(a_producer_is_closed);
    CPPUNIT_TEST_SUITE_END();

    struct Client : core::ConsumerPort, core::ProducerPort {
        void deliver(core::Delivery) override { ++deliveries; }
        void drained() override {}
        void window(std::uint32_t) override {}
        void ended(const Error& why) override { reason = why; }
        int deliveries = 0;
        std::optional<Error> reason;
    };

    struct Rig : SiteRig {
        Rig() {
            for (const auto id : {1, 2, 3}) {
                admin::ConnectionView view;
                view.id = ConnectionId{static_cast<std::uint64_t>(id)};
                view.peer = "10.0.0." + std::to_string(id) + ":5000";
                view.container_id = "Ledger-" + std::to_string(id);
                view.user = id == 2 ? "bob" : "alice";
                view.messages_in = id == 2 ? 50 : 7;
                view.sessions.push_back({.number = 1, .consumers = 1, .transactions = 2, .unsettled_out = 3});
                connections_.views.push_back(view);
            }
            CPPUNIT_ASSERT_EQUAL(201, put("/api/v1/queues/q", {}).status);
            queue = *core_.find_destination("q");
        }
        ConsumerId consume(Client& client, std::uint64_t connection, const std::string& selector = {}) {
            core::ConsumerCommand command;
            command.connection = ConnectionId{connection};
            command.destination = queue;
            command.port = &client;
            command.name = "link\xff";
            if (!selector.empty()) command.selector = selector::compile(selector).value();
            return core_.open_consumer(command).value();
        }
        json::object get_object(const std::string& target) {
            const auto answer = get(target);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(answer.body, 200, answer.status);
            return json_of(answer);
        }
        std::string ids(const std::string& target) {
            std::string all;
            const auto page = get_object(target);
            for (const auto& item : page.at("items").as_array()) {
                all += (all.empty() ? "" : " ") + json::serialize(item.at("id"));
            }
            return all;
        }
        DestinationId queue;
    };

    void connections_are_filtered_and_sorted() {
        Rig rig;
        CPPUNIT_ASSERT_EQUAL("1 2 3"s, rig.ids("/api/v1/connections"));
        CPPUNIT_ASSERT_EQUAL("1 3"s, rig.ids("/api/v1/connections?user=alice"));
        CPPUNIT_ASSERT_EQUAL("3"s, rig.ids("/api/v1/connections?name=ledger-3&peer=10.0"));
        CPPUNIT_ASSERT_EQUAL("2 1 3"s, rig.ids("/api/v1/connections?sort=-messagesIn"));
        const auto page = rig.get_object("/api/v1/connections?sort=-messagesIn&limit=2");
        const auto cursor = std::string(page.at("nextCursor").as_string());
        CPPUNIT_ASSERT_EQUAL("3"s, rig.ids("/api/v1/connections?sort=-messagesIn&limit=2&cursor=" + cursor));
        CPPUNIT_ASSERT_EQUAL(400, rig.get("/api/v1/connections?sort=colour").status);
        CPPUNIT_ASSERT_EQUAL(400, rig.get("/api/v1/connections?cursor=31").status);
    }

    void a_connection_is_shown_with_its_links() {
        Rig rig;
        Client client;
        rig.consume(client, 2, "a = 1");
        CPPUNIT_ASSERT(rig.core_.open_producer(ConnectionId{2}, rig.queue, &client, "out").ok());
        const auto shown = rig.get_object("/api/v1/connections/2");
        CPPUNIT_ASSERT(shown.at("sessions") == 1);
        const auto& session = shown.at("sessionList").as_array().at(0).as_object();
        CPPUNIT_ASSERT(session.at("number") == 1 && session.at("transactions") == 2 && session.at("unsettledOut") == 3);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, shown.at("consumerList").as_array().size());
        const auto& consumer = shown.at("consumerList").as_array()[0];
        CPPUNIT_ASSERT_EQUAL("bob"s, std::string(consumer.at("user").as_string()));
        CPPUNIT_ASSERT_EQUAL("link\xef\xbf\xbd"s, std::string(consumer.at("linkName").as_string()));
        CPPUNIT_ASSERT_EQUAL("a = 1"s, std::string(consumer.at("selector").as_string()));
        CPPUNIT_ASSERT_EQUAL("out"s, std::string(shown.at("producerList").as_array()[0].at("linkName").as_string()));
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/connections/9").status);
    }

    void a_connection_is_closed_with_the_reason() {
        Rig rig;
        CPPUNIT_ASSERT_EQUAL(204, rig.send(rig.make("DELETE", "/api/v1/connections/2", R"({"reason": "moving house"})")).status);
        CPPUNIT_ASSERT(rig.connections_.closed.at(0) == std::pair(ConnectionId{2}, "moving house"s));
        CPPUNIT_ASSERT_EQUAL(404, rig.remove("/api/v1/connections/9").status);
        CPPUNIT_ASSERT_EQUAL(400, rig.send(rig.make("DELETE", "/api/v1/connections/2", R"({"reason": ""})")).status);
    }

    void links_are_listed_page_by_page() {
        Rig rig;
        Client client;
        const auto first = rig.consume(client, 1);
        const auto second = rig.consume(client, 2);
        const auto page = rig.get_object("/api/v1/consumers?queue=q&limit=1");
        CPPUNIT_ASSERT_EQUAL(first.value, page.at("items").as_array()[0].at("id").to_number<std::uint64_t>());
        const auto rest = rig.ids("/api/v1/consumers?limit=1&cursor=" + std::string(page.at("nextCursor").as_string()));
        CPPUNIT_ASSERT_EQUAL(std::to_string(second.value), rest);
        CPPUNIT_ASSERT_EQUAL(std::to_string(second.value), rig.ids("/api/v1/consumers?connection=2"));
        CPPUNIT_ASSERT_EQUAL(""s, rig.ids("/api/v1/consumers?queue=other"));
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/api/v1/consumers/99").status);
        CPPUNIT_ASSERT_EQUAL(""s, rig.ids("/api/v1/producers"));
    }

    void a_consumer_that_is_closed_gives_back_what_it_holds() {
        Rig rig;
        Client client;
        const auto id = rig.consume(client, 1);
        CPPUNIT_ASSERT_EQUAL(201, rig.post("/api/v1/queues/q/messages", "{}").status);
        rig.core_.flow(id, 5, false);
        rig.run();
        CPPUNIT_ASSERT_EQUAL(1, client.deliveries);
        const auto path = "/api/v1/consumers/" + std::to_string(id.value);
        const auto shown = rig.get_object(path);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, shown.at("unacknowledged").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(std::int64_t{4}, shown.at("credit").to_number<std::int64_t>());
        CPPUNIT_ASSERT_EQUAL(204, rig.remove(path).status);
        CPPUNIT_ASSERT(client.reason && client.reason->is(core::errc::deleted));
        CPPUNIT_ASSERT_EQUAL(404, rig.remove(path).status);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, rig.core_.view_queue(rig.queue)->delivering);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, rig.core_.view_queue(rig.queue)->messages);
    }

    void a_producer_is_closed() {
        Rig rig;
        Client client;
        const auto id = rig.core_.open_producer(ConnectionId{1}, rig.queue, &client, "out").value();
        const auto path = "/api/v1/producers/" + std::to_string(id.value);
        CPPUNIT_ASSERT_EQUAL("q"s, std::string(rig.get_object(path).at("queue").as_string()));
        CPPUNIT_ASSERT_EQUAL(204, rig.remove(path).status);
        CPPUNIT_ASSERT(client.reason && client.reason->is(core::errc::deleted));
        CPPUNIT_ASSERT_EQUAL(0u, rig.core_.view_queue(rig.queue)->producers);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AdminLinksTest);

}  // namespace giromq::test
