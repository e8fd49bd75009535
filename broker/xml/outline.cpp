#include "xml/outline.hpp"

#include <algorithm>
#include <string>

#include "base/utf8.hpp"

namespace giromq::xml {

const Tag* Outline::at(Position position) const {
    auto after = std::upper_bound(tags.begin(), tags.end(), position, [](Position place, const Tag& tag) { return place < tag.begin; });
    // Where one tag ends the next may begin: a place that is the end of a tag belongs to that tag.
    if (after != tags.begin() && std::prev(after)->begin == position) --after;
    if (after == tags.begin()) return nullptr;
    --after;
    return position <= after->end ? &*after : nullptr;
}

namespace {

constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";
constexpr std::string_view spaces = " \t\r\n";

bool is_space(char character) { return spaces.find(character) != std::string_view::npos; }

std::string up_to(std::size_t limit, std::string_view what) { return "at most " + std::to_string(limit) + " " + std::string(what); }

class Reader {
public:
    Reader(std::string_view text, const Limits& limits) : rest_(text), limits_(limits) {}

    Result<Outline> read() {
        if (rest_.starts_with(byte_order_mark)) rest_.remove_prefix(byte_order_mark.size());
        if (auto checked = read_declaration(); !checked) return checked.error();
        while (!rest_.empty() && !stopped_) {
            if (auto checked = read_next(); !checked) return checked.error();
        }
        return std::move(outline_);
    }

private:
    /// Moves over `count` bytes, counting lines and columns.
    void skip(std::size_t count) {
        for (std::size_t index = 0; index < count; ++index) {
            const auto byte = static_cast<unsigned char>(rest_[index]);
            const bool second_of_line_end = byte == '\n' && last_ == '\r';
            if (byte == '\r' || (byte == '\n' && !second_of_line_end)) {
                ++position_.line;
                position_.column = 1;
            } else if (!second_of_line_end && (byte & 0xC0) != 0x80) {
                position_.column += byte >= 0xF0 ? 2 : 1;
            }
            last_ = byte;
        }
        rest_.remove_prefix(count);
    }

    /// Moves behind the next `end`; false, and stops the reading, if there is none.
    bool skip_behind(std::string_view end, std::size_t from) {
        const auto place = rest_.find(end, from);
        if (place == std::string_view::npos) {
            stopped_ = true;
            return false;
        }
        skip(place + end.size());
        return true;
    }

    Error refuse(errc code, Position position, std::string_view sentence) const { return Error(code, xml::at(position, sentence)); }
    Error too_long(Position position, std::string_view what) const {
        return refuse(errc::too_large, position, std::string(what) + " may have " + up_to(limits_.value_bytes, "bytes"));
    }

    /// The XML declaration may name an encoding, which must be the one it has.
    Result<void> read_declaration() {
        if (!rest_.starts_with("<?xml") || rest_.size() < 6 || !is_space(rest_[5])) return {};
        const auto declaration = rest_.substr(0, rest_.find("?>"));
        if (declaration.size() > 256) return refuse(errc::malformed, position_, "the XML declaration has no end");
        if (const auto version = pseudo_attribute(declaration, "version"); version != "1.0") {
            return refuse(errc::malformed, position_, "the XML declaration must say version=\"1.0\"");
        }
        auto encoding = std::string(pseudo_attribute(declaration, "encoding"));
        for (auto& character : encoding) {
            if (character >= 'A' && character <= 'Z') character = static_cast<char>(character - 'A' + 'a');
        }
        if (!encoding.empty() && encoding != "utf-8") {
            return refuse(errc::wrong_encoding, position_, "the document says it is encoded in another way; save it as UTF-8");
        }
        skip(5);
        static_cast<void>(skip_behind("?>", 0));
        return {};
    }

    static std::string_view pseudo_attribute(std::string_view declaration, std::string_view name) {
        auto place = declaration.find(name);
        if (place == std::string_view::npos) return {};
        place = declaration.find_first_of("\"'", place);
        if (place == std::string_view::npos) return {};
        const auto end = declaration.find(declaration[place], place + 1);
        return end == std::string_view::npos ? std::string_view() : declaration.substr(place + 1, end - place - 1);
    }

    Result<void> read_next() {
        if (rest_[0] != '<') return read_text(std::min(rest_.find('<'), rest_.size()));
        if (rest_.starts_with("<!--")) {
            static_cast<void>(skip_behind("-->", 4));
        } else if (rest_.starts_with("<?")) {
            static_cast<void>(skip_behind("?>", 2));
        } else if (rest_.starts_with("<![CDATA[")) {
            const auto end = rest_.find("]]>");
            if (end == std::string_view::npos)
                stopped_ = true;
            else
                return read_text(end + 3);
        } else if (rest_.starts_with("<!")) {
            // In well-formed XML nothing else begins so outside of a document type declaration.
            return refuse(errc::doctype_refused, position_, "remove the document type declaration (<!DOCTYPE)");
        } else if (rest_.starts_with("</")) {
            return read_end_tag();
        } else {
            return read_start_tag();
        }
        return {};
    }

