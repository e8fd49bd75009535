#pragma once

#include <xercesc/framework/XMLGrammarPool.hpp>
#include <xercesc/sax/InputSource.hpp>
#include <xercesc/sax/SAXParseException.hpp>
#include <xercesc/sax2/DefaultHandler.hpp>
#include <xercesc/sax2/SAX2XMLReader.hpp>
#include <xercesc/util/XercesDefs.hpp>

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "xml/element.hpp"
#include "xml/errc.hpp"
#include "xml/parse.hpp"

/// Xerces, tamed: what parse.cpp and schema.cpp share. Not to be included from outside of this folder.
namespace giromq::xml {

namespace xerces = xercesc;

/// Initialises Xerces once for the process and takes its network away. Thread-safe; false if that failed.
bool library_ready();

/// UTF-16, as Xerces has it, as UTF-8. Unpaired surrogates become U+FFFD.
std::string to_utf8(const XMLCh* text);
std::string to_utf8(const XMLCh* text, std::size_t length);

/// The compiled schemas, locked: nothing can be added to them, so they are shared by every parser.
class Schema::Grammars {
public:
    explicit Grammars(std::unique_ptr<xerces::XMLGrammarPool> pool) : pool_(std::move(pool)) {}

    /// Xerces takes a pool that it only reads as not const.
    xerces::XMLGrammarPool* pool() const { return pool_.get(); }

private:
    std::unique_ptr<xerces::XMLGrammarPool> pool_;
};

/// What went wrong first. Thrown by the handlers to end a parse at once; guarded() catches it.
struct Stop {
    errc code;
    Position position;
    std::string sentence;
};

/// Handlers that refuse: every error, every external entity and every document type declaration throws Stop.
class RefusingHandler : public xerces::DefaultHandler {
public:
    explicit RefusingHandler(errc validity) : validity_(validity) {}

    void error(const xerces::SAXParseException& exception) override;
    void fatalError(const xerces::SAXParseException& exception) override;
    void warning(const xerces::SAXParseException& exception) override;
    xerces::InputSource* resolveEntity(const XMLCh* public_id, const XMLCh* system_id) override;
    void startDTD(const XMLCh* name, const XMLCh* public_id, const XMLCh* system_id) override;

private:
    errc validity_;  // what a validity error is called
};

/// A parser that opens nothing, loads no schema and validates against `pool` (nullptr: not at all). The handler outlives it.
std::unique_ptr<xerces::SAX2XMLReader> make_reader(xerces::XMLGrammarPool* pool, RefusingHandler& handler);

/// Runs `work` and says what it threw.
std::optional<Stop> guarded(const std::function<void()>& work);

/// The bytes as a source that is UTF-8 whatever it says, and has no address that a relative one could be resolved against.
std::unique_ptr<xerces::InputSource> make_source(std::string_view text);

}  // namespace giromq::xml
