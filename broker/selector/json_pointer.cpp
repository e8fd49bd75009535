#include "selector/json_pointer.hpp"

#include <utility>

#include "base/utf8.hpp"

namespace giromq::selector {

Result<JsonPointer> JsonPointer::parse(std::string_view text) {
    JsonPointer pointer;
    if (!text.empty() && text[0] != '/') return Error(errc::invalid, "a JSON pointer begins with /");
    for (std::size_t index = 0; index < text.size(); ++index) {
        const char character = text[index];
        if (character == '/') {
            pointer.tokens_.emplace_back();
        } else if (character != '~') {
            pointer.tokens_.back() += character;
        } else {
            const char next = ++index < text.size() ? text[index] : '\0';
            if (next != '0' && next != '1') return Error(errc::invalid, "behind ~ in a JSON pointer comes 0 or 1");
            pointer.tokens_.back() += next == '0' ? '~' : '/';
        }
    }
    return pointer;
}

/// One pass over a document. Functions return false where it is not JSON.
class JsonScan {
public:
    JsonScan(std::string_view document, const std::vector<std::string>& path) : rest_(document), path_(path) {}

    std::optional<JsonValue> run() {
        if (rest_.starts_with("\xEF\xBB\xBF")) rest_.remove_prefix(3);
        if (!value(0, 0)) return std::nullopt;
        skip_white_space();
        return rest_.empty() ? std::optional(std::move(found_)) : std::nullopt;
    }

private:
    /// Not on the way to what is looked for.
    static constexpr std::size_t elsewhere = SIZE_MAX;

    void skip_white_space() {
        const auto place = rest_.find_first_not_of(" \t\r\n");
        rest_.remove_prefix(place == std::string_view::npos ? rest_.size() : place);
    }
    bool skip(char expected) {
        skip_white_space();
        if (rest_.empty() || rest_[0] != expected) return false;
        rest_.remove_prefix(1);
        return true;
    }
    bool skip_word(std::string_view word) {
        if (!rest_.starts_with(word)) return false;
        rest_.remove_prefix(word.size());
        return true;
    }

    /// `matched`: the tokens of the path that led here, or elsewhere.
    bool value(std::size_t depth, std::size_t matched) {
        if (depth > JsonPointer::depth_max) return false;
        skip_white_space();
        if (rest_.empty()) return false;
        const bool is_target = matched == path_.size();
        if (matched != elsewhere) found_ = JsonValue{};
        switch (rest_[0]) {
            case '{': return members(depth, matched) && note(is_target, JsonValue::Kind::compound, {});
            case '[': return elements(depth, matched) && note(is_target, JsonValue::Kind::compound, {});
            case '"': {
                std::string text;
                return string(text) && note(is_target, JsonValue::Kind::string, std::move(text));
            }
            case 't': return skip_word("true") && note_boolean(is_target, true);
            case 'f': return skip_word("false") && note_boolean(is_target, false);
            case 'n': return skip_word("null") && note(is_target, JsonValue::Kind::null, {});
            default: return number(is_target);
        }
    }

    bool note(bool is_target, JsonValue::Kind kind, std::string text) {
        if (is_target) found_ = JsonValue{kind, false, std::move(text)};
        return true;
    }
    bool note_boolean(bool is_target, bool boolean) {
        if (is_target) found_ = JsonValue{JsonValue::Kind::boolean, boolean, {}};
        return true;
    }

    std::size_t next_match(std::size_t matched, bool fits) const { return fits ? matched + 1 : elsewhere; }
    bool is_way(std::size_t matched) const { return matched != elsewhere && matched < path_.size(); }

    bool members(std::size_t depth, std::size_t matched) {
        skip('{');
        if (skip('}')) return true;
        do {
            std::string name;
            skip_white_space();
            if (!string(name) || !skip(':')) return false;
            if (!value(depth + 1, next_match(matched, is_way(matched) && path_[matched] == name))) return false;
        } while (skip(','));
        return skip('}');
    }

    bool elements(std::size_t depth, std::size_t matched) {
        skip('[');
        if (skip(']')) return true;
        std::size_t index = 0;
        do {
            if (!value(depth + 1, next_match(matched, is_way(matched) && path_[matched] == std::to_string(index++)))) return false;
        } while (skip(','));
        return skip(']');
    }

    bool number(bool is_target) {
        const std::string_view begin = rest_;
        const auto digits = [&] {
            const auto end = rest_.find_first_not_of("0123456789");
            const std::size_t count = end == std::string_view::npos ? rest_.size() : end;
            rest_.remove_prefix(count);
            return count;
        };
        skip_word("-");
        if (!skip_word("0") && digits() == 0) return false;
        if (skip_word(".") && digits() == 0) return false;
        if (skip_word("e") || skip_word("E")) {
            if (!skip_word("+")) skip_word("-");
            if (digits() == 0) return false;
        }
        return note(is_target, JsonValue::Kind::number, std::string(begin.substr(0, begin.size() - rest_.size())));
    }

    bool string(std::string& text) {
        if (!skip_word("\"")) return false;
        while (!rest_.empty()) {
            if (skip_word("\"")) return true;
            if (skip_word("\\")) {
                if (!escape(text)) return false;
                continue;
            }
            const std::string_view before = rest_;
            const auto code_point = take_code_point(rest_);
            if (!code_point || *code_point < 0x20) return false;
            text += before.substr(0, before.size() - rest_.size());
        }
        return false;
    }

    bool escape(std::string& text) {
        constexpr std::string_view letters = "\"\\/bfnrt";
        constexpr std::string_view meanings = "\"\\/\b\f\n\r\t";
        if (rest_.empty()) return false;
        const char letter = rest_[0];
        rest_.remove_prefix(1);
        const auto place = letters.find(letter);
        if (place != std::string_view::npos) {
            text += meanings[place];
            return true;
        }
        auto code_point = letter == 'u' ? unit() : std::nullopt;
        if (code_point && *code_point >= 0xD800 && *code_point <= 0xDBFF) {
            const auto low = skip_word("\\u") ? unit() : std::nullopt;
            if (!low || *low < 0xDC00 || *low > 0xDFFF) return false;
            code_point = 0x10000 + ((*code_point - 0xD800) << 10U) + (*low - 0xDC00);
        }
        if (!code_point || (*code_point >= 0xDC00 && *code_point <= 0xDFFF)) return false;
        append_code_point(text, *code_point);
        return true;
    }

    std::optional<char32_t> unit() {
        constexpr std::string_view digits = "0123456789abcdef0123456789ABCDEF";
        if (rest_.size() < 4) return std::nullopt;
        char32_t value = 0;
        for (const char digit : rest_.substr(0, 4)) {
            const auto place = digits.find(digit);
            if (place == std::string_view::npos) return std::nullopt;
            value = value << 4U | static_cast<char32_t>(place % 16);
        }
        rest_.remove_prefix(4);
        return value;
    }

    std::string_view rest_;
    const std::vector<std::string>& path_;
    JsonValue found_;
};

std::optional<JsonValue> JsonPointer::find(std::string_view document) const { return JsonScan(document, tokens_).run(); }

}  // namespace giromq::selector
