#include <cppunit/extensions/HelperMacros.h>

#include <memory>
#include <string>

#include "base/result.hpp"

namespace giromq::test {

enum class kitchen_errc { burnt = 1, raw };
enum class garden_errc { dry = 1 };

}  // namespace giromq::test

template <>
struct giromq::ErrcTraits<giromq::test::kitchen_errc> {
    static constexpr std::string_view module = "kitchen";
    static std::string_view text(test::kitchen_errc code) { return code == test::kitchen_errc::burnt ? "it is burnt" : "it is raw"; }
};

template <>
struct giromq::ErrcTraits<giromq::test::garden_errc> {
    static constexpr std::string_view module = "garden";
    static std::string_view text(test::garden_errc) { return "it is dry"; }
};

namespace giromq::test {

class ResultTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ResultTest);
    CPPUNIT_TEST(a_result_holds_its_value);
    CPPUNIT_TEST(a_result_holds_its_error);
    CPPUNIT_TEST(a_move_only_value_can_be_taken_out);
    CPPUNIT_TEST(a_void_result_is_ok_or_an_error);
    CPPUNIT_TEST(an_error_tells_its_module_text_and_detail);
    CPPUNIT_TEST(equal_numbers_of_two_modules_are_different_errors);
    CPPUNIT_TEST(a_copied_error_is_the_same_error);
    CPPUNIT_TEST_SUITE_END();

    void a_result_holds_its_value() {
        Result<std::string> result = std::string("soup");
        CPPUNIT_ASSERT(result.ok());
        CPPUNIT_ASSERT(static_cast<bool>(result));
        CPPUNIT_ASSERT_EQUAL(std::string("soup"), *result);
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, result->size());
        result.value() += "!";
        CPPUNIT_ASSERT_EQUAL(std::string("soup!"), result.value());
    }

    void a_result_holds_its_error() {
        const Result<std::string> result = Error(kitchen_errc::burnt);
        CPPUNIT_ASSERT(!result.ok());
        CPPUNIT_ASSERT(!result);
        CPPUNIT_ASSERT(result.error().is(kitchen_errc::burnt));
        CPPUNIT_ASSERT(!result.error().is(kitchen_errc::raw));
    }

    void a_move_only_value_can_be_taken_out() {
        Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
        const std::unique_ptr<int> taken = std::move(result).value();
        CPPUNIT_ASSERT(taken != nullptr);
        CPPUNIT_ASSERT_EQUAL(7, *taken);
    }

    void a_void_result_is_ok_or_an_error() {
        const Result<void> fine;
        CPPUNIT_ASSERT(fine.ok());
        const Result<void> wrong = Error(kitchen_errc::raw, "inside");
        CPPUNIT_ASSERT(!wrong.ok());
        CPPUNIT_ASSERT_EQUAL(std::string("inside"), wrong.error().detail());
    }

    void an_error_tells_its_module_text_and_detail() {
        CPPUNIT_ASSERT_EQUAL(std::string("kitchen: it is raw"), Error(kitchen_errc::raw).to_string());
        CPPUNIT_ASSERT_EQUAL(std::string("kitchen: it is raw: the duck"), Error(kitchen_errc::raw, "the duck").to_string());
    }

    void equal_numbers_of_two_modules_are_different_errors() {
        const Error error(garden_errc::dry);
        CPPUNIT_ASSERT_EQUAL(static_cast<int>(kitchen_errc::burnt), error.code().value());
        CPPUNIT_ASSERT(!error.is(kitchen_errc::burnt));
        CPPUNIT_ASSERT(error.is(garden_errc::dry));
        CPPUNIT_ASSERT(error.code() != Error(kitchen_errc::burnt).code());
    }

    void a_copied_error_is_the_same_error() {
        const Error error(kitchen_errc::burnt, "black");
        const Error copy = error;
        CPPUNIT_ASSERT(copy.code() == error.code());
        CPPUNIT_ASSERT_EQUAL(error.to_string(), copy.to_string());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ResultTest);

}  // namespace giromq::test
