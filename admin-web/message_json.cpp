#include "admin-web/message_json.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <boost/json/array.hpp>
#include <boost/json/serialize.hpp>
#include <cmath>
#include <utility>

#include "admin-web/answers.hpp"
#include "base/utf8.hpp"
#include "model/amqp_sections.hpp"
#include "model/message_properties.hpp"
#include "security/encoding.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
using codec::Kind;
using codec::Section;
using codec::Value;

namespace {

/// Values in values are shown so deep; what is deeper is only named.
constexpr int depth_max = 8;

std::string_view name_of(Kind kind) {
    switch (kind) {
        case Kind::null: return "null";
        case Kind::boolean: return "boolean";
        case Kind::uint8: return "ubyte";
        case Kind::uint16: return "ushort";
        case Kind::uint32: return "uint";
        case Kind::uint64: return "ulong";
        case Kind::int8: return "byte";
        case Kind::int16: return "short";
        case Kind::int32: return "int";
        case Kind::int64: return "long";
        case Kind::float32: return "float";
        case Kind::float64: return "double";
        case Kind::decimal32:
        case Kind::decimal64:
        case Kind::decimal128: return "decimal";
        case Kind::character: return "char";
        case Kind::timestamp: return "timestamp";
        case Kind::uuid: return "uuid";
        case Kind::binary: return "binary";
        case Kind::string: return "string";
        case Kind::symbol: return "symbol";
        case Kind::list: return "list";
        case Kind::map: return "map";
        case Kind::array: return "array";
    }
    return "null";
}

std::string hexadecimal(std::span<const std::uint8_t> bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    std::string text;
    for (const auto byte : bytes) {
        text += digits[byte >> 4U];
        text += digits[byte & 15U];
    }
    return text;
}

/// At most so many bytes of it, and no part of a character.
std::string cut(std::string text, std::size_t bytes_max, bool& is_cut) {
    if (text.size() <= bytes_max) return text;
    is_cut = true;
    auto end = bytes_max;
    for (int bytes = 0; bytes < 3 && end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0U) == 0x80U; ++bytes) --end;
    text.resize(end);
    return text;
}

/// What JSON has no number for is text.
json::value number_json(double number) {
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return number;
}

json::value value_json(const Value& value, std::size_t bytes_max, bool& is_cut, int depth);

json::array list_json(const Value& list, std::size_t bytes_max, bool& is_cut, int depth) {
    json::array items;
    Value element;
    codec::Reader reader(list.content);
    while (!is_cut && reader.read(element)) items.push_back(value_json(element, bytes_max, is_cut, depth));
    return items;
}

json::object map_json(const Value& map, std::size_t bytes_max, bool& is_cut, int depth) {
    json::object fields;
    codec::MapReader reader(map);
    Value key;
    Value value;
    while (!is_cut && reader.read(key, value)) {
        fields[codec::render(key).value_or(std::string(name_of(key.kind)))] = value_json(value, bytes_max, is_cut, depth);
    }
    return fields;
}

json::value value_json(const Value& value, std::size_t bytes_max, bool& is_cut, int depth) {
    switch (value.kind) {
        case Kind::null: return nullptr;
        case Kind::boolean: return value.bits != 0;
        case Kind::uint8:
        case Kind::uint16:
        case Kind::uint32: return value.bits;
        case Kind::int8:
        case Kind::int16:
        case Kind::int32: return value.as_signed();
        case Kind::uint64: return json::value(std::to_string(value.bits));
        case Kind::int64: return json::value(std::to_string(value.as_signed()));
        case Kind::float32: return number_json(double{std::bit_cast<float>(static_cast<std::uint32_t>(value.bits))});
        case Kind::float64: return number_json(std::bit_cast<double>(value.bits));
        case Kind::timestamp: return json::value(to_text(Timestamp{value.as_signed()}));
        case Kind::uuid: return json::value(codec::render_uuid(value.content));
        case Kind::string:
        case Kind::symbol: return json::value(cut(codec::to_utf8(value.text().substr(0, bytes_max + 4)), bytes_max, is_cut));
        case Kind::list:
        case Kind::map: break;
        default: {
            const auto taken = value.content.first(std::min(value.content.size(), bytes_max / 2));
            is_cut = is_cut || taken.size() < value.content.size();
            return json::value(hexadecimal(taken));
        }
    }
    if (depth == depth_max || value.content.size() > 16 * bytes_max) {
        is_cut = true;
        return nullptr;
    }
    if (value.kind == Kind::list) return list_json(value, bytes_max, is_cut, depth + 1);
    return map_json(value, bytes_max, is_cut, depth + 1);
}

