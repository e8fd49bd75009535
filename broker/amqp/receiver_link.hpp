#pragma once

#include <unordered_map>

#include "amqp/link.hpp"
#include "amqp/message_intake.hpp"
#include "model/amqp_sections.hpp"

struct pn_delivery_t;

namespace giromq::amqp {

/// A producer's link: takes its transfers out of the engine as they come, makes messages of them, grants credit, and settles each one
/// when the core has answered, which for a persistent message is after COMMIT.
///
/// A message whose bare part is larger than chunk_bytes never lies in memory as a whole: its body goes to the store in chunks while it
/// comes in, and the message itself follows when the last of them is durable.
class ReceiverLink final : public Link {
public:
    ReceiverLink(LinkContext& context, LinkId id, pn_link_t* pn, std::shared_ptr<CoreLink> core, bool is_relay)
        : Link(context, id, pn, std::move(core)), is_relay_(is_relay) {}
    ~ReceiverLink() override;

    bool is_sender() const override { return false; }
    void opened() override;

    /// More of a delivery has come in, or its sender has settled it.
    void on_delivery(pn_delivery_t* delivery) override;
    void on_sent(const news::Sent& sent);
    void on_window(std::uint32_t messages);
    void on_flow() override { replenish(); }
    /// A chunk of a message that is coming in was refused: the rest of it need not be stored.
    void on_chunk_refused(std::uint32_t stream, const Error& error);

    /// Sends that the core has not answered.
    std::uint32_t unanswered() const { return unanswered_; }
    /// The transaction of the delivery that is coming in and has begun; none if there is no such.
    TransactionId partial_transaction() const;

private:
    /// A large message that is coming in.
    struct Stream {
        std::uint32_t id = 0;
        Intake intake;
        std::uint32_t chunks = 0;
        std::uint64_t bytes = 0;
        std::shared_ptr<std::uint8_t[]> chunk;
        std::size_t filled = 0;
    };

    void read(pn_delivery_t* delivery);
    void read_whole(pn_delivery_t* delivery, std::size_t bytes);
    void collect(pn_delivery_t* delivery, std::size_t bytes, bool is_last);
    void look_at_head(bool is_last);
    void start_stream();
    void stream_bytes(std::span<const std::uint8_t> bytes);
    void stream_from_engine(std::size_t bytes);
    void chunk_filled();
    void finish_stream(pn_delivery_t* delivery);
    void finish(pn_delivery_t* delivery, const SharedBytes& bytes);
    void discard(std::size_t bytes);

    void send(pn_delivery_t* delivery, Intake intake, std::optional<std::uint32_t> stream);
    std::optional<Refusal> route(const Intake& intake);
    void fail_transaction(pn_delivery_t* delivery, const std::string& description);
    void reject(pn_delivery_t* delivery, const Refusal& refusal);
    void settle(pn_delivery_t* delivery);
    void refuse_and_violate(pn_delivery_t* delivery, std::string_view condition, std::string description);
    void forget_partial();
    void drop_stream();
    void account(std::size_t held);
    void replenish();

    const bool is_relay_;
    std::uint32_t window_ = 0;
    std::uint32_t in_flight_ = 0;
    std::uint32_t unanswered_ = 0;
    std::uint64_t granted_ = 0;
    std::uint64_t received_ = 0;

    // The delivery that is coming in.
    pn_delivery_t* reading_ = nullptr;
    std::uint64_t size_ = 0;
    std::vector<std::uint8_t> collected_;
    std::size_t look_at_ = 0;
    std::optional<std::size_t> bare_offset_;
    std::size_t body_offset_ = 0;
    codec::BodyCheck body_;
    std::unique_ptr<Stream> stream_;
    std::uint32_t next_stream_ = 0;
    std::optional<Refusal> refusal_;  // found before the end: the rest is dropped and the delivery rejected
    std::size_t held_ = 0;            // what of context_.partial_bytes is this link's

    /// Addresses of the relay that the user may send to, or may not; and may create.
    std::unordered_map<std::string, bool> allowed_;
    std::uint64_t allowed_version_ = 0;  // of the permissions that these answers rest on
};

}  // namespace giromq::amqp
