#include "security/encoding.hpp"

#include <algorithm>
#include <array>

#include "base/limits.hpp"
#include "base/utf8.hpp"

namespace giromq::security {
namespace {

constexpr std::string_view alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
constexpr std::size_t password_bytes_min = 8;
constexpr std::size_t password_bytes_max = 256;

std::optional<std::uint32_t> base64_digit(char character) {
    const auto place = alphabet.find(character);
    if (place == std::string_view::npos) return std::nullopt;
    return static_cast<std::uint32_t>(place);
}

struct CodePointRange {
    char32_t first;
    char32_t last;
};

/// Characters outside ASCII that SASLprep leaves as they are whatever stands beside them: assigned in Unicode 3.2, no compatibility or
/// canonical decomposition that NFKC would not put together again, not combining, and written from left to right. Not all there are,
/// but the letters of European languages, Chinese, Japanese and Korean; a full table of Unicode is not worth its weight for passwords.
constexpr std::array<CodePointRange, 27> stable_ranges{{
    {0x00C0, 0x00D6}, {0x00D8, 0x00F6}, {0x00F8, 0x0131}, {0x0134, 0x013E}, {0x0141, 0x0148}, {0x014A, 0x017E}, {0x0218, 0x021B},
    {0x0386, 0x0386}, {0x0388, 0x038A}, {0x038C, 0x038C}, {0x038E, 0x03A1}, {0x03A3, 0x03CE}, {0x0400, 0x0481}, {0x048A, 0x04CE},
    {0x04D0, 0x04F5}, {0x04F8, 0x04F9}, {0x0531, 0x0556}, {0x0561, 0x0586}, {0x10D0, 0x10F6}, {0x1E80, 0x1E85}, {0x1EA0, 0x1EF9},
    {0x20AC, 0x20AC}, {0x3041, 0x3094}, {0x30A1, 0x30FA}, {0x4E00, 0x9FA5}, {0xAC00, 0xD7A3}, {0x3005, 0x3007},
}};

bool is_stable(char32_t code_point) {
    if (code_point < 0x80) return code_point >= 0x20 && code_point < 0x7F;
    return std::any_of(stable_ranges.begin(), stable_ranges.end(),
                       [&](const CodePointRange& range) { return code_point >= range.first && code_point <= range.last; });
}

enum class Text { malformed, not_stable, stable };

Text classify(std::string_view text) {
    Text result = Text::stable;
    while (!text.empty()) {
        const auto code_point = take_code_point(text);
        if (!code_point) return Text::malformed;
        if (!is_stable(*code_point)) result = Text::not_stable;
    }
    return result;
}

}  // namespace

std::string encode_base64(std::span<const std::uint8_t> bytes) {
    std::string text;
    text.reserve((bytes.size() + 2) / 3 * 4);
    for (std::size_t index = 0; index < bytes.size(); index += 3) {
        const std::size_t count = std::min<std::size_t>(3, bytes.size() - index);
        std::uint32_t group = std::uint32_t{bytes[index]} << 16;
        if (count > 1) group |= std::uint32_t{bytes[index + 1]} << 8;
        if (count > 2) group |= std::uint32_t{bytes[index + 2]};
        text += alphabet[group >> 18];
        text += alphabet[(group >> 12) & 63];
        text += count > 1 ? alphabet[(group >> 6) & 63] : '=';
        text += count > 2 ? alphabet[group & 63] : '=';
    }
    return text;
}

std::optional<std::vector<std::uint8_t>> decode_base64(std::string_view text) {
    if (text.size() % 4 != 0) return std::nullopt;
    std::size_t padding = 0;
    while (padding < 2 && padding < text.size() && text[text.size() - 1 - padding] == '=') ++padding;
    std::vector<std::uint8_t> bytes;
    bytes.reserve(text.size() / 4 * 3);
    for (std::size_t index = 0; index < text.size(); index += 4) {
        const std::size_t digits = index + 4 == text.size() ? 4 - padding : 4;
        std::uint32_t group = 0;
        for (std::size_t place = 0; place < 4; ++place) {
            const auto digit = place < digits ? base64_digit(text[index + place]) : std::optional<std::uint32_t>(0);
            if (!digit) return std::nullopt;
            group = group << 6 | *digit;
        }
        bytes.push_back(static_cast<std::uint8_t>(group >> 16));
        if (digits > 2) bytes.push_back(static_cast<std::uint8_t>(group >> 8));
        if (digits > 3) bytes.push_back(static_cast<std::uint8_t>(group));
        const std::uint32_t unused = digits == 2 ? group & 0xFFFF : digits == 3 ? group & 0xFF : 0;
        if (unused != 0) return std::nullopt;
    }
    return bytes;
}

bool is_clean_utf8(std::string_view text) {
    while (!text.empty()) {
        const auto code_point = take_code_point(text);
        if (!code_point || *code_point < 0x20 || (*code_point >= 0x7F && *code_point < 0xA0)) return false;
    }
    return true;
}

Result<void> check_user_name(std::string_view name) {
    if (name.empty() || name.size() > limits::user_name_bytes) {
        return Error(errc::invalid_name, "a user name has 1 to " + std::to_string(limits::user_name_bytes) + " bytes");
    }
    if (name == "anonymous") return Error(errc::invalid_name, "the name 'anonymous' is kept for connections that did not log in");
    if (classify(name) != Text::stable || name.find(':') != std::string_view::npos) {
        return Error(errc::invalid_name, "use letters, digits, spaces and punctuation other than the colon");
    }
    if (name.front() == ' ' || name.back() == ' ' || name.find("  ") != std::string_view::npos) {
        return Error(errc::invalid_name, "use spaces only between words, one at a time");
    }
    return {};
}

Result<void> check_password(std::string_view password, std::string_view name) {
    if (password.size() < password_bytes_min || password.size() > password_bytes_max) {
        return Error(errc::weak_password, "a password has 8 to 256 bytes");
    }
    if (password == name) return Error(errc::weak_password, "the password must not be the user's name");
    switch (classify(password)) {
        case Text::stable: return {};
        case Text::malformed: return Error(errc::weak_password, "the password is not UTF-8");
        case Text::not_stable: break;
    }
    return Error(errc::weak_password, "the password has a control character, or one that clients may encode in different ways");
}

}  // namespace giromq::security