json::value text_or_null(const std::string& text) { return text.empty() ? json::value(nullptr) : json::value(text); }
json::value time_or_null(Timestamp time) { return time.is_set() ? json::value(to_text(time)) : json::value(nullptr); }

codec::MessageHead head_of(std::span<const std::uint8_t> bytes, bool is_whole) {
    codec::MessageHead head;
    if (codec::read_head(bytes, is_whole, head) != codec::HeadStatus::complete) head = {};
    return head;
}

json::array pairs_json(const Value& map, Shown shown, std::uint64_t& left_out) {
    json::array items;
    left_out = 0;
    if (map.kind != Kind::map) return items;
    codec::MapReader reader(map);
    Value key;
    Value value;
    while (reader.read(key, value)) {
        if (items.size() == shown.properties) {
            ++left_out;
            continue;
        }
        bool is_cut = false;
        json::object item = property_json(value, shown.value_bytes);
        item["name"] = cut(codec::render(key).value_or(std::string(name_of(key.kind))), shown.value_bytes, is_cut);
        items.push_back(std::move(item));
    }
    return items;
}

json::value dead_letter_json(const DeadLetterPtr& dead_letter) {
    if (dead_letter == nullptr) return nullptr;
    json::object item;
    item["reason"] = dead_letter->cause;
    item["description"] = codec::to_utf8(dead_letter->description);
    item["origin"] = dead_letter->origin;
    item["at"] = to_text(dead_letter->time);
    item["count"] = dead_letter->delivery_count;
    return item;
}

// Bodies

/// A body, as far as its bytes are there.
struct Content {
    enum class Shape : std::uint8_t { empty, text, bytes, map, list, other };
    Shape shape = Shape::empty;
    std::string bytes;        // of text or data what is there; of others the encoded sections
    std::uint64_t total = 0;  // of all of it
    Value value;              // of a map or list that is there whole
};

void add_section(Section section, const Value& value, Content& content) {
    const auto text = value.text();
    if (section == Section::data) {
        content.shape = Content::Shape::bytes;
    } else if (value.kind == Kind::string || value.kind == Kind::symbol) {
        content.shape = Content::Shape::text;
    } else if (value.kind == Kind::binary) {
        content.shape = Content::Shape::bytes;
    } else {
        content.value = value;
        content.bytes.append(reinterpret_cast<const char*>(value.encoded.data()), value.encoded.size());
        content.total += value.encoded.size();
        const bool is_list = value.kind == Kind::list || section == Section::amqp_sequence;
        content.shape = value.kind == Kind::map ? Content::Shape::map : is_list ? Content::Shape::list : Content::Shape::other;
        if (value.kind == Kind::null) content = Content{};
        return;
    }
    content.bytes += text;
    content.total += text.size();
}

