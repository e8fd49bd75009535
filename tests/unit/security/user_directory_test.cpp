#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <chrono>
#include <string>
#include <thread>
#include <vector>

#include "security/keys.hpp"
#include "security/user_directory.hpp"
#include "support/manual_clock.hpp"

namespace giromq::security {
namespace {

User quick_user(const std::string& name, const std::string& password, Role role = Role::application) {
    return make_user(name, role, password, iterations_min).value();
}

class UserDirectoryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(UserDirectoryTest);
    CPPUNIT_TEST(made_user_keeps_no_password_and_a_salt_of_its_own);
    CPPUNIT_TEST(weak_passwords_are_refused);
    CPPUNIT_TEST(invalid_names_are_refused);
    CPPUNIT_TEST(too_few_and_too_many_iterations_are_refused);
    CPPUNIT_TEST(users_are_found_listed_in_order_replaced_and_removed);
    CPPUNIT_TEST(right_password_gives_the_identity_and_its_role);
    CPPUNIT_TEST(unknown_user_and_wrong_password_give_the_same_error);
    CPPUNIT_TEST(overlong_credentials_are_refused_before_they_cost_anything);
    CPPUNIT_TEST(new_password_makes_the_remembered_old_one_worthless);
    CPPUNIT_TEST(removed_user_is_not_remembered);
    CPPUNIT_TEST(new_role_counts_at_once_although_the_password_is_remembered);
    CPPUNIT_TEST(right_password_is_remembered_for_five_minutes_only);
    CPPUNIT_TEST(decoy_of_an_unknown_user_has_iterations_that_some_user_has);
    CPPUNIT_TEST(a_user_is_who_it_is_now);
    CPPUNIT_TEST(a_remembered_login_is_known_without_deriving_keys);
    CPPUNIT_TEST(directory_is_read_while_it_is_changed);
    CPPUNIT_TEST_SUITE_END();

    test::ManualClock clock_;
    UserDirectory users_{clock_};

public:
    void a_user_is_who_it_is_now() {
        users_.put(quick_user("olga", "correct horse", Role::operator_));
        const auto olga = users_.identity_of("olga", Role::operator_);
        users_.put(quick_user("olga", "correct horse", Role::application));
        CPPUNIT_ASSERT(users_.current(olga).value().role == Role::application);
        users_.remove("olga");
        CPPUNIT_ASSERT(users_.current(olga).error().is(errc::not_permitted));
        CPPUNIT_ASSERT_MESSAGE("--dev", users_.current({"anonymous", Role::administrator}).value().role == Role::administrator);
    }

    void a_remembered_login_is_known_without_deriving_keys() {
        users_.put(quick_user("ledger", "correct horse"));
        CPPUNIT_ASSERT(!users_.remembered_login("ledger", "correct horse"));
        CPPUNIT_ASSERT(users_.verify_password("ledger", "correct horse"));
        CPPUNIT_ASSERT(users_.remembered_login("ledger", "correct horse")->user == "ledger");
        CPPUNIT_ASSERT(!users_.remembered_login("ledger", "battery staple"));
        CPPUNIT_ASSERT(!users_.remembered_login("nobody", "correct horse"));
        users_.put(quick_user("ledger", "correct horse"));
        CPPUNIT_ASSERT_MESSAGE("another key", !users_.remembered_login("ledger", "correct horse"));
    }

    void made_user_keeps_no_password_and_a_salt_of_its_own() {
        const User one = quick_user("payments", "correct horse");
        const User two = quick_user("payments", "correct horse");
        CPPUNIT_ASSERT_EQUAL(std::size_t{16}, one.salt.size());
        CPPUNIT_ASSERT(one.salt != two.salt);
        CPPUNIT_ASSERT(one.stored_key != two.stored_key);
        CPPUNIT_ASSERT(one.stored_key != one.server_key);
        CPPUNIT_ASSERT_EQUAL(iterations_min, one.iterations);
    }

