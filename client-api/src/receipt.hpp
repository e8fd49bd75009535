#pragma once

#include <proton/types.h>

#include <cstdint>
#include <memory>
#include <string>

namespace giromq::detail {

class ConsumerCore;

/// A message on its way from the broker to its acknowledgement. Everything with the connection's mutex held.
class Receipt {
public:
    enum class State : std::uint8_t {
        waiting,        // received, not yet seen by the application
        seen,           // given to the application
        acknowledging,  // accepted, not yet confirmed by the broker
        given_back,     // seen, then given back by the session: to be delivered again
        done,           // confirmed, given back, or not to be acknowledged at all
    };

    /// Of no attachment: the broker has taken the delivery back by itself.
    static constexpr std::uint64_t no_attachment = ~std::uint64_t{0};

    std::shared_ptr<ConsumerCore> consumer;
    pn_delivery_t* delivery = nullptr;
    /// Of the consumer's attachment: another one means that the broker has taken the delivery back.
    std::uint64_t attachment = 0;
    /// Order of arrival in the session.
    std::uint64_t arrival = 0;
    State state = State::waiting;
    std::string bytes;
};

}  // namespace giromq::detail
