#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "giromq/exceptions.hpp"
#include "giromq/export.hpp"

/// Selectors without a broker: the library giromq-selector, which is optional. It is what the broker has inside, so that both say the
/// same about every selector. With CMake: find_package(giromq COMPONENTS selector) and giromq::selector; with pkg-config: giromq-selector.
/// This header is not a part of giromq/giromq.hpp.
namespace giromq {

namespace selector {
class Program;
}

/// A selector that is not one. what() begins with "LINE:COLUMN: ", as the broker's answer to it would.
class GIROMQ_API SelectorTextException : public InvalidSelectorException {
public:
    SelectorTextException(std::size_t line, std::size_t column, const std::string& reason);
    SelectorTextException(const SelectorTextException&) = default;
    SelectorTextException& operator=(const SelectorTextException&) = default;
    ~SelectorTextException() override;

    /// Where it went wrong, counted from 1; columns in UTF-16 units, as editors count them. In XML that is carried by SQL
    /// (JMS_GIROMQ_XML) the place is one in the XML.
    std::size_t line() const noexcept { return line_; }
    std::size_t column() const noexcept { return column_; }
    /// What is wrong there, and what to write instead.
    const std::string& reason() const noexcept { return reason_; }

private:
    std::size_t line_;
    std::size_t column_;
    std::string reason_;
};

/// A message as a selector sees it, from wherever a program has it.
struct SelectorMessage {
    /// A value of Message::object_property(). The type counts: byte, short and int are computed with in 32 bits, long in 64.
    using Property = std::variant<bool, std::int8_t, std::int16_t, std::int32_t, std::int64_t, float, double, std::string>;

    bool is_persistent = true;
    int priority = 4;
    std::int64_t timestamp_ms = 0;
    int delivery_count = 1;  ///< JMSXDeliveryCount; 1 for the first delivery
    std::optional<std::string> message_id;
    std::optional<std::string> correlation_id;
    std::optional<std::string> type;
    std::map<std::string, Property, std::less<>> properties;
    std::optional<std::string> body;  ///< text or bytes; nothing for messages without one, which paths find nothing in
};

/// The three values of logic (JMS 2.0 §3.8.1.2). Only what is true selects.
enum class SelectorTruth : std::uint8_t { no, yes, unknown };

struct SelectorOutcome {
    SelectorTruth truth = SelectorTruth::unknown;
    bool is_over_budget = false;  ///< given up, because it would have cost more than the broker allows; then it is unknown
};

/// A message selector that was read and checked (docs/selectors.md). Immutable; copies share it, and any number of threads may use it.
class GIROMQ_API Selector {
public:
    /// Reads SQL, XML (text that begins with "<"), or XML carried by SQL. Throws SelectorTextException if it is wrong, and
    /// for what cannot be known here: a selector that is stored in the broker under a name, and an empty text, with which
    /// create_consumer() selects every message.
    explicit Selector(std::string_view text);

    /// The same selector in SQL, on one line; reading it gives the same selector again.
    std::string sql() const;
    /// The same selector as an XML document, an element to a line.
    std::string xml() const;
    /// For people: the selector as an indented tree, what each term means, and how the broker evaluates it. Its words may change.
    std::string explanation() const;

    /// What the selector says of a message, within the bounds that the broker has by default.
    SelectorOutcome evaluate(const SelectorMessage& message) const;

private:
    std::shared_ptr<const selector::Program> program_;
};

}  // namespace giromq
