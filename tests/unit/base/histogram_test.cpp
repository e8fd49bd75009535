#include "base/histogram.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <array>

namespace giromq::test {

class HistogramTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(HistogramTest);
    CPPUNIT_TEST(an_empty_histogram_has_counted_nothing);
    CPPUNIT_TEST(a_bound_belongs_to_its_range);
    CPPUNIT_TEST(what_is_above_all_bounds_is_counted_too);
    CPPUNIT_TEST_SUITE_END();

    static constexpr std::array<std::uint64_t, 2> bounds{10, 100};

public:
    void an_empty_histogram_has_counted_nothing() {
        const Histogram histogram(bounds);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, histogram.count() + histogram.sum() + histogram.max());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, histogram.counts().size());
    }

    void a_bound_belongs_to_its_range() {
        Histogram histogram(bounds);
        for (const std::uint64_t value : {0U, 10U, 11U, 100U}) histogram.add(value);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, histogram.counts()[0]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, histogram.counts()[1]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, histogram.counts()[2]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{121}, histogram.sum());
    }

    void what_is_above_all_bounds_is_counted_too() {
        Histogram histogram(bounds);
        histogram.add(101);
        histogram.add(1'000'000);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, histogram.counts()[2]);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1'000'000}, histogram.max());
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(HistogramTest);

}  // namespace giromq::test
