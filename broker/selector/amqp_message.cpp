#include "selector/amqp_message.hpp"

#include <algorithm>
#include <array>
#include <bit>
#include <limits>
#include <utility>

#include "model/amqp_sections.hpp"

namespace giromq::selector {
namespace {

using codec::Section;

/// Places in the properties section (AMQP 1.0 §3.2.4).
constexpr std::size_t message_id_field = 0;
constexpr std::size_t user_id_field = 1;
constexpr std::size_t subject_field = 3;
constexpr std::size_t correlation_id_field = 5;
constexpr std::size_t creation_time_field = 9;
constexpr std::size_t group_id_field = 10;
constexpr std::size_t group_sequence_field = 11;

constexpr std::int32_t highest_priority = 9;

/// The types of the JMS mapping. Unsigned numbers take the next wider type; what JMS does not know is there, and like nothing.
Value to_value(const codec::Value& encoded) {
    if (encoded.is_described()) return Other{};
    switch (encoded.kind) {
        case codec::Kind::null: return Null{};
        case codec::Kind::boolean: return encoded.bits != 0;
        case codec::Kind::int8:
        case codec::Kind::int16:
        case codec::Kind::int32: return static_cast<std::int32_t>(encoded.as_signed());
        case codec::Kind::uint8:
        case codec::Kind::uint16: return static_cast<std::int32_t>(encoded.bits);
        case codec::Kind::uint32: return static_cast<std::int64_t>(encoded.bits);
        case codec::Kind::int64:
        case codec::Kind::timestamp: return encoded.as_signed();
        case codec::Kind::uint64:
            if (encoded.bits <= static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max())) return encoded.as_signed();
            return Decimal::of_unsigned(encoded.bits);
        case codec::Kind::float32: return std::bit_cast<float>(static_cast<std::uint32_t>(encoded.bits));
        case codec::Kind::float64: return std::bit_cast<double>(encoded.bits);
        case codec::Kind::string:
        case codec::Kind::symbol: return encoded.text();
        default: return Other{};
    }
}

template <typename Unsigned>
Unsigned big_endian(std::span<const std::uint8_t> bytes) {
    Unsigned number = 0;
    for (std::size_t index = 0; index < sizeof(Unsigned); ++index) {
        number = static_cast<Unsigned>((std::uint64_t{number} << 8U) | bytes[index]);
    }
    return number;
}

/// The value that one encoded value stands for; those that are usual without a reader.
Value decode(std::span<const std::uint8_t> encoded) {
    switch (encoded[0]) {
        case 0x41: return true;
        case 0x42: return false;
        case 0x54: return std::int32_t{static_cast<std::int8_t>(encoded[1])};
        case 0x55: return std::int64_t{static_cast<std::int8_t>(encoded[1])};
        case 0x71: return static_cast<std::int32_t>(big_endian<std::uint32_t>(encoded.subspan(1)));
        case 0x81: return static_cast<std::int64_t>(big_endian<std::uint64_t>(encoded.subspan(1)));
        case 0x82: return std::bit_cast<double>(big_endian<std::uint64_t>(encoded.subspan(1)));
        case 0xA1: return std::string_view(reinterpret_cast<const char*>(encoded.data()) + 2, encoded[1]);
        default: break;
    }
    codec::Reader reader(encoded);
    codec::Value value;
    return reader.read(value) ? to_value(value) : Value(Other{});
}

/// Takes a section that is a list or map in one of the usual encodings. False if it is not, and nothing is taken.
bool take_usual_section(std::span<const std::uint8_t>& rest, Section& code, codec::Value& section) {
    constexpr std::size_t head = 4;  // 0x00, 0x53, the code, the constructor
    if (rest.size() < head + 2 || rest[0] != 0x00 || rest[1] != 0x53) return false;
    const bool is_short = rest[3] == 0xC0 || rest[3] == 0xC1;
    const std::size_t width = is_short ? 1 : 4;
    if ((!is_short && rest[3] != 0xD0 && rest[3] != 0xD1) || rest.size() < head + 2 * width) return false;
    const std::size_t size = is_short ? rest[4] : big_endian<std::uint32_t>(rest.subspan(head));
    if (size < width || rest.size() - head - width < size) return false;
    code = static_cast<Section>(rest[2]);
    section.kind = rest[3] == 0xC0 || rest[3] == 0xD0 ? codec::Kind::list : codec::Kind::map;
    section.count = is_short ? rest[5] : big_endian<std::uint32_t>(rest.subspan(head + width));
    section.content = rest.subspan(head + 2 * width, size - width);
    rest = rest.subspan(head + width + size);
    return true;
}

/// Where the key is among the names, looking from `expected` on; names.size() if it is not there. Most differ in size or in the first
/// character.
std::size_t place_of(std::string_view key, std::span<const std::string_view> names, std::size_t expected) {
    const auto is_key = [key](std::string_view name) {
        return name.size() == key.size() && (key.empty() || name[0] == key[0]) && name == key;
    };
    for (std::size_t index = expected; index < names.size(); ++index) {
        if (is_key(names[index])) return index;
    }
    for (std::size_t index = 0; index < std::min(expected, names.size()); ++index) {
        if (is_key(names[index])) return index;
    }
    return names.size();
}

/// The pairs of the application properties, of which all but the few that are asked for are only skipped: that is most of what an
/// evaluation costs. It follows the classes of AMQP 1.0 §1.2, in which the first digit of a constructor tells how long a value is.
class PropertyScan {
public:
    explicit PropertyScan(std::span<const std::uint8_t> pairs) : rest_(pairs) {}

