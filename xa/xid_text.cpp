#include "xa/xid_text.hpp"

#include <array>
#include <charconv>

namespace giromq::xa {
namespace {

/// The longest text of a valid XID: a sign and ten digits, two colons, and two digits for each byte.
constexpr std::size_t text_bytes_max = 11 + 2 + 2 * (Xid::gtrid_bytes_max + Xid::bqual_bytes_max);
constexpr std::size_t printable_run_min = 3;

struct KnownFormat {
    std::int32_t format_id;
    std::string_view name;
};

constexpr std::array known_formats{
    KnownFormat{0, "OSI CCR"},
    KnownFormat{131077, "Narayana (JBoss, WildFly)"},
    KnownFormat{0x41544F4D, "Atomikos"},                                 // "ATOM"
    KnownFormat{0x42746E78, "Bitronix"},                                 // "Btnx"
    KnownFormat{0x4C495841, "LIXA"},                                     // "LIXA"
    KnownFormat{0x6194F7A1, "Enduro/X"},                                 //
    KnownFormat{0xBEA1, "Oracle WebLogic"},                              //
    KnownFormat{306206, "Oracle Database"},                              //
    KnownFormat{0x445443, "Microsoft DTC"},                              // "DTC"
    KnownFormat{0x57415344, "IBM WebSphere"},                            // "WASD", distributed server
    KnownFormat{0x57415343, "IBM WebSphere (client)"},                   // "WASC"
    KnownFormat{0x5741535A, "IBM WebSphere (z/OS)"},                     // "WASZ"
    KnownFormat{0x4A5453, "GlassFish (OTS, Java Transaction Service)"},  // "JTS"
    KnownFormat{0x4765526F, "Apache Geronimo"},                          // "GeRo"
    KnownFormat{0xBB14, "JOTM"},                                         //
};

void append_hex(std::string& text, std::string_view bytes) {
    constexpr std::string_view digits = "0123456789abcdef";
    for (const char byte : bytes) {
        const auto value = static_cast<unsigned char>(byte);
        text += digits[value >> 4];
        text += digits[value & 0x0F];
    }
}

std::optional<unsigned> hex_digit(char digit) {
    if (digit >= '0' && digit <= '9') return static_cast<unsigned>(digit - '0');
    if (digit >= 'a' && digit <= 'f') return static_cast<unsigned>(digit - 'a') + 10;
    if (digit >= 'A' && digit <= 'F') return static_cast<unsigned>(digit - 'A') + 10;
    return std::nullopt;
}

std::optional<std::string> bytes_of_hex(std::string_view text) {
    if (text.size() % 2 != 0) return std::nullopt;
    std::string bytes;
    bytes.reserve(text.size() / 2);
    for (std::size_t index = 0; index < text.size(); index += 2) {
        const auto high = hex_digit(text[index]);
        const auto low = hex_digit(text[index + 1]);
        if (!high || !low) return std::nullopt;
        bytes += static_cast<char>(*high << 4 | *low);
    }
    return bytes;
}

/// A decimal number as to_text() writes it: no plus, no leading zero.
std::optional<std::int32_t> format_of(std::string_view text) {
    std::int32_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc{} || end != text.data() + text.size() || std::to_string(value) != text) return std::nullopt;
    return value;
}

bool is_printable(char character) { return character > ' ' && character < '\x7F' && character != '\''; }

/// How many characters from `from` on can be shown as they are.
std::size_t printable_run(std::string_view bytes, std::size_t from) {
    std::size_t end = from;
    while (end < bytes.size() && is_printable(bytes[end])) ++end;
    return end - from;
}

void append_readable(std::string& text, std::string_view bytes) {
    if (bytes.empty()) text += " none";
    std::size_t hex_from = 0;
    for (std::size_t index = 0; index < bytes.size();) {
        const std::size_t run = printable_run(bytes, index);
        if (run < printable_run_min) {
            index += run + 1;
            continue;
        }
        if (hex_from < index) append_hex(text += ' ', bytes.substr(hex_from, index - hex_from));
        text.append(" '").append(bytes.substr(index, run)).append("'");
        index += run;
        hex_from = index;
    }
    if (hex_from < bytes.size()) append_hex(text += ' ', bytes.substr(hex_from));
}

}  // namespace

std::string to_text(const Xid& xid) {
    std::string text = std::to_string(xid.format_id());
    append_hex(text += ':', xid.gtrid());
    append_hex(text += ':', xid.bqual());
    return text;
}

std::optional<Xid> xid_from_text(std::string_view text) {
    if (text.size() > text_bytes_max) return std::nullopt;
    const std::size_t first = text.find(':');
    const std::size_t second = first == std::string_view::npos ? first : text.find(':', first + 1);
    if (second == std::string_view::npos) return std::nullopt;
    const auto format = format_of(text.substr(0, first));
    const auto gtrid = bytes_of_hex(text.substr(first + 1, second - first - 1));
    const auto bqual = bytes_of_hex(text.substr(second + 1));
    if (!format || !gtrid || !bqual) return std::nullopt;
    return Xid::make(*format, *gtrid, *bqual);
}

std::string_view format_name(std::int32_t format_id) {
    for (const auto& known : known_formats) {
        if (known.format_id == format_id) return known.name;
    }
    return "unknown format";
}

std::string describe(const Xid& xid) {
    std::string text(format_name(xid.format_id()));
    text += ", gtrid";
    append_readable(text, xid.gtrid());
    text += ", bqual";
    append_readable(text, xid.bqual());
    return text;
}

}  // namespace giromq::xa
