#pragma once

#include <cstdint>
#include <limits>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "selector/tree.hpp"
#include "unit/selector/map_message.hpp"

namespace giromq::selector::test {

/// Random selectors, whose trees pass check(), and messages that have some of what they ask for. `Source` is a function that gives a number
/// below its argument: from a random generator, or from the bytes of a fuzzer.
template <typename Source>
class Generator {
public:
    explicit Generator(Source source) : source_(std::move(source)) {}

    Node selector() {
        budget_ = 40;
        return predicate(5);
    }

    MapMessage message() {
        MapMessage made;
        for (const char* const name : names) {
            if (below(5) != 0) made.values[name] = value();
        }
        made.headers[Header::delivery_mode] = std::string_view(below(2) == 0 ? "PERSISTENT" : "NON_PERSISTENT");
        made.headers[Header::priority] = static_cast<std::int32_t>(below(10));
        made.headers[Header::timestamp] = longs[below(std::size(longs))];
        if (below(2) == 0) made.headers[Header::type] = text();
        return made;
    }

private:
    static constexpr const char* names[] = {"a", "b", "c", "d", "x-y", "AND", "JMSXGroupID", "stra\303\237e"};
    static constexpr std::string_view texts[] = {"",
                                                 "a",
                                                 "b",
                                                 "ab",
                                                 "a%b",
                                                 "\xC3\xA9",
                                                 "a'b",
                                                 "1",
                                                 "-2.50",
                                                 "true",
                                                 "1e3",
                                                 "abcabc",
                                                 "PT1H",
                                                 "2026-01-01T00:00:00Z",
                                                 "2026-01-01",
                                                 "\n<&\">\t",
                                                 "_",
                                                 "%%",
                                                 "\xF0\x9F\x98\x80x"};
    static constexpr std::int64_t longs[] = {0,
                                             1,
                                             -1,
                                             2,
                                             3,
                                             10,
                                             2147483647,
                                             -2147483648LL,
                                             2147483648LL,
                                             std::numeric_limits<std::int64_t>::max(),
                                             std::numeric_limits<std::int64_t>::min(),
                                             1767225600000,
                                             9007199254740993};
    static constexpr double doubles[] = {
        0.0, -0.0, 0.1, 1.5, -2.5, 1e300, 5e-324, 9007199254740992.0, 3.0, 2147483648.5, 1.7976931348623157e308};
    static constexpr std::string_view decimals[] = {"0",
                                                    "0.1",
                                                    "0.10",
                                                    "-1",
                                                    "1.5",
                                                    "10000.00",
                                                    "9223372036854775808",
                                                    "1234567890123456789012345678901234.56",
                                                    "-0.0000000000000000000000000000000001",
                                                    "3"};
    static constexpr std::string_view times[] = {"2026-01-01T00:00:00Z",           "2026-01-01T00:00:00",
                                                 "2025-12-31T23:00:00.5Z",         "0001-01-01T00:00:00Z",
                                                 "9999-12-31T23:59:59.999999999Z", "2024-02-29T12:00:00+01:00"};
    static constexpr std::string_view spans[] = {"PT0S", "P1M", "P30D", "-PT1.5S", "P1Y2M3DT4H5M6S", "PT1H"};
    static constexpr std::string_view likes[] = {"",     "%",  "_",   "a%", "%b",        "a_b", "%a%b%",
                                                 "a!%b", "!_", "_%_", "!!", "\xC3\xA9%", "%%_", "ab"};
    static constexpr std::string_view regexes[] = {"", "a*", "(a|b)+", "[a-c]{2,3}", ".*", "\\d+", "\\p{L}*", "[^a]+", "a?b?", "(ab?c)*"};
    static constexpr std::string_view paths[] = {"a/b", ".//c/@d", "*", "Q{urn:x/y}a/@*"};
    static constexpr std::string_view pointers[] = {"", "/a", "/a/0/~1", "/"};

    std::size_t below(std::size_t limit) { return source_(limit); }
    template <typename T, std::size_t count>
    const T& one_of(const T (&choices)[count]) {
        return choices[below(count)];
    }
    std::string_view text() { return one_of(texts); }

