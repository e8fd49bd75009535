#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>

#include "selector/forms.hpp"
#include "selector/program.hpp"
#include "unit/selector/generator.hpp"
#include "unit/selector/reference.hpp"

namespace giromq::selector::test {

class RandomTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RandomTest);
    CPPUNIT_TEST(both_forms_say_the_same);
    CPPUNIT_TEST(evaluation_agrees_with_the_reference);
    CPPUNIT_TEST(decimals_agree_with_paper);
    CPPUNIT_TEST(patterns_agree_with_sets_of_ends);
    CPPUNIT_TEST_SUITE_END();

    static std::uint64_t seed() {
        const char* const given = std::getenv("GIROMQ_TEST_SEED");
        return given != nullptr ? std::strtoull(given, nullptr, 10) : std::random_device{}();
    }
    static int rounds(int usual) { return std::getenv("GIROMQ_TEST_LONG") != nullptr ? usual * 50 : usual; }

    const std::uint64_t seed_ = seed();
    std::mt19937_64 random_{seed_};

    auto generator() {
        return Generator([this](std::size_t limit) { return static_cast<std::size_t>(random_() % limit); });
    }
    std::string note(const std::string& text) const { return "seed " + std::to_string(seed_) + ": " + text; }
    static std::string reason(const Result<Node>& parsed) { return parsed ? "another tree" : parsed.error().to_string(); }

