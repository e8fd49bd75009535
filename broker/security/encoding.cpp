#include "security/encoding.hpp"

#include <algorithm>

#include "base/limits.hpp"
#include "base/utf8.hpp"
#include "security/saslprep.hpp"

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
    const auto prepared = saslprep(name, Prepared::stored);
    if (!prepared || name.find(':') != std::string_view::npos) {
        return Error(errc::invalid_name, "use letters, digits, spaces and punctuation other than the colon");
    }
    if (*prepared != name) return Error(errc::invalid_name, "write it as clients prepare it (SASLprep, RFC 4013): '" + *prepared + "'");
    if (name.front() == ' ' || name.back() == ' ' || name.find("  ") != std::string_view::npos) {
        return Error(errc::invalid_name, "use spaces only between words, one at a time");
    }
    return {};
}

Result<std::string> prepare_password(std::string_view password, std::string_view name) {
    if (password.size() > password_bytes_max) return Error(errc::weak_password, "a password has 8 to 256 bytes");
    auto prepared = saslprep(password, Prepared::stored);
    if (!prepared) {
        return Error(errc::weak_password,
                     "the password is not UTF-8, or has characters that SASLprep (RFC 4013) does not allow, or not together");
    }
    if (prepared->size() < password_bytes_min || prepared->size() > password_bytes_max) {
        return Error(errc::weak_password, "a password has 8 to 256 bytes");
    }
    if (*prepared == name) return Error(errc::weak_password, "the password must not be the user's name");
    return std::move(*prepared);
}

}  // namespace giromq::security
