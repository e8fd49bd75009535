#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string_view>
#include <utility>

#include "base/result.hpp"
#include "xml/element.hpp"
#include "xml/errc.hpp"

/// XML 1.0 with namespaces and XSD 1.0 from untrusted sources, as a plain tree. What a document cannot do: declare a document type or
/// entities, make the parser open a file or a connection, name its own schema, or be larger or deeper than the limits, which are
/// checked on the bytes before the XML library sees them. Everything here is thread-safe.
namespace giromq::xml {

/// What a document may have at most. The defaults are for configuration files.
struct Limits {
    std::size_t bytes = 1u << 20;
    std::size_t depth = 16;
    std::size_t elements = 20000;
    std::size_t attributes_per_element = 64;
    /// Of one attribute value, of the text between two tags, or of a name.
    std::size_t value_bytes = 4096;
};

/// A schema, compiled once and then used by any number of threads. Immutable; copies share it.
class Schema {
public:
    /// Compiles one self-contained schema document: xs:include, xs:import and xs:redefine find nothing. For schemas that are part of the
    /// program. Fails with errc::bad_schema.
    static Result<Schema> compile(std::string_view text);

    class Grammars;
    const Grammars& grammars() const { return *grammars_; }

private:
    explicit Schema(std::shared_ptr<const Grammars> grammars) : grammars_(std::move(grammars)) {}

    std::shared_ptr<const Grammars> grammars_;
};

/// Parses and validates. The root must be an element that the schema declares. Hints for other schemas (xsi:schemaLocation) are
/// allowed, since editors use them, and ignored. The first error ends it; see errc for its form.
Result<Element> parse(std::string_view text, const Schema& schema, const Limits& limits = {});

/// Parses without a schema: well-formed, with namespaces, and within the limits.
Result<Element> parse_without_schema(std::string_view text, const Limits& limits = {});

}  // namespace giromq::xml
