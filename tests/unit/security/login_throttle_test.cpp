#include "security/login_throttle.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include "support/manual_clock.hpp"

namespace giromq::security {
namespace {

using namespace std::chrono_literals;

/// Who guesses passwords is slowed down, and nobody else.
class LoginThrottleTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LoginThrottleTest);
    CPPUNIT_TEST(a_few_failures_cost_nothing);
    CPPUNIT_TEST(each_further_failure_locks_for_twice_as_long);
    CPPUNIT_TEST(a_locked_login_is_not_verified_and_does_not_lock_for_longer);
    CPPUNIT_TEST(a_right_password_forgives);
    CPPUNIT_TEST(many_users_from_one_address_lock_the_address);
    CPPUNIT_TEST(nobody_is_locked_out_from_elsewhere);
    CPPUNIT_TEST(a_user_that_many_addresses_guess_has_no_free_failures_at_a_new_one);
    CPPUNIT_TEST(failures_push_out_nobody_who_has_logged_in);
    CPPUNIT_TEST(who_has_logged_in_before_is_not_locked_by_others);
    CPPUNIT_TEST(who_has_logged_in_before_is_locked_for_its_own_failures);
    CPPUNIT_TEST(failures_are_forgotten_in_time);
    CPPUNIT_TEST(an_ipv6_network_is_one_address);
    CPPUNIT_TEST(memory_is_bounded);
    CPPUNIT_TEST(nothing_is_locked_if_that_is_switched_off);
    CPPUNIT_TEST(other_errors_are_counted_but_do_not_lock);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_few_failures_cost_nothing() {
        for (int failure = 0; failure < 5; ++failure) CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", false));
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:2", true));
    }

    void each_further_failure_locks_for_twice_as_long() {
        for (int failure = 0; failure < 5; ++failure) tried("alice", "192.0.2.1:1", false);
        for (const auto lock : {1s, 2s, 4s, 8s, 10s, 10s}) {
            CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", false));
            clock_.advance(lock - 1ms);
            CPPUNIT_ASSERT(!tried("alice", "192.0.2.1:1", true));
            clock_.advance(1ms);
        }
    }

