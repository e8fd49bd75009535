#include <algorithm>
#include <array>
#include <charconv>
#include <limits>
#include <optional>
#include <string>
#include <utility>

#include "selector/operations.hpp"
#include "selector/program.hpp"
#include "selector/xml_scan.hpp"
#include "xml/parse.hpp"

namespace giromq::selector {
namespace {

/// Bytes of a body that one step stands for.
constexpr std::size_t bytes_per_step = 16;

constexpr xml::Limits body_limits(std::size_t bytes) {
    return {.bytes = bytes, .depth = 64, .elements = 20'000, .attributes_per_element = 64, .value_bytes = bytes};
}

std::optional<double> to_double(const std::string& text) {
    double number = 0;
    const auto result = std::from_chars(text.data(), text.data() + text.size(), number);
    return result.ec == std::errc{} ? std::optional(number) : std::nullopt;
}

/// A number of JSON is a long if it is written as one, else a double as everywhere in JSON; cast, it is exactly what is written.
Value json_number(const std::string& text, bool is_cast) {
    std::int64_t whole = 0;
    const char* const end = text.data() + text.size();
    const auto result = std::from_chars(text.data(), end, whole);
    if (result.ec == std::errc{} && result.ptr == end) return whole;
    if (is_cast) {
        if (const auto exact = Decimal::parse_scientific(text)) return *exact;
    }
    const auto number = to_double(text);
    return number ? Value(*number) : Value(Other{});
}

}  // namespace

/// One evaluation of one message.
class Program::Evaluation {
public:
    Evaluation(const Program& program, const MessageView& message, const Budget& budget)
        : program_(program), message_(message), budget_(budget), steps_(budget.steps) {}

    Outcome run() {
        const Truth truth = truth_at(program_.root_);
        const bool over_budget = over_budget_ || steps_ == 0;
        return {over_budget ? Truth::unknown : truth, over_budget};
    }

private:
    Place child(const Step& step, std::size_t index) const { return program_.children_[step.first_child + index]; }
    bool is_over() const { return over_budget_ || steps_ == 0; }
    void pay(std::uint64_t cost) { steps_ -= std::min(steps_, cost); }

    Truth truth_at(Place place) {
        const Step& step = program_.steps_[place];
        pay(1);
        switch (step.op) {
            case Op::logical_and: return chain(step, Truth::no);
            case Op::logical_or: return chain(step, Truth::yes);
            case Op::logical_not: return selector::negate(truth_at(child(step, 0)));
            case Op::between: return between(step);
            case Op::in: return in_list(step);
            case Op::like: return test_text(step, program_.like_patterns_[step.operand]);
            case Op::matches: return test_text(step, program_.regexes_[step.operand]);
            case Op::is_null: {
                Value made;
                return truth_of(selector::is_null(value_at(child(step, 0), made)));
            }
            case Op::is_true: return is_true(step);
            default: break;
        }
        Value left;
        Value right;
        return compare(step.op, value_at(child(step, 0), left), value_at(child(step, 1), right));
    }

    /// One child that is `decisive` decides; otherwise one that is unknown leaves it unknown.
    Truth chain(const Step& step, Truth decisive) {
        Truth result = selector::negate(decisive);
        for (std::size_t index = 0; index < step.child_count && !is_over(); ++index) {
            const Truth truth = truth_at(child(step, index));
            if (truth == decisive) return truth;
            if (truth == Truth::unknown) result = truth;
        }
        return result;
    }

    Truth between(const Step& step) {
        Value made;
        Value least;
        Value most;
        const Value& value = value_at(child(step, 0), made);
        const Truth above = compare(Op::greater_equal, value, value_at(child(step, 1), least));
        if (above == Truth::no) return above;
        return conjunction(above, compare(Op::less_equal, value, value_at(child(step, 2), most)));
    }

    Truth in_list(const Step& step) {
        Value made;
        const Value& value = value_at(child(step, 0), made);
        if (selector::is_null(value)) return Truth::unknown;
        if (kind_of(value) != Kind::string) return Truth::no;
        const auto& strings = program_.string_lists_[step.operand];
        return truth_of(std::binary_search(strings.begin(), strings.end(), std::get<std::string_view>(value)));
    }

