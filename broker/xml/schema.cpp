#include <xercesc/framework/XMLGrammarPoolImpl.hpp>
#include <xercesc/util/PlatformUtils.hpp>
#include <xercesc/validators/common/Grammar.hpp>

#include <utility>

#include "xml/library.hpp"
#include "xml/outline.hpp"
#include "xml/parse.hpp"

namespace giromq::xml {
namespace {

/// Schemas come with the program and may be longer than documents, but nothing is read without a bound.
constexpr Limits schema_limits{.bytes = 4u << 20, .depth = 64, .elements = 100000, .attributes_per_element = 64, .value_bytes = 64 * 1024};

}  // namespace

Result<Schema> Schema::compile(std::string_view text) {
    if (!library_ready()) return Error(errc::internal, at({1, 1}, "Xerces cannot be initialised"));
    if (const auto outline = read_outline(text, schema_limits); !outline) return Error(errc::bad_schema, outline.error().detail());
    std::unique_ptr<xerces::XMLGrammarPool> pool;
    const auto stop = guarded([&] {
        pool = std::make_unique<xerces::XMLGrammarPoolImpl>(xerces::XMLPlatformUtils::fgMemoryManager);
        RefusingHandler handler(errc::bad_schema);
        const auto reader = make_reader(pool.get(), handler);
        const auto source = make_source(text);
        if (reader->loadGrammar(*source, xerces::Grammar::SchemaGrammarType, true) == nullptr) {
            throw Stop{errc::bad_schema, {1, 1}, "no schema was found in it"};
        }
        pool->lockPool();
    });
    if (stop) return Error(errc::bad_schema, at(stop->position, stop->sentence));
    return Schema(std::make_shared<const Grammars>(std::move(pool)));
}

}  // namespace giromq::xml
