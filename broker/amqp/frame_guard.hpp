#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "model/amqp_reader.hpp"

namespace giromq::amqp {

/// A link as the peer numbers it.
struct WireLink {
    std::uint16_t channel = 0;
    std::uint32_t handle = 0;
};

/// What the guard bounds.
struct GuardLimits {
    /// Where ANONYMOUS is offered a client may leave out SASL altogether (§5.3.1 leaves that to the server).
    bool may_skip_sasl = false;
    std::uint32_t max_frame_bytes = 256 * 1024;
    std::uint32_t bytes_before_authentication = 16 * 1024;
    std::uint16_t sessions_max = 256;
    std::uint32_t links_max = 4096;
    /// Nesting and elements of one performative.
    codec::StructureLimits performative{.depth = 16, .elements = 4096};
};

/// Stands in front of the engine and lets pass only what it can bear. Proton 0.37 decodes without bounds, takes SASL frames after
/// authentication, keeps references to handles that are attached twice, and asserts (ends the process) on a first transfer without
/// delivery-id; so every frame is looked at here first: protocol headers and their order (AMQP 1.0 §2.2), frame headers (§2.3.1),
/// size against what was advertised, performatives allowed in each phase, their nesting and number of elements, and the state of
/// channels and handles as far as the engine relies on it. It also knows what the engine does not tell: how the peer numbers its
/// channels and links, and what its last flows were.
///
/// It holds no bytes: it looks at those that have come and says how many of them may go on.
class FrameGuard {
public:
    explicit FrameGuard(GuardLimits limits) : limits_(limits) {}

    enum class Verdict : std::uint8_t {
        pass,          // `bytes` bytes may go to the engine
        incomplete,    // more bytes are needed: the beginning of the input wants to be `bytes` long
        discard,       // `bytes` bytes are to be dropped (after a close frame nothing counts any more)
        wrong_header,  // not a protocol header that is acceptable now: answer with the SASL header and hang up (§2.2)
        refuse,        // the peer broke the protocol: `condition` and `description` say how
    };
    struct Step {
        Verdict verdict = Verdict::incomplete;
        std::size_t bytes = 0;
        std::string_view condition;
        std::string description;
        /// Set if the bytes are an attach frame, which is always passed alone.
        std::optional<WireLink> attach;
        /// The link of the same session that had the name before (§2.6.1: it is stolen). The engine must be told that it is detached before
        /// it sees the attach: detach_frame() is for that. What the peer still says about it is not passed any more.
        std::optional<WireLink> stolen;
    };

    /// Examines the beginning of what has come and was not passed yet. In the SASL phase it passes one header or frame at a time, so
    /// that the caller can see what became of it; afterwards as many whole frames as there are, save those that stand alone.
    Step next(std::span<const std::uint8_t> input);

    /// SASL has succeeded: the AMQP header is next.
    void authenticated() { phase_ = Phase::amqp_header; }
    bool is_authenticated() const { return phase_ >= Phase::amqp_header; }

    /// True once the open performative has been passed.
    bool is_open() const { return phase_ == Phase::opened || phase_ == Phase::closed; }

    /// How many flows with drain the peer has sent for the link.
    std::uint64_t drains(WireLink link) const;
    /// The transaction in which the link's messages are to be acquired (AMQP 1.0 §4.4.3), as the peer named it.
    struct Acquisition {
        std::uint64_t number = 0;               // of the flow that said so
        std::vector<std::uint8_t> transaction;  // empty: none
    };
    Acquisition acquisition(WireLink link) const;
    /// The peer's last flow for the link once more, with drain and with so much more credit. Empty if there was none.
    std::vector<std::uint8_t> repeat_flow(WireLink link, std::uint32_t more_credit) const;
    /// A detach of the link, as the peer would send it.
    static std::vector<std::uint8_t> detach_frame(WireLink link);
    /// A frame without a body (§2.4.5).
    static std::span<const std::uint8_t> heartbeat();

private:
    enum class Phase : std::uint8_t { sasl_header, sasl, amqp_header, amqp, opened, closed };
    struct LinkState {
        bool peer_sends = false;
        bool in_delivery = false;  // a transfer with more=true was the last one
        bool is_stolen = false;
        // Of the peer's last flow.
        std::optional<std::uint32_t> delivery_count;
        std::uint32_t credit = 0;
        std::uint64_t drains = 0;
        Acquisition acquisition = {};
        std::string key;  // in ChannelState::names
    };
    struct ChannelState {
        std::unordered_map<std::uint32_t, LinkState> links;
        /// Role and name of the links that are not stolen, and their handles.
        std::unordered_map<std::string, std::uint32_t> names;
        std::uint32_t stolen = 0;
        // The peer's end of the session, of its last flow or its begin.
        std::optional<std::uint32_t> next_incoming_id;
        std::uint32_t incoming_window = 0;
    };

    Step header(std::span<const std::uint8_t> input);
    Step frame(std::span<const std::uint8_t> input);
    Step sasl_frame(std::span<const std::uint8_t> body, std::size_t bytes);
    Step amqp_frame(std::span<const std::uint8_t> body, std::uint16_t channel, std::size_t bytes);
    Step performative(std::uint64_t code, const codec::Value& list, std::uint16_t channel, std::size_t bytes);
    Step begin(const codec::Value& list, std::uint16_t channel, std::size_t bytes);
    Step attach(const codec::Value& list, std::uint16_t channel, ChannelState& state, std::size_t bytes);
    Step detach(const codec::Value& list, ChannelState& state, std::size_t bytes);
    Step transfer(const codec::Value& list, ChannelState& state, std::size_t bytes);
    static Step flow(const codec::Value& list, ChannelState& state, std::size_t bytes);
    static void note_acquisition(const codec::Value& properties, Acquisition& acquisition);
    /// True for a frame that the caller must get for itself.
    bool stands_alone(std::uint64_t code, std::uint16_t channel) const;
    const LinkState* find(WireLink link) const;

    static Step pass(std::size_t bytes) { return {Verdict::pass, bytes, {}, {}, {}, {}}; }
    static Step discard(std::size_t bytes) { return {Verdict::discard, bytes, {}, {}, {}, {}}; }
    static Step incomplete(std::size_t wanted) { return {Verdict::incomplete, wanted, {}, {}, {}, {}}; }
    static Step refuse(std::string_view condition, std::string description) {
        return {Verdict::refuse, 0, condition, std::move(description), {}, {}};
    }

    GuardLimits limits_;
    Phase phase_ = Phase::sasl_header;
    std::uint64_t unauthenticated_bytes_ = 0;
    bool sasl_begun_ = false;
    bool in_run_ = false;  // next() has found frames to pass before the one it is looking at
    std::unordered_map<std::uint16_t, ChannelState> channels_;
    std::size_t links_ = 0;
};

}  // namespace giromq::amqp
