#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "selector/program.hpp"
#include "selector/tree.hpp"

/// Message selectors, from the text that a client sends to something that can be evaluated. Everything here is thread-safe.
namespace giromq::selector {

/// The text of a selector that is stored in the broker under a name; nothing if there is none.
using NamedSelectors = std::function<std::optional<std::string>(std::string_view name)>;

/// True if the text is empty or white space: every message is selected then (JMS 2.0 §3.8.1).
bool is_no_selector(std::string_view text);

/// Reads a selector in whichever way it comes:
///   - XML, if the first character is "<";
///   - JMS_GIROMQ_XML = '<selector ...>', XML in a string for clients that let nothing but SQL pass;
///   - JMS_GIROMQ_SELECTOR = 'name', a selector stored in the broker, whose text is of one of the other kinds;
///   - otherwise SQL.
/// Errors say line, column and reason; those of carried XML count from its own beginning.
Result<Node> parse(std::string_view text, const NamedSelectors& named = {});

using ProgramPtr = std::shared_ptr<const Program>;

/// parse(), ready to be evaluated.
Result<ProgramPtr> compile(std::string_view text, const NamedSelectors& named = {});

}  // namespace giromq::selector
