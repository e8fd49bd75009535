#pragma once

#include <vector>

#include "selector/tree.hpp"

namespace giromq::selector {

/// A condition `reference = literal` that must be true for the selector to be. The pointers are into the tree.
struct EqualityConjunct {
    const Node* reference = nullptr;  // a header or a property, without a cast
    const Node* literal = nullptr;    // never a double or a decimal: those equal values of several types
};

/// The equalities that every selected message fulfils: those at the top of the tree, alone or joined by AND. So consumers can be
/// found by the value of a property, and only they evaluate the rest. A string equals only the same string and a boolean the same
/// boolean; a long equals the same int, byte, short or long, and the float, double or decimal that operations.hpp says it equals, so an
/// index over numbers must look up all of those, or look into none.
std::vector<EqualityConjunct> equality_conjuncts(const Node& root);

/// Of several equalities the one that tells most apart, hardly ever a boolean: the one to look up. Nullptr if there are none.
const EqualityConjunct* most_telling(const std::vector<EqualityConjunct>& conjuncts);

}  // namespace giromq::selector