    /// Moves to the next pair whose key is text. False at the end.
    bool next() {
        while (!rest_.empty()) {
            const bool is_short_text = rest_[0] == 0xA1 || rest_[0] == 0xA3;
            if (is_short_text && rest_.size() > 2 && rest_[1] + 2U < rest_.size()) {
                key_ = {reinterpret_cast<const char*>(rest_.data()) + 2, rest_[1]};
                rest_ = rest_.subspan(2U + rest_[1]);
                return take_value();
            }
            codec::Reader reader(rest_);
            codec::Value key;
            if (!reader.read(key)) return false;
            key_ = key.text();
            rest_ = reader.rest();
            if (!take_value()) return false;
            if (key.is_text()) return true;
        }
        return false;
    }

    std::string_view key() const { return key_; }
    Value value() const { return decode(value_); }

private:
    bool take_value() {
        const std::size_t size = value_size();
        if (size == 0 || size > rest_.size()) return false;
        value_ = rest_.first(size);
        rest_ = rest_.subspan(size);
        return true;
    }

    /// 0 if it cannot be told.
    std::size_t value_size() const {
        if (rest_.empty()) return 0;
        const unsigned length_class = rest_[0] >> 4U;
        if (length_class == 4) return 1;
        if (length_class >= 5 && length_class <= 9) return 1 + (std::size_t{1} << (length_class - 5));
        if (length_class >= 10 && length_class % 2 == 0) return rest_.size() < 2 ? 0 : 2U + rest_[1];
        const codec::Extent extent = codec::read_extent(rest_);
        return extent.status == codec::ReadStatus::ok ? extent.total : 0;
    }

    std::span<const std::uint8_t> rest_;
    std::string_view key_;
    std::span<const std::uint8_t> value_;
};

}  // namespace

/// The head was checked when the message arrived, so it is only skipped through here.
AmqpMessage::AmqpMessage(const Message& message, std::uint32_t delivery_count) : message_(message), delivery_count_(delivery_count) {
    auto rest = message.bare.span();
    for (;;) {
        sections_behind_ = rest;
        // A body in the usual encoding need not be read to know that it is one.
        if (rest.size() > 2 && rest[0] == 0x00 && rest[1] == 0x53 && rest[2] >= static_cast<std::uint8_t>(Section::data)) return;
        codec::Value section;
        Section code{};
        if (!take_usual_section(rest, code, section)) {
            codec::Reader reader(rest);
            if (!reader.read(section)) return;
            code = static_cast<Section>(codec::descriptor_code(section.descriptor));
            rest = reader.rest();
        }
        if (code == Section::properties)
            properties_ = section;
        else if (code == Section::application_properties)
            application_properties_ = section;
        else
            return;
    }
}

