#pragma once

#include <boost/json/object.hpp>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "admin/messages.hpp"
#include "core/core.hpp"
#include "model/amqp_reader.hpp"

/// Messages as JSON (schemas/openapi.yaml: MessageSummary, Message, Body), made of their encoded sections.
namespace giromq::admin_web {

/// How much of application properties is shown.
struct Shown {
    std::size_t properties = 0;
    std::size_t value_bytes = 0;
};
inline constexpr Shown shown_in_lists{16, 128};
inline constexpr Shown shown_alone{1000, 16 * 1024};

boost::json::object to_json(const core::LookedAt& item, Shown shown);

/// `text`: as text if it is text. `none`: no body at all.
enum class BodyForm : std::uint8_t { none, text, base64 };
boost::json::object to_json(const std::string& queue, const admin::Messages::Found& found, BodyForm form, std::uint64_t body_bytes_max);

/// The body as a file: the text of a text message, the bytes of a bytes message, else the encoded sections of the body.
std::string body_of(const admin::Messages::Found& found);

/// A value of AMQP as a `Property` without its name: type, value, and whether it was cut.
boost::json::object property_json(const codec::Value& value, std::size_t bytes_max);

}  // namespace giromq::admin_web