    Result<void> read_text(std::size_t bytes) {
        text_bytes_ += bytes;
        if (text_bytes_ > limits_.value_bytes && depth_ > 0 && !is_blank(rest_.substr(0, bytes))) return too_long(position_, "a text");
        skip(bytes);
        return {};
    }

    static bool is_blank(std::string_view text) { return text.find_first_not_of(spaces) == std::string_view::npos; }

    Result<void> read_end_tag() {
        Tag tag;
        tag.begin = position_;
        text_bytes_ = 0;
        if (depth_ == 0 || !skip_behind(">", 2)) {
            stopped_ = true;
            return {};
        }
        --depth_;
        tag.end = position_;
        outline_.tags.push_back(tag);
        return {};
    }

    Result<void> read_start_tag() {
        Tag tag;
        tag.begin = position_;
        tag.is_start = true;
        tag.first_attribute = outline_.attributes.size();
        text_bytes_ = 0;
        skip(1);
        tag.name = take_name();
        if (tag.name.size() > limits_.value_bytes) return too_long(tag.begin, "a name");
        if (++depth_ > limits_.depth) return refuse(errc::too_deep, tag.begin, "elements may be nested " + up_to(limits_.depth, "deep"));
        if (outline_.starts.size() >= limits_.elements) {
            return refuse(errc::too_large, tag.begin, "there may be " + up_to(limits_.elements, "elements"));
        }
        while (!stopped_ && !skip_tag_end()) {
            if (auto checked = read_attribute(tag); !checked) return checked.error();
        }
        if (stopped_) return {};
        tag.end = position_;
        tag.attribute_count = outline_.attributes.size() - tag.first_attribute;
        outline_.starts.push_back(outline_.tags.size());
        outline_.tags.push_back(tag);
        return {};
    }

    std::string_view take_name() {
        const auto length = std::min(rest_.find_first_of(" \t\r\n/>=<\"'"), rest_.size());
        const auto name = rest_.substr(0, length);
        skip(length);
        return name;
    }

    void skip_spaces() { skip(std::min(rest_.find_first_not_of(spaces), rest_.size())); }

    /// Moves over "/>" or ">" if the tag ends here.
    bool skip_tag_end() {
        skip_spaces();
        if (rest_.starts_with("/>")) {
            --depth_;
            skip(2);
            return true;
        }
        if (rest_.starts_with(">")) {
            skip(1);
            return true;
        }
        return false;
    }

    /// Stops the reading if no attribute is here.
    Result<void> read_attribute(const Tag& tag) {
        if (outline_.attributes.size() - tag.first_attribute >= limits_.attributes_per_element) {
            return refuse(errc::too_large, tag.begin, "an element may have " + up_to(limits_.attributes_per_element, "attributes"));
        }
        RawAttribute attribute;
        attribute.position = position_;
        attribute.name = take_name();
        if (attribute.name.size() > limits_.value_bytes) return too_long(attribute.position, "a name");
        skip_spaces();
        stopped_ = attribute.name.empty() || !rest_.starts_with("=");
        if (stopped_) return {};
        skip(1);
        skip_spaces();
        stopped_ = rest_.empty() || (rest_[0] != '"' && rest_[0] != '\'');
        if (stopped_) return {};
        const auto end = rest_.find(rest_[0], 1);
        stopped_ = end == std::string_view::npos;
        if (stopped_) return {};
        attribute.value = rest_.substr(1, end - 1);
        if (attribute.value.size() > limits_.value_bytes) return too_long(attribute.position, "a value");
        skip(end + 1);
        outline_.attributes.push_back(attribute);
        return {};
    }

    std::string_view rest_;
    const Limits& limits_;
    Outline outline_;
    Position position_{1, 1};
    unsigned char last_ = 0;
    std::size_t depth_ = 0;
    std::size_t text_bytes_ = 0;
    bool stopped_ = false;
};

/// Char of XML 1.0 §2.2. Xerces takes a NUL behind the root element for the end of the document, and would not see what follows.
bool is_xml_character(char32_t code_point) {
    return code_point >= 0x20 ? code_point != 0xFFFE && code_point != 0xFFFF
                              : code_point == '\t' || code_point == '\n' || code_point == '\r';
}

Result<void> check_characters(std::string_view text) {
    std::string_view rest = text;
    Position position{1, 1};
    while (!rest.empty()) {
        const auto code_point = take_code_point(rest);
        if (!code_point) return Error(errc::wrong_encoding, at(position, "the bytes here are not UTF-8; save the document as UTF-8"));
        if (!is_xml_character(*code_point))
            return Error(errc::malformed, at(position, "there is a character here that XML does not allow"));
        if (*code_point == '\n') {
            position = {position.line + 1, 1};
        } else {
            position.column += *code_point > 0xFFFF ? 2 : 1;
        }
    }
    return {};
}

}  // namespace

Result<Outline> read_outline(std::string_view text, const Limits& limits) {
    if (text.size() > limits.bytes) return Error(errc::too_large, at({1, 1}, "a document may have " + up_to(limits.bytes, "bytes")));
    if (const auto checked = check_characters(text); !checked) return checked.error();
    return Reader(text, limits).read();
}

}  // namespace giromq::xml
