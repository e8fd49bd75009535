#include <cstddef>
#include <cstdint>
#include <cstdlib>

#include "selector/program.hpp"
#include "unit/selector/generator.hpp"
#include "unit/selector/reference.hpp"
#include "unit/selector/twins.hpp"

/// The bytes choose a selector and messages: both forms must say the same, and evaluation what the reference evaluator says.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace giromq::selector;
    std::size_t place = 0;
    test::Generator generator([&](std::size_t limit) { return place < size ? data[place++] % limit : 0; });
    const Node tree = generator.selector();
    if (!check(tree)) return 0;
    if (!test::survives_both_forms(tree)) std::abort();
    const Program program(tree);
    for (int times = 0; times < 3; ++times) {
        const test::MapMessage message = generator.message();
        const Outcome outcome = program.evaluate(message);
        if (outcome.over_budget || outcome.truth != test::Reference(message).truth(program.tree())) std::abort();
    }
    return 0;
}
