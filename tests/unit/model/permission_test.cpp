#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "model/permission.hpp"

namespace giromq {
namespace {

class PermissionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(PermissionTest);
    CPPUNIT_TEST(a_star_is_one_word_and_a_hash_any_number);
    CPPUNIT_TEST(only_a_hash_stands_for_everything);
    CPPUNIT_TEST(a_name_is_compared_as_it_is);
    CPPUNIT_TEST(many_wildcards_take_no_long_time);
    CPPUNIT_TEST(patterns_are_checked);
    CPPUNIT_TEST(actions_have_words);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_star_is_one_word_and_a_hash_any_number() {
        for (const auto& [pattern, name] : {std::pair{"payments.in", "payments.in"},
                                            {"payments.*", "payments.in"},
                                            {"*.in", "payments.in"},
                                            {"#", "payments.in"},
                                            {"payments.#", "payments"},
                                            {"payments.#", "payments.in.eu"},
                                            {"#.eu", "payments.in.eu"},
                                            {"#.eu", "eu"},
                                            {"a.#.b.#.c", "a.x.b.b.y.c"},
                                            {"a.#.*.c", "a.b.c"},
                                            {"#.#", "a"}}) {
            CPPUNIT_ASSERT_MESSAGE(std::string(pattern) + " " + name, matches(pattern, name));
        }
        for (const auto& [pattern, name] : {std::pair{"payments.in", "payments.out"},
                                            {"payments.*", "payments"},
                                            {"payments.*", "payments.in.eu"},
                                            {"*", "payments.in"},
                                            {"payments.#", "paymentsx"},
                                            {"#.eu", "payments.in"},
                                            {"a.#.b", "a.b.c"},
                                            {"a.#.*.c", "a.c"},
                                            {"payments.", "payments"},
                                            {"payments", "payments."}}) {
            CPPUNIT_ASSERT_MESSAGE(std::string(pattern) + " " + name, !matches(pattern, name));
        }
    }

    void only_a_hash_stands_for_everything() {
        CPPUNIT_ASSERT(matches("#", ""));
        CPPUNIT_ASSERT(!matches("*", ""));
        CPPUNIT_ASSERT(!matches("payments.#", ""));
    }

    void a_name_is_compared_as_it_is() {
        CPPUNIT_ASSERT(!matches("Payments", "payments"));
        CPPUNIT_ASSERT_MESSAGE("wildcards in a name are none", !matches("payments", "*"));
        CPPUNIT_ASSERT(!matches("a.b", "#"));
        CPPUNIT_ASSERT(matches("*", "#"));
    }

    void many_wildcards_take_no_long_time() {
        std::string pattern = "#";
        for (int word = 0; word < 15; ++word) pattern += ".a.#";
        std::string name = "a";
        for (int word = 0; word < 120; ++word) name += ".a";
        CPPUNIT_ASSERT(matches(pattern, name));
        CPPUNIT_ASSERT(!matches(pattern + ".b", name));
    }

    void patterns_are_checked() {
        for (const char* const good : {"#", "*", "a", "a.b-c_d/e", "a.*.#", "gr\xC3\xB6\xC3\x9F"})
            CPPUNIT_ASSERT_MESSAGE(good, is_pattern(good));
        for (const char* const bad : {"", ".", "a.", ".a", "a..b", "a*", "a.b#", "a b", "a\n", "**"})
            CPPUNIT_ASSERT_MESSAGE(bad, !is_pattern(bad));
        CPPUNIT_ASSERT(!is_pattern(std::string(256, 'a')));
        std::string long_one = "a";
        for (int word = 1; word < 33; ++word) long_one += ".a";
        CPPUNIT_ASSERT(!is_pattern(long_one));
    }

    void actions_have_words() {
        for (const auto action : all_actions) CPPUNIT_ASSERT(action_named(to_text(action)) == action);
        CPPUNIT_ASSERT(!action_named("everything"));
        CPPUNIT_ASSERT((actions_of("delete send unknown send") == std::vector{Action::send, Action::delete_messages}));
        CPPUNIT_ASSERT_EQUAL(std::string("send delete"), actions_text({Action::send, Action::delete_messages}));
        CPPUNIT_ASSERT(is_grantable(Action::resolve_xa) && !is_grantable(Action::view) && !is_grantable(Action::administer));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(PermissionTest);

}  // namespace
}  // namespace giromq
