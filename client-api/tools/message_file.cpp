#include "message_file.hpp"

#include <algorithm>
#include <array>
#include <boost/beast/core/detail/base64.hpp>
#include <boost/json/stream_parser.hpp>
#include <boost/json/value.hpp>
#include <limits>
#include <utility>

#include "common.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

/// What is in the lines of `giromq browse --json` and no selector sees.
constexpr std::array<std::string_view, 4> not_seen = {"destination", "redelivered", "expiration", "replyTo"};

[[noreturn]] void refuse(const std::string& sentence) { throw ToolError(sentence, exit_usage); }

std::string text_of(std::string_view name, const json::value& value) {
    if (!value.is_string()) refuse("'" + std::string(name) + "' has to be a string.");
    return std::string(value.get_string());
}

std::int64_t number_of(std::string_view name, const json::value& value, std::int64_t least, std::int64_t most) {
    if (!value.is_int64() || value.get_int64() < least || value.get_int64() > most)
        refuse("'" + std::string(name) + "' has to be a whole number from " + std::to_string(least) + " to " + std::to_string(most) + ".");
    return value.get_int64();
}

bool is_persistent(const json::value& value) {
    const std::string mode = text_of("deliveryMode", value);
    if (mode != "persistent" && mode != "non-persistent") refuse("'deliveryMode' has to be 'persistent' or 'non-persistent'.");
    return mode == "persistent";
}

std::string decoded(const std::string& text) {
    namespace base64 = boost::beast::detail::base64;
    std::string bytes(base64::decoded_size(text.size()), '\0');
    const auto [written, read] = base64::decode(bytes.data(), text.data(), text.size());
    const std::string_view rest = std::string_view(text).substr(read);
    if (rest.find_first_not_of('=') != std::string_view::npos) refuse("'base64' has to be the body in Base64.");
    bytes.resize(written);
    return bytes;
}

void read_properties(const json::value& value, SelectorMessage& message) {
    if (!value.is_object()) refuse("'properties' has to be an object.");
    for (const auto& [key, property] : value.get_object()) {
        const std::string name(key);
        if (property.is_null()) continue;
        if (property.is_string()) {
            message.properties[name] = std::string(property.get_string());
        } else if (property.is_bool()) {
            message.properties[name] = property.get_bool();
        } else if (property.is_int64()) {
            message.properties[name] = property.get_int64();
        } else if (property.is_double()) {
            message.properties[name] = property.get_double();
        } else {
            refuse("The property '" + name + "' has to be a string, a boolean, a long or a double.");
        }
    }
}

void read_field(std::string_view name, const json::value& value, SelectorMessage& message) {
    constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
    if (name == "messageId") {
        message.message_id = text_of(name, value);
    } else if (name == "correlationId") {
        message.correlation_id = text_of(name, value);
    } else if (name == "type") {
        message.type = text_of(name, value);
    } else if (name == "timestamp") {
        message.timestamp_ms = number_of(name, value, 0, most);
    } else if (name == "deliveryMode") {
        message.is_persistent = is_persistent(value);
    } else if (name == "priority") {
        message.priority = static_cast<int>(number_of(name, value, 0, 9));
    } else if (name == "deliveryCount") {
        message.delivery_count = static_cast<int>(number_of(name, value, 1, std::numeric_limits<std::int32_t>::max()));
    } else if (name == "properties") {
        read_properties(value, message);
    } else if (name == "text" || name == "base64") {
        if (message.body) refuse("A message has one body: 'text' or 'base64'.");
        message.body = name == "text" ? text_of(name, value) : decoded(text_of(name, value));
    } else if (std::find(not_seen.begin(), not_seen.end(), name) == not_seen.end()) {
        refuse("'" + printable(name) + "' is no part of a message; docs/selectors.md has an example.");
    }
}

SelectorMessage message_of(const json::value& value) {
    if (!value.is_object()) refuse("A message is a JSON object.");
    SelectorMessage message;
    for (const auto& [name, field] : value.get_object()) read_field(name, field, message);
    return message;
}

/// Takes a JSON value from the front of the text.
json::value take_value(std::string_view& text) {
    json::stream_parser parser;
    json::error_code error;
    text.remove_prefix(parser.write_some(text.data(), text.size(), error));
    if (!error && !parser.done()) parser.finish(error);
    if (error) refuse("It is not JSON: " + error.message() + ".");
    return parser.release();
}

}  // namespace

void for_each_described_message(const std::string& text, const std::function<void(const SelectorMessage&)>& take) {
    constexpr std::string_view white_space = " \t\r\n";
    std::string_view rest(text);
    for (std::size_t number = 1;; ++number) {
        rest.remove_prefix(std::min(rest.find_first_not_of(white_space), rest.size()));
        if (rest.empty()) {
            if (number == 1) refuse("There is no message in the file; it has to hold JSON, as 'giromq browse QUEUE --json' writes it.");
            return;
        }
        SelectorMessage message;
        try {
            message = message_of(take_value(rest));
        } catch (const ToolError& error) {
            throw ToolError("Message " + std::to_string(number) + " cannot be read: " + error.what(), error.code());
        }
        take(message);
    }
}

}  // namespace giromq::tool
