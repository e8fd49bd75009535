#include "xml/library.hpp"

#include <xercesc/framework/MemBufInputSource.hpp>
#include <xercesc/sax2/XMLReaderFactory.hpp>
#include <xercesc/util/OutOfMemoryException.hpp>
#include <xercesc/util/PlatformUtils.hpp>
#include <xercesc/util/SecurityManager.hpp>
#include <xercesc/util/XMLException.hpp>
#include <xercesc/util/XMLNetAccessor.hpp>
#include <xercesc/util/XMLString.hpp>
#include <xercesc/util/XMLUni.hpp>

#include <exception>
#include <utility>

#include "base/utf8.hpp"

namespace giromq::xml {
namespace {

bool initialise() {
    try {
        xerces::XMLPlatformUtils::Initialize();
        // Never ended again: parsers may run until the process does. Without a net accessor nothing can be fetched, whatever is asked.
        delete std::exchange(xerces::XMLPlatformUtils::fgNetAccessor, nullptr);
        return true;
    } catch (const xerces::XMLException&) {
        return false;
    }
}

/// Document type declarations are refused, so nothing but the five predefined entities can be expanded, and each of those is shorter
/// than its reference. The limit, which counts these too, is a second lock on that door.
xerces::SecurityManager& security_manager() {
    static xerces::SecurityManager* const instance = [] {
        auto* const manager = new xerces::SecurityManager;
        manager->setEntityExpansionLimit(1000000);
        return manager;
    }();
    return *instance;
}

std::uint32_t to_number(XMLFileLoc place) { return place > UINT32_MAX ? UINT32_MAX : static_cast<std::uint32_t>(place); }

Stop stop_at(errc code, const xerces::SAXParseException& exception) {
    return Stop{code, {to_number(exception.getLineNumber()), to_number(exception.getColumnNumber())}, to_utf8(exception.getMessage())};
}

}  // namespace

bool library_ready() {
    static const bool ready = initialise();
    return ready;
}

std::string to_utf8(const XMLCh* text) { return text == nullptr ? std::string() : to_utf8(text, xerces::XMLString::stringLen(text)); }

std::string to_utf8(const XMLCh* text, std::size_t length) {
    std::string result;
    result.reserve(length);
    for (std::size_t index = 0; index < length; ++index) {
        char32_t code_point = text[index];
        const bool high = code_point >= 0xD800 && code_point <= 0xDBFF;
        const bool paired = high && index + 1 < length && text[index + 1] >= 0xDC00 && text[index + 1] <= 0xDFFF;
        if (paired) {
            code_point = 0x10000 + ((code_point - 0xD800) << 10) + (static_cast<char32_t>(text[++index]) - 0xDC00);
        } else if (code_point >= 0xD800 && code_point <= 0xDFFF) {
            code_point = 0xFFFD;
        }
        append_code_point(result, code_point);
    }
    return result;
}

void RefusingHandler::error(const xerces::SAXParseException& exception) { throw stop_at(validity_, exception); }

void RefusingHandler::fatalError(const xerces::SAXParseException& exception) { throw stop_at(errc::malformed, exception); }

void RefusingHandler::warning(const xerces::SAXParseException& exception) { throw stop_at(validity_, exception); }

xerces::InputSource* RefusingHandler::resolveEntity(const XMLCh*, const XMLCh*) {
    throw Stop{validity_, {}, "refers to something outside of the document"};
}

void RefusingHandler::startDTD(const XMLCh*, const XMLCh*, const XMLCh*) {
    throw Stop{errc::doctype_refused, {}, "remove the document type declaration (<!DOCTYPE)"};
}

std::unique_ptr<xerces::SAX2XMLReader> make_reader(xerces::XMLGrammarPool* pool, RefusingHandler& handler) {
    using xerces::XMLUni;
    std::unique_ptr<xerces::SAX2XMLReader> reader(
        xerces::XMLReaderFactory::createXMLReader(xerces::XMLPlatformUtils::fgMemoryManager, pool));
    const bool validate = pool != nullptr;
    // The scanners for schemas only, and for well-formedness only, have no code for document type declarations.
    reader->setProperty(XMLUni::fgXercesScannerName, const_cast<XMLCh*>(validate ? XMLUni::fgSGXMLScanner : XMLUni::fgWFXMLScanner));
    reader->setFeature(XMLUni::fgSAX2CoreNameSpaces, true);
    reader->setFeature(XMLUni::fgSAX2CoreNameSpacePrefixes, true);
    reader->setFeature(XMLUni::fgSAX2CoreValidation, validate);
    reader->setFeature(XMLUni::fgXercesDynamic, false);
    reader->setFeature(XMLUni::fgXercesSchema, validate);
    reader->setFeature(XMLUni::fgXercesSchemaFullChecking, validate);
    reader->setFeature(XMLUni::fgXercesUseCachedGrammarInParse, validate);
    reader->setFeature(XMLUni::fgXercesCacheGrammarFromParse, false);
    reader->setFeature(XMLUni::fgXercesLoadSchema, false);
    reader->setFeature(XMLUni::fgXercesLoadExternalDTD, false);
    reader->setFeature(XMLUni::fgXercesDisableDefaultEntityResolution, true);
    reader->setFeature(XMLUni::fgXercesContinueAfterFatalError, false);
    reader->setProperty(XMLUni::fgXercesSecurityManager, &security_manager());
    reader->setContentHandler(&handler);
    reader->setErrorHandler(&handler);
    reader->setEntityResolver(&handler);
    reader->setLexicalHandler(&handler);
    return reader;
}

std::optional<Stop> guarded(const std::function<void()>& work) {
    try {
        work();
        return std::nullopt;
    } catch (Stop& stop) {
        return std::move(stop);
    } catch (const xerces::OutOfMemoryException&) {
        return Stop{errc::internal, {}, "out of memory"};
    } catch (const xerces::XMLException& exception) {
        return Stop{errc::malformed, {to_number(exception.getSrcLine()), 0}, to_utf8(exception.getMessage())};
    } catch (const xerces::SAXException& exception) {
        return Stop{errc::internal, {}, to_utf8(exception.getMessage())};
    } catch (const std::exception& exception) {
        return Stop{errc::internal, {}, exception.what()};
    }
}

std::unique_ptr<xerces::InputSource> make_source(std::string_view text) {
    // An address of its own that is no file and no URL; Xerces wants one for its messages.
    auto source = std::make_unique<xerces::MemBufInputSource>(reinterpret_cast<const XMLByte*>(text.data()), text.size(), "memory", false);
    source->setEncoding(xerces::XMLUni::fgUTF8EncodingString);
    return source;
}

}  // namespace giromq::xml
