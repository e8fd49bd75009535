#include "base/utf8.hpp"

#include "base/check.hpp"

namespace giromq {
namespace {

std::size_t sequence_length(unsigned char lead) {
    if (lead < 0x80) return 1;
    if (lead >= 0xC2 && lead <= 0xDF) return 2;
    if (lead >= 0xE0 && lead <= 0xEF) return 3;
    if (lead >= 0xF0 && lead <= 0xF4) return 4;
    return 0;
}

bool is_surrogate(char32_t code_point) { return code_point >= 0xD800 && code_point <= 0xDFFF; }

}  // namespace

std::optional<char32_t> take_code_point(std::string_view& text) {
    if (text.empty()) return std::nullopt;
    const auto lead = static_cast<unsigned char>(text[0]);
    const std::size_t length = sequence_length(lead);
    if (length == 0 || length > text.size()) return std::nullopt;
    char32_t code_point = length == 1 ? lead : lead & (0xFFu >> (length + 1));
    for (std::size_t index = 1; index < length; ++index) {
        const auto next = static_cast<unsigned char>(text[index]);
        if ((next & 0xC0) != 0x80) return std::nullopt;
        code_point = code_point << 6 | (next & 0x3F);
    }
    const bool overlong = (length == 3 && code_point < 0x800) || (length == 4 && code_point < 0x10000);
    if (overlong || is_surrogate(code_point) || code_point > 0x10FFFF) return std::nullopt;
    text.remove_prefix(length);
    return code_point;
}

void append_code_point(std::string& text, char32_t code_point) {
    GIROMQ_CHECK(code_point <= 0x10FFFF && !is_surrogate(code_point), "not a Unicode scalar value");
    const auto trailing = [&](unsigned shift) { text += static_cast<char>(0x80 | ((code_point >> shift) & 0x3F)); };
    if (code_point < 0x80) {
        text += static_cast<char>(code_point);
    } else if (code_point < 0x800) {
        text += static_cast<char>(0xC0 | code_point >> 6);
        trailing(0);
    } else if (code_point < 0x10000) {
        text += static_cast<char>(0xE0 | code_point >> 12);
        trailing(6);
        trailing(0);
    } else {
        text += static_cast<char>(0xF0 | code_point >> 18);
        trailing(12);
        trailing(6);
        trailing(0);
    }
}

}  // namespace giromq
