#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

#include "base/limits.hpp"
#include "model/amqp_sections.hpp"
#include "model/amqp_writer.hpp"
#include "model/message_properties.hpp"

using namespace std::string_literals;

namespace giromq::test {

using codec::HeadStatus;
using codec::MessageHead;
using Bytes = std::vector<std::uint8_t>;

class MessageSectionsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(MessageSectionsTest);
    CPPUNIT_TEST(sections_are_found);
    CPPUNIT_TEST(every_cut_of_the_head_is_incomplete);
    CPPUNIT_TEST(sections_out_of_order_are_malformed);
    CPPUNIT_TEST(a_head_over_the_limit_is_too_large);
    CPPUNIT_TEST(a_head_with_broken_leaves_is_malformed);
    CPPUNIT_TEST(bodies_of_every_kind_are_accepted);
    CPPUNIT_TEST(bodies_are_checked_in_pieces_of_any_size);
    CPPUNIT_TEST(malformed_bodies_are_refused);
    CPPUNIT_TEST(properties_are_read_as_text);
    CPPUNIT_TEST(ids_of_every_kind_are_rendered_as_jms_sees_them);
    CPPUNIT_TEST(annotations_and_application_properties_are_found);
    CPPUNIT_TEST(text_that_is_not_utf8_is_repaired);
    CPPUNIT_TEST(a_message_without_anything_has_no_properties);
    CPPUNIT_TEST_SUITE_END();

    template <typename Fill>
    static Bytes map(std::uint64_t section, std::uint32_t count, Fill fill) {
        Bytes out;
        codec::Writer writer(out);
        writer.descriptor(section);
        const auto map = writer.begin_map();
        fill(writer);
        writer.end(map, count);
        return out;
    }
    static Bytes annotations(std::uint64_t section) {
        return map(section, 2, [](codec::Writer& writer) {
            writer.symbol("key");
            writer.string("value");
        });
    }
    static Bytes list(std::uint64_t section) { return {0x00, 0x53, static_cast<std::uint8_t>(section), 0xc0, 2, 1, 0x41}; }
    static Bytes data() { return {0x00, 0x53, 0x75, 0xa0, 3, 1, 2, 3}; }
    static Bytes join(const std::vector<Bytes>& parts) {
        Bytes all;
        for (const Bytes& part : parts) all.insert(all.end(), part.begin(), part.end());
        return all;
    }

    void sections_are_found() {
        const Bytes bytes = join({list(0x70), annotations(0x71), annotations(0x72), list(0x73), annotations(0x74), data()});
        MessageHead head;
        CPPUNIT_ASSERT(codec::read_head(bytes, true, head) == HeadStatus::complete);
        CPPUNIT_ASSERT_EQUAL(join({list(0x70), annotations(0x71), annotations(0x72)}).size(), head.bare_offset);
        CPPUNIT_ASSERT_EQUAL(bytes.size() - data().size(), head.body_offset);
        CPPUNIT_ASSERT_EQUAL(annotations(0x72).size(), head.message_annotations.encoded.size());
        CPPUNIT_ASSERT(codec::find_in_map(head.message_annotations, "key")->is_text("value"));
        CPPUNIT_ASSERT(!codec::find_in_map(head.message_annotations, "other"));
        const Bytes no_bare = join({list(0x70), annotations(0x72)});
        CPPUNIT_ASSERT(codec::read_head(no_bare, true, head) == HeadStatus::complete);
        CPPUNIT_ASSERT_EQUAL(no_bare.size(), head.bare_offset);
        CPPUNIT_ASSERT(codec::read_head(no_bare, false, head) == HeadStatus::incomplete);
    }

    void every_cut_of_the_head_is_incomplete() {
        const Bytes bytes = join({list(0x70), annotations(0x71), annotations(0x72), list(0x73), annotations(0x74), data()});
        MessageHead head;
        const std::size_t body = bytes.size() - data().size();
        for (std::size_t size = 0; size < body + 3; ++size) {
            CPPUNIT_ASSERT(codec::read_head(std::span(bytes).first(size), false, head) == HeadStatus::incomplete);
        }
        CPPUNIT_ASSERT(codec::read_head(std::span(bytes).first(body + 3), false, head) == HeadStatus::complete);
    }

