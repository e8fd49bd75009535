#pragma once

#include <functional>
#include <optional>
#include <vector>

#include "amqp/control_message.hpp"
#include "amqp/link.hpp"

struct pn_delivery_t;

namespace giromq::amqp {

class SenderLink;

/// A control link (AMQP 1.0 part 4): the peer declares and discharges transactions over it, local ones and, by the extension giromq:xa,
/// branches of global ones (docs/protocol-xa.md). Its loss rolls back what is open.
///
/// A call that cannot be carried out is answered with rejected, or, if the peer's source does not know that outcome, by detaching the
/// link with the error (§4.2, §4.3).
class CoordinatorLink final : public Link {
public:
    /// True if a delivery that belongs to the transaction has begun to come in and is not complete.
    using HasPartial = std::function<bool(TransactionId)>;
    /// For each consumer's link of the connection.
    using OnConsumers = std::function<void(const std::function<void(SenderLink&)>&)>;

    CoordinatorLink(LinkContext& context, LinkId id, pn_link_t* pn, std::shared_ptr<CoreLink> core, HasPartial has_partial,
                    OnConsumers on_consumers)
        : Link(context, id, pn, std::move(core)), has_partial_(std::move(has_partial)), on_consumers_(std::move(on_consumers)) {}

    ~CoordinatorLink() override { context_.outcomes_awaited -= awaited_.size(); }

    bool is_sender() const override { return false; }
    bool is_coordinator() const override { return true; }
    void opened() override;
    /// The link goes, and its transactions with it.
    void ended();
    void on_flow() override { replenish(); }
    void on_delivery(pn_delivery_t* delivery) override;
    void on_declared(const news::Declared& declared);
    void on_discharged(const news::Discharged& discharged);
    void on_xa_answered(const news::XaAnswered& answered);

private:
    void read(pn_delivery_t* delivery);
    void carry_out(pn_delivery_t* delivery);
    void accept(pn_delivery_t* delivery);
    /// `code`: of XA, if it is a call of that.
    void refuse(pn_delivery_t* delivery, const Refusal& refusal, std::optional<xa::ReturnCode> code = std::nullopt);
    void discharge(pn_delivery_t* delivery, const ControlMessage& message);
    void ask_xa(pn_delivery_t* delivery, XaRequest request);
    bool is_whole(pn_delivery_t* delivery, TransactionId transaction);
    std::size_t answer_bytes_max() const;
    void settle(pn_delivery_t* delivery);
    void await_outcome(pn_delivery_t* delivery);
    void outcome_came(pn_delivery_t* delivery);
    void replenish();

    const HasPartial has_partial_;
    const OnConsumers on_consumers_;
    std::vector<std::uint8_t> collected_;
    std::uint32_t in_flight_ = 0;
    std::vector<pn_delivery_t*> awaited_;  // calls that are counted in the context's outcomes_awaited
};

}  // namespace giromq::amqp
