#include "xml.hpp"

#include <xercesc/dom/DOM.hpp>
#include <xercesc/framework/MemBufInputSource.hpp>
#include <xercesc/parsers/XercesDOMParser.hpp>
#include <xercesc/sax/ErrorHandler.hpp>
#include <xercesc/sax/SAXParseException.hpp>
#include <xercesc/util/PlatformUtils.hpp>
#include <xercesc/util/SecurityManager.hpp>
#include <xercesc/util/TransService.hpp>
#include <xercesc/util/XMLString.hpp>
#include <xercesc/validators/common/Grammar.hpp>

namespace payments {
namespace {

namespace xerces = xercesc;

constexpr std::size_t largest_document = 1u << 20;

std::string to_utf8(const XMLCh* text) {
    if (text == nullptr) return {};
    const xerces::TranscodeToStr utf8(text, "UTF-8");
    return {reinterpret_cast<const char*>(utf8.str()), utf8.length()};
}

/// Stops at the first error, with its place.
class StrictErrors : public xerces::ErrorHandler {
public:
    void warning(const xerces::SAXParseException&) override {}
    void error(const xerces::SAXParseException& failure) override { refuse(failure); }
    void fatalError(const xerces::SAXParseException& failure) override { refuse(failure); }
    void resetErrors() override {}

private:
    [[noreturn]] static void refuse(const xerces::SAXParseException& failure) {
        throw InvalidDocument("line " + std::to_string(failure.getLineNumber()) + ": " + to_utf8(failure.getMessage()));
    }
};

Element to_element(const xerces::DOMElement& source) {
    Element element;
    element.name = to_utf8(source.getLocalName());
    const xerces::DOMNamedNodeMap* attributes = source.getAttributes();
    for (XMLSize_t i = 0; i < attributes->getLength(); ++i) {
        const xerces::DOMNode* attribute = attributes->item(i);
        element.attributes.emplace_back(to_utf8(attribute->getNodeName()), to_utf8(attribute->getNodeValue()));
    }
    for (const xerces::DOMElement* child = source.getFirstElementChild(); child != nullptr; child = child->getNextElementSibling()) {
        element.children.push_back(to_element(*child));
    }
    if (element.children.empty()) element.text = to_utf8(source.getTextContent());
    return element;
}

}  // namespace

const Element* Element::find(std::string_view path) const {
    const std::size_t slash = path.find('/');
    const std::string_view first = path.substr(0, slash);
    for (const Element& child : children) {
        if (child.name != first) continue;
        return slash == std::string_view::npos ? &child : child.find(path.substr(slash + 1));
    }
    return nullptr;
}

std::string Element::text_of(std::string_view path) const {
    const Element* found = find(path);
    return found == nullptr ? std::string() : found->text;
}

std::string Element::attribute(std::string_view wanted) const {
    for (const auto& [key, value] : attributes) {
        if (key == wanted) return value;
    }
    return {};
}

XmlRuntime::XmlRuntime() { xerces::XMLPlatformUtils::Initialize(); }
XmlRuntime::~XmlRuntime() { xerces::XMLPlatformUtils::Terminate(); }

class SchemaParser::Impl {
public:
    explicit Impl(std::string_view schema) {
        parser_.setErrorHandler(&errors_);
        parser_.setDisableDefaultEntityResolution(true);
        parser_.setLoadExternalDTD(false);
        parser_.setSecurityManager(&limits_);
        parser_.setDoNamespaces(true);
        parser_.setDoSchema(true);
        parser_.setLoadSchema(false);
        parser_.setValidationScheme(xerces::XercesDOMParser::Val_Always);
        parser_.setValidationSchemaFullChecking(true);
        const xerces::MemBufInputSource source(reinterpret_cast<const XMLByte*>(schema.data()), schema.size(), "schema");
        if (parser_.loadGrammar(source, xerces::Grammar::SchemaGrammarType, true) == nullptr)
            throw InvalidDocument("the schema does not load");
        parser_.useCachedGrammarInParse(true);
    }

    Element parse(std::string_view document) {
        if (document.size() > largest_document) throw InvalidDocument("larger than 1 MiB");
        if (document.find("<!DOCTYPE") != std::string_view::npos) throw InvalidDocument("has a DOCTYPE");
        const xerces::MemBufInputSource source(reinterpret_cast<const XMLByte*>(document.data()), document.size(), "message");
        parser_.parse(source);
        const xerces::DOMElement* root = parser_.getDocument() == nullptr ? nullptr : parser_.getDocument()->getDocumentElement();
        if (root == nullptr) throw InvalidDocument("is empty");
        Element element = to_element(*root);
        parser_.resetDocumentPool();
        return element;
    }

private:
    StrictErrors errors_;
    xerces::SecurityManager limits_;
    xerces::XercesDOMParser parser_;
};

SchemaParser::SchemaParser(std::string_view schema) {
    try {
        impl_ = std::make_unique<Impl>(schema);
    } catch (const xerces::XMLException& failure) {
        throw InvalidDocument("the schema does not load: " + to_utf8(failure.getMessage()));
    }
}
SchemaParser::~SchemaParser() = default;

Element SchemaParser::parse(std::string_view document) {
    try {
        return impl_->parse(document);
    } catch (const xerces::XMLException& failure) {
        throw InvalidDocument(to_utf8(failure.getMessage()));
    } catch (const xerces::DOMException& failure) {
        throw InvalidDocument(to_utf8(failure.getMessage()));
    }
}

std::string escaped(std::string_view text) {
    std::string result;
    for (const char character : text) {
        switch (character) {
            case '&': result += "&amp;"; break;
            case '<': result += "&lt;"; break;
            case '>': result += "&gt;"; break;
            case '"': result += "&quot;"; break;
            default: result += character;
        }
    }
    return result;
}

}  // namespace payments