    void sections_out_of_order_are_malformed() {
        MessageHead head;
        for (const Bytes& bytes : {join({annotations(0x72), annotations(0x71), data()}), join({list(0x70), list(0x70), data()}),
                                   join({list(0x73), annotations(0x72), data()}), annotations(0x73), list(0x74), list(0x71), Bytes{0x41},
                                   Bytes{0x00, 0x53, 0x79, 0x40}, Bytes{0x00, 0x53, 0x24, 0x45}}) {
            CPPUNIT_ASSERT(codec::read_head(bytes, true, head) == HeadStatus::malformed);
        }
    }

    void a_head_over_the_limit_is_too_large() {
        const auto with = [](std::size_t bytes) {
            return map(0x74, 2, [&](codec::Writer& writer) {
                writer.string("k");
                writer.string(std::string(bytes, 'x'));
            });
        };
        MessageHead head;
        const Bytes large = join({with(limits::message_head_bytes), data()});
        CPPUNIT_ASSERT(codec::read_head(large, true, head) == HeadStatus::too_large);
        CPPUNIT_ASSERT(codec::read_head(std::span(large).first(limits::message_head_bytes), false, head) == HeadStatus::too_large);
        CPPUNIT_ASSERT(codec::read_head(join({with(limits::message_head_bytes - 100), data()}), true, head) == HeadStatus::complete);
    }

    void a_head_with_broken_leaves_is_malformed() {
        MessageHead head;
        const Bytes bad{0x00, 0x53, 0x72, 0xc1, 5, 2, 0xa3, 1, 'k', 0xa1};
        CPPUNIT_ASSERT(codec::read_head(join({bad, data()}), true, head) == HeadStatus::malformed);
    }

    static std::vector<Bytes> good_bodies() {
        return {{},
                data(),
                join({data(), data(), data()}),
                {0x00, 0x53, 0x76, 0x45},
                join({{0x00, 0x53, 0x76, 0x45}, {0x00, 0x53, 0x76, 0xc0, 2, 1, 0x41}}),
                {0x00, 0x53, 0x77, 0x40},
                {0x00, 0x53, 0x77, 0xb1, 0, 0, 0, 2, 'h', 'i'},
                {0x00, 0x80, 0, 0, 0, 0, 0, 0, 0, 0x77, 0x00, 0xa3, 1, 'x', 0x52, 1},
                join({data(), annotations(0x78)}),
                annotations(0x78)};
    }

    static bool accepts(const Bytes& body, std::size_t piece) {
        codec::BodyCheck check;
        for (std::size_t at = 0; at < body.size(); at += piece) {
            if (!check.consume(std::span(body).subspan(at, std::min(piece, body.size() - at)))) return false;
        }
        return check.is_complete();
    }

    void bodies_of_every_kind_are_accepted() {
        for (const Bytes& body : good_bodies()) CPPUNIT_ASSERT(accepts(body, SIZE_MAX / 2));
    }

    void bodies_are_checked_in_pieces_of_any_size() {
        for (const Bytes& body : good_bodies()) {
            for (std::size_t piece = 1; piece <= body.size(); ++piece) CPPUNIT_ASSERT(accepts(body, piece));
            for (std::size_t size = 1; size < body.size(); ++size) {
                codec::BodyCheck check;
                CPPUNIT_ASSERT(check.consume(std::span(body).first(size)));
            }
        }
    }

    void malformed_bodies_are_refused() {
        for (const Bytes& body :
             {Bytes{0x41}, Bytes{0x00, 0x53, 0x75, 0x41}, Bytes{0x00, 0x53, 0x76, 0xa0, 0}, Bytes{0x00, 0x53, 0x78, 0x45},
              join({data(), {0x00, 0x53, 0x77, 0x40}}), join({{0x00, 0x53, 0x77, 0x40}, {0x00, 0x53, 0x77, 0x40}}),
              join({annotations(0x78), data()}), join({data(), list(0x73)}), Bytes{0x00, 0x53, 0x75, 0xa0, 4, 1, 2, 3}, Bytes{0x00},
              join({data(), {0x00}})}) {
            for (const std::size_t piece : {std::size_t{1}, std::size_t{3}, std::size_t{1000}}) CPPUNIT_ASSERT(!accepts(body, piece));
        }
    }

    static Message message_with(const Bytes& bare, const Bytes& annotations = {}) {
        Message message;
        message.bare = SharedBytes::copy_of(bare);
        message.annotations = SharedBytes::copy_of(annotations);
        return message;
    }

