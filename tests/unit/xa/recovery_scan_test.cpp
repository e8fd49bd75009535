#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <limits>
#include <random>
#include <set>

#include "rig.hpp"
#include "xa/recovery_scan.hpp"

namespace giromq::xa::test {

using Numbers = std::vector<unsigned>;

class RecoveryScanTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RecoveryScanTest);
    CPPUNIT_TEST(one_call_gives_everything_that_there_is_room_for);
    CPPUNIT_TEST(further_calls_continue_where_the_last_one_ended);
    CPPUNIT_TEST(a_new_start_begins_again);
    CPPUNIT_TEST(an_end_with_a_count_of_zero_gives_nothing_and_closes_the_scan);
    CPPUNIT_TEST(a_start_and_end_in_one_call_is_a_whole_scan);
    CPPUNIT_TEST(wrong_arguments_are_invalid_and_leave_the_scan_where_it_was);
    CPPUNIT_TEST(a_list_that_cannot_be_read_leaves_the_scan_where_it_was);
    CPPUNIT_TEST(every_branch_that_stays_is_shown_once_while_others_come_and_go);
    CPPUNIT_TEST(a_large_list_is_read_in_pages);
    CPPUNIT_TEST_SUITE_END();

    static XidPages pages_of(const Rig& rig) {
        return [&rig](const std::optional<Xid>& after, std::size_t limit) {
            XidPage page;
            const auto found = rig.registry->in_doubt(after, limit);
            for (const Branch* branch : found.branches) page.xids.push_back(branch->xid());
            page.more = found.more;
            return page;
        };
    }

    static Numbers numbers(const RecoveryScan::Answer& answer) {
        CPPUNIT_ASSERT(answer.code == ReturnCode::ok);
        Numbers all;
        for (const Xid& xid : answer.xids) all.push_back(number_of(xid));
        return all;
    }

    void one_call_gives_everything_that_there_is_room_for() {
        Rig rig;
        for (const unsigned xid : {3u, 1u, 2u}) rig.prepared(xid);
        rig.idle(4);
        RecoveryScan scan;
        CPPUNIT_ASSERT(Numbers({1, 2, 3}) == numbers(scan.recover(100, true, tm::start_scan, pages_of(rig))));
    }

    void further_calls_continue_where_the_last_one_ended() {
        Rig rig;
        for (unsigned xid = 1; xid <= 5; ++xid) rig.prepared(xid);
        RecoveryScan scan;
        CPPUNIT_ASSERT(Numbers({1, 2}) == numbers(scan.recover(2, true, tm::start_scan, pages_of(rig))));
        CPPUNIT_ASSERT(Numbers({3, 4}) == numbers(scan.recover(2, true, tm::no_flags, pages_of(rig))));
        CPPUNIT_ASSERT(Numbers({5}) == numbers(scan.recover(2, true, tm::no_flags, pages_of(rig))));
        CPPUNIT_ASSERT(numbers(scan.recover(2, true, tm::no_flags, pages_of(rig))).empty());
        CPPUNIT_ASSERT(scan.is_open());
    }

    void a_new_start_begins_again() {
        Rig rig;
        for (unsigned xid = 1; xid <= 3; ++xid) rig.prepared(xid);
        RecoveryScan scan;
        numbers(scan.recover(2, true, tm::start_scan, pages_of(rig)));
        CPPUNIT_ASSERT(Numbers({1, 2}) == numbers(scan.recover(2, true, tm::start_scan, pages_of(rig))));
    }

    void an_end_with_a_count_of_zero_gives_nothing_and_closes_the_scan() {
        Rig rig;
        rig.prepared(1);
        RecoveryScan scan;
        numbers(scan.recover(100, true, tm::start_scan, pages_of(rig)));
        CPPUNIT_ASSERT(numbers(scan.recover(0, false, tm::end_scan, pages_of(rig))).empty());
        CPPUNIT_ASSERT(!scan.is_open());
        CPPUNIT_ASSERT(scan.recover(100, true, tm::no_flags, pages_of(rig)).code == ReturnCode::er_inval);
    }

    void a_start_and_end_in_one_call_is_a_whole_scan() {
        Rig rig;
        rig.prepared(1);
        RecoveryScan scan;
        CPPUNIT_ASSERT(Numbers({1}) == numbers(scan.recover(100, true, tm::start_scan | tm::end_scan, pages_of(rig))));
        CPPUNIT_ASSERT(!scan.is_open());
    }

    void wrong_arguments_are_invalid_and_leave_the_scan_where_it_was() {
        Rig rig;
        for (unsigned xid = 1; xid <= 3; ++xid) rig.prepared(xid);
        RecoveryScan scan;
        const auto code = [&](std::int64_t count, bool has_room, Flags flags) {
            return scan.recover(count, has_room, flags, pages_of(rig)).code;
        };
        CPPUNIT_ASSERT(code(10, true, tm::no_flags) == ReturnCode::er_inval);  // no scan is open
        CPPUNIT_ASSERT(code(10, true, tm::end_scan) == ReturnCode::er_inval);
        numbers(scan.recover(1, true, tm::start_scan, pages_of(rig)));
        CPPUNIT_ASSERT(code(-1, true, tm::no_flags) == ReturnCode::er_inval);
        CPPUNIT_ASSERT(code(std::numeric_limits<std::int64_t>::min(), true, tm::start_scan) == ReturnCode::er_inval);
        CPPUNIT_ASSERT(code(1, false, tm::start_scan) == ReturnCode::er_inval);
        CPPUNIT_ASSERT(code(1, true, tm::async) == ReturnCode::er_inval);
        CPPUNIT_ASSERT(code(1, true, tm::start_scan | tm::join) == ReturnCode::er_inval);
        CPPUNIT_ASSERT(Numbers({2}) == numbers(scan.recover(1, true, tm::no_flags, pages_of(rig))));
    }

    void a_list_that_cannot_be_read_leaves_the_scan_where_it_was() {
        Rig rig;
        for (unsigned xid = 1; xid <= 600; ++xid) rig.prepared(xid);
        RecoveryScan scan;
        numbers(scan.recover(1, true, tm::start_scan, pages_of(rig)));
        int asked = 0;
        const auto broken = [&](const std::optional<Xid>& after, std::size_t limit) {
            return ++asked == 2 ? XidPage{.code = ReturnCode::er_rm_fail, .xids = {}} : pages_of(rig)(after, limit);
        };
        const auto answer = scan.recover(600, true, tm::end_scan, broken);
        CPPUNIT_ASSERT(answer.code == ReturnCode::er_rm_fail);
        CPPUNIT_ASSERT(answer.xids.empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{599}, numbers(scan.recover(600, true, tm::no_flags, pages_of(rig))).size());
    }

    void every_branch_that_stays_is_shown_once_while_others_come_and_go() {
        for (unsigned seed = 1; seed <= 50; ++seed) {
            std::mt19937 random(seed);
            Rig rig;
            std::set<unsigned> staying;
            for (unsigned xid = 100; xid < 160; ++xid) {
                rig.prepared(xid);
                if (random() % 2 == 0) staying.insert(xid);
            }
            RecoveryScan scan;
            std::multiset<unsigned> shown;
            Flags flags = tm::start_scan;
            for (bool more = true; more; flags = tm::no_flags) {
                const Numbers page = numbers(scan.recover(1 + static_cast<std::int64_t>(random() % 5), true, flags, pages_of(rig)));
                shown.insert(page.begin(), page.end());
                more = !page.empty();
                const auto coming_or_going = static_cast<unsigned>(100 + random() % 80);
                if (staying.contains(coming_or_going)) continue;
                if (rig.state(coming_or_going) == "prepared") {
                    rig.settled(rig.rollback(2, coming_or_going));
                } else {
                    rig.prepared(coming_or_going);
                }
            }
            for (const unsigned xid : staying)
                CPPUNIT_ASSERT_EQUAL_MESSAGE("of seed " + std::to_string(seed), std::size_t{1}, shown.count(xid));
            for (const unsigned xid : shown) CPPUNIT_ASSERT_EQUAL(std::size_t{1}, shown.count(xid));
        }
    }

    void a_large_list_is_read_in_pages() {
        Rig rig;
        for (unsigned xid = 1; xid <= 1000; ++xid) rig.prepared(xid);
        std::size_t largest = 0;
        const auto watched = [&](const std::optional<Xid>& after, std::size_t limit) {
            largest = std::max(largest, limit);
            return pages_of(rig)(after, limit);
        };
        RecoveryScan scan;
        const auto all = scan.recover(std::numeric_limits<std::int64_t>::max(), true, tm::start_scan, watched);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, all.xids.size());
        CPPUNIT_ASSERT_EQUAL(RecoveryScan::page_xids, largest);
        CPPUNIT_ASSERT(std::ranges::is_sorted(all.xids));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RecoveryScanTest);

}  // namespace giromq::xa::test