/// `bare` may end before the body does.
Content content_of(std::span<const std::uint8_t> bare, bool is_whole) {
    Content content;
    auto rest = bare.subspan(std::min(head_of(bare, is_whole).body_offset, bare.size()));
    while (!rest.empty()) {
        codec::Reader reader(rest);
        Value section;
        const auto status = reader.next(section);
        if (status == codec::ReadStatus::ok) {
            const auto code = static_cast<Section>(codec::descriptor_code(section.descriptor));
            if (code == Section::footer) break;
            add_section(code, section, content);
            rest = reader.rest();
            continue;
        }
        const auto extent = codec::read_extent(rest);
        if (status == codec::ReadStatus::malformed || extent.status != codec::ReadStatus::ok) break;
        // Cut within a section: what is there of it.
        const auto there = rest.subspan(std::min(extent.head, rest.size()));
        const bool is_text = extent.kind == Kind::string;
        const bool is_bytes = extent.kind == Kind::binary;
        content.shape = is_text ? Content::Shape::text : is_bytes ? Content::Shape::bytes : Content::Shape::other;
        content.bytes.append(reinterpret_cast<const char*>(there.data()), there.size());
        content.total += extent.total - extent.head;
        break;
    }
    return content;
}

bool is_text(std::string_view bytes) {
    while (!bytes.empty()) {
        const auto code_point = take_code_point(bytes);
        if (!code_point) return false;
        if (*code_point < 0x20 && *code_point != '\t' && *code_point != '\n' && *code_point != '\r') return false;
    }
    return true;
}

std::string_view look_of(std::string_view bytes) {
    if (!is_text(bytes)) return "binary";
    const auto first = bytes.find_first_not_of(" \t\r\n");
    if (first == std::string_view::npos) return "text";
    if (bytes[first] == '<') return "xml";
    return bytes[first] == '{' || bytes[first] == '[' ? "json" : "text";
}

std::string_view kind_of(Content::Shape shape, std::string_view type) {
    if (type == "object") return "object";
    switch (shape) {
        case Content::Shape::empty: return "empty";
        case Content::Shape::text: return "text";
        case Content::Shape::bytes: return "bytes";
        case Content::Shape::map: return "map";
        case Content::Shape::list: return "list";
        case Content::Shape::other: break;
    }
    return "object";
}

json::object body_json(const Content& content, std::string_view type, BodyForm form, std::uint64_t bytes_max) {
    json::object body;
    auto bytes = content.bytes;
    std::uint64_t total = content.total;
    const bool is_compound = content.shape == Content::Shape::map || content.shape == Content::Shape::list;
    bool is_cut = false;
    if (is_compound && form == BodyForm::text) {
        bytes = json::serialize(value_json(content.value, bytes_max, is_cut, 0));
        total = bytes.size();
    }
    bytes = cut(std::move(bytes), bytes_max, is_cut);
    const auto look = is_compound && form == BodyForm::text ? std::string_view("json") : look_of(bytes);
    const bool as_text = form == BodyForm::text && look != "binary";
    body["kind"] = kind_of(content.shape, type);
    body["encoding"] = as_text ? "text" : "base64";
    if (as_text) {
        body["text"] = bytes;
    } else {
        body["base64"] = security::encode_base64({reinterpret_cast<const std::uint8_t*>(bytes.data()), bytes.size()});
    }
    body["bytes"] = total;
    body["truncated"] = is_cut || bytes.size() < total;
    body["looksLike"] = look;
    return body;
}

/// What JMS calls the message: as its sender has marked it (AMQP JMS mapping), else by its body.
std::string_view type_of(const Message& message) {
    constexpr std::array<std::string_view, 6> types{"message", "object", "map", "bytes", "stream", "text"};
    const auto annotations = head_of(message.annotations.span(), true).message_annotations;
    const auto mark = codec::find_in_map(annotations, "x-opt-jms-msg-type");
    if (mark && mark->is_signed() && mark->bits < types.size()) return types[mark->bits];
    const auto bare = message.bare.span();
    const bool is_whole = message.chunk_count == 0;
    const auto rest = bare.subspan(std::min(head_of(bare, is_whole).body_offset, bare.size()));
    if (rest.empty()) return "message";
    const auto extent = codec::read_extent(rest);
    if (extent.status != codec::ReadStatus::ok) return "unknown";
    switch (extent.kind) {
        case Kind::null: return "message";
        case Kind::string: return "text";
        case Kind::binary: return "bytes";
        case Kind::map: return "map";
        case Kind::list: return "stream";
        default: return "unknown";
    }
}

