#include "admin-web/url.hpp"

#include <algorithm>

#include "admin-web/http_message.hpp"
#include "security/encoding.hpp"

namespace giromq::admin_web {
namespace {

constexpr std::size_t parameters_max = 8;
constexpr std::string_view hexadecimal = "0123456789ABCDEF";

int hexadecimal_value(char digit) {
    if (digit >= '0' && digit <= '9') return digit - '0';
    if (digit >= 'A' && digit <= 'F') return digit - 'A' + 10;
    if (digit >= 'a' && digit <= 'f') return digit - 'a' + 10;
    return -1;
}

std::optional<char> byte_of(std::string_view two_digits) {
    if (two_digits.size() != 2) return std::nullopt;
    const int high = hexadecimal_value(two_digits[0]);
    const int low = hexadecimal_value(two_digits[1]);
    if (high < 0 || low < 0) return std::nullopt;
    return static_cast<char>(high * 16 + low);
}

/// Decoded, and of characters that may be in a name.
std::optional<std::string> decode_clean(std::string_view text) {
    auto decoded = percent_decode(text);
    if (!decoded || !security::is_clean_utf8(*decoded)) return std::nullopt;
    return decoded;
}

/// Decoded, and of characters that may be in a text of several lines, such as a selector.
std::optional<std::string> decode_text(std::string_view text) {
    auto decoded = percent_decode(text);
    if (!decoded) return std::nullopt;
    auto line = *decoded;
    std::replace_if(
        line.begin(), line.end(), [](char one) { return one == '\t' || one == '\n' || one == '\r'; }, ' ');
    if (!security::is_clean_utf8(line)) return std::nullopt;
    return decoded;
}

/// The text up to the next `separator`; `rest` begins behind it.
std::string_view take_until(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto part = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return part;
}

bool parse_path(std::string_view path, Target& target) {
    if (path.empty() || path.front() != '/') return false;
    path.remove_prefix(1);
    if (path.empty()) return true;
    // "/a/" has an empty last segment, which take_until would not show.
    if (path.back() == '/') return false;
    while (!path.empty()) {
        const auto segment = take_until(path, '/');
        if (segment.empty() || segment == "." || segment == "..") return false;
        auto decoded = decode_clean(segment);
        if (!decoded || target.segments.size() == http_limits::path_segments) return false;
        target.segments.push_back(std::move(*decoded));
    }
    return true;
}

bool parse_query(std::string_view query, Target& target) {
    while (!query.empty()) {
        auto value_text = take_until(query, '&');
        if (value_text.empty()) continue;
        const auto name_text = take_until(value_text, '=');
        auto name = decode_clean(name_text);
        auto value = decode_text(value_text);
        if (!name || !value || target.parameter(*name) || target.query.size() == parameters_max) return false;
        target.query.emplace_back(std::move(*name), std::move(*value));
    }
    return true;
}

}  // namespace

std::optional<std::string> Target::parameter(std::string_view name) const {
    for (const auto& [key, value] : query) {
        if (key == name) return value;
    }
    return std::nullopt;
}

std::optional<Target> parse_target(std::string_view text) {
    if (text.size() > http_limits::header_bytes || text.find('#') != std::string_view::npos) return std::nullopt;
    Target target;
    const auto mark = text.find('?');
    if (!parse_path(text.substr(0, mark), target)) return std::nullopt;
    if (mark != std::string_view::npos && !parse_query(text.substr(mark + 1), target)) return std::nullopt;
    return target;
}

std::optional<std::string> percent_decode(std::string_view text) {
    std::string decoded;
    decoded.reserve(text.size());
    for (std::size_t index = 0; index < text.size(); ++index) {
        if (text[index] != '%') {
            decoded += text[index];
            continue;
        }
        const auto byte = byte_of(text.substr(index + 1, 2));
        if (!byte) return std::nullopt;
        decoded += *byte;
        index += 2;
    }
    return decoded;
}

std::string percent_encode(std::string_view text) {
    std::string encoded;
    for (const char character : text) {
        const bool plain = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') ||
                           (character >= '0' && character <= '9') || std::string_view("-._~").find(character) != std::string_view::npos;
        if (plain) {
            encoded += character;
        } else {
            const auto code = static_cast<unsigned char>(character);
            encoded += '%';
            encoded += hexadecimal[code >> 4];
            encoded += hexadecimal[code & 15];
        }
    }
    return encoded;
}

std::string encode_cursor(std::string_view last) {
    std::string cursor;
    for (const char character : last) {
        const auto code = static_cast<unsigned char>(character);
        cursor += hexadecimal[code >> 4];
        cursor += hexadecimal[code & 15];
    }
    return cursor;
}

std::optional<std::string> decode_cursor(std::string_view cursor) {
    if (cursor.empty() || cursor.size() % 2 != 0) return std::nullopt;
    std::string last;
    for (std::size_t index = 0; index < cursor.size(); index += 2) {
        const auto byte = byte_of(cursor.substr(index, 2));
        if (!byte) return std::nullopt;
        last += *byte;
    }
    if (!security::is_clean_utf8(last)) return std::nullopt;
    return last;
}

}  // namespace giromq::admin_web
