#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "link_core.hpp"

namespace giromq::detail {

class SessionCore;

/// One call on a control link, until its outcome is known.
struct ControlRequest {
    enum class State : std::uint8_t {
        queued,    // not sent yet
        sent,      // the broker has it, or will have it
        answered,  // outcome, id and failure say how
        not_sent,  // the link was lost before it could be sent
        unknown,   // the link was lost before the answer: it may have been carried out or not
    };

    std::string body;
    std::string what;  // the beginning of the sentence that says that it was refused
    State state = State::queued;
    std::uint64_t outcome = 0;       // descriptor
    std::string id;                  // of `declared`
    std::optional<Failure> failure;  // of `rejected`, or why the link was lost
    pn_delivery_t* delivery = nullptr;
    std::function<void(pn_delivery_t*)> read;

    bool is_over() const { return state != State::queued && state != State::sent; }
};

using ControlRequestPtr = std::shared_ptr<ControlRequest>;

/// The link to the broker's coordinator (AMQP 1.0 §4.1): calls go out in order, answers may come in any.
/// Threads: with the connection's mutex held.
class ControlLink final : public LinkCore {
public:
    using Listener = std::function<void(const ControlRequestPtr&)>;

    /// `capabilities`: what is asked of the coordinator; `on_over`: told of each request that is over; `on_lost`: when the link has gone.
    ControlLink(SessionCore& session, std::vector<std::string> capabilities, Listener on_over, std::function<void(const Failure*)> on_lost);
    ~ControlLink() override;

    /// `read`: takes more out of the answer than `outcome` and `id`.
    ControlRequestPtr ask(std::string body, std::string what, std::function<void(pn_delivery_t*)> read = nullptr);
    /// Whether the coordinator has said that it can do this.
    bool offers(std::string_view capability) const;
    void on_flow() override { transfer(); }
    void on_delivery(pn_delivery_t* delivery) override;

private:
    pn_link_t* make_link() override;
    bool accepted_by_remote() const override;
    void on_detached(const Failure* failure) override;
    void interpret(Failure& failure) const override;
    void notify() override;
    std::string describe() const override { return "the control link of the transactions"; }

    void transfer();
    void transfer(ControlRequest& request);

    SessionCore& session_;
    const std::vector<std::string> capabilities_;
    const Listener on_over_;
    const std::function<void(const Failure*)> on_lost_;
    std::deque<ControlRequestPtr> requests_;  // not over; those that were sent come first
    std::uint64_t tags_ = 0;
    bool was_attached_ = false;
};

}  // namespace giromq::detail
