#include "message_text.hpp"

#include <boost/beast/core/detail/base64.hpp>
#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>
#include <charconv>

#include "common.hpp"

namespace giromq::tool {
namespace json = boost::json;
namespace {

json::value to_json(const PropertyValue& value) {
    return std::visit(
        []<typename T>(const T& typed) -> json::value {
            if constexpr (std::is_same_v<T, std::string> || std::is_same_v<T, bool>) {
                return json::value(typed);
            } else if constexpr (std::is_floating_point_v<T>) {
                return json::value(static_cast<double>(typed));
            } else {
                return json::value(static_cast<std::int64_t>(typed));
            }
        },
        value);
}

template <typename Number>
Number parse(const std::string& name, const std::string& text) {
    Number number{};
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    if (error != std::errc{} || end != text.data() + text.size())
        throw ToolError("The value '" + text + "' of the property '" + name + "' is not a number of its type.", exit_usage);
    return number;
}

}  // namespace

std::string body_of(const Message& message) {
    if (const auto* const text = dynamic_cast<const TextMessage*>(&message)) return text->text();
    if (const auto* const bytes = dynamic_cast<const BytesMessage*>(&message)) {
        const auto body = bytes->bytes();
        return {reinterpret_cast<const char*>(body.data()), body.size()};
    }
    return {};
}

std::string to_json_line(const Message& message) {
    json::object line;
    const auto put = [&](const char* name, const std::string& value) {
        if (!value.empty()) line[name] = value;
    };
    put("messageId", message.jms_message_id());
    if (message.jms_destination() != nullptr) line["destination"] = message.jms_destination()->name();
    line["timestamp"] = message.jms_timestamp();
    line["deliveryMode"] = message.jms_delivery_mode() == DeliveryMode::persistent ? "persistent" : "non-persistent";
    line["priority"] = message.jms_priority();
    line["redelivered"] = message.jms_redelivered();
    if (message.property_exists("JMSXDeliveryCount")) line["deliveryCount"] = message.int_property("JMSXDeliveryCount");
    if (message.jms_expiration() != 0) line["expiration"] = message.jms_expiration();
    put("correlationId", message.jms_correlation_id());
    put("type", message.jms_type());
    if (message.jms_reply_to() != nullptr) line["replyTo"] = message.jms_reply_to()->name();
    json::object properties;
    for (const std::string& name : message.property_names()) {
        if (name != "JMSXDeliveryCount") properties[name] = to_json(*message.object_property(name));
    }
    line["properties"] = std::move(properties);
    if (dynamic_cast<const TextMessage*>(&message) != nullptr) {
        line["text"] = body_of(message);
    } else if (dynamic_cast<const BytesMessage*>(&message) != nullptr) {
        const std::string body = body_of(message);
        std::string encoded(boost::beast::detail::base64::encoded_size(body.size()), '\0');
        encoded.resize(boost::beast::detail::base64::encode(encoded.data(), body.data(), body.size()));
        line["base64"] = encoded;
    }
    return json::serialize(line);
}

void set_property(Message& message, const std::string& assignment) {
    const std::size_t equals = assignment.find('=');
    if (equals == std::string::npos)
        throw ToolError("A property is written name=value or name:type=value, not '" + assignment + "'.", exit_usage);
    const std::string value = assignment.substr(equals + 1);
    std::string name = assignment.substr(0, equals);
    std::string type = "string";
    if (const std::size_t colon = name.find(':'); colon != std::string::npos) {
        type = name.substr(colon + 1);
        name.resize(colon);
    }
    if (type == "string") {
        message.set_string_property(name, value);
    } else if (type == "int") {
        message.set_int_property(name, parse<std::int32_t>(name, value));
    } else if (type == "long") {
        message.set_long_property(name, parse<std::int64_t>(name, value));
    } else if (type == "double") {
        message.set_double_property(name, parse<double>(name, value));
    } else if (type == "boolean" && (value == "true" || value == "false")) {
        message.set_boolean_property(name, value == "true");
    } else {
        throw ToolError("The property '" + name + "' has the type boolean (true or false), int, long, double or string.", exit_usage);
    }
}

}  // namespace giromq::tool
