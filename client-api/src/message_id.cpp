#include "message_id.hpp"

#include <array>
#include <charconv>
#include <optional>

#include "giromq/exceptions.hpp"

namespace giromq::detail {
namespace {

constexpr std::string_view id = "ID:";
constexpr std::string_view amqp = "ID:AMQP_";
constexpr std::string_view ulong_prefix = "ID:AMQP_ULONG:";
constexpr std::string_view uuid_prefix = "ID:AMQP_UUID:";
constexpr std::string_view binary_prefix = "ID:AMQP_BINARY:";
constexpr std::string_view string_prefix = "ID:AMQP_STRING:";
constexpr std::string_view no_prefix = "ID:AMQP_NO_PREFIX:";

void append_hex(std::string& out, std::string_view bytes, std::string_view digits) {
    for (const char c : bytes) {
        out += digits[static_cast<std::uint8_t>(c) >> 4];
        out += digits[static_cast<std::uint8_t>(c) & 0x0f];
    }
}

std::string uuid_text(std::string_view bytes) {
    std::string out;
    std::size_t at = 0;
    for (const std::size_t group : std::array<std::size_t, 5>{4, 2, 2, 2, 6}) {
        if (at != 0) out += '-';
        append_hex(out, bytes.substr(at, group), "0123456789abcdef");
        at += group;
    }
    return out;
}

std::optional<std::string> from_hex(std::string_view text) {
    std::string out;
    if (text.size() % 2 != 0) return std::nullopt;
    for (std::size_t at = 0; at < text.size(); at += 2) {
        unsigned value = 0;
        const auto [end, error] = std::from_chars(text.data() + at, text.data() + at + 2, value, 16);
        if (error != std::errc{} || end != text.data() + at + 2) return std::nullopt;
        out += static_cast<char>(value);
    }
    return out;
}

std::optional<std::string> uuid_bytes(std::string_view text) {
    if (text.size() != 36 || text[8] != '-' || text[13] != '-' || text[18] != '-' || text[23] != '-') return std::nullopt;
    std::string digits;
    for (const char c : text) {
        if (c != '-') digits += c;
    }
    return digits.size() == 32 ? from_hex(digits) : std::nullopt;
}

std::string typed_text(const WireValue& value) {
    switch (value.kind) {
        case WireKind::ulong: return std::string(ulong_prefix) + std::to_string(value.bits);
        case WireKind::uuid: return std::string(uuid_prefix) + uuid_text(value.bytes);
        case WireKind::binary: {
            std::string out(binary_prefix);
            append_hex(out, value.bytes, "0123456789ABCDEF");
            return out;
        }
        default: return {};
    }
}

/// Writes the typed form that the text stands for; false if it stands for none.
bool write_typed(WireWriter& writer, std::string_view text) {
    if (!text.starts_with(amqp)) return false;
    if (text.starts_with(ulong_prefix)) {
        const std::string_view digits = text.substr(ulong_prefix.size());
        std::uint64_t number = 0;
        const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), number);
        if (error == std::errc{} && end == digits.data() + digits.size()) return writer.uint64(number), true;
    } else if (text.starts_with(uuid_prefix)) {
        if (const auto bytes = uuid_bytes(text.substr(uuid_prefix.size()))) return writer.uuid(*bytes), true;
    } else if (text.starts_with(binary_prefix)) {
        if (const auto bytes = from_hex(text.substr(binary_prefix.size()))) return writer.binary(*bytes), true;
    } else if (text.starts_with(string_prefix)) {
        return writer.string(text.substr(string_prefix.size())), true;
    } else if (text.starts_with(no_prefix)) {
        return writer.string(text.substr(no_prefix.size())), true;
    } else {
        return false;
    }
    throw JMSException("The id '" + std::string(text) +
                       "' begins as a typed AMQP id but is not one; leave such ids as they were received.");
}

}  // namespace

std::string message_id_text(const WireValue& value) {
    if (!value.is_text()) return typed_text(value);
    if (value.bytes.starts_with(amqp)) return std::string(string_prefix).append(value.bytes);
    if (!value.bytes.starts_with(id)) return std::string(no_prefix).append(value.bytes);
    return std::string(value.bytes);
}

std::string correlation_id_text(const WireValue& value) {
    if (!value.is_text()) return typed_text(value);
    if (value.bytes.starts_with(amqp)) return std::string(string_prefix).append(value.bytes);
    return std::string(value.bytes);
}

void write_message_id(WireWriter& writer, std::string_view text) {
    if (!write_typed(writer, text)) writer.string(text);
}

void write_correlation_id(WireWriter& writer, std::string_view text) {
    if (!write_typed(writer, text)) writer.string(text);
}

}  // namespace giromq::detail
