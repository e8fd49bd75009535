#include "selector_text.hpp"

#include <algorithm>

namespace giromq::tool {
namespace {

constexpr std::string_view white_space = " \t\f\r\n";

bool begins_character(char byte) { return (static_cast<unsigned char>(byte) & 0xC0U) != 0x80U; }

std::size_t characters_of(std::string_view text) {
    return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), begins_character));
}

/// The bytes before a column, which counts UTF-16 units.
std::size_t bytes_before(std::string_view line, std::size_t column) {
    std::size_t units = 1;
    std::size_t at = 0;
    for (; at < line.size() && (units < column || !begins_character(line[at])); ++at) {
        const auto byte = static_cast<unsigned char>(line[at]);
        if (begins_character(line[at])) units += byte >= 0xF0U ? 2 : 1;
    }
    return at;
}

/// The line of the text, or of a long one what is near, and a mark below the column.
std::string pointed_at(std::string_view text, std::size_t line, std::size_t column) {
    for (; line > 1; --line) {
        const std::size_t end = text.find('\n');
        if (end == std::string_view::npos) return {};
        text.remove_prefix(end + 1);
    }
    text = text.substr(0, text.find('\n'));
    constexpr std::size_t around = 60;
    const std::size_t at = bytes_before(text, column);
    std::size_t begin = at > around ? at - around : 0;
    while (begin > 0 && !begins_character(text[begin])) --begin;
    std::size_t end = std::min(text.size(), at + around);
    while (end < text.size() && !begins_character(text[end])) ++end;
    const std::string mark(characters_of(text.substr(begin, at - begin)), ' ');
    return "\n    " + printable(text.substr(begin, end - begin)) + "\n    " + mark + '^';
}

/// Positions in XML that SQL carries are of that XML, which nobody sees as lines.
bool is_carried(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(white_space);
    return begin != std::string_view::npos && text.substr(begin).starts_with("JMS_GIROMQ_XML");
}

ToolError refusal(const SelectorTextException& wrong, const std::string& text, int code) {
    const std::string place = "line " + std::to_string(wrong.line()) + ", column " + std::to_string(wrong.column());
    const bool is_known = !is_carried(text);
    return ToolError("The selector is wrong at " + place + (is_known ? "" : " of the XML in it") + ": " + printable(wrong.reason(), "\n") +
                         (is_known ? pointed_at(text, wrong.line(), wrong.column()) : std::string()),
                     code);
}

}  // namespace

void SelectorText::add_to(CLI::App& app) {
    auto* const as_text = app.add_option("SELECTOR", text, "The selector: SQL, or XML; see docs/selectors.md");
    app.add_option("--file", file, "A file with the selector instead; '-' for the standard input")->excludes(as_text);
}

std::string SelectorText::read() const {
    if (text) return *text;
    if (file.empty()) throw ToolError("Give the selector: as text, or by --file FILE ('-' for the standard input).", exit_usage);
    return read_file(file, exit_usage);
}

Selector read_selector(const SelectorText& given, int code_of_wrong) {
    const std::string text = given.read();
    try {
        return Selector(text);
    } catch (const SelectorTextException& wrong) {
        throw refusal(wrong, text, code_of_wrong);
    }
}

bool is_xml(std::string_view text) {
    const std::size_t begin = text.find_first_not_of(white_space);
    return begin != std::string_view::npos && text[begin] == '<';
}

}  // namespace giromq::tool