    template <typename Pattern>
    Truth test_text(const Step& step, const Pattern& pattern) {
        Value made;
        const Value& value = value_at(child(step, 0), made);
        if (selector::is_null(value)) return Truth::unknown;
        if (kind_of(value) != Kind::string) return Truth::no;
        const auto matched = pattern.matches(std::get<std::string_view>(value), steps_);
        return matched ? truth_of(*matched) : Truth::unknown;
    }

    Truth is_true(const Step& step) {
        Value made;
        const Value& value = value_at(child(step, 0), made);
        if (selector::is_null(value)) return Truth::unknown;
        return truth_of(kind_of(value) == Kind::boolean && std::get<bool>(value));
    }

    /// The value, which lies in `made` unless it lies somewhere already.
    const Value& value_at(Place place, Value& made) {
        const Step& step = program_.steps_[place];
        pay(1);
        if (step.op == Op::literal) return program_.constants_[step.operand];
        if (step.op == Op::property && !step.is_cast) return property(step.operand);
        made = make(step);
        if (step.is_cast) made = cast(made, step.cast, texts_);
        return made;
    }

    Value make(const Step& step) {
        switch (step.op) {
            case Op::header: return message_.header(step.header);
            case Op::property: return property(step.operand);
            case Op::xpath: return xml_value(program_.xml_paths_[step.operand]);
            case Op::json: return json_value(program_.json_pointers_[step.operand], step);
            default: break;
        }
        Value left;
        const Value& operand = value_at(child(step, 0), left);
        if (is_sign(step.op)) return apply_sign(step.op, operand);
        Value right;
        return compute(step.op, operand, value_at(child(step, 1), right));
    }

    const Value& property(Place place) {
        const std::size_t count = program_.property_names_.size();
        if (!has_properties_) {
            has_properties_ = true;
            if (count > few_.size()) many_.resize(count);
            message_.properties(program_.property_names_, count > few_.size() ? std::span(many_) : std::span(few_).first(count));
        }
        return count > few_.size() ? many_[place] : few_[place];
    }

    /// The body, if there is one that may be looked into.
    std::optional<std::string_view> body() {
        if (!body_) body_ = message_.body();
        if (body_->state == Body::State::absent) return std::nullopt;
        if (body_->state == Body::State::incomplete || body_->bytes.size() > budget_.body_bytes) {
            over_budget_ = true;
            return std::nullopt;
        }
        pay(1 + body_->bytes.size() / bytes_per_step);
        return is_over() ? std::nullopt : std::optional(body_->bytes);
    }

    /// A document that the scan does not decide about is parsed, once. Text in it lives as long as the evaluation.
    Value xml_value(const XmlPath& path) {
        if (!document_) {
            const auto bytes = body();
            if (!bytes) return Null{};
            if (auto scanned = scan_xml(*bytes, path)) {
                return scanned->exists ? Value(std::string_view(texts_.emplace_front(std::move(scanned->value)))) : Value(Null{});
            }
            document_ = xml::parse_without_schema(*bytes, body_limits(budget_.body_bytes));
        }
        if (!document_->ok()) return Null{};
        const auto found = path.find(**document_, steps_);
        return found ? Value(*found) : Value(Null{});
    }

    Value json_value(const JsonPointer& pointer, const Step& step) {
        const auto bytes = body();
        auto found = bytes ? pointer.find(*bytes) : std::nullopt;
        if (!found) return Null{};
        switch (found->kind) {
            case JsonValue::Kind::none:
            case JsonValue::Kind::null: return Null{};
            case JsonValue::Kind::boolean: return found->boolean;
            case JsonValue::Kind::compound: return Other{};
            case JsonValue::Kind::number:
                if (!step.is_cast || step.cast != Type::string) return json_number(found->text, step.is_cast);
                break;
            case JsonValue::Kind::string: break;
        }
        return std::string_view(texts_.emplace_front(std::move(found->text)));
    }

    const Program& program_;
    const MessageView& message_;
    const Budget& budget_;
    std::uint64_t steps_;
    bool over_budget_ = false;
    bool has_properties_ = false;
    std::array<Value, 8> few_;
    std::vector<Value> many_;
    std::optional<Body> body_;
    std::optional<Result<xml::Element>> document_;
    TextStore texts_;
};

Outcome Program::evaluate(const MessageView& message, const Budget& budget) const { return Evaluation(*this, message, budget).run(); }

}  // namespace giromq::selector