std::string_view to_text(core::LookedAt::State state) {
    switch (state) {
        case core::LookedAt::State::available: return "available";
        case core::LookedAt::State::delivering: return "delivering";
        case core::LookedAt::State::prepared: return "prepared";
        case core::LookedAt::State::damaged: break;
    }
    return "damaged";
}

}  // namespace

json::object property_json(const Value& value, std::size_t bytes_max) {
    json::object item;
    bool is_cut = false;
    auto shown = value_json(value, bytes_max, is_cut, 0);
    // A list or a map is shown as the text of its JSON.
    if (shown.is_array() || shown.is_object()) shown = cut(json::serialize(shown), bytes_max, is_cut);
    item["type"] = name_of(value.kind);
    item["value"] = std::move(shown);
    if (is_cut) item["truncated"] = true;
    return item;
}

json::object to_json(const core::LookedAt& item, Shown shown) {
    json::object summary;
    const auto& stored = item.stored;
    static const Message none;
    const Message& message = stored.message == nullptr ? none : *stored.message;
    const auto properties = read_properties(message);
    summary["id"] = std::to_string(stored.key.position.value);
    summary["messageId"] = text_or_null(properties.message_id);
    summary["correlationId"] = text_or_null(properties.correlation_id);
    summary["type"] = type_of(message);
    summary["priority"] = message.priority;
    summary["durable"] = message.durable;
    summary["arrivedAt"] = admin_web::to_text(message.arrived_at);
    summary["expiresAt"] = time_or_null(message.expires_at);
    summary["deliveryCount"] = item.delivery_count;
    summary["state"] = to_text(item.state);
    summary["bytes"] = stored.message_bytes;
    summary["contentType"] = text_or_null(properties.content_type);
    summary["groupId"] = text_or_null(properties.group_id);
    summary["userId"] = text_or_null(properties.user_id);
    summary["deadLetter"] = dead_letter_json(stored.dead_letter);
    std::uint64_t left_out = 0;
    const auto head = head_of(message.bare.span(), message.chunk_count == 0);
    summary["properties"] = pairs_json(head.application_properties, shown, left_out);
    summary["propertiesLeftOut"] = left_out;
    return summary;
}

json::object to_json(const std::string& queue, const admin::Messages::Found& found, BodyForm form, std::uint64_t body_bytes_max) {
    json::object item = to_json(found.item, shown_alone);
    static const Message none;
    const Message& message = found.item.stored.message == nullptr ? none : *found.item.stored.message;
    const auto properties = read_properties(message);
    item["queue"] = queue;
    item["subject"] = text_or_null(properties.subject);
    item["to"] = text_or_null(properties.to);
    item["replyTo"] = text_or_null(properties.reply_to);
    item["createdAt"] = time_or_null(properties.creation_time);
    item["groupSequence"] = properties.group_id.empty() ? json::value(nullptr) : json::value(properties.group_sequence);
    std::uint64_t left_out = 0;
    item["annotations"] = pairs_json(head_of(message.annotations.span(), true).message_annotations, shown_alone, left_out);
    item["body"] = nullptr;
    if (!found.may_read_body) item["bodyWithheld"] = true;
    if (found.may_read_body && form != BodyForm::none && found.item.stored.message != nullptr) {
        item["body"] = body_json(content_of(found.bare.span(), found.is_whole), type_of(message), form, body_bytes_max);
    }
    return item;
}

std::string body_of(const admin::Messages::Found& found) { return content_of(found.bare.span(), found.is_whole).bytes; }

}  // namespace giromq::admin_web
