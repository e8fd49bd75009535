#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>

namespace giromq::admin {

/// What the broker is doing. Only `ready` is ready (`/readyz`); the others say why not.
enum class BrokerState : std::uint8_t { starting, ready, stopping, failed };

std::string_view to_string(BrokerState state);

/// The state of this broker, told by main. Threads: any.
class Readiness {
public:
    struct View {
        BrokerState state = BrokerState::starting;
        std::string reason;
    };

    /// `failed` is final.
    void set(BrokerState state, std::string reason);
    View view() const;

private:
    mutable std::mutex mutex_;
    View view_{BrokerState::starting, "recovering the store"};
};

}  // namespace giromq::admin
