#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <variant>
#include <vector>

#include "amqp/mailbox.hpp"
#include "amqp/xa_values.hpp"
#include "core/core.hpp"

/// The half of a connection that lives on the core's executor. The connection's half collects commands while it handles what came in
/// and gives them over as one task; the core's answers are collected here while the core works and go back as one task.
namespace giromq::amqp {

class CoreSession;

/// A link as the core sees it: its producer or consumer port. Made by the connection, and used by it only as a name; everything else
/// happens on the core's executor.
class CoreLink final : public core::ProducerPort,
                       public core::ConsumerPort,
                       public core::ControlPort,
                       public std::enable_shared_from_this<CoreLink> {
public:
    CoreLink(std::shared_ptr<CoreSession> session, LinkId id) : session_(std::move(session)), id_(id) {}

    void window(std::uint32_t messages) override;
    void deliver(core::Delivery delivery) override;
    bool has_room() const override;
    void drained() override;
    void ended(const Error& reason) override;

    /// The connection has no use for this delivery any more. True if there is room again, and the core has to be told by a Resume.
    /// Threads: the connection's executor.
    bool let_go(const core::Delivery& delivery);

private:
    friend class CoreSession;

    /// A large message whose chunks are being stored.
    struct Stream {
        MessageNumber number;
        std::uint32_t outstanding = 0;
        ErrorPtr error;
    };
    struct HeldSend;

    std::shared_ptr<CoreSession> session_;
    LinkId id_;
    ProducerId producer_;
    ConsumerId consumer_;
    ControlId control_;
    security::Identity identity_;  // of a control link
    DestinationId destination_;
    DestinationId temporary_;
    bool closed_ = false;
    Error end_reason_{core::errc::deleted, "the destination is gone"};
    std::uint64_t flow_number_ = 0;
    std::atomic<std::uint64_t> unsent_bytes_{0};  // memory of deliveries that the connection has not sent
    std::unordered_map<std::uint32_t, Stream> streams_;
    /// Sends that wait for their chunks, or for their queue to be made, and everything behind them.
    std::deque<HeldSend> held_;
};

/// What the connection asks of the core.
namespace command {

struct OpenProducer {
    std::shared_ptr<CoreLink> link;
    std::string address;
    std::string name = {};
    bool is_relay = false;
    bool is_dynamic = false;
    bool may_create = false;
};
struct OpenConsumer {
    std::shared_ptr<CoreLink> link;
    std::string address;
    std::string name = {};
    bool is_dynamic = false;
    bool may_create = false;
    core::ConsumerMode mode = core::ConsumerMode::acquire;
    bool presettled = false;
    selector::ProgramPtr selector;
};
/// A control link, over which transactions are declared and discharged.
struct OpenControl {
    std::shared_ptr<CoreLink> link;
    security::Identity identity;
};
struct Declare {
    CoreLink* link = nullptr;
    pn_delivery_t* delivery = nullptr;
};
struct Discharge {
    CoreLink* link = nullptr;
    pn_delivery_t* delivery = nullptr;
    TransactionId transaction;
    bool fail = false;
};
/// A call of the extension giromq:xa. The answer to xa-recover has at most so many bytes.
struct Xa {
    CoreLink* link = nullptr;
    pn_delivery_t* delivery = nullptr;
    std::unique_ptr<XaRequest> request;
    std::size_t answer_bytes_max = 0;
};
/// The outcome of a delivery becomes part of a transaction. `delivery` is null if nobody waits for the answer.
struct Enlist {
    CoreLink* link = nullptr;
    pn_delivery_t* delivery = nullptr;
    bool is_settled = false;
    TransactionId transaction;
    Position position;
    Outcome outcome;
};
/// A send of a transaction was refused before it came to the core.
struct RefuseWork {
    TransactionId transaction;
    Error error;
};
struct Close {
    std::shared_ptr<CoreLink> link;
};

/// What only some sends need.
struct SendExtras {
    std::optional<core::ProducerSequence> sequence;
    std::string duplicate_id;
    std::string address;  // of a send over the anonymous relay
    bool may_create = false;
    std::optional<std::uint32_t> stream;  // the chunks of a large message
    TransactionId transaction;
};
struct Send {
    CoreLink* link = nullptr;
    std::uint32_t bytes = 0;  // in memory
    pn_delivery_t* delivery = nullptr;
    std::shared_ptr<Message> message;
    std::unique_ptr<SendExtras> extras;
};
struct Settle {
    CoreLink* link = nullptr;
    pn_delivery_t* delivery = nullptr;  // null: nobody waits for the answer
    Position position;
    Outcome outcome;
};
struct Flow {
    CoreLink* link = nullptr;
    std::uint64_t delivery_limit = 0;
    bool drain = false;
    std::uint64_t number = 0;
};
/// The link has room for deliveries again.
struct Resume {
    CoreLink* link = nullptr;
};
struct StoreChunk {
    CoreLink* link = nullptr;
    std::uint32_t stream = 0;
    std::uint32_t index = 0;
    SharedBytes bytes;
};
struct DropStream {
    CoreLink* link = nullptr;
    std::uint32_t stream = 0;
};
struct ReadChunk {
    CoreLink* link = nullptr;
    std::uint64_t read = 0;
    MessageNumber number;
    std::uint32_t index = 0;
};

}  // namespace command

using Command = std::variant<command::Send, command::Settle, command::Flow, command::Resume, command::StoreChunk, command::DropStream,
                             command::ReadChunk, command::Enlist, command::Declare, command::Discharge, command::Xa, command::RefuseWork,
                             command::OpenProducer, command::OpenConsumer, command::OpenControl, command::Close>;

struct CoreLink::HeldSend {
    command::Send send;
    std::uint64_t key = 0;
    bool waits_for_address = false;
    ErrorPtr error;
    DestinationId destination;
};

/// Threads: submit() and close() from the connection's executor, everything else on the core's.
class CoreSession : public std::enable_shared_from_this<CoreSession> {
public:
    CoreSession(ConnectionId connection, core::Core& core, Executor& core_executor, std::shared_ptr<Mailbox> mailbox)
        : connection_(connection), core_(core), executor_(core_executor), mailbox_(std::move(mailbox)) {}

