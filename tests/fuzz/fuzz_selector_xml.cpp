#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "selector/forms.hpp"
#include "unit/selector/twins.hpp"

/// Any bytes as a selector in XML. What is accepted must come out the same through both forms.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace giromq::selector;
    const auto tree = parse_xml({reinterpret_cast<const char*>(data), size});
    if (tree && !test::survives_both_forms(*tree)) std::abort();
    return 0;
}
