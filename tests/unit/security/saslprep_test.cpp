#include "security/saslprep.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "security/encoding.hpp"
#include "security/user_directory.hpp"

namespace giromq::security {
namespace {

/// SASLprep, and that names and passwords go through it wherever they are stored and compared.
class SaslprepTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SaslprepTest);
    CPPUNIT_TEST(examples_of_rfc_4013);
    CPPUNIT_TEST(characters_are_mapped_and_composed);
    CPPUNIT_TEST(prohibited_characters_are_refused);
    CPPUNIT_TEST(texts_in_two_directions_are_refused);
    CPPUNIT_TEST(what_unicode_3_2_does_not_know_may_be_looked_for_only);
    CPPUNIT_TEST(letters_of_earlier_versions_stay_as_they_are);
    CPPUNIT_TEST(a_password_may_be_written_in_any_way_that_means_the_same);
    CPPUNIT_TEST(another_spelling_of_a_name_is_the_same_user);
    CPPUNIT_TEST(another_spelling_of_a_name_does_not_get_around_the_lock);
    CPPUNIT_TEST(names_are_stored_prepared);
    CPPUNIT_TEST(length_is_that_of_the_prepared_password);
    CPPUNIT_TEST_SUITE_END();

    static std::string stored(std::string_view text) { return saslprep(text, Prepared::stored).value_or("refused"); }

    static void assert_refused(std::string_view text) { CPPUNIT_ASSERT_MESSAGE(std::string(text), !saslprep(text, Prepared::stored)); }

public:
    void examples_of_rfc_4013() {
        CPPUNIT_ASSERT_EQUAL(std::string("IX"), stored("I\u00ADX"));
        CPPUNIT_ASSERT_EQUAL(std::string("user"), stored("user"));
        CPPUNIT_ASSERT_EQUAL(std::string("USER"), stored("USER"));
        CPPUNIT_ASSERT_EQUAL(std::string("a"), stored("\u00AA"));
        CPPUNIT_ASSERT_EQUAL(std::string("IX"), stored("\u2168"));
        assert_refused("\x07");
        assert_refused(
            "\u0627"
            "1"
            "");
    }

