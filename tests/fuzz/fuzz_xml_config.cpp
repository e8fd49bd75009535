#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "config/config.hpp"
#include "xml/outline.hpp"
#include "xml/parse.hpp"

namespace {

std::size_t count(const giromq::xml::Element& element) {
    std::size_t elements = 1;
    for (const auto& child : element.children) elements += count(child);
    return elements;
}

bool has_positions(const giromq::xml::Element& element) {
    if (element.position.line == 0) return false;
    for (const auto& child : element.children) {
        if (!(element.position < child.position) || !has_positions(child)) return false;
    }
    return true;
}

}  // namespace

/// Any bytes as a configuration, and as XML without a schema. What is accepted must pass its checks, and our own reading of the tags must
/// agree with the library's: a document that the two see differently could get round the limits.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace giromq;
    const std::string_view text(reinterpret_cast<const char*>(data), size);
    const auto config = config::parse_config(text);
    if (config && !config::check(*config)) std::abort();
    const xml::Limits limits{.bytes = 1u << 16, .depth = 8, .elements = 1000, .attributes_per_element = 16, .value_bytes = 1024};
    const auto tree = xml::parse_without_schema(text, limits);
    const auto outline = xml::read_outline(text, limits);
    if (!tree) return 0;
    if (!outline || outline->starts.size() != count(*tree) || !has_positions(*tree)) std::abort();
    return 0;
}
