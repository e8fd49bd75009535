#include "selector/xml_scan.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>
#include <vector>

#include "base/utf8.hpp"
#include "selector/unicode.hpp"

namespace giromq::selector {
namespace {

constexpr std::size_t depth_max = 64;
constexpr std::size_t elements_max = 20'000;
constexpr std::size_t attributes_max = 16;
constexpr std::size_t depth_usual = 16;
constexpr std::size_t bindings_usual = 4;
constexpr std::string_view instance_namespace = "http://www.w3.org/2001/XMLSchema-instance";

/// Characters of ASCII that a name may begin with (1) and that it may have (2). Colons are looked at apart.
constexpr std::array<std::uint8_t, 256> make_name_table() {
    std::array<std::uint8_t, 256> table{};
    for (std::size_t letter = 0; letter < 26; ++letter) table['A' + letter] = table['a' + letter] = 3;
    for (std::size_t digit = 0; digit < 10; ++digit) table['0' + digit] = 2;
    table['_'] = 3;
    table['-'] = table['.'] = 2;
    return table;
}
constexpr auto name_table = make_name_table();

bool is_space(char character) { return character == ' ' || character == '\n' || character == '\t'; }

/// True for eight characters of ASCII that are no control characters: no byte has its highest bit, and none is below 0x20.
bool are_eight_plain(const char* characters) {
    std::uint64_t bytes = 0;
    std::memcpy(&bytes, characters, sizeof bytes);
    constexpr std::uint64_t each_highest = 0x8080808080808080U;
    constexpr std::uint64_t each_32 = 0x2020202020202020U;
    return ((bytes | (bytes - each_32)) & each_highest) == 0;
}

/// All of it characters of XML, and none that a parser would change.
bool has_plain_characters(std::string_view text) {
    while (!text.empty()) {
        if (text.size() >= 8 && are_eight_plain(text.data())) {
            text.remove_prefix(8);
            continue;
        }
        const auto byte = static_cast<unsigned char>(text[0]);
        if (byte < 0x80) {
            if (byte < 0x20 && byte != '\n' && byte != '\t') return false;
            text.remove_prefix(1);
            continue;
        }
        const auto code_point = take_code_point(text);
        if (!code_point || !is_xml_character(*code_point)) return false;
    }
    return true;
}

struct Name {
    std::string_view whole;
    std::string_view prefix;
    std::string_view local;
};

struct ScannedAttribute {
    Name name;
    std::string_view value;  // references not resolved
};

struct Binding {
    std::string_view prefix;
    std::string_view uri;
};

struct OpenElement {
    std::string_view name;
    XmlPath::Places inside = 0;
    std::size_t bindings = 0;  // before it
};

class Scan {
public:
    Scan(std::string_view document, const XmlPath& path) : rest_(document), path_(path) {
        open_.reserve(depth_usual);
        bindings_.reserve(bindings_usual);
    }

    /// False where it cannot vouch for the document.
    bool run() {
        if (!has_plain_characters(rest_) || !declaration() || !misc() || !start_tag()) return false;
        while (!open_.empty()) {
            if (!content()) return false;
        }
        return misc() && rest_.empty();
    }

    XmlFound take() { return std::move(found_); }

private:
    bool skip(std::string_view expected) {
        if (!rest_.starts_with(expected)) return false;
        rest_.remove_prefix(expected.size());
        return true;
    }
    bool skip_spaces() {
        const std::size_t before = rest_.size();
        while (!rest_.empty() && is_space(rest_[0])) rest_.remove_prefix(1);
        return rest_.size() != before;
    }

    /// None, or one of those that are usual.
    bool declaration() {
        if (!rest_.starts_with("<?")) return true;
        if (!skip("<?xml version=\"1.0\"")) return false;
        if (!skip(" encoding=\"UTF-8\"")) skip(" encoding=\"utf-8\"");
        if (!skip(" standalone=\"yes\"")) skip(" standalone=\"no\"");
        skip_spaces();
        return skip("?>");
    }

    /// White space and comments around the root element.
    bool misc() {
        while (skip_spaces() || rest_.starts_with("<!--")) {
            if (rest_.starts_with("<!--") && !comment()) return false;
        }
        return true;
    }

