#include "config/section.hpp"

#include "config/options.hpp"
#include "config/units.hpp"

namespace giromq::config {
namespace {

/// Whether a value is in the range that the schema gives the option; `parse` reads the bounds as the value itself was read.
template <typename Value, typename Parse>
bool is_in_range(const Option* option, Value value, Parse parse) {
    if (option == nullptr) return true;
    if (value == Value{} && !option->zero.empty()) return true;
    const auto minimum = parse(option->minimum);
    const auto maximum = parse(option->maximum);
    return (!minimum || value >= *minimum) && (!maximum || value <= *maximum);
}

std::string range_sentence(const Option& option) {
    std::string sentence = "'" + option.name + "' must be from " + option.minimum + " to " + option.maximum;
    if (!option.zero.empty()) sentence += ", or 0 (" + option.zero + ")";
    return sentence;
}

}  // namespace

std::string_view Section::trimmed(std::string_view text) {
    constexpr std::string_view spaces = " \t\r\n";
    const auto begin = text.find_first_not_of(spaces);
    return begin == std::string_view::npos ? std::string_view() : text.substr(begin, text.find_last_not_of(spaces) - begin + 1);
}

std::optional<std::uint64_t> Section::checked_size(const xml::Attribute& attribute) const {
    const auto read = parse_size(trimmed(attribute.value));
    const auto* const option = find_option(path_, attribute.name);
    if (read && is_in_range(option, *read, parse_size)) return read;
    problems_.add(errc::out_of_range, attribute.position,
                  option == nullptr ? "'" + attribute.value + "' is not a size" : range_sentence(*option));
    return std::nullopt;
}

void Section::duration(std::string_view name, std::chrono::milliseconds& time) const {
    const auto* const attribute = find(name);
    if (attribute == nullptr) return;
    const auto read = parse_duration(trimmed(attribute->value));
    const auto* const option = find_option(path_, name);
    if (read && is_in_range(option, *read, parse_duration)) {
        time = *read;
        return;
    }
    problems_.add(errc::out_of_range, attribute->position,
                  option == nullptr ? "'" + attribute->value + "' is not a duration" : range_sentence(*option));
}

}  // namespace giromq::config
