#pragma once

#include <string>
#include <string_view>

namespace giromq::test {

/// What is wrong with a page of metrics in the text format 0.0.4 of Prometheus, by the rules of the format and those that its own
/// checker has for names; empty if nothing is.
std::string fault_of_metrics(std::string_view text);

}  // namespace giromq::test
