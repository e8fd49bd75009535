#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <vector>

#include "amqp/control_message.hpp"

/// A message to the coordinator: declare, discharge, or a call of XA. What is taken for a call has everything that it needs, within its
/// bounds; and nothing is one with a byte more, or a byte less.
namespace {

using namespace giromq;
using amqp::ControlMessage;
using amqp::XaRequest;

void require(bool condition) {
    if (!condition) std::abort();
}

void require_complete(const XaRequest& request) {
    constexpr auto start_flags = xa::tm::join | xa::tm::resume;
    const bool needs_xid = request.kind != XaRequest::Kind::suspend && request.kind != XaRequest::Kind::recover;
    require(!needs_xid || request.xid.has_value());
    require(!request.xid || (!request.xid->gtrid().empty() && request.xid->format_id() != xa::Xid::null_format));
    require(request.limit >= 1 && request.limit <= XaRequest::recover_limit_max);
    switch (request.kind) {
        case XaRequest::Kind::start:
            require((request.flags & ~start_flags) == 0 && request.flags != start_flags);
            require(request.flags == xa::tm::no_flags || request.timeout.count() == 0);
            break;
        case XaRequest::Kind::suspend: require(xa::check_end_flags(request.flags) == xa::ReturnCode::ok); break;
        case XaRequest::Kind::commit: require(xa::check_commit_flags(request.flags) == xa::ReturnCode::ok); break;
        case XaRequest::Kind::set_timeout: require(request.timeout.count() >= 1); break;
        default: require(request.flags == xa::tm::no_flags); break;
    }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    std::vector<std::uint8_t> bytes(data, data + size);  // of its own, so that a sanitizer sees every byte beyond
    const auto message = amqp::read_control_message(bytes);
    require(message.xa.has_value() == (message.kind == ControlMessage::Kind::xa));
    if (message.xa) require_complete(*message.xa);
    if (message.kind == ControlMessage::Kind::malformed) return 0;
    bytes.push_back(0x40);
    require(amqp::read_control_message(bytes).kind == ControlMessage::Kind::malformed);
    bytes.resize(size - 1);
    require(amqp::read_control_message(bytes).kind == ControlMessage::Kind::malformed);
    return 0;
}
