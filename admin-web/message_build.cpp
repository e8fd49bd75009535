#include "admin-web/message_build.hpp"

#include <openssl/rand.h>

#include <algorithm>
#include <array>
#include <bit>
#include <boost/json/array.hpp>
#include <charconv>
#include <limits>
#include <utility>
#include <vector>

#include "base/limits.hpp"
#include "model/amqp_sections.hpp"
#include "model/amqp_writer.hpp"
#include "security/encoding.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

using Bytes = std::vector<std::uint8_t>;

constexpr std::size_t text_bytes_max = 255;
constexpr std::size_t properties_max = 100;
constexpr std::uint64_t time_to_live_max_ms = 365ull * 24 * 3600 * 1000;

void put_fixed(Bytes& out, std::uint8_t constructor, std::uint64_t bits, std::size_t width) {
    out.push_back(constructor);
    for (std::size_t index = width; index-- > 0;) out.push_back(static_cast<std::uint8_t>(bits >> (8 * index)));
}

/// The whole number that a JSON number is, or the text of one: the largest do not pass through every reader of JSON.
std::optional<std::int64_t> whole(const json::value& value, std::int64_t least, std::int64_t most) {
    std::int64_t number = 0;
    if (value.is_string()) {
        const std::string_view text = value.get_string();
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
    } else {
        json::error_code error;
        if (!value.is_number()) return std::nullopt;
        number = value.to_number<std::int64_t>(error);
        if (error) return std::nullopt;
    }
    return number >= least && number <= most ? std::optional(number) : std::nullopt;
}

template <typename Integer>
bool put_whole(Bytes& out, std::uint8_t constructor, const json::value& value) {
    const auto number = whole(value, std::numeric_limits<Integer>::min(), std::numeric_limits<Integer>::max());
    if (number) put_fixed(out, constructor, static_cast<std::uint64_t>(*number), sizeof(Integer));
    return number.has_value();
}

/// False if the value is none of that type.
bool put_value(Bytes& out, std::string_view type, const json::value& value) {
    codec::Writer writer(out);
    if (type == "string") {
        if (!value.is_string()) return false;
        writer.string(std::string_view(value.get_string()));
        return true;
    }
    if (type == "boolean") {
        if (!value.is_bool()) return false;
        writer.boolean(value.get_bool());
        return true;
    }
    if (type == "byte") return put_whole<std::int8_t>(out, 0x51, value);
    if (type == "short") return put_whole<std::int16_t>(out, 0x61, value);
    if (type == "int") return put_whole<std::int32_t>(out, 0x71, value);
    if (type == "long") return put_whole<std::int64_t>(out, 0x81, value);
    if (!value.is_number()) return false;
    const auto number = value.to_number<double>();
    if (type == "float") {
        put_fixed(out, 0x72, std::bit_cast<std::uint32_t>(static_cast<float>(number)), 4);
    } else if (type == "double") {
        put_fixed(out, 0x82, std::bit_cast<std::uint64_t>(number), 8);
    } else {
        return false;
    }
    return true;
}

/// {name, type, value}; the sentence if it is not.
std::optional<std::string> put_property(Bytes& out, const json::value& item) {
    if (!item.is_object() || item.get_object().size() != 3) return "a property is an object of name, type and value";
    const auto& fields = item.get_object();
    const auto* const name = fields.if_contains("name");
    const auto* const type = fields.if_contains("type");
    const auto* const value = fields.if_contains("value");
    if (name == nullptr || type == nullptr || value == nullptr || !name->is_string() || !type->is_string()) {
        return "a property is an object of name, type and value";
    }
    const std::string text(name->get_string());
    if (text.empty() || text.size() > text_bytes_max || !security::is_clean_utf8(text)) {
        return "the name of a property has 1 to 255 bytes and no control characters";
    }
    codec::Writer(out).string(text);
    if (put_value(out, std::string_view(type->get_string()), *value)) return std::nullopt;
    return "the property '" + text + "' has no value of its type (string, boolean, byte, short, int, long, float, double)";
}

void put_properties(JsonFields& fields, Bytes& out) {
    const auto* const list = fields.value("properties");
    if (list == nullptr) return;
    if (!list->is_array() || list->get_array().size() > properties_max) return fields.refuse("properties is a list of at most 100");
    if (list->get_array().empty()) return;
    codec::Writer writer(out);
    writer.descriptor(static_cast<std::uint64_t>(codec::Section::application_properties));
    const auto map = writer.begin_map();
    for (const auto& item : list->get_array()) {
        if (auto wrong = put_property(out, item)) fields.refuse(std::move(*wrong));
    }
    writer.end(map, static_cast<std::uint32_t>(2 * list->get_array().size()));
}

enum class BodyKind : std::uint8_t { none, text, bytes };

