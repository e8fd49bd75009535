#include <cppunit/extensions/HelperMacros.h>

#include <limits>
#include <string>
#include <vector>

#include "model/amqp_writer.hpp"
#include "selector/amqp_message.hpp"
#include "selector/conjuncts.hpp"
#include "selector/forms.hpp"
#include "selector/selector.hpp"

namespace giromq::selector::test {

using Bytes = std::vector<std::uint8_t>;

/// Stored messages, and what an index may take from a selector.
class MessageTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MessageTest);
    CPPUNIT_TEST(headers_are_those_of_the_jms_mapping);
    CPPUNIT_TEST(ids_that_are_not_strings_have_the_text_of_jms);
    CPPUNIT_TEST(properties_keep_their_types);
    CPPUNIT_TEST(jmsx_properties_come_from_fields);
    CPPUNIT_TEST(bare_messages_have_no_values);
    CPPUNIT_TEST(bodies_are_found_in_every_kind_of_section);
    CPPUNIT_TEST(equality_conjuncts_are_what_must_be_true);
    CPPUNIT_TEST_SUITE_END();

    static Bytes section(std::uint64_t code, const Bytes& value) {
        Bytes bytes = {0x00, 0x53, static_cast<std::uint8_t>(code)};
        bytes.insert(bytes.end(), value.begin(), value.end());
        return bytes;
    }
    template <typename Fill>
    static Bytes encoded(Fill fill) {
        Bytes bytes;
        codec::Writer writer(bytes);
        fill(writer);
        return bytes;
    }
    static Bytes join(const std::vector<Bytes>& parts) {
        Bytes all;
        for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
        return all;
    }
    static Message message_of(const Bytes& bare) {
        Message message;
        message.bare = SharedBytes::copy_of(bare);
        return message;
    }
    static Bytes data(std::string_view text) {
        return section(0x75, encoded([&](codec::Writer& writer) {
                           writer.binary({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
                       }));
    }
    static Bytes properties() {
        return section(0x73, encoded([](codec::Writer& writer) {
                           const auto list = writer.begin_list();
                           writer.string("ID:1");
                           const std::string user = "anna";
                           writer.binary({reinterpret_cast<const std::uint8_t*>(user.data()), user.size()});
                           writer.string("to");
                           writer.string("car");
                           writer.null();
                           writer.string("C-1");
                           writer.symbol("text/plain");
                           writer.null();
                           writer.timestamp(5);
                           writer.timestamp(1'700'000'000'000);
                           writer.string("g");
                           writer.uint32(7);
                           writer.end(list, 12);
                       }));
    }
    static Bytes application_properties() {
        Bytes map;
        std::uint32_t count = 0;
        const auto entry = [&](std::string_view key, const Bytes& value) {
            codec::Writer(map).string(key);
            map.insert(map.end(), value.begin(), value.end());
            count += 2;
        };
        entry("yes", {0x41});
        entry("no", {0x56, 0x00});
        entry("null", {0x40});
        entry("byte", {0x51, 0xFF});
        entry("short", {0x61, 0xFF, 0xFE});
        entry("int", {0x71, 0x7F, 0xFF, 0xFF, 0xFF});
        entry("small_int", {0x54, 0x05});
        entry("long", {0x81, 0x80, 0, 0, 0, 0, 0, 0, 0});
        entry("ubyte", {0x50, 0xFF});
        entry("ushort", {0x60, 0xFF, 0xFF});
        entry("uint", {0x70, 0xFF, 0xFF, 0xFF, 0xFF});
        entry("ulong", {0x80, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF});
        entry("float", {0x72, 0x3F, 0xC0, 0, 0});
        entry("double", {0x82, 0x3F, 0xF8, 0, 0, 0, 0, 0, 0});
        entry("time", {0x83, 0, 0, 0, 0, 0, 0, 0x10, 0});
        entry("text", {0xA1, 2, 'h', 'i'});
        entry("symbol", {0xA3, 2, 'h', 'i'});
        entry("binary", {0xA0, 2, 'h', 'i'});
        entry("JMSXGroupID", {0xA1, 1, 'x'});
        entry("JMSXAppID", {0xA1, 3, 'a', 'p', 'p'});
        return section(0x74, encoded([&](codec::Writer& writer) {
                           const auto begin = writer.begin_map();
                           writer.raw(map);
                           writer.end(begin, count);
                       }));
    }
    static char outcome(const Message& message, std::string_view text, std::uint32_t delivery_count = 1) {
        const auto program = compile(text);
        CPPUNIT_ASSERT_MESSAGE(std::string(text) + (program ? "" : program.error().to_string()), program);
        const Truth truth = (*program)->evaluate(AmqpMessage(message, delivery_count)).truth;
        return truth == Truth::yes ? 'T' : truth == Truth::no ? 'F' : 'U';
    }
    static void assert_true(const Message& message, std::initializer_list<const char*> selectors) {
        for (const char* const text : selectors) CPPUNIT_ASSERT_EQUAL_MESSAGE(text, 'T', outcome(message, text));
    }

public:
    void headers_are_those_of_the_jms_mapping() {
        Message message = message_of(join({properties(), application_properties(), data("x")}));
        message.durable = true;
        message.priority = 7;
        assert_true(message, {"JMSMessageID = 'ID:1'", "JMSType = 'car'", "JMSCorrelationID = 'C-1'", "JMSTimestamp = 1700000000000",
                              "JMSPriority = 7", "JMSDeliveryMode = 'PERSISTENT'"});
        message.durable = false;
        message.priority = 200;
        assert_true(message, {"JMSDeliveryMode = 'NON_PERSISTENT'", "JMSPriority = 9"});
    }

    void ids_that_are_not_strings_have_the_text_of_jms() {
        const auto with_id = [](const Bytes& id) {
            return message_of(section(0x73, encoded([&](codec::Writer& writer) {
                                          const auto list = writer.begin_list();
                                          writer.raw(id);
                                          writer.end(list, 1);
                                      })));
        };
        assert_true(with_id({0x53, 0x05}), {"JMSMessageID = 'ID:AMQP_ULONG:5'"});
        assert_true(with_id({0xA0, 2, 0x01, 0xAB}), {"JMSMessageID = 'ID:AMQP_BINARY:01AB'"});
        Bytes uuid = {0x98};
        for (std::uint8_t byte = 0; byte < 16; ++byte) uuid.push_back(byte);
        assert_true(with_id(uuid), {"JMSMessageID = 'ID:AMQP_UUID:00010203-0405-0607-0809-0a0b0c0d0e0f'"});
        assert_true(with_id({0x40}), {"JMSMessageID IS NULL", "JMSCorrelationID IS NULL"});
    }

    void properties_keep_their_types() {
        const Message message = message_of(join({properties(), application_properties(), data("x")}));
        assert_true(message, {"yes",
                              "NOT no",
                              "PROPERTY('null') IS NULL",
                              "byte = -1",
                              "short = -2",
                              "int = 2147483647",
                              "int + small_int = -2147483644",
                              "small_int = 5",
                              "long = -9223372036854775808",
                              "ubyte = 255",
                              "ushort = 65535",
                              "uint = 4294967295",
                              "ulong = DECIMAL '18446744073709551615'",
                              "float = 1.5",
                              "double = 1.5",
                              "time = 4096",
                              "time = TIMESTAMP '1970-01-01T00:00:04.096Z'",
                              "text = 'hi'",
                              "symbol = 'hi'",
                              "binary IS NOT NULL",
                              "NOT (binary = 'hi')",
                              "NOT (text = 5)",
                              "other IS NULL"});
    }

    void jmsx_properties_come_from_fields() {
        const Message message = message_of(join({properties(), application_properties(), data("x")}));
        assert_true(message, {"JMSXGroupID = 'g'", "JMSXGroupSeq = 7", "JMSXUserID = 'anna'", "JMSXAppID = 'app'", "JMSXDeliveryCount = 1",
                              "JMSXState IS NULL"});
        CPPUNIT_ASSERT_EQUAL('T', outcome(message, "JMSXDeliveryCount > 2", 3));
        assert_true(message_of(join({application_properties(), data("x")})),
                    {"JMSXGroupID = 'x'", "JMSXGroupSeq IS NULL", "JMSXUserID IS NULL"});
    }

    void bare_messages_have_no_values() {
        const Message message = message_of(data("x"));
        assert_true(message, {"JMSMessageID IS NULL", "JMSType IS NULL", "JMSCorrelationID IS NULL", "JMSTimestamp = 0", "JMSPriority = 4",
                              "a IS NULL", "JMSXGroupID IS NULL", "JMSXDeliveryCount = 1"});
        assert_true(message_of({}), {"a IS NULL", "JSON('') IS NULL"});
    }

    void bodies_are_found_in_every_kind_of_section() {
        const Bytes value = section(0x77, encoded([](codec::Writer& writer) { writer.string("{\"a\":1}"); }));
        const Bytes binary = section(0x77, {0xA0, 7, '{', '"', 'a', '"', ':', '1', '}'});
        const Bytes footer = section(0x78, {0xC1, 1, 0});
        for (const Bytes& body : {value, binary, data("{\"a\":1}"), join({data("{\"a\""), data(":1}")}),
                                  join({data("{\"a\""), data(":"), data("1}")}), join({data("{\"a\":1}"), footer})}) {
            assert_true(message_of(join({properties(), application_properties(), body})),
                        {"JSON('/a') = 1", "JSON('/a') = 1 AND JSON('/b') IS NULL"});
            assert_true(message_of(body), {"JSON('/a') = 1"});
        }
        const Bytes list = section(0x77, {0xC0, 3, 1, 0x54, 0x01});
        CPPUNIT_ASSERT(AmqpMessage(message_of(list)).body().state == Body::State::absent);
        CPPUNIT_ASSERT(AmqpMessage(message_of(footer)).body().state == Body::State::absent);
        Message chunked = message_of(data("{}"));
        chunked.chunk_count = 1;
        CPPUNIT_ASSERT(AmqpMessage(chunked).body().state == Body::State::incomplete);
    }

    static std::string conjuncts(std::string_view text) {
        const Node tree = parse_sql(text).value();
        std::string result;
        for (const auto& found : equality_conjuncts(tree)) result += print_sql(*found.reference) + "=" + print_sql(*found.literal) + ";";
        return result;
    }

    void equality_conjuncts_are_what_must_be_true() {
        CPPUNIT_ASSERT_EQUAL(std::string("currency='EUR';"), conjuncts("currency = 'EUR'"));
        CPPUNIT_ASSERT_EQUAL(std::string("currency='EUR';JMSType='x';n=5;"),
                             conjuncts("currency = 'EUR' AND 'x' = JMSType AND (n = 5 AND m > 6)"));
        CPPUNIT_ASSERT_EQUAL(std::string("flag=TRUE;c='x';"), conjuncts("flag = TRUE AND c IN ('x')"));
        for (const char* const none : {"a = 1 OR b = 2", "NOT (a = 1)", "a = 1.0", "a = DECIMAL '1'", "a = b", "DECIMAL(a) = 1",
                                       "a + 1 = 2", "a <> 1", "c IN ('x', 'y')", "XPATH('a') = 'x'", "1 = 1", "flag"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(none, std::string(), conjuncts(none));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MessageTest);

}  // namespace giromq::selector::test
