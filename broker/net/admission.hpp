#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace giromq::net {

/// Counts connections, in all and for each address, and refuses those over the limits before a byte is read from them.
/// Threads: any. Tickets may outlive it.
class Admission {
public:
    struct Limits {
        std::uint32_t total = 10000;
        std::uint32_t per_address = 2000;
    };
    /// Held by a connection while it counts.
    using Ticket = std::shared_ptr<const void>;

    explicit Admission(Limits limits);

    /// `address` without the port. Null if the connection is one too many.
    Ticket admit(const std::string& address);

    std::uint32_t count() const;

private:
    struct State {
        Limits limits;
        mutable std::mutex mutex;
        std::uint32_t total = 0;
        std::unordered_map<std::string, std::uint32_t> by_address;
    };
    std::shared_ptr<State> state_;
};

}  // namespace giromq::net
