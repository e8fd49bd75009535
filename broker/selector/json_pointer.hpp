#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "selector/errc.hpp"

namespace giromq::selector {

/// What a pointer leads to. Text is of a string its characters, of a number the number as it is written.
struct JsonValue {
    enum class Kind : std::uint8_t { none, null, boolean, number, string, compound };
    Kind kind = Kind::none;
    bool boolean = false;
    std::string text;
};

/// A JSON pointer (RFC 6901): "" is the whole document, "/order/lines/0/amount" a part of it, with ~1 for "/" and ~0 for "~". Immutable.
class JsonPointer {
public:
    /// Containers in containers that a document may have.
    static constexpr std::size_t depth_max = 64;

    /// The error's detail is a sentence without a position.
    static Result<JsonPointer> parse(std::string_view text);

    /// Reads all of the document (RFC 8259) once. Nothing if it is not JSON, or nested too deeply. Of members with one name the last
    /// counts.
    std::optional<JsonValue> find(std::string_view document) const;

private:
    friend class JsonScan;

    std::vector<std::string> tokens_;
};

}  // namespace giromq::selector
