#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

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

private:
    std::shared_ptr<const selector::Program> program_;
};

}  // namespace giromq
