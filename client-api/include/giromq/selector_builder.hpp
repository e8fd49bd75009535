#pragma once

#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "giromq/export.hpp"

namespace giromq {

/// The types of literals and casts (docs/selectors.md). Decimals are exact, as money has to be.
enum class SelectorType : std::uint8_t { string, integer, real, decimal, boolean, date_time, duration };

class SelectorValue;

/// A condition of a message selector. Immutable.
class GIROMQ_API SelectorCondition {
public:
    /// The whole selector, as XML in the namespace urn:giromq:selector:1: for create_consumer() and create_browser().
    std::string xml() const;

    SelectorCondition operator&&(const SelectorCondition& other) const;
    SelectorCondition operator||(const SelectorCondition& other) const;
    SelectorCondition operator!() const;

private:
    friend class SelectorValue;
    explicit SelectorCondition(std::string element) : element_(std::move(element)) {}

    std::string element_;
};

/// A value of a message, or one to compare it with. Immutable. The broker says whether what was built is a selector: a wrong one is
/// an InvalidSelectorException of create_consumer().
class GIROMQ_API SelectorValue {
public:
    /// A property, by its name; a header: deliveryMode, priority, messageId, timestamp, correlationId, type; a part of an XML body by
    /// its path, or of a JSON body by its pointer.
    static SelectorValue property(std::string_view name);
    static SelectorValue header(std::string_view name);
    static SelectorValue xml_body(std::string_view path);
    static SelectorValue json_body(std::string_view pointer);
    /// A literal in the lexical form of its type: decimal("10000.00"), date_time("2026-12-31T23:59:59Z").
    static SelectorValue literal(SelectorType type, std::string_view text);
    static SelectorValue decimal(std::string_view text) { return literal(SelectorType::decimal, text); }

    // What C++ has literals for.
    SelectorValue(std::string_view text);
    SelectorValue(const char* text) : SelectorValue(std::string_view(text)) {}
    SelectorValue(const std::string& text) : SelectorValue(std::string_view(text)) {}
    SelectorValue(std::int64_t number);
    SelectorValue(int number) : SelectorValue(std::int64_t{number}) {}
    SelectorValue(double number);
    SelectorValue(bool truth);

    /// The same reference, read as another type; bodies of XML are text otherwise.
    SelectorValue as(SelectorType type) const;

    SelectorCondition operator==(const SelectorValue& other) const;
    SelectorCondition operator!=(const SelectorValue& other) const;
    SelectorCondition operator<(const SelectorValue& other) const;
    SelectorCondition operator<=(const SelectorValue& other) const;
    SelectorCondition operator>(const SelectorValue& other) const;
    SelectorCondition operator>=(const SelectorValue& other) const;
    SelectorCondition between(const SelectorValue& least, const SelectorValue& most) const;
    SelectorCondition in(std::initializer_list<std::string_view> texts) const;
    /// `escape`: empty for none, or one character.
    SelectorCondition like(std::string_view pattern, std::string_view escape = {}) const;
    SelectorCondition matches(std::string_view pattern) const;
    SelectorCondition is_null() const;
    SelectorCondition is_true() const;

    SelectorValue operator+(const SelectorValue& other) const;
    SelectorValue operator-(const SelectorValue& other) const;
    SelectorValue operator*(const SelectorValue& other) const;
    SelectorValue operator/(const SelectorValue& other) const;
    SelectorValue operator-() const;

private:
    SelectorValue(std::string name, std::string attributes) : name_(std::move(name)), attributes_(std::move(attributes)) {}
    static SelectorValue computed(std::string_view operation, const std::string& operands);
    std::string element() const;
    SelectorCondition compare(std::string_view comparison, const SelectorValue& other) const;
    SelectorCondition test(std::string_view predicate, const std::string& attributes) const;

    std::string name_;
    std::string attributes_;
    std::string children_;
};

/// The words of a selector in one place, so that building one reads like the selector: with `using Select = SelectorBuilder`,
/// `Select::property("currency") == "EUR" && Select::xml_body(".//IntrBkSttlmAmt").as(SelectorType::decimal) >= Select::decimal("10000")`.
using SelectorBuilder = SelectorValue;

}  // namespace giromq
