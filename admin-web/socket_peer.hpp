#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "base/unique_function.hpp"

namespace giromq::admin_web {

/// Why the broker ends a WebSocket.
struct SocketEnd {
    std::uint16_t code = 1000;  // RFC 6455 §7.4.1
    std::string reason;         // at most 123 bytes
    bool at_once = false;       // the client does not read, so it would not read this either
};

/// The broker's side of a WebSocket, which an HTTP response may bring along: the server asks it what to send, and tells it what has come.
/// Threads: any.
class SocketPeer {
public:
    virtual ~SocketPeer() = default;

    /// Called once, before anything else. `wake` is called whenever take() or end() may have something new, on any thread.
    virtual void attach(UniqueFunction<void()> wake) = 0;
    /// The next text for the client; null if there is none now.
    virtual std::shared_ptr<const std::string> take() = 0;
    /// Why the socket is to be closed; nothing as long as it goes on.
    virtual std::optional<SocketEnd> end() const = 0;
    virtual void receive(std::string text) = 0;
    /// The connection is over. The last call.
    virtual void closed() = 0;
};

}  // namespace giromq::admin_web
