#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "selector/json_pointer.hpp"
#include "unit/selector/scan_agreement.hpp"

/// Any bytes as a body: the quick scan of XML must not disagree with the parser, and JSON must be read to the end of any text.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace giromq::selector;
    const std::string_view body(reinterpret_cast<const char*>(data), size);
    if (!test::scan_disagreement(body).empty()) std::abort();
    const auto whole = JsonPointer::parse("")->find(body);
    const auto part = JsonPointer::parse("/a/0")->find(body);
    if (whole.has_value() != part.has_value()) std::abort();
    return 0;
}