    bool comment() {
        const auto end = rest_.find("--", 4);
        if (end == std::string_view::npos || rest_.substr(end, 3) != "-->") return false;
        rest_.remove_prefix(end + 3);
        return true;
    }

    /// Where the name without a colon ends that begins at `begin`; there again if none does.
    std::size_t end_of_part(std::size_t begin) const {
        const auto is = [this](std::size_t at, unsigned wanted) {
            return at < rest_.size() && (name_table[static_cast<unsigned char>(rest_[at])] & wanted) != 0;
        };
        if (!is(begin, 1)) return begin;
        std::size_t end = begin + 1;
        while (is(end, 2)) ++end;
        return end;
    }

    bool name(Name& name) {
        std::size_t end = end_of_part(0);
        if (end == 0) return false;
        name.prefix = {};
        std::size_t local = 0;
        if (end < rest_.size() && rest_[end] == ':') {
            name.prefix = rest_.substr(0, end);
            local = end + 1;
            end = end_of_part(local);
            if (end == local || (end < rest_.size() && rest_[end] == ':')) return false;
        }
        name.whole = rest_.substr(0, end);
        name.local = rest_.substr(local, end - local);
        rest_.remove_prefix(end);
        return true;
    }

    bool content() {
        const auto markup = rest_.find('<');
        if (markup == std::string_view::npos || !text(rest_.substr(0, markup))) return false;
        rest_.remove_prefix(markup);
        if (rest_.starts_with("</")) return end_tag();
        if (rest_.starts_with("<!--")) return comment();
        return start_tag();
    }

    /// Text that is not wanted need only be right.
    bool text(std::string_view characters) {
        if (characters.find("]]>") != std::string_view::npos) return false;
        const bool is_wanted = open_.size() == wanted_depth_;
        if (characters.find('&') == std::string_view::npos) {
            if (is_wanted) found_.value += characters;
            return true;
        }
        std::string resolved;
        if (!resolve(characters, resolved)) return false;
        if (is_wanted) found_.value += resolved;
        return true;
    }

    static bool resolve(std::string_view characters, std::string& resolved) {
        static constexpr std::array<std::pair<std::string_view, char>, 5> entities = {
            {{"amp;", '&'}, {"lt;", '<'}, {"gt;", '>'}, {"quot;", '"'}, {"apos;", '\''}}};
        while (!characters.empty()) {
            const auto reference = std::min(characters.find('&'), characters.size());
            resolved += characters.substr(0, reference);
            characters.remove_prefix(reference);
            if (characters.empty()) break;
            characters.remove_prefix(1);
            const auto found =
                std::find_if(entities.begin(), entities.end(), [&](const auto& entity) { return characters.starts_with(entity.first); });
            if (found == entities.end()) return false;
            resolved += found->second;
            characters.remove_prefix(found->first.size());
        }
        return true;
    }

    bool end_tag() {
        rest_.remove_prefix(2);
        const OpenElement element = open_.back();
        if (!skip(element.name)) return false;
        skip_spaces();
        if (!skip(">")) return false;
        close();
        return true;
    }

    void close() {
        if (open_.size() == wanted_depth_) wanted_depth_ = SIZE_MAX;
        bindings_.resize(open_.back().bindings);
        open_.pop_back();
    }

    bool start_tag() {
        Name element;
        if (!skip("<") || !name(element) || open_.size() >= depth_max || ++elements_ > elements_max) return false;
        OpenElement opened{element.whole, 0, bindings_.size()};
        count_ = 0;
        tag_bindings_ = bindings_.size();
        while (skip_spaces() && !rest_.empty() && rest_[0] != '/' && rest_[0] != '>') {
            if (!attribute()) return false;
        }
        const bool is_empty = skip("/>");
        if (!is_empty && !skip(">")) return false;
        const auto uri = uri_of(element.prefix);
        if (!uri || !attributes_are_bound()) return false;
        const XmlPath::Places places = open_.empty() ? XmlPath::at_root : open_.back().inside;
        opened.inside = path_.enter(places, element.local, *uri);
        open_.push_back(opened);
        if (!found_.exists && path_.is_end(opened.inside) && !note()) return false;
        if (is_empty) close();
        return true;
    }

