#pragma once

#include <CLI/CLI.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "common.hpp"
#include "giromq/selector.hpp"

namespace giromq::tool {

/// A selector as it was given: as text on the command line, or in a file.
struct SelectorText {
    std::optional<std::string> text;
    std::string file;

    void add_to(CLI::App& app);
    std::string read() const;
};

/// Throws ToolError with a word about what is wrong and where.
Selector read_selector(const SelectorText& given, int code_of_wrong);

/// True if it is written in XML.
bool is_xml(std::string_view text);

}  // namespace giromq::tool
