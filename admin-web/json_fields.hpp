#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "admin-web/http_message.hpp"

namespace giromq::admin_web {

/// Reads the object that is the body of a request, strictly: a field of the wrong type, out of range, or that nobody asked for is an
/// error, and the first one is kept.
class JsonFields {
public:
    /// The body must be one JSON object of at most http_limits::body_bytes, nested at most 8 deep. An empty body is an empty object.
    explicit JsonFields(std::string_view body);

    std::optional<std::uint64_t> number(std::string_view name, std::uint64_t minimum, std::uint64_t maximum);
    std::optional<std::string> text(std::string_view name);
    /// A text of 1 to `bytes_max` bytes without control characters.
    std::optional<std::string> word(std::string_view name, std::size_t bytes_max);
    std::optional<bool> flag(std::string_view name);
    /// The field as it is, for what has a shape of its own; null if it is not there.
    const boost::json::value* value(std::string_view name) { return take(name); }
    /// Says what is wrong with it; the first time counts.
    void refuse(std::string sentence) { fail("invalid_argument", std::move(sentence)); }

    /// A list of at most `count_max` texts.
    std::optional<std::vector<std::string>> texts(std::string_view name, std::size_t count_max);
    /// An object of exactly these texts, in their order.
    std::optional<std::vector<std::string>> texts_of(std::string_view name, std::initializer_list<std::string_view> members);

    /// What is wrong, as a problem; nothing if the body was good. To be asked after every field has been.
    std::optional<Response> problem();

private:
    const boost::json::value* take(std::string_view name);
    void fail(std::string code, std::string detail);

    boost::json::object object_;
    std::set<std::string, std::less<>> known_;
    std::string code_;
    std::string detail_;
};

}  // namespace giromq::admin_web
