#include "selector/unicode.hpp"

#include <algorithm>

namespace giromq::selector {
namespace {

/// In the order of generate_unicode.py.
constexpr std::array<std::string_view, 30> names = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl",
                                                    "No", "Pc", "Pd", "Ps", "Pe", "Pi", "Pf", "Po", "Zs", "Zl",
                                                    "Zp", "Sm", "Sc", "Sk", "So", "Cc", "Cf", "Cs", "Co", "Cn"};

constexpr Categories set_of(std::string_view name) {
    Categories set = 0;
    for (std::size_t index = 0; index < names.size(); ++index) {
        if (names[index] == name || (name.size() == 1 && names[index][0] == name[0])) set |= Categories{1} << index;
    }
    return set;
}

constexpr Categories identifier_start = set_of("L") | set_of("Nl") | set_of("Sc") | set_of("Pc");
constexpr Categories identifier_part = identifier_start | set_of("Nd") | set_of("Mn") | set_of("Mc") | set_of("Cf");

struct Range {
    char32_t first;
    char32_t last;
};

bool is_in(char32_t code_point, const Range* begin, const Range* end) {
    return std::any_of(begin, end, [&](const Range& range) { return code_point >= range.first && code_point <= range.last; });
}

}  // namespace

std::optional<Categories> categories_of(std::string_view name) {
    const Categories set = set_of(name);
    return set != 0 ? std::optional(set) : std::nullopt;
}

Categories category_of(char32_t code_point) {
    const auto wanted = static_cast<std::uint32_t>(code_point) << 5U | 31U;
    const auto after = std::upper_bound(unicode_table.begin(), unicode_table.end(), wanted);
    return Categories{1} << (*std::prev(after) & 31U);
}

bool is_identifier_start(char32_t code_point) { return (category_of(code_point) & identifier_start) != 0; }

bool is_identifier_part(char32_t code_point) { return (category_of(code_point) & identifier_part) != 0; }

bool is_xml_name_start(char32_t code_point) {
    static constexpr std::array<Range, 16> ranges = {{{':', ':'},
                                                      {'A', 'Z'},
                                                      {'_', '_'},
                                                      {'a', 'z'},
                                                      {0xC0, 0xD6},
                                                      {0xD8, 0xF6},
                                                      {0xF8, 0x2FF},
                                                      {0x370, 0x37D},
                                                      {0x37F, 0x1FFF},
                                                      {0x200C, 0x200D},
                                                      {0x2070, 0x218F},
                                                      {0x2C00, 0x2FEF},
                                                      {0x3001, 0xD7FF},
                                                      {0xF900, 0xFDCF},
                                                      {0xFDF0, 0xFFFD},
                                                      {0x10000, 0xEFFFF}}};
    return is_in(code_point, ranges.begin(), ranges.end());
}

bool is_xml_name_part(char32_t code_point) {
    static constexpr std::array<Range, 6> more = {{{'-', '-'}, {'.', '.'}, {'0', '9'}, {0xB7, 0xB7}, {0x300, 0x36F}, {0x203F, 0x2040}}};
    return is_xml_name_start(code_point) || is_in(code_point, more.begin(), more.end());
}

bool is_xml_character(char32_t code_point) {
    return code_point >= 0x20 ? code_point != 0xFFFE && code_point != 0xFFFF
                              : code_point == '\t' || code_point == '\n' || code_point == '\r';
}

}  // namespace giromq::selector
