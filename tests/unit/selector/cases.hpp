#pragma once

#include <string_view>
#include <vector>

/// Tables of selectors with what they mean for one message (cases.cpp), each with the section of JMS 2.0 that says so, or "extension".
namespace giromq::selector::test {

struct Case {
    std::string_view section;
    std::string_view text;
    /// 'T' true, 'F' false, 'U' unknown, '!' refused.
    char expected;
};

/// Literals, identifiers, white space (§3.8.1.1).
extern const std::vector<Case> lexical_cases;
/// Comparisons, arithmetic, BETWEEN, IN, LIKE, IS NULL (§3.8.1.1), and NULL (§3.8.1.2).
extern const std::vector<Case> comparison_cases;
extern const std::vector<Case> arithmetic_cases;
extern const std::vector<Case> test_cases;
extern const std::vector<Case> logic_cases;
/// What JMS does not have.
extern const std::vector<Case> extension_cases;
/// What must be refused (§3.8.1.1).
extern const std::vector<Case> refused_cases;

}  // namespace giromq::selector::test
