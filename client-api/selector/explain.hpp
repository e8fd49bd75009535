#pragma once

#include <string>

#include "selector/program.hpp"

namespace giromq::detail {

/// What a selector means and how it is evaluated, for people: a term to a line, deeper ones further in.
std::string explain(const selector::Program& program);

}  // namespace giromq::detail