    /// Runs the commands, in order, as one task of the core. Raw link pointers in them must stay valid until their Close has run or
    /// close() was called with the links.
    void submit(std::vector<Command> commands);

    /// The connection is gone. Takes over the links that are still open, so that they outlive the core's use of them.
    void close(core::CloseReason reason, std::vector<std::shared_ptr<CoreLink>> links);

    void emit(News item);
    /// For callbacks that run on another thread than the core's executor.
    Mailbox& mailbox() { return *mailbox_; }

private:
    void run(command::OpenProducer& command);
    void run(command::OpenConsumer& command);
    void run(command::OpenControl& command);
    void run(command::Declare& command);
    void run(command::Discharge& command);
    void run(command::Xa& command);
    void run(command::Enlist& command);
    void run(command::RefuseWork& command);
    void run(command::Close& command);
    void run(command::Send& command);
    void run(command::Settle& command);
    void run(command::Flow& command);
    void run(command::Resume& command);
    void run(command::StoreChunk& command);
    void run(command::DropStream& command);
    void run(command::ReadChunk& command);

    void carry_out(const std::shared_ptr<CoreLink>& link, pn_delivery_t* delivery, const XaRequest& request, std::size_t answer_bytes_max);
    void start_branch(const CoreLink& link, pn_delivery_t* delivery, const XaRequest& request);
    RecoveredBranches recover(const CoreLink& link, const XaRequest& request, std::size_t bytes_max) const;
    /// Whether the link's user may have to do with the branch, if it is there.
    Result<void> authorise_branch(const CoreLink& link, const xa::Xid& xid) const;
    core::XaDone answers(const std::shared_ptr<CoreLink>& link, pn_delivery_t* delivery);

    void open_producer(CoreLink& link, DestinationId destination, std::string address, const std::string& name);
    void open_consumer(CoreLink& link, DestinationId destination, const command::OpenConsumer& command);
    void refuse_attach(const CoreLink& link, const Error& error);
    std::optional<DestinationId> open_temporary(CoreLink& link);

    /// `was_held`: it waited, so the core was told to await it.
    void send(CoreLink& link, command::Send& command, DestinationId destination, bool was_held);
    void resolve(CoreLink& link, std::uint64_t key, const std::string& address, bool may_create);
    void release_held(CoreLink& link);
    static bool is_ready(const CoreLink& link, const CoreLink::HeldSend& held);
    /// Of a link that goes: its sends that wait are answered, since the connection counts what is under way.
    void drop_held(CoreLink& link);
    void refuse_send(const CoreLink& link, const command::Send& command, const Error& error, bool was_held);
    void chunk_stored(CoreLink& link, std::uint32_t stream, Result<void> result);
    void drop_streams(CoreLink& link);
    void flush();

    const ConnectionId connection_;
    core::Core& core_;
    Executor& executor_;
    const std::shared_ptr<Mailbox> mailbox_;
    std::vector<News> pending_;
    bool flush_scheduled_ = false;
    std::uint64_t next_key_ = 1;
};

}  // namespace giromq::amqp