codec::Value AmqpMessage::property_field(std::size_t field) const {
    codec::Reader reader(properties_.content);
    codec::Value value;
    if (field >= properties_.count) return {};
    for (std::size_t index = 0; index <= field; ++index) {
        if (!reader.read(value)) return {};
    }
    return value;
}

const MessageProperties& AmqpMessage::rendered() const {
    if (!rendered_) rendered_ = read_properties(message_);
    return *rendered_;
}

/// Ids that are strings lie in the bytes; the other kinds have a text of their own in JMS.
Value AmqpMessage::id(std::size_t field, const std::string MessageProperties::*text) const {
    const codec::Value value = property_field(field);
    if (value.is_null()) return Null{};
    if (value.is_text()) return value.text();
    return std::string_view(rendered().*text);
}

Value AmqpMessage::header(Header header) const {
    switch (header) {
        case Header::delivery_mode: return std::string_view(message_.durable ? "PERSISTENT" : "NON_PERSISTENT");
        case Header::priority: return std::min(std::int32_t{message_.priority}, highest_priority);
        case Header::message_id: return id(message_id_field, &MessageProperties::message_id);
        case Header::correlation_id: return id(correlation_id_field, &MessageProperties::correlation_id);
        case Header::timestamp: {
            const codec::Value time = property_field(creation_time_field);
            return time.kind == codec::Kind::timestamp ? time.as_signed() : std::int64_t{0};
        }
        case Header::type: break;
    }
    const codec::Value subject = property_field(subject_field);
    return subject.is_text() ? Value(subject.text()) : Value(Null{});
}

/// JMSX properties that AMQP has fields for. `given` is what the application properties have under the name.
Value AmqpMessage::defined_property(std::string_view name, Value given) const {
    if (name == "JMSXDeliveryCount") return static_cast<std::int32_t>(std::min<std::uint32_t>(delivery_count_, INT32_MAX));
    if (name == "JMSXGroupID") {
        const codec::Value group = property_field(group_id_field);
        if (group.is_text()) return group.text();
    }
    if (name == "JMSXGroupSeq") {
        const codec::Value sequence = property_field(group_sequence_field);
        // The field is unsigned and the property an int of Java, which has the same bits.
        if (sequence.is_unsigned()) return static_cast<std::int32_t>(static_cast<std::uint32_t>(sequence.bits));
    }
    if (name == "JMSXUserID") {
        const codec::Value user = property_field(user_id_field);
        if (user.kind == codec::Kind::binary || user.is_text()) return user.text();
    }
    return given;
}

void AmqpMessage::properties(std::span<const std::string_view> names, std::span<Value> values) const {
    PropertyScan scan(application_properties_.content);
    std::size_t missing = names.size();
    std::size_t expected = 0;  // selectors often name properties in the order in which senders write them
    while (missing > 0 && scan.next()) {
        const std::size_t index = place_of(scan.key(), names, expected);
        // Of two properties with one name the first counts.
        if (index == names.size() || !selector::is_null(values[index])) continue;
        values[index] = scan.value();
        if (!selector::is_null(values[index])) --missing;
        expected = index + 1;
    }
    for (std::size_t index = 0; index < names.size(); ++index) {
        if (names[index].starts_with("JMSX")) values[index] = defined_property(names[index], values[index]);
    }
}

/// A string, or bytes in one data section or several (§3.2.6, §3.2.8).
Body AmqpMessage::body() const {
    if (message_.chunk_count > 0) return {Body::State::incomplete, {}};
    if (joined_) return {Body::State::present, *joined_};
    codec::Reader reader(sections_behind_);
    codec::Value section;
    std::size_t sections = 0;
    std::string_view first;
    std::string all;
    for (; reader.read(section); ++sections) {
        const auto code = static_cast<Section>(codec::descriptor_code(section.descriptor));
        if (code == Section::footer) break;
        const bool is_value = code == Section::amqp_value && (section.kind == codec::Kind::string || section.kind == codec::Kind::binary);
        if (!is_value && code != Section::data) return {};
        if (sections == 0) first = section.text();
        if (sections == 1) all = first;
        if (sections >= 1) all += section.text();
    }
    if (sections == 0) return {};
    if (sections == 1) return {Body::State::present, first};
    joined_ = std::move(all);
    return {Body::State::present, *joined_};
}

}  // namespace giromq::selector
