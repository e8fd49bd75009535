#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <span>
#include <string_view>

#include "model/amqp_sections.hpp"
#include "selector/amqp_message.hpp"
#include "selector/selector.hpp"

namespace {

bool is_message(std::span<const std::uint8_t> bytes) {
    using namespace giromq::codec;
    MessageHead head;
    if (read_head(bytes, true, head) != HeadStatus::complete || head.bare_offset != 0) return false;
    BodyCheck check;
    return check.consume(bytes.subspan(head.body_offset)) && check.is_complete();
}

}  // namespace

/// A selector, a NUL, and a bare message from outside. An evaluation must end within its budget, and come to the same each time.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace giromq;
    const std::span<const std::uint8_t> input(data, size);
    const auto end = std::find(input.begin(), input.end(), std::uint8_t{0});
    const auto text_bytes = static_cast<std::size_t>(end - input.begin());
    if (text_bytes == size || !is_message(input.subspan(text_bytes + 1))) return 0;
    const auto program = selector::compile({reinterpret_cast<const char*>(data), text_bytes});
    if (!program) return 0;
    Message message;
    message.bare = SharedBytes::copy_of(input.subspan(text_bytes + 1));
    const selector::AmqpMessage view(message);
    const selector::Outcome outcome = (*program)->evaluate(view);
    if (!(outcome == (*program)->evaluate(selector::AmqpMessage(message)))) std::abort();
    if (outcome.over_budget && outcome.truth != selector::Truth::unknown) std::abort();
    const selector::Outcome hurried = (*program)->evaluate(view, {.steps = 20});
    if (!hurried.over_budget && !(hurried == outcome)) std::abort();
    return 0;
}