    void a_locked_login_is_not_verified_and_does_not_lock_for_longer() {
        for (int failure = 0; failure < 6; ++failure) tried("alice", "192.0.2.1:1", false);
        for (int attempt = 0; attempt < 100; ++attempt) CPPUNIT_ASSERT(!tried("alice", "192.0.2.1:1", true));
        clock_.advance(1s);
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
        const auto counters = throttle_.counters(LoginProtocol::amqp);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, counters.succeeded);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{106}, counters.failed);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{100}, counters.refused);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, throttle_.counters(LoginProtocol::http).failed);
    }

    void a_right_password_forgives() {
        for (int round = 0; round < 4; ++round) {
            for (int failure = 0; failure < 5; ++failure) CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", false));
            CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
        }
    }

    void many_users_from_one_address_lock_the_address() {
        for (int user = 0; user < 21; ++user) CPPUNIT_ASSERT(tried("user" + std::to_string(user), "192.0.2.1:1", false));
        CPPUNIT_ASSERT(!tried("another", "192.0.2.1:1", true));
        CPPUNIT_ASSERT(tried("another", "192.0.2.2:1", true));
    }

    void nobody_is_locked_out_from_elsewhere() {
        throttle_.set_limits({});
        for (int second = 0; second < 3600; ++second) {
            for (int host = 1; host <= 8; ++host) tried("alice", "192.0.2." + std::to_string(host) + ":1", false);
            clock_.advance(1s);
        }
        CPPUNIT_ASSERT_MESSAGE("its first try it always has", tried("alice", "198.51.100.1:1", true));
        CPPUNIT_ASSERT(tried("alice", "198.51.100.1:1", true));
    }

    void a_user_that_many_addresses_guess_has_no_free_failures_at_a_new_one() {
        throttle_.set_limits({});
        for (int host = 0; host < 20; ++host) tried("alice", "192.0.2." + std::to_string(host) + ":1", false);
        for (const auto lock : {1s, 2s, 4s, 8s, 16s, 30s, 30s}) {
            const auto peer = "198.51.100." + std::to_string(++last_host_) + ":1";
            CPPUNIT_ASSERT(tried("alice", peer, false));
            clock_.advance(lock - 1ms);
            CPPUNIT_ASSERT(!tried("alice", peer, true));
            CPPUNIT_ASSERT(tried("bob", peer, true));
            clock_.advance(1ms);
            CPPUNIT_ASSERT(tried("alice", peer, true));
        }
    }

    void failures_push_out_nobody_who_has_logged_in() {
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
        for (int number = 0; number < 1000; ++number) {
            tried("user" + std::to_string(number), "10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250) + ":1",
                  false);
        }
        for (int user = 0; user < 21; ++user) tried("user" + std::to_string(user), "192.0.2.1:1", false);
        CPPUNIT_ASSERT(!tried("bob", "192.0.2.1:1", true));
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
    }

    void who_has_logged_in_before_is_not_locked_by_others() {
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
        for (int user = 0; user < 30; ++user) tried("user" + std::to_string(user), "192.0.2.1:1", false);
        for (int host = 2; host < 30; ++host) tried("alice", "192.0.2." + std::to_string(host) + ":1", false);
        CPPUNIT_ASSERT(!tried("user99", "192.0.2.1:1", true));
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
    }

    void who_has_logged_in_before_is_locked_for_its_own_failures() {
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
        for (int failure = 0; failure < 6; ++failure) CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", false));
        CPPUNIT_ASSERT(!tried("alice", "192.0.2.1:1", true));
    }

    void failures_are_forgotten_in_time() {
        for (int failure = 0; failure < 5; ++failure) tried("alice", "192.0.2.1:1", false);
        clock_.advance(10s);
        for (int failure = 0; failure < 5; ++failure) CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", false));
        CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", true));
    }

    void an_ipv6_network_is_one_address() {
        for (int host = 0; host < 21; ++host) {
            tried("user" + std::to_string(host), "[2001:db8:1:2::" + std::to_string(host) + "]:1", false);
        }
        CPPUNIT_ASSERT(!tried("another", "[2001:db8:1:2:ffff::1]:1", true));
        CPPUNIT_ASSERT(tried("another", "[2001:db8:1:3::1]:1", true));
    }

    void memory_is_bounded() {
        for (int number = 0; number < 1000; ++number) {
            tried(std::string(5000, 'x') + std::to_string(number), "192.0.2.1:1", true);
            tried("user" + std::to_string(number), "10.0." + std::to_string(number / 250) + "." + std::to_string(number % 250) + ":1",
                  false);
        }
        CPPUNIT_ASSERT(throttle_.remembered() <= 200);
    }

    void nothing_is_locked_if_that_is_switched_off() {
        throttle_.set_limits({.failures_max = 0});
        for (int failure = 0; failure < 100; ++failure) CPPUNIT_ASSERT(tried("alice", "192.0.2.1:1", false));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, throttle_.remembered());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{100}, throttle_.counters(LoginProtocol::amqp).failed);
    }

    void other_errors_are_counted_but_do_not_lock() {
        for (int failure = 0; failure < 50; ++failure) {
            const auto result = throttle_.attempt({LoginProtocol::http, "alice", "192.0.2.1:1"},
                                                  [] { return Result<Identity>(Error(errc::internal, "no randomness")); });
            CPPUNIT_ASSERT(result.error().is(errc::internal));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{50}, throttle_.counters(LoginProtocol::http).failed);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, throttle_.remembered());
    }

    void setUp() override { throttle_.set_limits({.failures_max = 5, .lock_first = 1s, .lock_max = 10s, .remembered_max = 100}); }

private:
    /// True if the password was looked at.
    bool tried(const std::string& user, const std::string& peer, bool is_right) {
        bool verified = false;
        const auto result = throttle_.attempt({LoginProtocol::amqp, user, peer}, [&] {
            verified = true;
            return is_right ? Result<Identity>(Identity{user, Role::application}) : Result<Identity>(Error(errc::wrong_credentials));
        });
        CPPUNIT_ASSERT_EQUAL(verified && is_right, result.ok());
        if (!result) CPPUNIT_ASSERT(result.error().is(errc::wrong_credentials));
        return verified;
    }

    int last_host_ = 0;
    test::ManualClock clock_;
    LoginThrottle throttle_{clock_};
};
CPPUNIT_TEST_SUITE_REGISTRATION(LoginThrottleTest);

}  // namespace
}  // namespace giromq::security
