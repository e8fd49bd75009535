#include "selector/program.hpp"

#include <algorithm>
#include <utility>

#include "selector/operations.hpp"

namespace giromq::selector {
namespace {

bool contains_body(const Node& node) { return is_body(node.op) || std::any_of(node.children.begin(), node.children.end(), contains_body); }

template <typename List, typename Item>
std::uint16_t append(List& list, Item item) {
    list.push_back(std::move(item));
    return static_cast<std::uint16_t>(list.size() - 1);
}

}  // namespace

Program::Program(Node tree) : tree_(std::move(tree)), looks_into_body_(contains_body(tree_)) { root_ = add(tree_); }

Program::Place Program::add(const Node& node) {
    std::vector<const Node*> children;
    children.reserve(node.children.size());
    if (node.op != Op::in) {
        for (const Node& child : node.children) children.push_back(&child);
    } else {
        children.push_back(&node.children[0]);
    }
    // AND and OR give the same in any order; bodies are looked into last, since what comes before may decide.
    if (node.op == Op::logical_and || node.op == Op::logical_or) {
        std::stable_partition(children.begin(), children.end(), [](const Node* child) { return !contains_body(*child); });
    }
    std::vector<Place> places;
    places.reserve(children.size());
    for (const Node* const child : children) places.push_back(add(*child));
    Step step;
    step.op = node.op;
    step.is_cast = node.cast.has_value();
    step.cast = node.cast.value_or(Type::string);
    step.header = node.header;
    step.operand = prepare(node);
    step.first_child = static_cast<Place>(children_.size());
    step.child_count = static_cast<Place>(places.size());
    children_.insert(children_.end(), places.begin(), places.end());
    return append(steps_, step);
}

/// check() has compiled the same before, so none of it can fail.
Program::Place Program::prepare(const Node& node) {
    switch (node.op) {
        case Op::literal: return append(constants_, value_of(node.literal));
        case Op::property: return property(node.text);
        case Op::in: return strings_of(node);
        case Op::like: return append(like_patterns_, LikePattern::compile(node.text, node.escape).value());
        case Op::matches: return append(regexes_, Regex::compile(node.text).value());
        case Op::xpath: return append(xml_paths_, XmlPath::parse(node.text).value());
        case Op::json: return append(json_pointers_, JsonPointer::parse(node.text).value());
        default: return 0;
    }
}

Program::Place Program::property(std::string_view name) {
    const auto found = std::find(property_names_.begin(), property_names_.end(), name);
    if (found != property_names_.end()) return static_cast<Place>(found - property_names_.begin());
    return append(property_names_, name);
}

Program::Place Program::strings_of(const Node& node) {
    std::vector<std::string_view> strings;
    for (std::size_t index = 1; index < node.children.size(); ++index) {
        strings.push_back(std::get<std::string>(node.children[index].literal));
    }
    std::sort(strings.begin(), strings.end());
    return append(string_lists_, std::move(strings));
}

}  // namespace giromq::selector