    void weak_passwords_are_refused() {
        for (const auto& password : {std::string(), std::string("1234567"), std::string(257, 'x'), std::string("payments"),
                                     std::string("tab\there."), std::string("nul\0here.", 9), std::string("broken\xC3 utf"),
                                     std::string("private \xEE\x80\x80"), std::string("soft\xC2\xAD\xC2\xAD\xC2\xAD")}) {
            const auto user = make_user("payments", Role::application, password, iterations_min);
            CPPUNIT_ASSERT_MESSAGE(password, !user && user.error().is(errc::weak_password));
        }
        CPPUNIT_ASSERT(make_user("payments", Role::application, "Zürich-Überweisung", iterations_min));
        CPPUNIT_ASSERT(make_user("payments", Role::application, std::string(256, 'x'), iterations_min));
    }

    void invalid_names_are_refused() {
        for (const auto& name : {std::string(), std::string(129, 'n'), std::string("two  spaces"), std::string(" x"), std::string("x "),
                                 std::string("a:b"), std::string("anonymous"), std::string("line\nbreak"), std::string("nul\0", 4),
                                 std::string("\xFF"), std::string("e\xCC\x81"), std::string("zero\xE2\x80\x8Bwidth")}) {
            const auto user = make_user(name, Role::application, "long enough", iterations_min);
            CPPUNIT_ASSERT_MESSAGE(name, !user && user.error().is(errc::invalid_name));
        }
        CPPUNIT_ASSERT(make_user("bücher@bank.example", Role::application, "long enough", iterations_min));
        CPPUNIT_ASSERT(make_user("Payment Gateway 1", Role::application, "long enough", iterations_min));
    }

    void too_few_and_too_many_iterations_are_refused() {
        CPPUNIT_ASSERT(!make_user("payments", Role::application, "long enough", iterations_min - 1));
        CPPUNIT_ASSERT(!make_user("payments", Role::application, "long enough", iterations_max + 1));
    }

    void users_are_found_listed_in_order_replaced_and_removed() {
        CPPUNIT_ASSERT(users_.empty());
        User bob;
        bob.name = "bob";
        User alice;
        alice.name = "alice";
        users_.put(bob);
        users_.put(alice);
        bob.role = Role::administrator;
        users_.put(bob);
        const auto list = users_.list();
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, list.size());
        CPPUNIT_ASSERT_EQUAL(std::string("alice"), list[0].name);
        CPPUNIT_ASSERT(users_.find("bob")->role == Role::administrator);
        CPPUNIT_ASSERT(!users_.find("bo"));
        users_.remove("carol");
        users_.remove("bob");
        CPPUNIT_ASSERT(!users_.find("bob"));
        users_.replace_all({bob, bob});
        CPPUNIT_ASSERT(!users_.find("alice"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, users_.list().size());
    }

    void right_password_gives_the_identity_and_its_role() {
        users_.put(quick_user("admin", "correct horse", Role::administrator));
        for (int round = 0; round < 2; ++round) {
            const auto identity = users_.verify_password("admin", "correct horse");
            CPPUNIT_ASSERT(identity);
            CPPUNIT_ASSERT_EQUAL(std::string("admin"), identity->user);
            CPPUNIT_ASSERT(identity->role == Role::administrator);
        }
    }

    void unknown_user_and_wrong_password_give_the_same_error() {
        users_.put(quick_user("admin", "correct horse"));
        const auto unknown = users_.verify_password("nobody", "correct horse");
        const auto wrong = users_.verify_password("admin", "correct house");
        CPPUNIT_ASSERT(!unknown && unknown.error().is(errc::wrong_credentials));
        CPPUNIT_ASSERT(!wrong);
        CPPUNIT_ASSERT_EQUAL(unknown.error().to_string(), wrong.error().to_string());
        CPPUNIT_ASSERT(!users_.verify_password("admin", ""));
    }

