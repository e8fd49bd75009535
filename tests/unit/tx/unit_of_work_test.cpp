#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "tx/unit_of_work.hpp"

namespace giromq::tx::test {
namespace {

class UnitOfWorkTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(UnitOfWorkTest);
    CPPUNIT_TEST(a_new_unit_is_empty_and_does_not_grow);
    CPPUNIT_TEST(operations_are_handed_over_in_the_order_in_which_they_were_staged);
    CPPUNIT_TEST(growth_adds_up);
    CPPUNIT_TEST(effects_run_in_order_with_the_result);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_new_unit_is_empty_and_does_not_grow() {
        UnitOfWork work;
        CPPUNIT_ASSERT(work.empty() && !work.grows());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, work.bytes());
        work.settle({});
    }

    void operations_are_handed_over_in_the_order_in_which_they_were_staged() {
        UnitOfWork work;
        for (const auto* const name : {"a", "b", "c"}) work.stage(store::RemoveUser{name});
        CPPUNIT_ASSERT(!work.empty());
        const auto operations = work.take_operations();
        std::string names;
        for (const auto& operation : operations) names += std::get<store::RemoveUser>(operation).name;
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), names);
        CPPUNIT_ASSERT(work.empty());
    }

    void growth_adds_up() {
        UnitOfWork work;
        work.grow(0);
        CPPUNIT_ASSERT(work.grows());
        work.grow(10);
        work.grow(5);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{15}, work.bytes());
    }

    void effects_run_in_order_with_the_result() {
        UnitOfWork work;
        std::string heard;
        for (const char name : {'a', 'b', 'c'}) {
            work.then([&heard, name](const store::UnitResult& result) { heard += std::string(1, name) + (result.durable ? "+" : "-"); });
        }
        store::UnitResult refused;
        refused.durable = false;
        work.settle(refused);
        CPPUNIT_ASSERT_EQUAL(std::string("a-b-c-"), heard);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(UnitOfWorkTest);

}  // namespace
}  // namespace giromq::tx::test
