#include <cppunit/extensions/HelperMacros.h>

#include <cstdint>
#include <limits>
#include <map>
#include <string>

#include "xa/flags.hpp"
#include "xa/return_code.hpp"

/// The numbers and names of the specification's xa.h, against a second copy.
namespace giromq::xa::test {

class ConstantsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConstantsTest);
    CPPUNIT_TEST(return_codes_have_the_numbers_of_the_specification);
    CPPUNIT_TEST(other_numbers_are_no_return_codes);
    CPPUNIT_TEST(rollback_and_heuristic_codes_are_told_apart);
    CPPUNIT_TEST(flags_have_the_numbers_of_the_specification);
    CPPUNIT_TEST(asynchronous_is_understood_from_a_long_and_from_an_int);
    CPPUNIT_TEST(flags_beyond_32_bits_are_refused_by_every_call);
    CPPUNIT_TEST(flags_are_written_with_their_names);
    CPPUNIT_TEST_SUITE_END();

    void return_codes_have_the_numbers_of_the_specification() {
        const std::map<std::string, std::int64_t> expected{
            {"XA_OK", 0},           {"XA_RDONLY", 3},       {"XA_RETRY", 4},        {"XA_HEURMIX", 5},
            {"XA_HEURRB", 6},       {"XA_HEURCOM", 7},      {"XA_HEURHAZ", 8},      {"XA_NOMIGRATE", 9},
            {"XA_RBROLLBACK", 100}, {"XA_RBCOMMFAIL", 101}, {"XA_RBDEADLOCK", 102}, {"XA_RBINTEGRITY", 103},
            {"XA_RBOTHER", 104},    {"XA_RBPROTO", 105},    {"XA_RBTIMEOUT", 106},  {"XA_RBTRANSIENT", 107},
            {"XAER_ASYNC", -2},     {"XAER_RMERR", -3},     {"XAER_NOTA", -4},      {"XAER_INVAL", -5},
            {"XAER_PROTO", -6},     {"XAER_RMFAIL", -7},    {"XAER_DUPID", -8},     {"XAER_OUTSIDE", -9}};
        std::map<std::string, std::int64_t> found;
        for (std::int64_t value = -20; value < 200; ++value) {
            if (const auto code = return_code_of(value)) {
                CPPUNIT_ASSERT_EQUAL(value, static_cast<std::int64_t>(*code));
                CPPUNIT_ASSERT(!text_of(*code).empty());
                found.emplace(name_of(*code), value);
            }
        }
        CPPUNIT_ASSERT(expected == found);
    }

    void other_numbers_are_no_return_codes() {
        for (const std::int64_t value :
             {std::int64_t{-1}, std::int64_t{1}, std::int64_t{108}, std::int64_t{1} << 32, std::numeric_limits<std::int64_t>::min()}) {
            CPPUNIT_ASSERT(!return_code_of(value));
        }
    }

    void rollback_and_heuristic_codes_are_told_apart() {
        int rollbacks = 0;
        int heuristics = 0;
        for (std::int64_t value = -20; value < 200; ++value) {
            const auto code = return_code_of(value);
            if (!code) continue;
            rollbacks += is_rollback(*code) ? 1 : 0;
            heuristics += is_heuristic(*code) ? 1 : 0;
            CPPUNIT_ASSERT_EQUAL(name_of(*code).starts_with("XA_RB"), is_rollback(*code));
            CPPUNIT_ASSERT_EQUAL(name_of(*code).starts_with("XA_HEUR"), is_heuristic(*code));
        }
        CPPUNIT_ASSERT_EQUAL(8, rollbacks);
        CPPUNIT_ASSERT_EQUAL(4, heuristics);
    }

    void flags_have_the_numbers_of_the_specification() {
        CPPUNIT_ASSERT_EQUAL(Flags{0x80000000}, tm::async);
        CPPUNIT_ASSERT_EQUAL(Flags{0x40000000}, tm::one_phase);
        CPPUNIT_ASSERT_EQUAL(Flags{0x20000000}, tm::fail);
        CPPUNIT_ASSERT_EQUAL(Flags{0x10000000}, tm::no_wait);
        CPPUNIT_ASSERT_EQUAL(Flags{0x08000000}, tm::resume);
        CPPUNIT_ASSERT_EQUAL(Flags{0x04000000}, tm::success);
        CPPUNIT_ASSERT_EQUAL(Flags{0x02000000}, tm::suspend);
        CPPUNIT_ASSERT_EQUAL(Flags{0x01000000}, tm::start_scan);
        CPPUNIT_ASSERT_EQUAL(Flags{0x00800000}, tm::end_scan);
        CPPUNIT_ASSERT_EQUAL(Flags{0x00400000}, tm::multiple);
        CPPUNIT_ASSERT_EQUAL(Flags{0x00200000}, tm::join);
        CPPUNIT_ASSERT_EQUAL(Flags{0x00100000}, tm::migrate);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{1}, switch_flag::registers);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{2}, switch_flag::no_migrate);
        CPPUNIT_ASSERT_EQUAL(std::int64_t{4}, switch_flag::use_async);
    }

    void asynchronous_is_understood_from_a_long_and_from_an_int() {
        CPPUNIT_ASSERT_EQUAL(tm::async, flags_of(0x80000000L));
        CPPUNIT_ASSERT_EQUAL(tm::async, flags_of(std::numeric_limits<std::int32_t>::min()));
        CPPUNIT_ASSERT_EQUAL(tm::join | tm::no_wait, flags_of(0x10200000L));
    }

    void flags_beyond_32_bits_are_refused_by_every_call() {
        for (const std::int64_t value : {std::int64_t{1} << 32, (std::int64_t{1} << 32) + 0x04000000, std::int64_t{-3'000'000'000}}) {
            const Flags flags = flags_of(value);
            for (const auto check : {check_start_flags, check_end_flags, check_commit_flags, check_plain_flags, check_recover_flags}) {
                CPPUNIT_ASSERT(ReturnCode::er_inval == check(flags));
            }
        }
    }

    void flags_are_written_with_their_names() {
        CPPUNIT_ASSERT_EQUAL(std::string("TMNOFLAGS"), to_text(0));
        CPPUNIT_ASSERT_EQUAL(std::string("TMNOWAIT|TMJOIN"), to_text(tm::join | tm::no_wait));
        CPPUNIT_ASSERT_EQUAL(std::string("TMSUCCESS|0x00000009"), to_text(tm::success | 0x9));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConstantsTest);

}  // namespace giromq::xa::test