    void overlong_credentials_are_refused_before_they_cost_anything() {
        users_.put(quick_user("admin", "correct horse"));
        CPPUNIT_ASSERT(users_.verify_password("admin", std::string(1000000, 'x')).error().is(errc::wrong_credentials));
        CPPUNIT_ASSERT(users_.verify_password(std::string(1000000, 'x'), "correct horse").error().is(errc::wrong_credentials));
        CPPUNIT_ASSERT(users_.verify_password("", "correct horse").error().is(errc::wrong_credentials));
    }

    void new_password_makes_the_remembered_old_one_worthless() {
        users_.put(quick_user("admin", "correct horse"));
        CPPUNIT_ASSERT(users_.verify_password("admin", "correct horse"));
        users_.put(quick_user("admin", "battery staple"));
        CPPUNIT_ASSERT(!users_.verify_password("admin", "correct horse"));
        CPPUNIT_ASSERT(users_.verify_password("admin", "battery staple"));
    }

    void removed_user_is_not_remembered() {
        users_.put(quick_user("admin", "correct horse"));
        CPPUNIT_ASSERT(users_.verify_password("admin", "correct horse"));
        users_.remove("admin");
        CPPUNIT_ASSERT(!users_.verify_password("admin", "correct horse"));
    }

    void new_role_counts_at_once_although_the_password_is_remembered() {
        User user = quick_user("admin", "correct horse", Role::administrator);
        users_.put(user);
        CPPUNIT_ASSERT(users_.verify_password("admin", "correct horse")->role == Role::administrator);
        user.role = Role::application;
        users_.put(user);
        CPPUNIT_ASSERT(users_.verify_password("admin", "correct horse")->role == Role::application);
    }

    /// What is remembered does not notice that the salt has gone, which a derivation does: so the two can be told apart without a
    /// stopwatch.
    void right_password_is_remembered_for_five_minutes_only() {
        User user = quick_user("admin", "correct horse");
        users_.put(user);
        CPPUNIT_ASSERT(users_.verify_password("admin", "correct horse"));
        user.salt[0] = static_cast<std::uint8_t>(user.salt[0] ^ 1);
        users_.put(user);
        clock_.advance(std::chrono::minutes(5) - std::chrono::milliseconds(1));
        CPPUNIT_ASSERT(users_.verify_password("admin", "correct horse"));
        clock_.advance(std::chrono::milliseconds(1));
        CPPUNIT_ASSERT(!users_.verify_password("admin", "correct horse"));
    }

    void decoy_of_an_unknown_user_has_iterations_that_some_user_has() {
        CPPUNIT_ASSERT_EQUAL(default_iterations, users_.candidate("nobody")->user.iterations);
        users_.put(quick_user("admin", "correct horse"));
        const auto decoy = users_.candidate("nobody").value();
        CPPUNIT_ASSERT(!decoy.is_known);
        CPPUNIT_ASSERT_EQUAL(iterations_min, decoy.user.iterations);
        CPPUNIT_ASSERT(decoy.user.salt == users_.candidate("nobody")->user.salt);
        CPPUNIT_ASSERT(users_.candidate("admin")->is_known);
    }

    void directory_is_read_while_it_is_changed() {
        const User user = quick_user("admin", "correct horse");
        users_.put(user);
        std::atomic<int> found = 0;
        std::vector<std::thread> readers;
        for (int reader = 0; reader < 2; ++reader) {
            readers.emplace_back([&] {
                for (int round = 0; round < 200; ++round) found += users_.verify_password("admin", "correct horse").ok() ? 1 : 0;
            });
        }
        for (int round = 0; round < 200; ++round) {
            User other;
            other.name = "user" + std::to_string(round);
            other.iterations = iterations_min;
            users_.put(other);
        }
        for (auto& reader : readers) reader.join();
        CPPUNIT_ASSERT_EQUAL(400, found.load());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(UserDirectoryTest);

}  // namespace
}  // namespace giromq::security
