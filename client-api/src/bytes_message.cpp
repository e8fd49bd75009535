#include <bit>
#include <cstring>
#include <limits>

#include "giromq/exceptions.hpp"
#include "giromq/message.hpp"
#include "message_data.hpp"

namespace giromq {
namespace {

using detail::MessageData;

void check_readable(const MessageData& data) {
    if (!data.body_read_only) throw MessageNotReadableException("The body is being written; call reset() before reading it.");
}

void check_writeable(const MessageData& data) {
    if (data.body_read_only) throw MessageNotWriteableException("The body is read-only; call clear_body() before writing it.");
}

std::string_view take(MessageData& data, std::size_t size) {
    check_readable(data);
    if (data.body.size() - data.read_position < size) {
        throw MessageEOFException("The body has " + std::to_string(data.body.size() - data.read_position) + " bytes left, and " +
                                  std::to_string(size) + " were asked for.");
    }
    const std::string_view taken = std::string_view(data.body).substr(data.read_position, size);
    data.read_position += size;
    return taken;
}

template <typename Unsigned>
Unsigned read_number(MessageData& data) {
    Unsigned value = 0;
    for (const char c : take(data, sizeof(Unsigned)))
        value = static_cast<Unsigned>(static_cast<std::uint64_t>(value) << 8 | static_cast<std::uint8_t>(c));
    return value;
}

template <typename Unsigned>
void write_number(MessageData& data, Unsigned value) {
    check_writeable(data);
    for (std::size_t index = sizeof(Unsigned); index-- > 0;)
        data.body.push_back(static_cast<char>(static_cast<std::uint64_t>(value) >> (8 * index)));
}

void append_utf16_unit(std::string& out, unsigned unit) {
    if (unit != 0 && unit < 0x80) {
        out.push_back(static_cast<char>(unit));
    } else if (unit < 0x800) {
        out.push_back(static_cast<char>(0xc0U | unit >> 6));
        out.push_back(static_cast<char>(0x80U | (unit & 0x3fU)));
    } else {
        out.push_back(static_cast<char>(0xe0U | unit >> 12));
        out.push_back(static_cast<char>(0x80U | (unit >> 6 & 0x3fU)));
        out.push_back(static_cast<char>(0x80U | (unit & 0x3fU)));
    }
}

/// UTF-8 to the modified UTF-8 of java.io.DataOutput: NUL in two bytes, characters beyond U+FFFF as two surrogates of three bytes.
std::string to_modified_utf8(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const auto lead = static_cast<std::uint8_t>(text[at]);
        if (lead == 0) {
            append_utf16_unit(out, 0);
            ++at;
        } else if (lead >= 0xf0 && at + 3 < text.size()) {
            unsigned code = lead & 0x07U;
            for (std::size_t index = 1; index < 4; ++index) code = code << 6 | (static_cast<std::uint8_t>(text[at + index]) & 0x3fU);
            code -= 0x10000;
            append_utf16_unit(out, 0xd800U + (code >> 10 & 0x3ffU));
            append_utf16_unit(out, 0xdc00U + (code & 0x3ffU));
            at += 4;
        } else {
            out.push_back(text[at++]);
        }
    }
    return out;
}

unsigned surrogate_at(std::string_view text, std::size_t at) {
    if (at + 2 >= text.size() || static_cast<std::uint8_t>(text[at]) != 0xed) return 0;
    return 0xd000U | (static_cast<std::uint8_t>(text[at + 1]) & 0x3fU) << 6 | (static_cast<std::uint8_t>(text[at + 2]) & 0x3fU);
}

std::string from_modified_utf8(std::string_view text) {
    std::string out;
    for (std::size_t at = 0; at < text.size();) {
        const unsigned high = surrogate_at(text, at);
        const unsigned low = high >= 0xd800 && high < 0xdc00 ? surrogate_at(text, at + 3) : 0;
        if (low >= 0xdc00 && low < 0xe000) {
            const unsigned code = 0x10000U + ((high - 0xd800U) << 10) + (low - 0xdc00U);
            out.push_back(static_cast<char>(0xf0U | code >> 18));
            out.push_back(static_cast<char>(0x80U | (code >> 12 & 0x3fU)));
            out.push_back(static_cast<char>(0x80U | (code >> 6 & 0x3fU)));
            out.push_back(static_cast<char>(0x80U | (code & 0x3fU)));
            at += 6;
        } else if (static_cast<std::uint8_t>(text[at]) == 0xc0 && at + 1 < text.size() && static_cast<std::uint8_t>(text[at + 1]) == 0x80) {
            out.push_back('\0');
            at += 2;
        } else {
            out.push_back(text[at++]);
        }
    }
    return out;
}

}  // namespace

