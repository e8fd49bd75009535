#include <cppunit/extensions/HelperMacros.h>

#include <string>
#include <vector>

#include "security/crypto.hpp"
#include "security/encoding.hpp"

namespace giromq::security {
namespace {

std::string hex(const Digest& digest) {
    std::string text;
    for (const auto byte : digest) {
        text += "0123456789abcdef"[byte >> 4];
        text += "0123456789abcdef"[byte & 15];
    }
    return text;
}

class EncodingTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(EncodingTest);
    CPPUNIT_TEST(base_64_of_rfc_4648);
    CPPUNIT_TEST(base_64_that_is_not_canonical_is_refused);
    CPPUNIT_TEST(utf_8_is_taken_only_when_well_formed);
    CPPUNIT_TEST(digests_of_published_examples);
    CPPUNIT_TEST_SUITE_END();

public:
    void base_64_of_rfc_4648() {
        const std::string plain = "foobar";
        const std::vector<std::string> encoded{"", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
        for (std::size_t length = 0; length <= plain.size(); ++length) {
            const auto part = plain.substr(0, length);
            CPPUNIT_ASSERT_EQUAL(encoded[length], encode_base64(as_bytes(part)));
            CPPUNIT_ASSERT_EQUAL(part, std::string(as_text(decode_base64(encoded[length]).value())));
        }
    }

    void base_64_that_is_not_canonical_is_refused() {
        for (const char* text : {"Z", "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "====", "Zg==Zg==", "Z=g=", "Zm 9", "Zm9v\n", "Zm9-", "=m9v"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !decode_base64(text));
        }
    }

    void utf_8_is_taken_only_when_well_formed() {
        CPPUNIT_ASSERT(is_clean_utf8("Zürich 東京 \xF0\x9F\x92\xB6"));
        for (const char* text : {"\x80", "\xC0\x80", "\xC3", "\xE0\x80\x80", "\xED\xA0\x80", "\xF0\x80\x80\x80", "\xF4\x90\x80\x80", "\xF5",
                                 "\xC2\x85", "\x7F", "a\nb"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !is_clean_utf8(text));
        }
    }

    void digests_of_published_examples() {
        CPPUNIT_ASSERT_EQUAL(std::string("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
                             hex(sha256(as_bytes("abc")).value()));
        // RFC 4231 §4.3, and PBKDF2 of RFC 7914 §11.
        CPPUNIT_ASSERT_EQUAL(std::string("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"),
                             hex(hmac_sha256(as_bytes("Jefe"), {"what do ya want ", "for nothing?"}).value()));
        CPPUNIT_ASSERT_EQUAL(std::string("55ac046e56e3089fec1691c22544b605f94185216dde0465e68b9d57c20dacbc"),
                             hex(pbkdf2_sha256("passwd", as_bytes("salt"), 1)->bytes()));
        CPPUNIT_ASSERT(hmac_sha256({}, {}));
        CPPUNIT_ASSERT(!pbkdf2_sha256("passwd", as_bytes("salt"), 0));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(EncodingTest);

}  // namespace
}  // namespace giromq::security