    void characters_are_mapped_and_composed() {
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), stored("a\u00A0b"));
        CPPUNIT_ASSERT_EQUAL(std::string("a b"), stored("a\u3000b"));
        CPPUNIT_ASSERT_EQUAL(std::string("ab"), stored("a\u200D\uFE0Fb"));
        CPPUNIT_ASSERT_EQUAL(std::string("\u00E9"), stored("e\u0301"));
        CPPUNIT_ASSERT_EQUAL(std::string("ffi"), stored("\uFB03"));
        CPPUNIT_ASSERT_EQUAL(std::string("\uAC00"), stored("\u1100\u1161"));
        CPPUNIT_ASSERT_EQUAL(std::string(), stored("\u00AD"));
        CPPUNIT_ASSERT_MESSAGE("the longest there is", stored("\uFDFA\uFDFA").size() > 60);
    }

    void prohibited_characters_are_refused() {
        for (const std::string& text :
             {std::string("a\0b", 3), std::string("\x7F"), std::string("a\xC2\x85"), std::string("\u2028"), std::string("\uE000"),
              std::string("\uFFFE"), std::string("\uFFFD"), std::string("\u0340\u2FF0"), std::string("\u202E"), std::string("\U000E0001"),
              std::string("\xED\xA0\x80"), std::string("\xC3"), std::string("\xC0\x80")}) {
            assert_refused(text);
        }
    }

    void texts_in_two_directions_are_refused() {
        CPPUNIT_ASSERT_EQUAL(std::string("\u0627\u0628"), stored("\u0627\u0628"));
        CPPUNIT_ASSERT_EQUAL(std::string("\u0627"
                                         "1"
                                         "\u0628"),
                             stored("\u0627"
                                    "1"
                                    "\u0628"));
        assert_refused("a\u0627");
        assert_refused("\u0627a\u0628");
    }

    void what_unicode_3_2_does_not_know_may_be_looked_for_only() {
        assert_refused("\u0221");
        CPPUNIT_ASSERT_EQUAL(std::string("\u0221"), saslprep("\u0221", Prepared::query).value_or("refused"));
    }

    void letters_of_earlier_versions_stay_as_they_are() {
        for (const char* text : {"Zürich Łódź 42", "Ελλάδα", "Київ", "東京ひらがなカタカナ", "서울", "Ấn", "€", "ՀԱՅ", "ქართ"}) {
            CPPUNIT_ASSERT_EQUAL(std::string(text), stored(text));
        }
    }

    void a_password_may_be_written_in_any_way_that_means_the_same() {
        UserDirectory users;
        users.put(make_user("ann", Role::operator_, "caf\u00E9 number \u2168 4", iterations_min).value());
        for (const char* same : {"caf\u00E9 number IX 4", "cafe\u0301 number \u2168 4", "caf\u00E9\u00A0number I\u00ADX 4"}) {
            CPPUNIT_ASSERT_MESSAGE(same, users.verify_password("ann", same).ok());
            CPPUNIT_ASSERT_MESSAGE(same, users.remembered_login("ann", same).has_value());
        }
        for (const char* other : {"cafe number IX 4", "caf\u00E9 number ix 4", "caf\u00E9 number IX 4\x07"}) {
            CPPUNIT_ASSERT_MESSAGE(other, !users.verify_password("ann", other).ok());
        }
    }

    void another_spelling_of_a_name_is_the_same_user() {
        UserDirectory users;
        users.put(make_user("Ren\u00E9", Role::operator_, "a long password 1", iterations_min).value());
        const auto identity = users.verify_password("Rene\u0301", "a long password 1");
        CPPUNIT_ASSERT(identity.ok() && identity->user == "Ren\u00E9");
        CPPUNIT_ASSERT(users.candidate("Re\u00ADne\u0301")->is_known);
        CPPUNIT_ASSERT(!users.candidate("Rene")->is_known);
    }

    void another_spelling_of_a_name_does_not_get_around_the_lock() {
        UserDirectory users;
        const auto fail = []() -> Result<Identity> { return Error(errc::wrong_credentials); };
        for (int failure = 0; failure < 6; ++failure) {
            const auto name = "ann" + std::string(failure % 2 == 0 ? "\u00AD" : "");
            static_cast<void>(users.logins().attempt({LoginProtocol::amqp, name, "192.0.2.1:1"}, fail));
        }
        bool was_tried = false;
        const auto attempt = [&]() -> Result<Identity> {
            was_tried = true;
            return Error(errc::wrong_credentials);
        };
        CPPUNIT_ASSERT(!users.logins().attempt({LoginProtocol::amqp, "a\u00ADnn", "192.0.2.1:1"}, attempt).ok());
        CPPUNIT_ASSERT_MESSAGE("it is locked", !was_tried);
    }

    void names_are_stored_prepared() {
        for (const char* name : {"Ren\u00E9", "\u0627\u0628", "\u0E01\u0E02", "Payment Gateway 1"}) {
            CPPUNIT_ASSERT_MESSAGE(name, check_user_name(name).ok());
        }
        const auto refused = check_user_name("gateway \u2168");
        CPPUNIT_ASSERT(!refused.ok() && refused.error().detail().find("'gateway IX'") != std::string::npos);
        for (const char* name : {"Rene\u0301", "a\u00A0b", "a\u0627", "a\x07", "a:b"})
            CPPUNIT_ASSERT_MESSAGE(name, !check_user_name(name).ok());
    }

    void length_is_that_of_the_prepared_password() {
        std::string soft = "short 1";
        for (int count = 0; count < 20; ++count) soft += "\u00AD";
        CPPUNIT_ASSERT(!check_new_password(soft).ok());
        CPPUNIT_ASSERT(!prepare_password(soft, "ann").ok());
        CPPUNIT_ASSERT(!prepare_password("gateway \u2168", "gateway IX").ok());
        std::string long_one = "1 ";
        for (int count = 0; count < 20; ++count) long_one += "\uFDFA";
        CPPUNIT_ASSERT_MESSAGE("62 bytes that become many", !prepare_password(long_one, "ann").ok());
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(SaslprepTest);

}  // namespace
}  // namespace giromq::security
