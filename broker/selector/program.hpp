#pragma once

#include <cstdint>
#include <memory>
#include <string_view>
#include <vector>

#include "selector/json_pointer.hpp"
#include "selector/like.hpp"
#include "selector/limits.hpp"
#include "selector/message_view.hpp"
#include "selector/regex.hpp"
#include "selector/tree.hpp"
#include "selector/value.hpp"
#include "selector/xml_path.hpp"

namespace giromq::selector {

/// What came of an evaluation. A message is selected only if it is true (JMS 2.0 §3.8.1.1).
struct Outcome {
    Truth truth = Truth::unknown;
    /// It was given up because it would have cost more than its budget; then the truth is unknown.
    bool over_budget = false;

    bool is_selected() const { return truth == Truth::yes; }
    friend bool operator==(const Outcome&, const Outcome&) = default;
};

/// A selector made ready to be evaluated: a flat list of steps, with literals, patterns and paths prepared, and every property looked
/// up at most once for a message. Immutable: any number of threads may evaluate it at once.
class Program {
public:
    /// `tree` has passed check().
    explicit Program(Node tree);
    Program(const Program&) = delete;
    Program& operator=(const Program&) = delete;

    Outcome evaluate(const MessageView& message, const Budget& budget = {}) const;

    const Node& tree() const { return tree_; }
    /// It looks into bodies, so it must not be evaluated by the core.
    bool looks_into_body() const { return looks_into_body_; }
    /// The properties that it looks up.
    const std::vector<std::string_view>& properties() const { return property_names_; }

private:
    class Evaluation;
    using Place = std::uint16_t;

    struct Step {
        Op op = Op::literal;
        bool is_cast = false;
        Type cast = Type::string;
        Header header = Header::priority;
        Place operand = 0;      // where it is in the list for its kind
        Place first_child = 0;  // in children_
        Place child_count = 0;
    };

    Place add(const Node& node);
    Place prepare(const Node& node);
    Place property(std::string_view name);
    Place strings_of(const Node& node);

    Node tree_;  // values below refer to its text
    bool looks_into_body_ = false;
    Place root_ = 0;
    std::vector<Step> steps_;
    std::vector<Place> children_;
    std::vector<Value> constants_;
    std::vector<std::string_view> property_names_;
    std::vector<std::vector<std::string_view>> string_lists_;  // of IN, sorted
    std::vector<LikePattern> like_patterns_;
    std::vector<Regex> regexes_;
    std::vector<XmlPath> xml_paths_;
    std::vector<JsonPointer> json_pointers_;
};

}  // namespace giromq::selector