public:
    void both_forms_say_the_same() {
        auto generate = generator();
        for (int round = rounds(1500); round > 0; --round) {
            const Node tree = generate.selector();
            const auto checked = check(tree);
            if (!checked && checked.error().is(errc::too_large)) continue;
            const std::string sql = print_sql(tree);
            CPPUNIT_ASSERT_MESSAGE(note(sql), checked);
            const auto from_sql = parse_sql(sql);
            CPPUNIT_ASSERT_MESSAGE(note(sql + " -> " + reason(from_sql)), from_sql && *from_sql == tree);
            const std::string xml = print_xml(tree);
            const auto from_xml = parse_xml(xml);
            CPPUNIT_ASSERT_MESSAGE(note(xml + " -> " + reason(from_xml)), from_xml && *from_xml == tree);
        }
    }

    void evaluation_agrees_with_the_reference() {
        auto generate = generator();
        for (int round = rounds(6000); round > 0; --round) {
            Node tree = generate.selector();
            if (!check(tree)) continue;
            const std::string sql = print_sql(tree);
            const Program program(std::move(tree));
            for (int times = 0; times < 3; ++times) {
                const MapMessage message = generate.message();
                const Outcome outcome = program.evaluate(message);
                CPPUNIT_ASSERT_MESSAGE(note(sql), !outcome.over_budget);
                CPPUNIT_ASSERT_EQUAL_MESSAGE(note(sql), static_cast<int>(Reference(message).truth(program.tree())),
                                             static_cast<int>(outcome.truth));
            }
        }
    }

    std::string random_decimal() {
        std::string text = random_() % 2 == 0 ? "" : "-";
        for (auto count = random_() % 24 + 1; count > 0; --count) text += static_cast<char>('0' + random_() % 10);
        if (random_() % 3 != 0) text += '.';
        for (auto count = text.back() == '.' ? random_() % 16 : 0; count > 0; --count) text += static_cast<char>('0' + random_() % 10);
        return text;
    }

    static bool same(const std::optional<Decimal>& real, const PlainDecimal& plain) {
        return real && compare(PlainDecimal::of(real->to_string()), plain) == 0;
    }

    void decimals_agree_with_paper() {
        for (int round = rounds(3000); round > 0; --round) {
            const std::string left_text = random_decimal();
            const std::string right_text = random_() % 10 == 0 ? left_text : random_decimal();
            const std::string shown = note(left_text + " and " + right_text);
            const auto left = Decimal::parse(left_text).value();
            const auto right = Decimal::parse(right_text).value();
            const auto plain_left = PlainDecimal::of(left_text);
            const auto plain_right = PlainDecimal::of(right_text);
            CPPUNIT_ASSERT_MESSAGE(shown, same(Decimal::add(left, right), add(plain_left, plain_right)));
            CPPUNIT_ASSERT_MESSAGE(shown, same(Decimal::subtract(left, right), add(plain_left, negated(plain_right))));
            CPPUNIT_ASSERT_MESSAGE(shown, same(Decimal::multiply(left, right), multiply(plain_left, plain_right)));
            const int order = compare(plain_left, plain_right);
            CPPUNIT_ASSERT_MESSAGE(
                shown, (Decimal::compare(left, right) < 0) == (order < 0) && (Decimal::compare(left, right) > 0) == (order > 0));
            const auto quotient = Decimal::divide(left, right);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(shown, right.is_zero(), !quotient);
            if (quotient) check_quotient(plain_left, plain_right, PlainDecimal::of(quotient->to_string()), shown);
        }
    }

    /// A quotient q of l and r is right if |l - q * r| is at most half of r in the last place of q.
    static void check_quotient(const PlainDecimal& left, PlainDecimal right, const PlainDecimal& quotient, const std::string& shown) {
        PlainDecimal error = add(left, negated(multiply(quotient, right)));
        if (error.is_zero()) return;
        error.negative = false;
        right.negative = false;
        CPPUNIT_ASSERT_MESSAGE(shown, quotient.digits.size() + 20 >= Decimal::quotient_digits);
        PlainDecimal unit = right;
        unit.scale += std::max(quotient.scale, Decimal::quotient_digits - std::min(Decimal::quotient_digits, quotient.digits.size() + 1));
        CPPUNIT_ASSERT_MESSAGE(shown, compare(add(error, error), unit) <= 0);
    }

    using Ends = std::set<std::size_t>;
    /// A pattern, and where it may end in a text for each place where it may begin.
    struct Pattern {
        std::string text;
        std::function<Ends(std::string_view, const Ends&)> ends;
    };

    Pattern random_atom() {
        static constexpr std::pair<const char*, std::string_view> atoms[] = {
            {"a", "a"}, {"b", "b"}, {".", "abc.1"}, {"[ab]", "ab"}, {"[^a]", "bc.1"}, {"[a-c]", "abc"}, {"\\d", "1"}, {"\\.", "."}};
        const auto& [text, accepted] = atoms[random_() % std::size(atoms)];
        return {text, [accepted = accepted](std::string_view subject, const Ends& begins) {
                    Ends ends;
                    for (const std::size_t begin : begins) {
                        if (begin < subject.size() && accepted.find(subject[begin]) != std::string_view::npos) ends.insert(begin + 1);
                    }
                    return ends;
                }};
    }

    static Pattern choice(Pattern left, Pattern right) {
        const std::string text = "(" + left.text + "|" + right.text + ")";
        return {text, [left = std::move(left), right = std::move(right)](std::string_view subject, const Ends& begins) {
                    Ends ends = left.ends(subject, begins);
                    ends.merge(right.ends(subject, begins));
                    return ends;
                }};
    }

    /// `most` of 99 is without end: no text here is longer.
    static Pattern repeated(Pattern inner, const std::string& mark, int least, int most) {
        const std::string text = inner.text + mark;
        return {text, [inner = std::move(inner), least, most](std::string_view subject, const Ends& begins) {
                    Ends ends;
                    Ends here = begins;
                    for (int count = 0; count <= most && (count <= least + 10); ++count) {
                        if (count >= least) ends.insert(here.begin(), here.end());
                        here = inner.ends(subject, here);
                    }
                    return ends;
                }};
    }

    Pattern random_pattern(int depth) {
        Pattern whole{"", [](std::string_view, const Ends& begins) { return begins; }};
        for (auto count = random_() % 3 + 1; count > 0; --count) {
            Pattern next = depth > 0 && random_() % 3 == 0 ? choice(random_pattern(depth - 1), random_pattern(depth - 1)) : random_atom();
            static const std::tuple<const char*, int, int> counts[] = {{"*", 0, 99},  {"+", 1, 99},    {"?", 0, 1},
                                                                       {"{2}", 2, 2}, {"{1,2}", 1, 2}, {"{1,}", 1, 99}};
            if (random_() % 2 == 0) {
                const auto& [mark, least, most] = counts[random_() % std::size(counts)];
                next = repeated(std::move(next), mark, least, most);
            }
            whole = {whole.text + next.text,
                     [first = std::move(whole.ends), second = std::move(next.ends)](std::string_view subject, const Ends& begins) {
                         return second(subject, first(subject, begins));
                     }};
        }
        return whole;
    }

    void patterns_agree_with_sets_of_ends() {
        for (int round = rounds(1000); round > 0; --round) {
            const Pattern pattern = random_pattern(2);
            const auto mine = Regex::compile(pattern.text);
            CPPUNIT_ASSERT_MESSAGE(note(pattern.text), mine);
            for (int times = 0; times < 5; ++times) {
                std::string text;
                for (auto length = random_() % 7; length > 0; --length) text += "abc.1"[random_() % 5];
                std::uint64_t steps = 1'000'000;
                const bool expected = pattern.ends(text, {0}).contains(text.size());
                CPPUNIT_ASSERT_EQUAL_MESSAGE(note(pattern.text + " on " + text), expected, mine->matches(text, steps).value());
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RandomTest);

}  // namespace giromq::selector::test
