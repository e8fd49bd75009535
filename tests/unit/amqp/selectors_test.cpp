#include "unit/amqp/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {
namespace {

constexpr std::uint64_t selector_code = 0x0000468C00000004ULL;
constexpr const char* selector_symbol = "apache.org:selector-filter:string";
constexpr const char* red_xml = R"(<selector xmlns="urn:giromq:selector:1"><eq><property name="colour"/><string v="red"/></eq></selector>)";

pn_bytes_t bytes_of(std::string_view text) { return pn_bytes(text.size(), text.data()); }

std::string view_of(pn_bytes_t bytes) { return {bytes.start, bytes.size}; }

std::string red_text(std::string_view text) {
    return MessageBuilder().header(true).application_property("colour", "red").text(text).bytes();
}

}  // namespace

/// The selector filter of an attach: how it is written, how it is echoed, how it is refused, and that it is in force.
class AmqpSelectorsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpSelectorsTest);
    CPPUNIT_TEST(a_selector_selects);
    CPPUNIT_TEST(a_selector_is_known_by_its_descriptor_and_echoed_as_it_came);
    CPPUNIT_TEST(a_selector_may_be_xml);
    CPPUNIT_TEST(a_selector_may_carry_xml_in_sql);
    CPPUNIT_TEST(a_browser_has_a_selector_too);
    CPPUNIT_TEST(an_empty_selector_selects_everything);
    CPPUNIT_TEST(a_wrong_selector_is_refused_with_the_place_and_the_reason);
    CPPUNIT_TEST(a_wrong_selector_in_xml_is_refused_with_the_place);
    CPPUNIT_TEST(a_name_that_is_not_stored_is_refused);
    CPPUNIT_TEST(a_selector_that_is_no_text_is_refused);
    CPPUNIT_TEST(two_selectors_are_refused);
    CPPUNIT_TEST(a_selector_over_the_limit_is_refused);
    CPPUNIT_TEST(a_filter_that_is_not_known_is_not_echoed);
    CPPUNIT_TEST(a_no_local_filter_beside_a_selector_is_not_echoed);
    CPPUNIT_TEST(a_drain_is_answered_although_others_messages_wait);
    CPPUNIT_TEST_SUITE_END();

    /// Opens a map of filters.
    static pn_data_t* begin(pn_link_t* link) {
        pn_data_t* const filter = pn_terminus_filter(pn_link_source(link));
        pn_data_put_map(filter);
        pn_data_enter(filter);
        return filter;
    }
    static void put(pn_data_t* filter, std::string_view key, std::uint64_t code, std::string_view symbol, std::string_view text) {
        pn_data_put_symbol(filter, bytes_of(key));
        pn_data_put_described(filter);
        pn_data_enter(filter);
        if (code != 0) {
            pn_data_put_ulong(filter, code);
        } else {
            pn_data_put_symbol(filter, bytes_of(symbol));
        }
        pn_data_put_string(filter, bytes_of(text));
        pn_data_exit(filter);
    }
    /// Attaches a receiver whose filter has this key, and a descriptor that is this number, or a symbol if it is 0.
    static pn_link_t* filtered(Client& client, std::string_view key, std::uint64_t code, std::string_view symbol, std::string_view text) {
        pn_link_t* const link = client.peer.receiver("q");
        put(begin(link), key, code, symbol, text);
        client.peer.open(link);
        client.pump();
        return link;
    }
    static pn_link_t* selecting(Client& client, std::string_view text, int credit = 10) {
        pn_link_t* const link = filtered(client, "jms-selector", selector_code, {}, text);
        pn_link_flow(link, credit);
        client.pump();
        return link;
    }
    static void send_colours(Client& client) {
        pn_link_t* const sender = client.sender("q");
        for (const auto* const text : {"r1", "g1", "r2", "g2"}) {
            const char* const colour = text[0] == 'r' ? "red" : "green";
            client.send(sender, MessageBuilder().header(true).application_property("colour", colour).text(text).bytes());
        }
    }
    static void assert_refused(pn_link_t* link, const std::string& part) {
        CPPUNIT_ASSERT(AmqpPeer::is_closed(link));
        CPPUNIT_ASSERT_EQUAL("amqp:invalid-field"s, AmqpPeer::link_condition(link));
        const std::string description = pn_condition_get_description(pn_link_remote_condition(link));
        CPPUNIT_ASSERT_MESSAGE(description, description.find(part) != std::string::npos);
        CPPUNIT_ASSERT(pn_terminus_get_type(pn_link_remote_source(link)) == PN_UNSPECIFIED);
    }

    void a_selector_selects() {
        Broker broker;
        Client client(broker);
        send_colours(client);
        selecting(client, "colour = 'red'");
        CPPUNIT_ASSERT_EQUAL("r1 r2"s, client.texts());
        send_colours(client);
        CPPUNIT_ASSERT_EQUAL("r1 r2 r1 r2"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{8}, client.queue("q").messages);
    }

    /// What the attach was answered with: key, descriptor, text.
    static void assert_echo(pn_link_t* link, const std::string& key, std::uint64_t code, const std::string& text) {
        CPPUNIT_ASSERT(AmqpPeer::is_attached(link));
        pn_data_t* const filter = pn_terminus_filter(pn_link_remote_source(link));
        pn_data_rewind(filter);
        CPPUNIT_ASSERT(pn_data_next(filter));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, pn_data_get_map(filter));
        pn_data_enter(filter);
        pn_data_next(filter);
        CPPUNIT_ASSERT_EQUAL(key, view_of(pn_data_get_symbol(filter)));
        pn_data_next(filter);
        CPPUNIT_ASSERT(pn_data_type(filter) == PN_DESCRIBED);
        pn_data_enter(filter);
        pn_data_next(filter);
        if (code != 0) {
            CPPUNIT_ASSERT_EQUAL(code, pn_data_get_ulong(filter));
        } else {
            CPPUNIT_ASSERT_EQUAL(std::string(selector_symbol), view_of(pn_data_get_symbol(filter)));
        }
        pn_data_next(filter);
        CPPUNIT_ASSERT_EQUAL(text, view_of(pn_data_get_string(filter)));
    }

    void a_selector_is_known_by_its_descriptor_and_echoed_as_it_came() {
        Broker broker;
        Client client(broker);
        assert_echo(filtered(client, "jms-selector", selector_code, {}, "a = 1"), "jms-selector", selector_code, "a = 1");
        assert_echo(filtered(client, "mine", selector_code, {}, "a = 2"), "mine", selector_code, "a = 2");
        assert_echo(filtered(client, "jms-selector", 0, selector_symbol, "a = 3"), "jms-selector", 0, "a = 3");
        assert_echo(filtered(client, selector_symbol, 0, selector_symbol, "a = 4"), selector_symbol, 0, "a = 4");
    }

    void a_selector_may_be_xml() {
        Broker broker;
        Client client(broker);
        send_colours(client);
        assert_echo(selecting(client, red_xml), "jms-selector", selector_code, red_xml);
        CPPUNIT_ASSERT_EQUAL("r1 r2"s, client.texts());
    }

    void a_selector_may_carry_xml_in_sql() {
        Broker broker;
        Client client(broker);
        send_colours(client);
        selecting(client, "JMS_GIROMQ_XML = '"s + red_xml + "'");
        CPPUNIT_ASSERT_EQUAL("r1 r2"s, client.texts());
    }

    void a_browser_has_a_selector_too() {
        Broker broker;
        Client client(broker);
        send_colours(client);
        pn_link_t* const link = client.peer.receiver("q");
        pn_terminus_set_distribution_mode(pn_link_source(link), PN_DIST_MODE_COPY);
        put(begin(link), "jms-selector", selector_code, {}, "colour = 'green'");
        client.peer.open(link);
        pn_link_flow(link, 10);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("g1 g2"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").delivering);
    }

    void an_empty_selector_selects_everything() {
        Broker broker;
        Client client(broker);
        send_colours(client);
        selecting(client, " ");
        CPPUNIT_ASSERT_EQUAL("r1 g1 r2 g2"s, client.texts());
    }

    void a_wrong_selector_is_refused_with_the_place_and_the_reason() {
        Broker broker;
        Client client(broker);
        assert_refused(selecting(client, "a = NULL"), "1:5: NULL cannot be compared");
        assert_refused(selecting(client, "colour ="), "1:");
        assert_refused(selecting(client, "'a' < 'b'"), "1:");
        CPPUNIT_ASSERT(AmqpPeer::is_attached(client.sender("q")));
    }

    void a_wrong_selector_in_xml_is_refused_with_the_place() {
        Broker broker;
        Client client(broker);
        assert_refused(selecting(client, "<selector xmlns=\"urn:giromq:selector:1\">\n  <equals/>\n</selector>"), "2:");
        assert_refused(selecting(client, "<!DOCTYPE selector><selector/>"), "1:");
    }

    void a_name_that_is_not_stored_is_refused() {
        Broker broker;
        Client client(broker);
        assert_refused(selecting(client, "JMS_GIROMQ_SELECTOR = 'largePayments'"), "largePayments");
    }

    void a_selector_that_is_no_text_is_refused() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.peer.receiver("q");
        pn_data_t* const filter = begin(link);
        pn_data_put_symbol(filter, bytes_of("jms-selector"));
        pn_data_put_described(filter);
        pn_data_enter(filter);
        pn_data_put_ulong(filter, selector_code);
        pn_data_put_int(filter, 5);
        client.peer.open(link);
        client.pump();
        assert_refused(link, "no string");
    }

    void two_selectors_are_refused() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.peer.receiver("q");
        pn_data_t* const filter = begin(link);
        put(filter, "one", selector_code, {}, "a = 1");
        put(filter, "two", selector_code, {}, "a = 2");
        client.peer.open(link);
        client.pump();
        assert_refused(link, "one selector");
    }

    void a_selector_over_the_limit_is_refused() {
        Broker broker;
        Client client(broker);
        assert_refused(selecting(client, "a = '" + std::string(17000, 'x') + "'"), "16");
    }

    void a_filter_that_is_not_known_is_not_echoed() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = filtered(client, "other", 0, "example:other-filter", "a = 1");
        CPPUNIT_ASSERT(AmqpPeer::is_attached(link));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, pn_data_size(pn_terminus_filter(pn_link_remote_source(link))));
    }

    void a_no_local_filter_beside_a_selector_is_not_echoed() {
        Broker broker;
        Client client(broker);
        pn_link_t* const link = client.peer.receiver("q");
        pn_data_t* const filter = begin(link);
        put(filter, "no-local", 0x0000468C00000003ULL, {}, "NoLocalFilter{}");
        put(filter, "jms-selector", selector_code, {}, "a = 1");
        client.peer.open(link);
        client.pump();
        assert_echo(link, "jms-selector", selector_code, "a = 1");
    }

    void a_drain_is_answered_although_others_messages_wait() {
        Broker broker;
        Client client(broker);
        pn_link_t* const sender = client.sender("q");
        client.send(sender, MessageBuilder().header(true).application_property("colour", "green").text("g1").bytes());
        client.send(sender, red_text("r1"));
        pn_link_t* const link = selecting(client, "colour = 'red'", 0);
        pn_link_drain(link, 10);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("r1"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(0, pn_link_credit(link));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(AmqpSelectorsTest);

}  // namespace giromq::test