    Value value() {
        switch (below(10)) {
            case 0: return below(2) == 0;
            case 1: return static_cast<std::int32_t>(one_of(longs));
            case 2: return one_of(longs);
            case 3: return static_cast<float>(doubles[below(5)]);
            case 4: return below(8) == 0 ? std::numeric_limits<double>::quiet_NaN() : one_of(doubles);
            case 5: return *Decimal::parse(one_of(decimals));
            case 6: return below(2) == 0 ? Value(Other{}) : Value(*DateTime::parse(one_of(times)));
            default: return text();
        }
    }

    static Node make(Op op, std::vector<Node> children = {}) {
        Node node;
        node.op = op;
        node.children = std::move(children);
        return node;
    }
    static Node literal(Literal value) {
        Node node = make(Op::literal);
        node.literal = std::move(value);
        return node;
    }

    Node reference(bool may_be_text) {
        Node node;
        switch (below(12)) {
            case 0:
                node = make(Op::header);
                node.header = static_cast<Header>(below(6));
                break;
            case 1:
                node = make(below(2) == 0 ? Op::xpath : Op::json);
                node.text = node.op == Op::xpath ? one_of(paths) : one_of(pointers);
                break;
            default: node = make(Op::property); node.text = one_of(names);
        }
        if (below(4) != 0) return node;
        constexpr Type all[] = {Type::string,  Type::boolean,   Type::long_number, Type::double_number,
                                Type::decimal, Type::date_time, Type::duration};
        node.cast = all[may_be_text ? below(7) : 2 + below(5)];
        return node;
    }

    /// `may_be_text`: strings and booleans are allowed here.
    Node operand(int depth, bool may_be_text) {
        --budget_;
        const std::size_t choice = below(depth > 0 && budget_ > 0 ? 14 : 9);
        switch (choice) {
            case 0: return literal(one_of(longs));
            case 1: return literal(one_of(doubles));
            case 2: return literal(*Decimal::parse(one_of(decimals)));
            case 3: return below(2) == 0 ? literal(*DateTime::parse(one_of(times))) : literal(*Duration::parse(one_of(spans)));
            case 4: return may_be_text ? literal(std::string(text())) : literal(static_cast<std::int64_t>(below(5)));
            case 5: return may_be_text ? literal(below(2) == 0) : literal(static_cast<double>(below(5)));
            case 6:
            case 7:
            case 8: return reference(may_be_text);
            case 9: return make(below(2) == 0 ? Op::negate : Op::plus, {operand(depth - 1, false)});
            default: {
                const Op op = static_cast<Op>(static_cast<int>(Op::add) + static_cast<int>(choice - 10));
                Node left = operand(depth - 1, false);
                return make(op, {std::move(left), operand(depth - 1, false)});
            }
        }
    }

    Node predicate(int depth) {
        --budget_;
        const std::size_t choice = below(depth > 0 && budget_ > 0 ? 14 : 11);
        if (choice < 6) return comparison(static_cast<Op>(static_cast<int>(Op::equal) + static_cast<int>(choice)), depth);
        switch (choice) {
            case 6: {
                Node tested = operand(depth - 1, false);
                Node least = operand(depth - 1, false);
                return make(Op::between, {std::move(tested), std::move(least), operand(depth - 1, false)});
            }
            case 7: {
                Node node = make(Op::in, {reference(true)});
                for (std::size_t count = below(4) + 1; count > 0; --count) node.children.push_back(literal(std::string(text())));
                return node;
            }
            case 8: return pattern();
            case 9: return make(Op::is_null, {reference(true)});
            case 10: return make(Op::is_true, {below(4) == 0 ? literal(below(2) == 0) : reference(true)});
            case 11: return make(Op::logical_not, {predicate(depth - 1)});
            default: break;
        }
        Node node = make(choice == 12 ? Op::logical_and : Op::logical_or);
        for (std::size_t count = below(3) + 2; count > 0; --count) node.children.push_back(predicate(depth - 1));
        return node;
    }

    Node comparison(Op op, int depth) {
        const bool may_be_text = op == Op::equal || op == Op::not_equal;
        Node left = operand(depth - 1, may_be_text);
        return make(op, {std::move(left), operand(depth - 1, may_be_text)});
    }

    Node pattern() {
        const bool is_like = below(2) == 0;
        Node node = make(is_like ? Op::like : Op::matches, {reference(true)});
        node.text = is_like ? one_of(likes) : one_of(regexes);
        if (is_like && (node.text.find('!') != std::string::npos || below(2) == 0)) node.escape = "!";
        return node;
    }

    Source source_;
    int budget_ = 0;
};

}  // namespace giromq::selector::test
