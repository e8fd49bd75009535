#include <cppunit/extensions/HelperMacros.h>

#include <string>

#include "giromq/selector_builder.hpp"
#include "selector/forms.hpp"
#include "selector/selector.hpp"

namespace giromq::test {
namespace {

using Select = SelectorBuilder;

}  // namespace

/// What the builder makes is read by the broker's own parser, and means what was built.
class SelectorBuilderTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SelectorBuilderTest);
    CPPUNIT_TEST(comparisons_have_their_meaning);
    CPPUNIT_TEST(conditions_are_joined);
    CPPUNIT_TEST(patterns_and_lists_have_their_meaning);
    CPPUNIT_TEST(values_are_computed);
    CPPUNIT_TEST(bodies_are_read_as_types);
    CPPUNIT_TEST(literals_have_their_types);
    CPPUNIT_TEST(text_survives_whatever_is_in_it);
    CPPUNIT_TEST_SUITE_END();

    /// The selector that was built means the same as the SQL.
    static void assert_means(const std::string& sql, const SelectorCondition& built) {
        const auto tree = selector::parse(built.xml());
        CPPUNIT_ASSERT_MESSAGE(built.xml() + (tree ? "" : tree.error().to_string()), tree);
        CPPUNIT_ASSERT_EQUAL(selector::print_sql(selector::parse(sql).value()), selector::print_sql(*tree));
    }

    void comparisons_have_their_meaning() {
        const auto amount = Select::property("amount");
        assert_means("amount = 1", amount == 1);
        assert_means("amount <> 1", amount != 1);
        assert_means("amount < 1", amount < 1);
        assert_means("amount <= 1", amount <= 1);
        assert_means("amount > 1", amount > 1);
        assert_means("amount >= 1", amount >= 1);
        assert_means("amount BETWEEN 1 AND 2", amount.between(1, 2));
        assert_means("JMSPriority > 4", Select::header("priority") > 4);
    }

    void conditions_are_joined() {
        const auto euros = Select::property("currency") == "EUR";
        const auto large = Select::property("amount") > 1000;
        const auto urgent = Select::property("urgent").is_true();
        assert_means("currency = 'EUR' AND amount > 1000", euros && large);
        assert_means("currency = 'EUR' AND (amount > 1000 OR NOT urgent)", euros && (large || !urgent));
    }

    void patterns_and_lists_have_their_meaning() {
        const auto bic = Select::property("bic");
        assert_means("bic LIKE 'COBA%'", bic.like("COBA%"));
        assert_means("bic LIKE 'A!_%' ESCAPE '!'", bic.like("A!_%", "!"));
        assert_means("MATCHES(bic, '[A-Z]{6}.*')", bic.matches("[A-Z]{6}.*"));
        assert_means("bic IN ('A', 'B')", bic.in({"A", "B"}));
        assert_means("bic IS NULL", bic.is_null());
        assert_means("bic IS NOT NULL", !bic.is_null());
    }

    void values_are_computed() {
        const auto a = Select::property("a");
        const auto b = Select::property("b");
        assert_means("(a + b) * 2 = -a / 3 - b", (a + b) * 2 == -a / 3 - b);
    }

    void bodies_are_read_as_types() {
        assert_means("DECIMAL(XPATH('.//IntrBkSttlmAmt')) >= DECIMAL '10000.00'",
                     Select::xml_body(".//IntrBkSttlmAmt").as(SelectorType::decimal) >= Select::decimal("10000.00"));
        assert_means("JSON('/lines/0/sku') = 'X'", Select::json_body("/lines/0/sku") == "X");
    }

    void literals_have_their_types() {
        const auto a = Select::property("a");
        assert_means("a = 1.5", a == 1.5);
        assert_means("a = TRUE", a == true);
        assert_means("a = TIMESTAMP '2026-12-31T23:59:59Z'", a == Select::literal(SelectorType::date_time, "2026-12-31T23:59:59Z"));
        assert_means("a = DURATION 'P1D'", a == Select::literal(SelectorType::duration, "P1D"));
        assert_means("a = 9223372036854775807", a == std::int64_t{9223372036854775807});
    }

    void text_survives_whatever_is_in_it() {
        const std::string odd = "<&>\"'\n\t\r end";
        const auto tree = selector::parse((Select::property("a") == odd).xml());
        CPPUNIT_ASSERT(tree);
        CPPUNIT_ASSERT_EQUAL(odd, std::get<std::string>(tree->children[1].literal));
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(SelectorBuilderTest);

}  // namespace giromq::test
