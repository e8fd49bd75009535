#include <optional>
#include <string>

#include "selector/forms.hpp"
#include "selector/json_pointer.hpp"
#include "selector/like.hpp"
#include "selector/regex.hpp"
#include "selector/tree.hpp"
#include "selector/xml_path.hpp"

namespace giromq::selector {
namespace {

/// The type that a value is known to have before any message is seen.
std::optional<Type> known_type(const Node& node) {
    if (node.op == Op::literal) return type_of(node.literal);
    return is_reference(node.op) ? node.cast : std::nullopt;
}

bool is_string_or_boolean(const Node& node) {
    const auto type = known_type(node);
    return type == Type::string || type == Type::boolean;
}

class Check {
public:
    Result<void> walk(const Node& node, std::size_t depth) {
        if (depth > depth_max) return too_large(node, "a selector may be nested at most " + std::to_string(depth_max) + " deep");
        if (++nodes_ > nodes_max) return too_large(node, "a selector may have at most " + std::to_string(nodes_max) + " nodes");
        for (const Node& child : node.children) {
            if (auto checked = walk(child, depth + 1); !checked) return checked;
        }
        if (is_ordering(node.op) || node.op == Op::between) return check_ordering(node);
        if (is_binary_arithmetic(node.op) || is_sign(node.op)) return check_arithmetic(node);
        return check_text(node);
    }

private:
    static Error too_large(const Node& node, std::string_view sentence) { return refusal(errc::too_large, node.position, sentence); }
    static Error invalid(const Node& node, std::string_view sentence) { return refusal(errc::invalid, node.position, sentence); }

    static Result<void> check_ordering(const Node& node) {
        for (const Node& child : node.children) {
            if (is_string_or_boolean(child)) return invalid(child, "strings and booleans can only be compared for being equal or not");
        }
        return {};
    }

    static Result<void> check_arithmetic(const Node& node) {
        for (const Node& child : node.children) {
            if (is_string_or_boolean(child)) return invalid(child, "there is no arithmetic with strings and booleans");
        }
        return {};
    }

    static Result<void> check_text(const Node& node) {
        if (node.text.size() > pattern_bytes_max) {
            return too_large(node, "a name, pattern or path may have at most " + std::to_string(pattern_bytes_max) + " bytes");
        }
        switch (node.op) {
            case Op::property: return check_name(node);
            case Op::like: return at(node, LikePattern::compile(node.text, node.escape));
            case Op::matches: return at(node, Regex::compile(node.text));
            case Op::xpath: return at(node, XmlPath::parse(node.text));
            case Op::json: return at(node, JsonPointer::parse(node.text));
            default: return {};
        }
    }

    /// An error without a position gets that of the node.
    template <typename T>
    static Result<void> at(const Node& node, const Result<T>& compiled) {
        if (compiled) return {};
        const errc code = compiled.error().is(errc::too_large) ? errc::too_large : errc::invalid;
        return refusal(code, node.position, compiled.error().detail());
    }

    /// Names that begin with JMS are reserved (§3.5.1): headers, JMSX for what JMS defines, JMS_ for providers (§3.8.1.1).
    static Result<void> check_name(const Node& node) {
        const std::string& name = node.text;
        if (name.empty()) return invalid(node, "a property has a name");
        if (name == xml_carrier || name == name_carrier) return invalid(node, name + " = '...' must be the whole selector");
        if (header_of_jms_name(name)) return invalid(node, name + " is a header, not a property");
        if (name.starts_with("JMS") && !name.starts_with("JMSX") && !name.starts_with("JMS_")) {
            return invalid(node,
                           name + " cannot be used: of the headers, selectors may refer to JMSDeliveryMode, JMSPriority, JMSMessageID, " +
                               "JMSTimestamp, JMSCorrelationID and JMSType");
        }
        return {};
    }

    std::size_t nodes_ = 0;
};

}  // namespace

Result<void> check(const Node& root) { return Check().walk(root, 1); }

}  // namespace giromq::selector
