#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "amqp/message_intake.hpp"
#include "amqp/message_output.hpp"
#include "model/amqp_sections.hpp"
#include "model/message_properties.hpp"

/// A message from outside: sections, body in pieces, intake, properties, and out again. What is taken in must come out to the byte.
namespace {

using namespace giromq;

void require(bool condition) {
    if (!condition) std::abort();
}

/// The body must be judged the same whatever the pieces are.
bool accepts_body(std::span<const std::uint8_t> body, std::size_t piece) {
    codec::BodyCheck check;
    for (std::size_t at = 0; at < body.size(); at += piece) {
        if (!check.consume(body.subspan(at, std::min(piece, body.size() - at)))) return false;
    }
    return check.is_complete();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    const SharedBytes bytes = SharedBytes::copy_of(std::span(data, size));
    codec::MessageHead head;
    const codec::HeadStatus whole = codec::read_head(bytes.span(), true, head);
    if (whole != codec::HeadStatus::complete) return 0;
    const auto body = bytes.span().subspan(head.body_offset);
    const bool accepted = accepts_body(body, body.size() + 1);
    require(accepted == accepts_body(body, 1));
    require(accepted == accepts_body(body, 7));
    Result<amqp::Intake> intake = amqp::take_in(bytes, head);
    if (!intake) return 0;
    intake->arrived(Timestamp{1'800'000'000'000});
    const Message& message = *intake->message;
    static_cast<void>(read_properties(message));
    static_cast<void>(find_annotation(message, "giromq:duplicate-id"));
    static_cast<void>(find_application_property(message, "GIROMQ_DUPLICATE_ID"));

    core::Delivery delivery{Position{1}, intake->message, 1, nullptr};
    std::vector<std::uint8_t> out;
    amqp::write_prefix(delivery, Timestamp{1'800'000'000'001}, out);
    out.insert(out.end(), message.bare.span().begin(), message.bare.span().end());
    codec::MessageHead again;
    require(codec::read_head(out, true, again) == codec::HeadStatus::complete);
    const auto before = bytes.span().subspan(head.bare_offset);
    const auto after = std::span(out).subspan(again.bare_offset);
    require(std::equal(before.begin(), before.end(), after.begin(), after.end()));
    return 0;
}
