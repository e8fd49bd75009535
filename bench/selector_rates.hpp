#pragma once

namespace giromq::bench {

/// Evaluations in a second on one processor: a selector with five terms over properties, and one with a path into a pacs.008 of 2 KiB.
struct SelectorRates {
    double properties_per_s = 0;
    double xml_per_s = 0;
};

SelectorRates selector_rates();

}  // namespace giromq::bench
