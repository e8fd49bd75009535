#include "base/processors.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <thread>

#include "unit/store/temporary_folder.hpp"

namespace giromq::test {

class ProcessorsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProcessorsTest);
    CPPUNIT_TEST(without_a_quota_there_are_those_of_the_machine);
    CPPUNIT_TEST(a_quota_counts_in_whole_processors);
    CPPUNIT_TEST(the_quota_of_a_group_above_counts);
    CPPUNIT_TEST(the_older_control_groups_are_read);
    CPPUNIT_TEST(what_makes_no_sense_is_no_quota);
    CPPUNIT_TEST_SUITE_END();

    void without_a_quota_there_are_those_of_the_machine() {
        CPPUNIT_ASSERT_EQUAL(all_, usable_processors("/nothing", "/nothing"));
        write("self", "0::/a/b\n");
        write("groups/a/b/cpu.max", "max 100000\n");
        CPPUNIT_ASSERT_EQUAL(all_, usable());
        write("groups/a/b/cpu.max", std::to_string(100000 * (all_ + 1)) + " 100000\n");
        CPPUNIT_ASSERT_EQUAL(all_, usable());
    }

    void a_quota_counts_in_whole_processors() {
        write("self", "0::/a\n");
        write("groups/a/cpu.max", "50000 100000\n");
        CPPUNIT_ASSERT_EQUAL(1U, usable());
        write("groups/a/cpu.max", "199999 100000\n");
        CPPUNIT_ASSERT_EQUAL(1U, usable());
    }

    void the_quota_of_a_group_above_counts() {
        write("self", "0::/a/b/c\n");
        write("groups/a/cpu.max", "100000 100000\n");
        write("groups/a/b/c/cpu.max", "max 100000\n");
        CPPUNIT_ASSERT_EQUAL(1U, usable());
        write("self", "0::/\n");
        write("groups/cpu.max", "100000 100000\n");
        CPPUNIT_ASSERT_EQUAL(1U, usable());
    }

    void the_older_control_groups_are_read() {
        write("self", "5:memory:/x\n4:cpu,cpuacct:/docker/1\n0::/\n");
        write("groups/cpu,cpuacct/docker/1/cpu.cfs_quota_us", "-1\n");
        write("groups/cpu,cpuacct/docker/1/cpu.cfs_period_us", "100000\n");
        CPPUNIT_ASSERT_EQUAL(all_, usable());
        write("groups/cpu,cpuacct/docker/1/cpu.cfs_quota_us", "100000\n");
        CPPUNIT_ASSERT_EQUAL(1U, usable());
    }

    void what_makes_no_sense_is_no_quota() {
        for (const auto* const text : {"", "x y\n", "100000\n", "100000 0\n", "-5 100000\n", "0 100000\n"}) {
            write("self", "0\n:\n::\n0::\n0::a\n0::/a\n");
            write("groups/a/cpu.max", text);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, all_, usable());
        }
    }

    void write(const std::string& name, const std::string& text) {
        const auto file = std::filesystem::path(folder_.path()) / name;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
    }
    unsigned usable() const { return usable_processors(folder_.path() + "/self", folder_.path() + "/groups"); }

    store::test::TemporaryFolder folder_;
    const unsigned all_ = std::max(1U, std::thread::hardware_concurrency());
};

CPPUNIT_TEST_SUITE_REGISTRATION(ProcessorsTest);

}  // namespace giromq::test