BytesMessage::~BytesMessage() = default;

std::int64_t BytesMessage::body_length() const {
    check_readable(*data_);
    return static_cast<std::int64_t>(data_->body.size());
}

bool BytesMessage::read_boolean() { return read_number<std::uint8_t>(*data_) != 0; }
std::int8_t BytesMessage::read_byte() { return static_cast<std::int8_t>(read_number<std::uint8_t>(*data_)); }
std::uint8_t BytesMessage::read_unsigned_byte() { return read_number<std::uint8_t>(*data_); }
std::int16_t BytesMessage::read_short() { return static_cast<std::int16_t>(read_number<std::uint16_t>(*data_)); }
std::uint16_t BytesMessage::read_unsigned_short() { return read_number<std::uint16_t>(*data_); }
char16_t BytesMessage::read_char() { return static_cast<char16_t>(read_number<std::uint16_t>(*data_)); }
std::int32_t BytesMessage::read_int() { return static_cast<std::int32_t>(read_number<std::uint32_t>(*data_)); }
std::int64_t BytesMessage::read_long() { return static_cast<std::int64_t>(read_number<std::uint64_t>(*data_)); }
float BytesMessage::read_float() { return std::bit_cast<float>(read_number<std::uint32_t>(*data_)); }
double BytesMessage::read_double() { return std::bit_cast<double>(read_number<std::uint64_t>(*data_)); }

std::string BytesMessage::read_utf() {
    const std::size_t start = data_->read_position;
    const auto size = read_number<std::uint16_t>(*data_);
    try {
        return from_modified_utf8(take(*data_, size));
    } catch (const MessageEOFException&) {
        data_->read_position = start;  // a failed read leaves the position where it was
        throw;
    }
}

std::int64_t BytesMessage::read_bytes(std::span<std::byte> buffer) {
    check_readable(*data_);
    const std::size_t left = data_->body.size() - data_->read_position;
    if (left == 0 && !buffer.empty()) return -1;
    const std::size_t size = std::min(left, buffer.size());
    std::memcpy(buffer.data(), data_->body.data() + data_->read_position, size);
    data_->read_position += size;
    return static_cast<std::int64_t>(size);
}

void BytesMessage::write_boolean(bool value) { write_number<std::uint8_t>(*data_, value ? 1 : 0); }
void BytesMessage::write_byte(std::int8_t value) { write_number(*data_, static_cast<std::uint8_t>(value)); }
void BytesMessage::write_short(std::int16_t value) { write_number(*data_, static_cast<std::uint16_t>(value)); }
void BytesMessage::write_char(char16_t value) { write_number(*data_, static_cast<std::uint16_t>(value)); }
void BytesMessage::write_int(std::int32_t value) { write_number(*data_, static_cast<std::uint32_t>(value)); }
void BytesMessage::write_long(std::int64_t value) { write_number(*data_, static_cast<std::uint64_t>(value)); }
void BytesMessage::write_float(float value) { write_number(*data_, std::bit_cast<std::uint32_t>(value)); }
void BytesMessage::write_double(double value) { write_number(*data_, std::bit_cast<std::uint64_t>(value)); }

void BytesMessage::write_utf(std::string_view value) {
    check_writeable(*data_);
    const std::string encoded = to_modified_utf8(value);
    if (encoded.size() > std::numeric_limits<std::uint16_t>::max()) {
        throw MessageFormatException("write_utf() takes at most 65535 bytes; use write_bytes() for longer text.");
    }
    write_number(*data_, static_cast<std::uint16_t>(encoded.size()));
    data_->body += encoded;
}

void BytesMessage::write_bytes(std::span<const std::byte> value) {
    check_writeable(*data_);
    data_->body.append(reinterpret_cast<const char*>(value.data()), value.size());
}

std::span<const std::byte> BytesMessage::bytes() const noexcept { return std::as_bytes(std::span(data_->body)); }

void BytesMessage::set_bytes(std::span<const std::byte> value) {
    check_writeable(*data_);
    data_->body.assign(reinterpret_cast<const char*>(value.data()), value.size());
}

void BytesMessage::reset() {
    data_->body_read_only = true;
    data_->read_position = 0;
}

void BytesMessage::clear_body() {
    Message::clear_body();
    data_->body.clear();
    data_->read_position = 0;
}

}  // namespace giromq
