#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "config/errc.hpp"

namespace giromq::config {

/// One option as the schema describes it.
struct Option {
    std::string element;  // its path below the root: "amqp", "amqp/listener", "queues/queue"
    std::string name;     // of the attribute
    std::string type;     // "size", "duration", "boolean", "number", "text" and so on
    bool is_required = false;
    std::string default_value;  // as it is written; empty if there is none
    std::string default_words;  // what holds instead of a value
    std::string minimum;        // as it is written, with its unit; empty if there is none
    std::string maximum;
    std::string zero;                  // what 0 means where it is allowed besides the range; empty if it is not
    std::vector<std::string> choices;  // of an enumeration, or of the items of a list
    std::string documentation;
};

/// The options of a schema of the form of giromq-config.xsd, in its order. Errors: invalid.
Result<std::vector<Option>> read_options(std::string_view schema);

/// Those of the schema that is built in. Read once; thread-safe.
const std::vector<Option>& options();

/// The option, or nullptr.
const Option* find_option(std::string_view element, std::string_view name);

/// The table of docs/configuration.md: a heading, a sentence and a table for every element.
std::string options_as_markdown();

}  // namespace giromq::config