    /// One more; declarations of namespaces go into the bindings.
    bool attribute() {
        ScannedAttribute scanned;
        if (count_ == attributes_max || !name(scanned.name)) return false;
        skip_spaces();
        if (!skip("=")) return false;
        skip_spaces();
        if (rest_.empty() || (rest_[0] != '"' && rest_[0] != '\'')) return false;
        const auto end = rest_.find(rest_[0], 1);
        if (end == std::string_view::npos) return false;
        scanned.value = rest_.substr(1, end - 1);
        // Line ends and tabs would be read as blanks, and "<" is not allowed.
        if (scanned.value.find_first_of("<\n\t") != std::string_view::npos) return false;
        rest_.remove_prefix(end + 1);
        std::string ignored;
        if (scanned.value.find('&') != std::string_view::npos && !resolve(scanned.value, ignored)) return false;
        const bool is_default = scanned.name.whole == "xmlns";
        if (is_default || scanned.name.prefix == "xmlns") return bind(is_default ? std::string_view() : scanned.name.local, scanned.value);
        // Equal local names may be one name in two prefixes.
        for (std::size_t index = 0; index < count_; ++index) {
            if (attributes_[index].name.local == scanned.name.local) return false;
        }
        attributes_[count_++] = scanned;
        return true;
    }

    bool bind(std::string_view prefix, std::string_view uri) {
        const bool is_reserved =
            prefix.starts_with("xml") || uri.starts_with("http://www.w3.org/XML/1998/") || uri.starts_with("http://www.w3.org/2000/xmlns");
        const bool is_odd = uri.find('&') != std::string_view::npos || (uri.empty() && !prefix.empty());
        const bool is_double = std::any_of(bindings_.begin() + static_cast<std::ptrdiff_t>(tag_bindings_), bindings_.end(),
                                           [&](const Binding& binding) { return binding.prefix == prefix; });
        if (is_reserved || is_odd || is_double || bindings_.size() - tag_bindings_ >= attributes_max) return false;
        bindings_.push_back({prefix, uri});
        return true;
    }

    std::optional<std::string_view> uri_of(std::string_view prefix) const {
        for (std::size_t index = bindings_.size(); index-- > 0;) {
            if (bindings_[index].prefix == prefix) return bindings_[index].uri;
        }
        return prefix.empty() ? std::optional(std::string_view()) : std::nullopt;
    }
    /// An attribute without a prefix is in no namespace.
    std::optional<std::string_view> uri_of_attribute(const ScannedAttribute& scanned) const {
        return scanned.name.prefix.empty() ? std::optional(std::string_view()) : uri_of(scanned.name.prefix);
    }
    bool attributes_are_bound() const {
        return std::all_of(attributes_.begin(), attributes_.begin() + static_cast<std::ptrdiff_t>(count_),
                           [&](const ScannedAttribute& scanned) { return uri_of_attribute(scanned).has_value(); });
    }

    /// The element that was just opened ends the path.
    bool note() {
        if (!path_.leads_to_attribute()) {
            found_.exists = true;
            wanted_depth_ = open_.size();
            return true;
        }
        for (std::size_t index = 0; index < count_ && !found_.exists; ++index) {
            const auto uri = *uri_of_attribute(attributes_[index]);
            if (uri == instance_namespace || !path_.is_attribute(attributes_[index].name.local, uri)) continue;
            found_.exists = true;
            if (!resolve(attributes_[index].value, found_.value)) return false;
        }
        return true;
    }

    std::string_view rest_;
    const XmlPath& path_;
    XmlFound found_;
    std::size_t wanted_depth_ = SIZE_MAX;  // of the element whose text is wanted
    std::size_t elements_ = 0;
    std::vector<OpenElement> open_;
    std::vector<Binding> bindings_;
    std::size_t tag_bindings_ = 0;  // bindings before the tag that is being read
    std::array<ScannedAttribute, attributes_max> attributes_{};
    std::size_t count_ = 0;
};

}  // namespace

std::optional<XmlFound> scan_xml(std::string_view document, const XmlPath& path) {
    Scan scan(document, path);
    return scan.run() ? std::optional(scan.take()) : std::nullopt;
}

}  // namespace giromq::selector