    void properties_are_read_as_text() {
        Bytes bare;
        codec::Writer writer(bare);
        writer.descriptor(0x73);
        const auto list = writer.begin_list();
        writer.string("ID:1");
        const std::string user = "alice";
        writer.binary({reinterpret_cast<const std::uint8_t*>(user.data()), user.size()});
        writer.string("payments.in");
        writer.string("pacs.008");
        writer.string("payments.status");
        writer.uint64(77);
        writer.symbol("application/xml");
        writer.null();
        writer.timestamp(1000);
        writer.timestamp(500);
        writer.string("group");
        writer.uint32(3);
        writer.end(list, 12);
        bare.insert(bare.end(), {0x00, 0x53, 0x77, 0x40});
        const MessageProperties properties = read_properties(message_with(bare));
        CPPUNIT_ASSERT_EQUAL("ID:1"s, properties.message_id);
        CPPUNIT_ASSERT_EQUAL("alice"s, properties.user_id);
        CPPUNIT_ASSERT_EQUAL("payments.in"s, properties.to);
        CPPUNIT_ASSERT_EQUAL("pacs.008"s, properties.subject);
        CPPUNIT_ASSERT_EQUAL("payments.status"s, properties.reply_to);
        CPPUNIT_ASSERT_EQUAL("ID:AMQP_ULONG:77"s, properties.correlation_id);
        CPPUNIT_ASSERT_EQUAL("application/xml"s, properties.content_type);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1000}, properties.absolute_expiry_time.milliseconds);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{500}, properties.creation_time.milliseconds);
        CPPUNIT_ASSERT_EQUAL("group"s, properties.group_id);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{3}, properties.group_sequence);
    }

    static std::string id_of(const Bytes& encoded) {
        Bytes bare;
        codec::Writer writer(bare);
        writer.descriptor(0x73);
        const auto list = writer.begin_list();
        writer.raw(encoded);
        writer.end(list, 1);
        return read_properties(message_with(bare)).message_id;
    }

    void ids_of_every_kind_are_rendered_as_jms_sees_them() {
        CPPUNIT_ASSERT_EQUAL("plain"s, id_of({0xa1, 5, 'p', 'l', 'a', 'i', 'n'}));
        CPPUNIT_ASSERT_EQUAL("ID:AMQP_ULONG:0"s, id_of({0x44}));
        CPPUNIT_ASSERT_EQUAL("ID:AMQP_UUID:00010203-0405-0607-0809-0a0b0c0d0e0f"s,
                             id_of({0x98, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}));
        CPPUNIT_ASSERT_EQUAL("ID:AMQP_BINARY:00FF10"s, id_of({0xa0, 3, 0x00, 0xff, 0x10}));
        CPPUNIT_ASSERT_EQUAL(""s, id_of({0x40}));
    }

    void annotations_and_application_properties_are_found() {
        const Bytes properties = map(0x74, 8, [](codec::Writer& writer) {
            writer.string("text");
            writer.string("a");
            writer.string("number");
            writer.int64(-7);
            writer.string("flag");
            writer.boolean(true);
            writer.string("symbol");
            writer.symbol("s");
        });
        const Message message = message_with(join({list(0x73), properties, data()}), join({annotations(0x71), annotations(0x72)}));
        CPPUNIT_ASSERT_EQUAL("a"s, find_application_property(message, "text").value());
        CPPUNIT_ASSERT_EQUAL("-7"s, find_application_property(message, "number").value());
        CPPUNIT_ASSERT_EQUAL("s"s, find_application_property(message, "symbol").value());
        CPPUNIT_ASSERT(!find_application_property(message, "flag").has_value());
        CPPUNIT_ASSERT(!find_application_property(message, "absent").has_value());
        CPPUNIT_ASSERT_EQUAL("value"s, find_annotation(message, "key").value());
        CPPUNIT_ASSERT(!find_annotation(message, "text").has_value());
    }

    void text_that_is_not_utf8_is_repaired() {
        CPPUNIT_ASSERT_EQUAL("a\xef\xbf\xbd\x62"s, codec::to_utf8("a\xff\x62"));
        CPPUNIT_ASSERT_EQUAL("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"s, codec::to_utf8("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80"));
        CPPUNIT_ASSERT_EQUAL("\xef\xbf\xbd\xef\xbf\xbd"s, codec::to_utf8("\xc0\x80"));
    }

    void a_message_without_anything_has_no_properties() {
        const MessageProperties properties = read_properties(Message{});
        CPPUNIT_ASSERT(properties.message_id.empty() && properties.to.empty());
        CPPUNIT_ASSERT(!find_annotation(Message{}, "x") && !find_application_property(Message{}, "x"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(MessageSectionsTest);

}  // namespace giromq::test
