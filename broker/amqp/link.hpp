#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "amqp/conditions.hpp"
#include "amqp/connection.hpp"
#include "amqp/core_session.hpp"
#include "amqp/frame_guard.hpp"

struct pn_delivery_t;
struct pn_link_t;

namespace giromq::amqp {

/// What the links of a connection share with it.
struct LinkContext {
    LinkContext(const ConnectionSettings& connection_settings, const Clock& the_clock, ConnectionId id, const Peer& other_end,
                const FrameGuard& the_guard)
        : settings(connection_settings), clock(the_clock), connection(id), peer(other_end), guard(the_guard) {}

    const ConnectionSettings& settings;
    const Clock& clock;
    const ConnectionId connection;
    const Peer& peer;
    const FrameGuard& guard;
    /// Gives the engine a frame as if the peer had sent it.
    std::function<void(std::span<const std::uint8_t>)> feed;
    security::Identity identity;

    /// What the core is to do; handed over when everything that came in has been handled.
    std::vector<Command> commands;
    /// Memory of deliveries that have not come in whole yet.
    std::uint64_t partial_bytes = 0;
    /// Memory of sends that the core has not answered. Credit counts messages, and does not know how large they will be.
    std::uint64_t sending_bytes = 0;
    /// Chunks of large messages that are not durable yet.
    std::uint32_t chunks_outstanding = 0;
    /// What the engine has to tell the peer and was not taken out of it yet.
    std::uint32_t untold = 0;
    /// Calls of control links that the store has to answer: commits, and what completes a branch.
    std::size_t outcomes_awaited = 0;
    bool has_asked_outcome = false;  // since the last mail
    /// Cleared by news that the peer must hear of at once.
    bool may_be_told_later = false;
    std::uint64_t messages_in = 0;
    std::uint64_t messages_out = 0;
    std::uint64_t refused_presettled = 0;
    /// Local transactions that were declared on this connection and are not discharged yet, with their control links.
    std::unordered_map<TransactionId, LinkId> transactions;
    bool has_acquired = false;  // a link was told to acquire in one
    /// Reused for every message that goes out.
    std::vector<std::uint8_t> prefix;
};

/// The broker's end of a link. Made when the peer attaches, opened when the core has agreed.
/// Threads: the connection's. `pn` is valid as long as the link is in its connection.
class Link {
public:
    Link(LinkContext& context, LinkId id, pn_link_t* pn, std::shared_ptr<CoreLink> core)
        : context_(context), id_(id), pn_(pn), core_(std::move(core)) {}
    virtual ~Link() = default;
    Link(const Link&) = delete;
    Link& operator=(const Link&) = delete;

    LinkId id() const { return id_; }
    pn_link_t* pn() const { return pn_; }
    const std::shared_ptr<CoreLink>& core() const { return core_; }
    virtual bool is_sender() const = 0;
    /// The control link of transactions.
    virtual bool is_coordinator() const { return false; }

    /// The peer's credit or window has changed.
    virtual void on_flow() = 0;
    /// More of a delivery has come, or its state has changed.
    virtual void on_delivery(pn_delivery_t* delivery) = 0;

    /// The attach was answered.
    virtual void opened() { open_ = true; }
    bool is_open() const { return open_; }

    /// Set when the link must be detached with an error; the connection looks after every call.
    const std::optional<Refusal>& violation() const { return violation_; }

    /// The terminus asked for a node of its own.
    bool is_dynamic = false;
    /// What the peer was allowed to do here when it attached, and is detached for when it may not any more; not set for what is asked
    /// with each message, or belongs to the connection.
    struct Grant {
        std::vector<security::Action> actions;
        std::string address;
    };
    std::optional<Grant> grant;

    /// A producer's link that is ending, but still owes its peer the outcomes of sends that are under way: telling nothing about them
    /// would be wrong, and so would be settling them without an outcome.
    struct Leaving {
        bool by_peer = false;      // the peer has detached
        bool peer_closed = false;  // and closed
        bool told = false;         // our detach is out
    };
    std::optional<Leaving> leaving;

protected:
    void violate(std::string_view condition, std::string description) {
        if (!violation_) violation_ = Refusal{std::string(condition), std::move(description)};
    }

    LinkContext& context_;
    const LinkId id_;
    pn_link_t* const pn_;
    const std::shared_ptr<CoreLink> core_;
    bool open_ = false;

private:
    std::optional<Refusal> violation_;
};

}  // namespace giromq::amqp
