#include "xml/parse.hpp"

#include <xercesc/sax2/Attributes.hpp>
#include <xercesc/util/XMLUni.hpp>

#include <utility>
#include <vector>

#include "xml/library.hpp"
#include "xml/outline.hpp"

namespace giromq::xml {
namespace {

constexpr std::string_view instance_namespace = "http://www.w3.org/2001/XMLSchema-instance";

/// Builds the tree. The outline has counted everything already; the limits are checked again on what Xerces makes of it, because two
/// readers of one text may disagree.
class TreeBuilder final : public RefusingHandler {
public:
    TreeBuilder(const Outline& outline, const Limits& limits) : RefusingHandler(errc::invalid), outline_(outline), limits_(limits) {}

    Element take() { return std::move(root_); }

    void startElement(const XMLCh* uri, const XMLCh* local_name, const XMLCh*, const xerces::Attributes& attributes) override {
        const Tag* const tag = outline_.start(elements_++);
        const Position position = tag == nullptr ? Position{} : tag->begin;
        if (elements_ > limits_.elements) throw Stop{errc::too_large, position, "too many elements"};
        if (open_.size() >= limits_.depth) throw Stop{errc::too_deep, position, "nested too deeply"};
        Element element;
        element.name = to_utf8(local_name);
        element.namespace_uri = to_utf8(uri);
        element.position = position;
        for (XMLSize_t index = 0; index < attributes.getLength(); ++index) add_attribute(element, attributes, index, tag);
        open_.push_back(std::move(element));
    }

    void endElement(const XMLCh*, const XMLCh*, const XMLCh*) override {
        Element element = std::move(open_.back());
        open_.pop_back();
        if (open_.empty())
            root_ = std::move(element);
        else
            open_.back().children.push_back(std::move(element));
    }

    void characters(const XMLCh* text, const XMLSize_t length) override {
        if (!open_.empty()) open_.back().text += to_utf8(text, length);
    }

private:
    void add_attribute(Element& element, const xerces::Attributes& attributes, XMLSize_t index, const Tag* tag) const {
        Attribute attribute;
        attribute.namespace_uri = to_utf8(attributes.getURI(index));
        const std::string qualified_name = to_utf8(attributes.getQName(index));
        const bool declares_namespace = qualified_name == "xmlns" || qualified_name.starts_with("xmlns:");
        if (declares_namespace || attribute.namespace_uri == instance_namespace) return;
        attribute.name = to_utf8(attributes.getLocalName(index));
        attribute.value = to_utf8(attributes.getValue(index));
        attribute.position = element.position;
        for (std::size_t place = 0; tag != nullptr && place < tag->attribute_count; ++place) {
            const auto& raw = outline_.attributes[tag->first_attribute + place];
            if (raw.name == qualified_name) attribute.position = raw.position;
        }
        element.attributes.push_back(std::move(attribute));
    }

    const Outline& outline_;
    const Limits& limits_;
    std::vector<Element> open_;
    std::size_t elements_ = 0;
    Element root_;
};

/// Xerces tells where a tag ends, and of a wrong value what it is but not whose. People want to know where it begins and which it is.
Error explain(const Stop& stop, const Outline& outline) {
    const Tag* const tag = stop.code == errc::invalid ? outline.at(stop.position) : nullptr;
    if (tag == nullptr) return Error(stop.code, at(stop.position, stop.sentence));
    const RawAttribute* culprit = nullptr;
    std::size_t candidates = 0;
    for (std::size_t index = 0; index < tag->attribute_count; ++index) {
        const auto& attribute = outline.attributes[tag->first_attribute + index];
        const bool named = stop.sentence.find("attribute '" + std::string(attribute.name) + "'") != std::string::npos;
        const bool has_value = stop.sentence.find("'" + std::string(attribute.value) + "'") != std::string::npos;
        if (!named && !has_value) continue;
        culprit = &attribute;
        candidates = named ? 1 : candidates + 1;
        if (named) break;
    }
    if (candidates != 1) return Error(stop.code, at(tag->begin, stop.sentence));
    const bool is_named = stop.sentence.starts_with("attribute '");
    const std::string prefix = is_named ? std::string() : "attribute '" + std::string(culprit->name) + "': ";
    return Error(stop.code, at(culprit->position, prefix + stop.sentence));
}

Result<Element> parse_with(std::string_view text, xerces::XMLGrammarPool* pool, const Limits& limits) {
    if (!library_ready()) return Error(errc::internal, at({1, 1}, "Xerces cannot be initialised"));
    const auto outline = read_outline(text, limits);
    if (!outline) return outline.error();
    if (outline->tags.empty()) return Error(errc::malformed, at({1, 1}, "there is no element in the document"));
    TreeBuilder builder(*outline, limits);
    const auto stop = guarded([&] {
        const auto reader = make_reader(pool, builder);
        const auto source = make_source(text);
        reader->parse(*source);
    });
    if (stop) return explain(*stop, *outline);
    return builder.take();
}

}  // namespace

Result<Element> parse(std::string_view text, const Schema& schema, const Limits& limits) {
    return parse_with(text, schema.grammars().pool(), limits);
}

Result<Element> parse_without_schema(std::string_view text, const Limits& limits) { return parse_with(text, nullptr, limits); }

}  // namespace giromq::xml
