#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string_view>

namespace giromq::selector {

/// A set of general categories of Unicode (§4.5), a bit for each.
using Categories = std::uint32_t;

/// The set that \p{NAME} means: one category ("Lu") or all of one letter ("L"). Nothing for an unknown name.
std::optional<Categories> categories_of(std::string_view name);

/// The category of a code point, as a set of one.
Categories category_of(char32_t code_point);

/// What may begin, and continue, an identifier (Java's isJavaIdentifierStart and isJavaIdentifierPart; of the ignorable characters only
/// those that XML allows, too).
bool is_identifier_start(char32_t code_point);
bool is_identifier_part(char32_t code_point);

/// What may begin, and continue, a name in XML 1.0 (fifth edition, §2.3).
bool is_xml_name_start(char32_t code_point);
bool is_xml_name_part(char32_t code_point);

/// Char of XML 1.0 §2.2: what can be written in the XML form.
bool is_xml_character(char32_t code_point);

/// Where runs of one category begin: code point << 5 | category.
inline constexpr std::size_t unicode_runs = 3968;
extern const std::array<std::uint32_t, unicode_runs> unicode_table;

}  // namespace giromq::selector
