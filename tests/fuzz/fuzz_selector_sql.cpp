#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>

#include "selector/selector.hpp"
#include "unit/selector/twins.hpp"

/// Any text as a selector, in whichever form it seems to be. What is accepted must come out the same through both forms.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace giromq::selector;
    const auto tree = parse({reinterpret_cast<const char*>(data), size});
    if (!tree) {
        const std::string& detail = tree.error().detail();
        if (detail.empty() || detail[0] < '0' || detail[0] > '9') std::abort();
        return 0;
    }
    if (!test::survives_both_forms(*tree)) std::abort();
    const Program program(*tree);
    static_cast<void>(program.evaluate(test::MapMessage()));
    return 0;
}
