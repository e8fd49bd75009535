#pragma once

#include <string>

#include "selector/forms.hpp"
#include "unit/selector/map_message.hpp"

namespace giromq::selector::test {

/// True if printing the tree in each form and parsing that gives the same tree. XML takes more bytes than SQL, and either form may be over
/// the limit that the other was under.
inline bool survives_both_forms(const Node& tree) {
    const auto is_same = [&](const Result<Node>& parsed, const std::string& text) {
        return text.size() > text_bytes_max || (parsed && *parsed == tree);
    };
    const std::string sql = print_sql(tree);
    const std::string xml = print_xml(tree);
    return is_same(parse_sql(sql), sql) && is_same(parse_xml(xml), xml);
}

}  // namespace giromq::selector::test
