#include "security/user_directory.hpp"
#include "unit/amqp/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// What is not granted is refused, whatever the link is opened for, and what is withdrawn ends.
class AmqpPermissionsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpPermissionsTest);
    CPPUNIT_TEST(each_role_and_permission_opens_what_it_says_and_nothing_else);
    CPPUNIT_TEST(a_browser_without_the_right_to_bodies_is_told_which_is_missing);
    CPPUNIT_TEST(a_queue_is_created_only_where_that_is_granted);
    CPPUNIT_TEST(a_temporary_queue_needs_create);
    CPPUNIT_TEST(a_temporary_queue_is_granted_by_its_word_and_consumed_from_by_its_connection);
    CPPUNIT_TEST(the_relay_asks_for_each_address_and_hears_of_changes);
    CPPUNIT_TEST(a_withdrawn_permission_detaches_its_links_only);
    CPPUNIT_TEST(what_was_sent_before_the_detach_is_still_answered);
    CPPUNIT_TEST(a_consumer_that_is_detached_gives_back_its_messages);
    CPPUNIT_TEST_SUITE_END();

public:
    struct Rig {
        Rig() {
            broker.options.mechanisms = {amqp::Mechanism::plain};
            for (const auto& [role, name] : role_names) add(std::string(name), role);
        }
        void add(const std::string& name, Role role) {
            broker.users.put(security::make_user(name, role, "correct horse", security::iterations_min).value());
        }
        void grant(std::uint64_t id, const std::string& user, const std::string& pattern, std::vector<Action> actions) {
            broker.users.permissions().put({id, GranteeKind::user, user, pattern, std::move(actions), {}, "root"});
        }
        static AmqpPeer::Options login(const std::string& user) {
            AmqpPeer::Options options;
            options.user = user;
            options.password = "correct horse";
            return options;
        }
        Broker broker;
    };

    static pn_link_t* browser(Client& client, const char* address) {
        pn_link_t* const link = client.peer.receiver(address);
        pn_terminus_set_distribution_mode(pn_link_source(link), PN_DIST_MODE_COPY);
        client.peer.open(link);
        client.pump();
        return link;
    }
    static bool is_refused(pn_link_t* link) {
        if (!AmqpPeer::is_closed(link)) return false;
        CPPUNIT_ASSERT_EQUAL("amqp:unauthorized-access"s, AmqpPeer::link_condition(link));
        return true;
    }
    /// "s", "r" and "b" for those of send, receive and browse that the user may do.
    static std::string opened(Rig& rig, const std::string& user, const char* address) {
        Client client(rig.broker, Rig::login(user));
        std::string letters;
        if (!is_refused(client.sender(address))) letters += 's';
        if (!is_refused(client.receiver(address, 0))) letters += 'r';
        if (!is_refused(browser(client, address))) letters += 'b';
        return letters;
    }

    void each_role_and_permission_opens_what_it_says_and_nothing_else() {
        Rig rig;
        CPPUNIT_ASSERT_EQUAL("srb"s, opened(rig, "administrator", "payments.in"));
        CPPUNIT_ASSERT_EQUAL("sb"s, opened(rig, "operator", "payments.in"));
        CPPUNIT_ASSERT_EQUAL(""s, opened(rig, "auditor", "payments.in"));
        CPPUNIT_ASSERT_EQUAL(""s, opened(rig, "application", "payments.in"));
        const std::pair<std::vector<Action>, std::string> letters[] = {
            {{Action::send}, "s"},  {{Action::receive}, "r"},  {{Action::browse, Action::read_body}, "b"},
            {{Action::browse}, ""}, {{Action::read_body}, ""}, {{Action::purge}, ""},
            {{Action::create}, ""}};
        for (const auto& [actions, letter] : letters) {
            rig.grant(1, "application", "payments.*", actions);
            CPPUNIT_ASSERT_EQUAL(letter, opened(rig, "application", "payments.in"));
            CPPUNIT_ASSERT_EQUAL(""s, opened(rig, "application", "orders.in"));
            CPPUNIT_ASSERT_EQUAL(""s, opened(rig, "auditor", "payments.in"));
        }
    }

    void a_browser_without_the_right_to_bodies_is_told_which_is_missing() {
        Rig rig;
        rig.grant(1, "application", "#", {Action::browse, Action::read_body, Action::create});
        Client client(rig.broker, Rig::login("application"));
        pn_link_t* const link = browser(client, "a");
        CPPUNIT_ASSERT(AmqpPeer::is_attached(link));
        rig.grant(1, "application", "#", {Action::browse, Action::create});
        client.wire.connection->review_permissions();
        client.pump();
        CPPUNIT_ASSERT(is_refused(link));
        pn_link_t* const again = browser(client, "a");
        CPPUNIT_ASSERT(is_refused(again));
        const std::string why = pn_condition_get_description(pn_link_remote_condition(again));
        CPPUNIT_ASSERT_MESSAGE(why, why.find("'read-body'") != std::string::npos);
    }

    void a_queue_is_created_only_where_that_is_granted() {
        Rig rig;
        rig.grant(1, "application", "#", {Action::send});
        rig.grant(2, "application", "own.#", {Action::create});
        Client client(rig.broker, Rig::login("application"));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(client.sender("others.q")));
        CPPUNIT_ASSERT(AmqpPeer::is_attached(client.sender("own.q")));
        CPPUNIT_ASSERT(!rig.broker.core->find_destination("others.q"));
    }

    static pn_link_t* dynamic(Client& client) {
        pn_link_t* const link = client.peer.receiver(nullptr);
        pn_terminus_set_dynamic(pn_link_source(link), true);
        client.peer.open(link);
        client.pump();
        return link;
    }

    void a_temporary_queue_needs_create() {
        Rig rig;
        Client client(rig.broker, Rig::login("application"));
        CPPUNIT_ASSERT(is_refused(dynamic(client)));
        rig.grant(1, "application", "#", {Action::create});
        CPPUNIT_ASSERT(AmqpPeer::is_attached(dynamic(client)));
    }

    void a_temporary_queue_is_granted_by_its_word_and_consumed_from_by_its_connection() {
        Rig rig;
        rig.add("server", Role::application);
        rig.grant(1, "application", "temp-", {Action::create});
        rig.grant(2, "server", "temp-", {Action::send});
        Client client(rig.broker, Rig::login("application"));
        pn_link_t* const link = dynamic(client);
        CPPUNIT_ASSERT(AmqpPeer::is_attached(link));
        const std::string name = pn_terminus_get_address(pn_link_remote_source(link));
        CPPUNIT_ASSERT_MESSAGE("as JMS clients do", AmqpPeer::is_attached(client.receiver(name.c_str(), 1)));
        CPPUNIT_ASSERT(AmqpPeer::is_attached(browser(client, name.c_str())));
        CPPUNIT_ASSERT_MESSAGE("answering is another right", is_refused(client.sender(name.c_str())));
        Client server(rig.broker, Rig::login("server"));
        server.send(server.sender(name.c_str()), durable_text("answer"));
        client.pump();
        CPPUNIT_ASSERT_EQUAL("answer"s, client.texts());
        CPPUNIT_ASSERT_EQUAL("amqp:not-allowed"s, AmqpPeer::link_condition(server.receiver(name.c_str(), 1)));
        CPPUNIT_ASSERT(is_refused(dynamic(server)));
    }

    void the_relay_asks_for_each_address_and_hears_of_changes() {
        Rig rig;
        rig.grant(1, "application", "a", {Action::send, Action::create});
        Client client(rig.broker, Rig::login("application"));
        pn_link_t* const relay = client.sender(nullptr);
        const auto outcome = [&](std::string_view to) {
            return pn_delivery_remote_state(client.send(relay, MessageBuilder().header(true).properties("1", to).text("x").bytes()));
        };
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, outcome("a"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_REJECTED}, outcome("b"));
        rig.broker.users.permissions().remove(1);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_REJECTED}, outcome("a"));
        rig.grant(2, "application", "b", {Action::send, Action::create});
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, outcome("b"));
    }

    void a_withdrawn_permission_detaches_its_links_only() {
        Rig rig;
        rig.grant(1, "application", "a", {Action::send, Action::receive, Action::create});
        rig.grant(2, "application", "b", {Action::send, Action::create});
        Client client(rig.broker, Rig::login("application"));
        pn_link_t* const sender = client.sender("a");
        pn_link_t* const receiver = client.receiver("a", 1);
        pn_link_t* const other = client.sender("b");
        client.wire.connection->review_permissions();
        client.pump();
        CPPUNIT_ASSERT(AmqpPeer::is_attached(sender) && AmqpPeer::is_attached(receiver));
        rig.broker.users.permissions().remove(1);
        client.wire.connection->review_permissions();
        client.pump();
        CPPUNIT_ASSERT(is_refused(sender) && is_refused(receiver));
        CPPUNIT_ASSERT(!AmqpPeer::is_closed(other));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_ACCEPTED}, pn_delivery_remote_state(client.send(other, durable_text("x"))));
    }

    void what_was_sent_before_the_detach_is_still_answered() {
        Rig rig;
        rig.grant(1, "application", "a", {Action::send, Action::create});
        Client client(rig.broker, Rig::login("application"));
        pn_link_t* const sender = client.sender("a");
        rig.broker.commits = false;
        pn_delivery_t* const delivery = client.send(sender, durable_text("x"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, pn_delivery_remote_state(delivery));
        rig.broker.users.permissions().remove(1);
        client.wire.connection->review_permissions();
        rig.broker.commits = true;
        client.pump();
        CPPUNIT_ASSERT(is_refused(sender));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, rig.broker.core->view_queue(*rig.broker.core->find_destination("a")).value().messages);
    }

    void a_consumer_that_is_detached_gives_back_its_messages() {
        Rig rig;
        rig.grant(1, "application", "a", {Action::send, Action::receive, Action::create});
        Client client(rig.broker, Rig::login("application"));
        client.send(client.sender("a"), durable_text("x"));
        client.receiver("a", 1);
        const auto queue = *rig.broker.core->find_destination("a");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, rig.broker.core->view_queue(queue).value().delivering);
        rig.broker.users.permissions().remove(1);
        client.wire.connection->review_permissions();
        client.pump();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, rig.broker.core->view_queue(queue).value().delivering);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, rig.broker.core->view_queue(queue).value().messages);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpPermissionsTest);

}  // namespace giromq::test
