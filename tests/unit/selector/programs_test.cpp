#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <string>
#include <thread>

#include "selector/program_cache.hpp"
#include "selector/program_set.hpp"
#include "selector/selector_directory.hpp"
#include "unit/selector/map_message.hpp"

using namespace std::string_literals;

namespace giromq::selector::test {

/// Many programs: those that judge the same messages, those that are in use, and those that clients name.
class ProgramsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ProgramsTest);
    CPPUNIT_TEST(a_set_says_what_each_of_its_programs_says);
    CPPUNIT_TEST(an_equality_is_found_by_its_value_alone);
    CPPUNIT_TEST(an_equality_with_more_terms_is_evaluated);
    CPPUNIT_TEST(numbers_of_every_type_find_an_equality_with_a_whole_number);
    CPPUNIT_TEST(headers_and_truths_have_their_indexes_too);
    CPPUNIT_TEST(more_properties_than_usual_are_looked_up);
    CPPUNIT_TEST(programs_over_budget_are_named);
    CPPUNIT_TEST(a_set_knows_whether_it_looks_into_bodies);
    CPPUNIT_TEST(equal_selectors_share_a_program_whatever_their_form);
    CPPUNIT_TEST(the_cache_keeps_nothing_that_nobody_uses);
    CPPUNIT_TEST(a_wrong_selector_is_refused_and_not_kept);
    CPPUNIT_TEST(many_threads_get_one_program);
    CPPUNIT_TEST(a_name_that_was_changed_is_compiled_anew_and_its_users_keep_theirs);
    CPPUNIT_TEST(a_configured_selector_hides_a_stored_one);
    CPPUNIT_TEST(names_are_short_and_plain);
    CPPUNIT_TEST_SUITE_END();

    static ProgramPtr program(const std::string& text) {
        auto compiled = compile(text);
        CPPUNIT_ASSERT_MESSAGE(text + ": " + (compiled ? "" : compiled.error().to_string()), compiled.ok());
        return *compiled;
    }
    static std::vector<ProgramPtr> programs(const std::vector<std::string>& texts) {
        std::vector<ProgramPtr> all;
        for (const auto& text : texts) all.push_back(program(text));
        return all;
    }
    static std::vector<std::uint32_t> selected(const ProgramSet& set, const MessageView& message) {
        ProgramSet::Verdict verdict;
        set.judge(message, verdict);
        CPPUNIT_ASSERT(verdict.over_budget.empty());
        std::sort(verdict.selected.begin(), verdict.selected.end());
        return verdict.selected;
    }
    using Indexes = std::vector<std::uint32_t>;

    static MapMessage message() {
        MapMessage made;
        made.values["currency"] = std::string_view("EUR");
        made.values["amount"] = std::int64_t{250};
        made.values["urgent"] = true;
        return made;
    }

    /// Every selector of a list, on every message: one by one, and as a set.
    void a_set_says_what_each_of_its_programs_says() {
        const auto all =
            programs({"currency = 'EUR'", "currency = 'CHF'", "currency <> 'EUR'", "currency = 'EUR' AND amount > 200", "amount = 250",
                      "amount = 250.0", "250 = amount AND NOT urgent", "urgent", "urgent = TRUE", "urgent = FALSE", "missing = 1",
                      "missing IS NULL", "currency = 'EUR' OR amount = 1", "currency IN ('CHF', 'EUR') AND amount = 250", "JMSPriority = 4",
                      "JMSPriority = 4 AND currency = 'EUR'", "currency = amount", "1 = 1"});
        const ProgramSet set(all);
        CPPUNIT_ASSERT_EQUAL(all.size(), set.size());
        std::vector<MapMessage> messages{message(), MapMessage(), message(), message(), message()};
        messages[2].values["currency"] = std::int64_t{4};
        messages[3].values["amount"] = 250.0;
        messages[4].values["urgent"] = std::string_view("yes");
        for (const auto& one : messages) {
            Indexes expected;
            for (std::uint32_t index = 0; index < all.size(); ++index) {
                if (all[index]->evaluate(one).is_selected()) expected.push_back(index);
            }
            CPPUNIT_ASSERT(expected == selected(set, one));
        }
    }

    void an_equality_is_found_by_its_value_alone() {
        std::vector<std::string> texts;
        for (int number = 0; number < 500; ++number) texts.push_back("currency = 'X" + std::to_string(number) + "'");
        texts.emplace_back("currency = 'EUR'");
        const ProgramSet set(programs(texts));
        CPPUNIT_ASSERT(Indexes{500} == selected(set, message()));
        auto other = message();
        other.values["currency"] = std::string_view("X77");
        CPPUNIT_ASSERT(Indexes{77} == selected(set, other));
        CPPUNIT_ASSERT(selected(set, MapMessage()).empty());
    }

    void an_equality_with_more_terms_is_evaluated() {
        const ProgramSet set(programs({"currency = 'EUR' AND amount > 300", "currency = 'EUR' AND amount > 200"}));
        CPPUNIT_ASSERT(Indexes{1} == selected(set, message()));
    }

    void numbers_of_every_type_find_an_equality_with_a_whole_number() {
        const ProgramSet set(programs({"amount = 250", "amount = 251"}));
        auto one = message();
        CPPUNIT_ASSERT(Indexes{0} == selected(set, one));
        one.values["amount"] = std::int32_t{251};
        CPPUNIT_ASSERT(Indexes{1} == selected(set, one));
        one.values["amount"] = 250.0F;
        CPPUNIT_ASSERT(Indexes{0} == selected(set, one));
        one.values["amount"] = 250.5;
        CPPUNIT_ASSERT(selected(set, one).empty());
        one.values["amount"] = std::string_view("250");
        CPPUNIT_ASSERT_MESSAGE("unlike types are not equal", selected(set, one).empty());
    }

    void headers_and_truths_have_their_indexes_too() {
        const ProgramSet set(programs({"JMSType = 'pacs.008'", "JMSType = 'pain.001'", "urgent = TRUE", "urgent = FALSE"}));
        auto one = message();
        one.headers[Header::type] = std::string_view("pain.001");
        CPPUNIT_ASSERT((Indexes{1, 2}) == selected(set, one));
    }

    void more_properties_than_usual_are_looked_up() {
        std::vector<std::string> texts;
        for (int number = 0; number < 20; ++number) texts.push_back("p" + std::to_string(number) + " = 'x'");
        const ProgramSet set(programs(texts));
        MapMessage one;
        one.values["p3"] = std::string_view("x");
        one.values["p19"] = std::string_view("x");
        one.values["p4"] = std::string_view("y");
        CPPUNIT_ASSERT((Indexes{3, 19}) == selected(set, one));
    }

    void programs_over_budget_are_named() {
        const ProgramSet set(programs({"currency = 'EUR'", "text LIKE '%a%b%c%d%e%f%'"}));
        const std::string text(4'000'000, 'x');
        auto one = message();
        one.values["text"] = std::string_view(text);
        ProgramSet::Verdict verdict;
        set.judge(one, verdict);
        CPPUNIT_ASSERT(Indexes{0} == verdict.selected);
        CPPUNIT_ASSERT(Indexes{1} == verdict.over_budget);
        verdict.clear();
        CPPUNIT_ASSERT(verdict.selected.empty() && verdict.over_budget.empty());
    }

    void a_set_knows_whether_it_looks_into_bodies() {
        CPPUNIT_ASSERT(!ProgramSet(programs({"a = 1", "b LIKE 'x'"})).looks_into_bodies());
        CPPUNIT_ASSERT(ProgramSet(programs({"a = 1", "a = 1 AND XPATH('b') = 'c'"})).looks_into_bodies());
    }

    void equal_selectors_share_a_program_whatever_their_form() {
        ProgramCache cache;
        const auto sql = cache.compile("(currency = 'EUR') AND amount > 200");
        const auto same = cache.compile("currency='EUR' and amount>200");
        const auto xml = cache.compile(
            "<selector xmlns='urn:giromq:selector:1'><and><eq><property name='currency'/><string v='EUR'/></eq>"
            "<gt><property name='amount'/><long v='200'/></gt></and></selector>");
        const auto other = cache.compile("currency = 'EUR' AND amount > 201");
        CPPUNIT_ASSERT(sql.ok() && same.ok() && xml.ok() && other.ok());
        CPPUNIT_ASSERT(*sql == *same && *sql == *xml && *sql != *other);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, cache.size());
    }

    void the_cache_keeps_nothing_that_nobody_uses() {
        ProgramCache cache;
        const auto kept = cache.compile("a = 'kept'");
        for (int number = 0; number < 1000; ++number) CPPUNIT_ASSERT(cache.compile("a = " + std::to_string(number)).ok());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, cache.size());
        CPPUNIT_ASSERT(*cache.compile("a = 'kept'") == *kept);
    }

    void a_wrong_selector_is_refused_and_not_kept() {
        ProgramCache cache;
        CPPUNIT_ASSERT(!cache.compile("a =").ok());
        CPPUNIT_ASSERT(!cache.compile("JMS_GIROMQ_SELECTOR = 'nobody'").ok());
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, cache.size());
    }

    void many_threads_get_one_program() {
        ProgramCache cache;
        const auto first = cache.compile("a = 1");
        std::vector<std::thread> threads;
        std::vector<int> others(4, 0);
        for (std::size_t index = 0; index < others.size(); ++index) {
            threads.emplace_back([&cache, &first, &count = others[index], index] {
                for (int round = 0; round < 500; ++round) {
                    if (*cache.compile("a = 1") != *first) ++count;
                    static_cast<void>(cache.compile("a = " + std::to_string(index * 1000 + static_cast<std::size_t>(round) + 2)));
                }
            });
        }
        for (auto& thread : threads) thread.join();
        for (const int count : others) CPPUNIT_ASSERT_EQUAL(0, count);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, cache.size());
    }

    void a_name_that_was_changed_is_compiled_anew_and_its_users_keep_theirs() {
        SelectorDirectory directory;
        ProgramCache cache(directory.texts());
        const auto* const by_name = "JMS_GIROMQ_SELECTOR = 'large'";
        CPPUNIT_ASSERT(!cache.compile(by_name).ok());
        directory.put({"large", "amount > 200", Timestamp{1}});
        const auto before = cache.compile(by_name);
        CPPUNIT_ASSERT(before.ok() && (*before)->evaluate(message()).is_selected());
        CPPUNIT_ASSERT(*before == *cache.compile("amount > 200"));
        directory.put({"large", "amount > 300", Timestamp{2}});
        const auto after = cache.compile(by_name);
        CPPUNIT_ASSERT(after.ok() && !(*after)->evaluate(message()).is_selected());
        CPPUNIT_ASSERT((*before)->evaluate(message()).is_selected());
        directory.remove("large");
        directory.remove("large");
        CPPUNIT_ASSERT(!cache.compile(by_name).ok());
        CPPUNIT_ASSERT((*before)->evaluate(message()).is_selected());
    }

    void a_configured_selector_hides_a_stored_one() {
        SelectorDirectory directory(std::vector<NamedSelector>{{"b", "a = 1", {}}});
        directory.put({"b", "a = 2", Timestamp{1}});
        directory.put({"a", "a = 3", Timestamp{1}});
        CPPUNIT_ASSERT_EQUAL("a = 1"s, directory.texts()("b").value());
        CPPUNIT_ASSERT(directory.find("b")->is_configured && !directory.find("a")->is_configured && !directory.find("c"));
        const auto listed = directory.list();
        CPPUNIT_ASSERT(listed.size() == 2 && listed[0].selector.name == "a" && listed[1].selector.text == "a = 1");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, directory.stored_count());
    }

    void names_are_short_and_plain() {
        for (const auto* name : {"a", "Large_payments-2.EUR"}) CPPUNIT_ASSERT_MESSAGE(name, is_selector_name(name));
        for (const auto* name : {"", "a b", "a/b", "a'b", "\xC3\xA4"}) CPPUNIT_ASSERT_MESSAGE(name, !is_selector_name(name));
        CPPUNIT_ASSERT(is_selector_name(std::string(64, 'a')) && !is_selector_name(std::string(65, 'a')));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ProgramsTest);

}  // namespace giromq::selector::test