/// The body section, and of what kind it is.
BodyKind put_body(JsonFields& fields, Bytes& out) {
    const auto* const given = fields.value("body");
    codec::Writer writer(out);
    if (given == nullptr) {
        writer.descriptor(static_cast<std::uint64_t>(codec::Section::amqp_value));
        writer.null();
        return BodyKind::none;
    }
    constexpr auto sentence = "body is {kind: text, text: ...} or {kind: bytes, base64: ...}";
    const auto* const object = given->if_object();
    const auto* const kind = object == nullptr ? nullptr : object->if_contains("kind");
    const bool is_text = kind != nullptr && *kind == "text";
    const bool is_bytes = kind != nullptr && *kind == "bytes";
    const auto* const content = object == nullptr ? nullptr : object->if_contains(is_text ? "text" : "base64");
    if (object == nullptr || object->size() != 2 || (!is_text && !is_bytes) || content == nullptr || !content->is_string()) {
        fields.refuse(sentence);
        return BodyKind::none;
    }
    if (is_text) {
        writer.descriptor(static_cast<std::uint64_t>(codec::Section::amqp_value));
        writer.string(std::string_view(content->get_string()));
        return BodyKind::text;
    }
    const auto bytes = security::decode_base64(std::string_view(content->get_string()));
    if (!bytes) fields.refuse("base64 is not base 64 (RFC 4648 §4, with padding)");
    writer.descriptor(static_cast<std::uint64_t>(codec::Section::data));
    writer.binary(bytes ? std::span<const std::uint8_t>(*bytes) : std::span<const std::uint8_t>());
    return BodyKind::bytes;
}

std::string new_message_id() {
    std::array<std::uint8_t, 16> random{};
    if (::RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) return {};
    random[6] = static_cast<std::uint8_t>((random[6] & 0x0fU) | 0x40U);  // RFC 4122 §4.4: version 4
    random[8] = static_cast<std::uint8_t>((random[8] & 0x3fU) | 0x80U);
    return "ID:" + codec::render_uuid(random);
}

void put_text(codec::Writer& writer, const std::optional<std::string>& text) {
    if (text) {
        writer.string(*text);
    } else {
        writer.null();
    }
}

/// x-opt-jms-msg-type and x-opt-jms-dest, by which JMS clients know what it is (AMQP JMS mapping).
SharedBytes annotations_of(BodyKind kind) {
    Bytes out;
    codec::Writer writer(out);
    writer.descriptor(static_cast<std::uint64_t>(codec::Section::message_annotations));
    const auto map = writer.begin_map();
    writer.symbol("x-opt-jms-msg-type");
    put_fixed(out, 0x51, kind == BodyKind::text ? 5 : kind == BodyKind::bytes ? 3 : 0, 1);
    writer.symbol("x-opt-jms-dest");
    put_fixed(out, 0x51, 0, 1);
    writer.end(map, 4);
    return SharedBytes::copy_of(out);
}

}  // namespace

BuiltMessage build_message(const std::string& body, const std::string& queue, const std::string& user, Timestamp now) {
    BuiltMessage built;
    JsonFields fields(body);
    auto message = std::make_shared<Message>();
    message->arrived_at = now;
    message->durable = fields.flag("durable").value_or(true);
    message->priority = static_cast<std::uint8_t>(fields.number("priority", 0, 9).value_or(4));
    const auto time_to_live = fields.number("timeToLiveMs", 1, time_to_live_max_ms);
    if (time_to_live) message->expires_at = Timestamp{now.milliseconds + static_cast<std::int64_t>(*time_to_live)};
    built.message_id = fields.word("messageId", text_bytes_max).value_or(new_message_id());
    const auto type = fields.word("type", text_bytes_max);
    const auto reply_to = fields.word("replyTo", text_bytes_max);
    const auto correlation_id = fields.word("correlationId", text_bytes_max);
    const auto content_type = fields.word("contentType", text_bytes_max);
    const auto is_ascii = [](char one) { return static_cast<unsigned char>(one) < 0x80; };
    if (content_type && !std::all_of(content_type->begin(), content_type->end(), is_ascii)) fields.refuse("contentType is ASCII");
    const auto group_id = fields.word("groupId", text_bytes_max);
    Bytes out;
    codec::Writer writer(out);
    writer.descriptor(static_cast<std::uint64_t>(codec::Section::properties));
    const auto list = writer.begin_list();
    writer.string(built.message_id);
    writer.binary({reinterpret_cast<const std::uint8_t*>(user.data()), user.size()});
    writer.string(queue);
    put_text(writer, type);
    put_text(writer, reply_to);
    put_text(writer, correlation_id);
    if (content_type) {
        writer.symbol(*content_type);
    } else {
        writer.null();
    }
    writer.null();  // content-encoding
    if (time_to_live) {
        writer.timestamp(message->expires_at.milliseconds);
    } else {
        writer.null();
    }
    writer.timestamp(now.milliseconds);
    put_text(writer, group_id);
    writer.end(list, 11);
    put_properties(fields, out);
    if (out.size() > limits::message_head_bytes) fields.refuse("properties are larger than " + std::to_string(limits::message_head_bytes));
    const auto kind = put_body(fields, out);
    built.problem = fields.problem();
    message->annotations = annotations_of(kind);
    message->bare = SharedBytes::copy_of(out);
    built.message = std::move(message);
    return built;
}

}  // namespace giromq::admin_web
