#pragma once

#include <deque>
#include <unordered_map>

#include "amqp/link.hpp"

struct pn_delivery_t;

namespace giromq::amqp {

/// A consumer's or browser's link: sends what the core delivers, in order and within credit and output window, tells the core about
/// credit and about outcomes, and settles when an outcome is durable.
class SenderLink final : public Link {
public:
    struct Mode {
        bool presettled = false;
        bool is_browser = false;
    };
    SenderLink(LinkContext& context, LinkId id, pn_link_t* pn, std::shared_ptr<CoreLink> core, WireLink wire, Mode mode)
        : Link(context, id, pn, std::move(core)), wire_(wire), presettled_(mode.presettled), is_browser_(mode.is_browser) {}

    bool is_sender() const override { return true; }
    void opened() override;

    /// The peer has granted or taken back credit, or asks to drain.
    void on_flow() override;
    /// The peer has told an outcome, or has settled.
    void on_delivery(pn_delivery_t* delivery) override;

    void on_delivered(core::Delivery delivery);
    void on_drained(const news::Drained& drained);
    void on_settled(const news::Settled& settled);
    void on_returned(const news::Returned& returned);
    void on_chunk(news::ChunkRead chunk);

    // Acquisition in transactions (AMQP 1.0 §4.4.3): what was sent under a transaction goes back with its rollback, unless it is decided.
    // The core need not know, since nothing of it is durable.

    /// The transaction is being discharged: no more messages are acquired in it.
    void stop_acquiring(TransactionId transaction);
    /// It is rolled back: what it has acquired goes back. Outcomes that it has taken back follow by on_returned().
    void release_acquired(TransactionId transaction);
    /// It is over.
    void forget_acquired(TransactionId transaction);

    /// Something is to be sent: deliveries, or the answer to a drain.
    bool has_pending() const { return !queue_.empty() || drained_; }
    /// The engine holds something of this link that it could not send yet.
    bool has_unsent() const;
    /// Gives pending deliveries to the engine until about `budget` bytes have been given; returns how many were. To be called right
    /// before the engine's output is taken.
    std::size_t send_pending(std::size_t budget);

private:
    /// A message with chunks that is going out: the engine has its beginning.
    struct Outgoing {
        std::uint32_t next_chunk = 0;
        std::uint64_t read = 0;  // the number of the read under way; 0: none
        pn_delivery_t* delivery = nullptr;
    };

    pn_delivery_t* begin(const core::Delivery& delivery, std::size_t& bytes);
    void end(pn_delivery_t* delivery);
    void decide(pn_delivery_t* delivery);
    void enlist(pn_delivery_t* delivery, bool is_asked);
    void enlist(pn_delivery_t* delivery, bool is_asked, TransactionId transaction, Outcome outcome);
    void look_at_acquisition();
    /// The transaction in which the delivery was acquired, if that is open.
    std::optional<TransactionId> acquired_in(pn_delivery_t* delivery) const;
    void release(pn_delivery_t* delivery);
    /// Settles: nothing more is to be said about it.
    void finish(pn_delivery_t* delivery);
    void read_next();
    void abort_outgoing(Outcome outcome);
    void tell_credit();
    void let_go(const core::Delivery& delivery);
    void return_excess();
    void settle_core(Position position, Outcome outcome, pn_delivery_t* delivery);
    void answer_drain();
    /// What the peer's credit is, less what was sent and given back of it.
    std::size_t credit() const;
    /// How many deliveries the peer has allowed since the link was opened.
    std::uint64_t granted() const { return sent_ + returned_ + credit(); }
    /// True if what the core delivers is gone from its books, so that only this link bounds how much of it there is.
    bool is_on_its_own() const { return presettled_ || is_browser_; }
    void give(std::span<const std::uint8_t> bytes);

    const WireLink wire_;
    const bool presettled_;
    const bool is_browser_;
    std::deque<core::Delivery> queue_;
    std::optional<Outgoing> outgoing_;
    std::uint64_t next_read_ = 1;
    std::uint64_t next_tag_ = 1;
    std::uint64_t sent_ = 0;      // given to the engine whole
    std::uint64_t returned_ = 0;  // given back to the core unsent
    std::uint32_t lent_ = 0;      // see answer_drain()
    std::uint64_t told_limit_ = 0;
    bool told_drain_ = false;
    std::uint64_t told_drains_ = 0;
    std::uint64_t flow_number_ = 0;
    bool drained_ = false;  // the core has nothing more; to be told when everything before is sent
    bool has_aborted_ = false;
    TransactionId acquiring_;  // in which messages are acquired now
    std::uint64_t acquisition_seen_ = 0;
    std::unordered_map<pn_delivery_t*, TransactionId> acquired_;
};

}  // namespace giromq::amqp
