#pragma once

#include <proton/terminus.h>
#include <proton/types.h>

#include <memory>
#include <string>
#include <string_view>

#include "connection_core.hpp"
#include "failure.hpp"
#include "giromq/destination.hpp"

namespace giromq::detail {

/// What producers, consumers and temporary queues have in common: a link that is attached anew on every new transport.
/// Threads: with the connection's mutex held.
class LinkCore {
public:
    enum class State {
        detached,   // waiting for a transport
        attaching,  // the attach is under way
        attached,
        failed,   // the broker has ended or refused it: failure() says why
        closing,  // closed here, not yet there
        closed,
    };

    explicit LinkCore(ConnectionCore& connection) : connection_(connection) {}
    virtual ~LinkCore() = default;
    LinkCore(const LinkCore&) = delete;
    LinkCore& operator=(const LinkCore&) = delete;

    State state() const { return state_; }
    const Failure& failure() const { return failure_; }
    pn_link_t* link() const { return link_; }

    /// Begins to attach, if there is a transport and the link is detached.
    void attach();
    /// Sends the detach; state() becomes closed when it is answered, or at once without a transport.
    void close_link();
    /// Lets go of the link without waiting for the other end; nothing of the engine points here any more.
    void abandon();
    /// The transport is gone.
    void lose();
    /// The connection will not come back, or the broker has ended the session.
    void fail(const Failure& failure);

    // From the engine's events.
    void handle_remote_open();
    void handle_remote_close();
    virtual void on_flow() {}
    virtual void on_delivery(pn_delivery_t* /*delivery*/) {}

protected:
    /// Makes the link with its terminuses, not yet open; null if it cannot be made now.
    virtual pn_link_t* make_link() = 0;
    /// Whether the answering attach says that there will be a link.
    virtual bool accepted_by_remote() const = 0;
    /// The link is attached. A failure ends it again.
    virtual std::optional<Failure> on_attached() { return std::nullopt; }
    /// The link is no longer attached; deliveries of the engine are invalid from now on. `failure`: it will not be attached again.
    virtual void on_detached(const Failure* failure) = 0;
    /// A better kind for the reason why the broker ended the link.
    virtual void interpret(Failure& /*failure*/) const {}
    virtual void notify() = 0;
    virtual std::string describe() const = 0;

    /// Ends the link because of what the other end did.
    void refuse(const Failure& failure);

    ConnectionCore& connection_;

private:
    void end(State state, const Failure& failure);
    void release();

    State state_ = State::detached;
    Failure failure_;
    pn_link_t* link_ = nullptr;
};

/// Sets address and capabilities of a terminus for a destination; null for the anonymous relay.
void describe_terminus(pn_terminus_t* terminus, const Destination* destination);

/// Names the outcomes of a source (AMQP 1.0 §3.5.3): all four.
void offer_outcomes(pn_terminus_t* source);
/// Whether the source knows the outcome; a source that names none knows them all.
bool offers_outcome(pn_terminus_t* source, std::string_view outcome);

}  // namespace giromq::detail
