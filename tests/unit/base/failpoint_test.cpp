#include <cppunit/extensions/HelperMacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <functional>
#include <string>

#include "base/failpoint.hpp"

namespace giromq::test {
namespace {

/// Runs `body` in a process of its own: the signal that ended it, or 0 if it ended by itself.
int signal_that_ends(const std::function<void()>& body) {
    const auto child = ::fork();
    if (child == 0) {
        body();
        ::_exit(0);
    }
    CPPUNIT_ASSERT(child > 0);
    int status = 0;
    CPPUNIT_ASSERT_EQUAL(child, ::waitpid(child, &status, 0));
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

int signal_after_reaching(const char* choice, int times) {
    return signal_that_ends([&] {
        failpoint::arm(*failpoint::parse(choice));
        for (int time = 0; time < times; ++time) failpoint::reach("prepare", "durable");
    });
}

}  // namespace

class FailpointTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FailpointTest);
    CPPUNIT_TEST(every_name_is_understood_and_nothing_else);
    CPPUNIT_TEST(the_number_of_the_time_is_bounded);
    CPPUNIT_TEST(nothing_dies_unless_a_place_is_chosen);
    CPPUNIT_TEST(the_process_is_killed_at_the_chosen_place_the_nth_time);
    CPPUNIT_TEST(other_places_are_passed);
    CPPUNIT_TEST(a_place_that_is_not_among_the_names_is_a_broken_invariant);
    CPPUNIT_TEST_SUITE_END();

    void every_name_is_understood_and_nothing_else() {
        for (const auto name : failpoint::names) {
            const auto choice = failpoint::parse(name);
            CPPUNIT_ASSERT_MESSAGE(std::string(name), choice.has_value());
            CPPUNIT_ASSERT(choice->name == name && choice->nth == 1);
        }
        for (const auto* const text : {"", ":", "prepare", "prepare.", "prepare.durable ", "PREPARE.DURABLE", "nothing.durable", ":1"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !failpoint::parse(text).has_value());
        }
    }

    void the_number_of_the_time_is_bounded() {
        CPPUNIT_ASSERT_EQUAL(7u, failpoint::parse("commit.written:7")->nth);
        CPPUNIT_ASSERT_EQUAL(1'000'000'000u, failpoint::parse("commit.written:1000000000")->nth);
        for (const auto* const nth : {"", "0", "-1", "+1", " 1", "1 ", "1:", "x", "1000000001", "4294967297", "99999999999999999999"}) {
            CPPUNIT_ASSERT_MESSAGE(nth, !failpoint::parse("commit.written:" + std::string(nth)).has_value());
        }
    }

    void nothing_dies_unless_a_place_is_chosen() {
        CPPUNIT_ASSERT(!failpoint::is_armed());
        CPPUNIT_ASSERT_EQUAL(0, signal_that_ends([] { failpoint::reach("prepare", "durable"); }));
    }

    void the_process_is_killed_at_the_chosen_place_the_nth_time() {
        CPPUNIT_ASSERT_EQUAL(SIGKILL, signal_after_reaching("prepare.durable", 1));
        CPPUNIT_ASSERT_EQUAL(0, signal_after_reaching("prepare.durable:3", 2));
        CPPUNIT_ASSERT_EQUAL(SIGKILL, signal_after_reaching("prepare.durable:3", 3));
    }

    void other_places_are_passed() { CPPUNIT_ASSERT_EQUAL(0, signal_after_reaching("prepare.written", 5)); }

    void a_place_that_is_not_among_the_names_is_a_broken_invariant() {
        const auto reach_misspelt = [] {
            failpoint::arm(*failpoint::parse("prepare.durable"));
            failpoint::reach("prepare", "durably");
        };
        CPPUNIT_ASSERT_EQUAL(SIGABRT, signal_that_ends(reach_misspelt));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(FailpointTest);

}  // namespace giromq::test
