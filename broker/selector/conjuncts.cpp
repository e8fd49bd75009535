#include "selector/conjuncts.hpp"

namespace giromq::selector {
namespace {

bool is_indexable_reference(const Node& node) { return (node.op == Op::header || node.op == Op::property) && !node.cast; }

bool is_indexable_literal(const Node& node) {
    if (node.op != Op::literal) return false;
    const Type type = type_of(node.literal);
    return type == Type::string || type == Type::long_number || type == Type::boolean;
}

void collect(const Node& node, std::vector<EqualityConjunct>& found) {
    if (node.op == Op::logical_and) {
        for (const Node& child : node.children) collect(child, found);
        return;
    }
    if (node.op == Op::in && node.children.size() == 2 && is_indexable_reference(node.children[0])) {
        found.push_back({&node.children[0], &node.children[1]});
    }
    if (node.op != Op::equal) return;
    const Node& left = node.children[0];
    const Node& right = node.children[1];
    if (is_indexable_reference(left) && is_indexable_literal(right)) found.push_back({&left, &right});
    if (is_indexable_reference(right) && is_indexable_literal(left)) found.push_back({&right, &left});
}

}  // namespace

std::vector<EqualityConjunct> equality_conjuncts(const Node& root) {
    std::vector<EqualityConjunct> found;
    collect(root, found);
    return found;
}

const EqualityConjunct* most_telling(const std::vector<EqualityConjunct>& conjuncts) {
    const EqualityConjunct* best = nullptr;
    for (const auto& conjunct : conjuncts) {
        const bool is_boolean = type_of(conjunct.literal->literal) == Type::boolean;
        if (best == nullptr || (!is_boolean && type_of(best->literal->literal) == Type::boolean)) best = &conjunct;
    }
    return best;
}

}  // namespace giromq::selector
