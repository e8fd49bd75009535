#include "selector/selector.hpp"

#include <utility>

#include "selector/forms.hpp"
#include "selector/sql_lexer.hpp"

namespace giromq::selector {
namespace {

bool is_xml(std::string_view text) {
    if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
    const auto begin = text.find_first_not_of(sql_white_space);
    return begin != std::string_view::npos && text[begin] == '<';
}

/// The string S if the text is NAME = 'S' and nothing else.
std::optional<std::string> carried(std::string_view text, std::string_view name) {
    SqlLexer lexer(text);
    if (!lexer.next() || lexer.token() != Token::identifier || lexer.spelling() != name) return std::nullopt;
    if (!lexer.next() || lexer.token() != Token::equal) return std::nullopt;
    if (!lexer.next() || lexer.token() != Token::string) return std::nullopt;
    std::string value = lexer.string();
    if (!lexer.next() || lexer.token() != Token::end) return std::nullopt;
    return value;
}

Result<Node> parse_unnamed(std::string_view text) {
    if (is_xml(text)) return parse_xml(text);
    if (text.size() > text_bytes_max) return parse_sql(text);  // which refuses it
    if (const auto document = carried(text, xml_carrier)) return parse_xml(*document);
    return parse_sql(text);
}

}  // namespace

bool is_no_selector(std::string_view text) { return text.find_first_not_of(sql_white_space) == std::string_view::npos; }

Result<Node> parse(std::string_view text, const NamedSelectors& named) {
    const auto name = text.size() > text_bytes_max || is_xml(text) ? std::nullopt : carried(text, name_carrier);
    if (!name) return parse_unnamed(text);
    const auto stored = named ? named(*name) : std::nullopt;
    if (!stored) return refusal(errc::unknown_name, {1, 1}, "no selector is stored under the name '" + *name + "'");
    return parse_unnamed(*stored);
}

Result<ProgramPtr> compile(std::string_view text, const NamedSelectors& named) {
    auto tree = parse(text, named);
    if (!tree) return tree.error();
    return std::make_shared<const Program>(std::move(tree).value());
}

}  // namespace giromq::selector
