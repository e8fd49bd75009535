#include "amqp/core_session.hpp"

#include <algorithm>
#include <utility>

namespace giromq::amqp {
namespace {

/// What one consumer's link may keep of deliveries that wait for the network, and when it asks for more.
constexpr std::uint64_t unsent_bytes_max = 1024 * 1024;
constexpr std::uint64_t unsent_bytes_low = unsent_bytes_max / 2;

ErrorPtr copy(const Error& error) { return std::make_unique<Error>(error); }

TransactionId transaction_of(const command::Send& send) { return send.extras == nullptr ? TransactionId{} : send.extras->transaction; }

}  // namespace

void CoreLink::window(std::uint32_t messages) { session_->emit(news::Window{id_, messages}); }
void CoreLink::deliver(core::Delivery delivery) {
    unsent_bytes_.fetch_add(delivery.message->memory(), std::memory_order_relaxed);
    session_->emit(news::Delivered{id_, std::move(delivery)});
}
bool CoreLink::has_room() const { return unsent_bytes_.load(std::memory_order_relaxed) < unsent_bytes_max; }
bool CoreLink::let_go(const core::Delivery& delivery) {
    const auto bytes = delivery.message->memory();
    const auto before = unsent_bytes_.fetch_sub(bytes, std::memory_order_relaxed);
    return before >= unsent_bytes_low && before - bytes < unsent_bytes_low;
}
void CoreLink::drained() { session_->emit(news::Drained{id_, flow_number_}); }
void CoreLink::ended(const Error& reason) {
    // The core has forgotten the port: closing it again would be closing somebody else's.
    producer_ = {};
    consumer_ = {};
    control_ = {};
    end_reason_ = reason;
    session_->emit(news::Ended{id_, copy(reason)});
}

void CoreSession::submit(std::vector<Command> commands) {
    executor_.execute([self = shared_from_this(), commands = std::move(commands)]() mutable {
        for (Command& command : commands) {
            std::visit([&self](auto& item) { self->run(item); }, command);
        }
    });
}

void CoreSession::close(core::CloseReason reason, std::vector<std::shared_ptr<CoreLink>> links) {
    executor_.execute([self = shared_from_this(), reason, links = std::move(links)] {
        for (const auto& link : links) {
            link->closed_ = true;
            link->held_.clear();
            self->drop_streams(*link);
        }
        self->core_.close_connection(self->connection_, reason);
    });
}

void CoreSession::emit(News item) {
    pending_.push_back(std::move(item));
    if (std::exchange(flush_scheduled_, true)) return;
    // Given from inside the core's executor, it runs after what the core is doing now: so everything of one run goes in one piece.
    executor_.execute([self = shared_from_this()] { self->flush(); });
}

void CoreSession::flush() {
    flush_scheduled_ = false;
    mailbox_->post_all(pending_);
}

// Links

void CoreSession::refuse_attach(const CoreLink& link, const Error& error) { emit(news::Attached{link.id_, {}, copy(error)}); }

std::optional<DestinationId> CoreSession::open_temporary(CoreLink& link) {
    Result<DestinationId> created = core_.create_temporary_queue(connection_);
    if (!created) {
        refuse_attach(link, created.error());
        return std::nullopt;
    }
    link.temporary_ = *created;
    return *created;
}

void CoreSession::run(command::OpenProducer& command) {
    CoreLink& link = *command.link;
    if (command.is_relay) return open_producer(link, DestinationId{}, {}, command.name);
    if (command.is_dynamic) {
        if (const auto created = open_temporary(link)) open_producer(link, *created, core_.name_of(*created), command.name);
        return;
    }
    const std::string& address = command.address;
    core_.open_destination(address, command.may_create,
                           [self = shared_from_this(), held = command.link, address, name = command.name](Result<DestinationId> opened) {
                               if (held->closed_) return;
                               if (!opened) return self->refuse_attach(*held, opened.error());
                               self->open_producer(*held, *opened, address, name);
                           });
}

void CoreSession::open_producer(CoreLink& link, DestinationId destination, std::string address, const std::string& name) {
    Result<ProducerId> opened = core_.open_producer(connection_, destination, &link, name);
    if (!opened) return refuse_attach(link, opened.error());
    link.producer_ = *opened;
    link.destination_ = destination;
    emit(news::Attached{link.id_, std::move(address), nullptr});
}

void CoreSession::run(command::OpenConsumer& command) {
    CoreLink& link = *command.link;
    if (command.is_dynamic) {
        if (const auto created = open_temporary(link)) open_consumer(link, *created, command);
        return;
    }
    auto shared = std::make_shared<command::OpenConsumer>(command);
    core_.open_destination(command.address, command.may_create, [self = shared_from_this(), shared](Result<DestinationId> opened) {
        if (shared->link->closed_) return;
        if (!opened) return self->refuse_attach(*shared->link, opened.error());
        self->open_consumer(*shared->link, *opened, *shared);
    });
}

void CoreSession::open_consumer(CoreLink& link, DestinationId destination, const command::OpenConsumer& command) {
    core::ConsumerCommand open;
    open.connection = connection_;
    open.destination = destination;
    open.mode = command.mode;
    open.presettled = command.presettled;
    open.selector = command.selector;
    open.name = command.name;
    open.port = &link;
    Result<ConsumerId> opened = core_.open_consumer(open);
    if (!opened) return refuse_attach(link, opened.error());
    link.consumer_ = *opened;
    link.destination_ = destination;
    emit(news::Attached{link.id_, core_.name_of(destination), nullptr});
}

void CoreSession::run(command::Close& command) {
    CoreLink& link = *command.link;
    link.closed_ = true;
    drop_held(link);
    drop_streams(link);
    if (link.producer_.is_set()) core_.close_producer(std::exchange(link.producer_, {}));
    if (link.consumer_.is_set()) core_.close_consumer(std::exchange(link.consumer_, {}), core::CloseReason::orderly);
    if (link.control_.is_set()) core_.close_control(std::exchange(link.control_, {}));
    if (link.temporary_.is_set()) core_.delete_queue(std::exchange(link.temporary_, {}), true, [](const Result<void>&) {});
}

// Producers

void CoreSession::refuse_send(const CoreLink& link, const command::Send& command, const Error& error, bool was_held) {
    if (const auto transaction = transaction_of(command); transaction.is_set()) {
        core_.work_refused(connection_, transaction, error, was_held);
    }
    if (command.message->chunk_count > 0) core_.drop_chunks(command.message->number);
    emit(news::Sent{link.id_, command.bytes, command.delivery, copy(error)});
}

void CoreSession::drop_held(CoreLink& link) {
    for (const CoreLink::HeldSend& held : std::exchange(link.held_, {})) {
        refuse_send(link, held.send, Error(core::errc::deleted, "the link has ended"), true);
    }
}

void CoreSession::send(CoreLink& link, command::Send& command, DestinationId destination, bool was_held) {
    if (!link.producer_.is_set()) return refuse_send(link, command, link.end_reason_, was_held);
    core::SendCommand send;
    send.producer = link.producer_;
    send.destination = destination;
    send.message = std::move(command.message);
    if (command.extras != nullptr) {
        send.sequence = std::move(command.extras->sequence);
        send.duplicate_id = std::move(command.extras->duplicate_id);
        send.transaction = command.extras->transaction;
        send.connection = connection_;
        send.was_awaited = was_held && send.transaction.is_set();
    }
    send.done = [held = link.shared_from_this(), delivery = command.delivery, bytes = command.bytes](const core::SendResult& result) {
        held->session_->emit(news::Sent{held->id_, bytes, delivery, result.accepted ? nullptr : copy(result.error)});
    };
    core_.send(std::move(send));
}

void CoreSession::run(command::Send& command) {
    CoreLink& link = *command.link;
    if (link.closed_) return refuse_send(link, command, Error(core::errc::deleted, "the link has ended"), false);
    const command::SendExtras* const extras = command.extras.get();
    const bool is_plain = extras == nullptr || (extras->address.empty() && !extras->stream);
    if (is_plain && link.held_.empty()) return send(link, command, link.destination_, false);
    // Behind a large message, or a queue that is being made, everything of the link waits: a producer's messages keep their order.
    CoreLink::HeldSend held;
    const std::uint64_t key = next_key_++;
    held.key = key;
    held.destination = link.destination_;
    held.waits_for_address = extras != nullptr && !extras->address.empty();
    held.send = std::move(command);
    if (const auto transaction = transaction_of(held.send); transaction.is_set()) core_.await_put(connection_, transaction);
    const bool waits_for_address = held.waits_for_address;
    link.held_.push_back(std::move(held));
    // The answer may come at once, and then the send is gone from the list when this returns; the extras are kept alive by nobody else.
    if (waits_for_address) {
        const std::string address = extras->address;
        resolve(link, key, address, extras->may_create);
    } else {
        release_held(link);
    }
}

void CoreSession::resolve(CoreLink& link, std::uint64_t key, const std::string& address, bool may_create) {
    core_.open_destination(address, may_create,
                           [self = shared_from_this(), shared = link.shared_from_this(), key](Result<DestinationId> opened) {
                               const auto waiting = std::ranges::find(shared->held_, key, &CoreLink::HeldSend::key);
                               if (waiting == shared->held_.end()) return;
                               waiting->waits_for_address = false;
                               if (opened) {
                                   waiting->destination = *opened;
                               } else {
                                   waiting->error = copy(opened.error());
                               }
                               self->release_held(*shared);
                           });
}

bool CoreSession::is_ready(const CoreLink& link, const CoreLink::HeldSend& held) {
    if (held.waits_for_address) return false;
    const command::SendExtras* const extras = held.send.extras.get();
    if (extras == nullptr || !extras->stream) return true;
    const auto stream = link.streams_.find(*extras->stream);
    return stream == link.streams_.end() || stream->second.outstanding == 0;
}

void CoreSession::release_held(CoreLink& link) {
    while (!link.held_.empty() && is_ready(link, link.held_.front())) {
        CoreLink::HeldSend held = std::move(link.held_.front());
        link.held_.pop_front();
        if (held.send.extras != nullptr && held.send.extras->stream) {
            auto stream = link.streams_.extract(*held.send.extras->stream);
            if (stream.empty()) {
                held.error = copy(Error(core::errc::internal, "the body of a large message is missing"));
            } else {
                held.send.message->number = stream.mapped().number;
                if (stream.mapped().error != nullptr) held.error = std::move(stream.mapped().error);
            }
        }
        if (held.error != nullptr) {
            refuse_send(link, held.send, *held.error, true);
        } else {
            send(link, held.send, held.destination, true);
        }
    }
}

void CoreSession::run(command::StoreChunk& command) {
    CoreLink& link = *command.link;
    CoreLink::Stream& stream = link.streams_[command.stream];
    if (!stream.number.is_set()) stream.number = core_.begin_chunks();
    ++stream.outstanding;
    core_.append_chunk(stream.number, command.index, std::move(command.bytes),
                       [self = shared_from_this(), held = link.shared_from_this(), id = command.stream](Result<void> stored) {
                           self->chunk_stored(*held, id, std::move(stored));
                       });
}

void CoreSession::chunk_stored(CoreLink& link, std::uint32_t id, Result<void> stored) {
    emit(news::ChunkStored{link.id_, id, stored ? nullptr : copy(stored.error())});
    const auto found = link.streams_.find(id);
    if (found == link.streams_.end()) return;
    --found->second.outstanding;
    if (!stored && found->second.error == nullptr) found->second.error = copy(stored.error());
    if (found->second.outstanding == 0 && !link.closed_) release_held(link);
}

/// An upload has ended without its message.
void CoreSession::run(command::DropStream& command) {
    const auto stream = command.link->streams_.extract(command.stream);
    if (!stream.empty()) core_.drop_chunks(stream.mapped().number);
}

void CoreSession::drop_streams(CoreLink& link) {
    for (const auto& [id, stream] : std::exchange(link.streams_, {})) core_.drop_chunks(stream.number);
}

// Consumers

void CoreSession::run(command::Settle& command) {
    CoreLink& link = *command.link;
    UniqueFunction<void(Result<void>)> done;
    if (command.delivery != nullptr) {
        done = [held = link.shared_from_this(), delivery = command.delivery](const Result<void>& result) {
            held->session_->emit(news::Settled{held->id_, delivery, result ? nullptr : copy(result.error())});
        };
    }
    if (!link.consumer_.is_set()) {
        // The core has ended the consumer and taken its deliveries back; what becomes of them is not this consumer's any more.
        if (done) done(Error(core::errc::deleted, "the consumer was ended"));
        return;
    }
    core_.settle(link.consumer_, command.position, std::move(command.outcome), std::move(done));
}

void CoreSession::run(command::Flow& command) {
    CoreLink& link = *command.link;
    if (!link.consumer_.is_set()) return;
    link.flow_number_ = command.number;
    core_.flow(link.consumer_, command.delivery_limit, command.drain);
}

void CoreSession::run(command::Resume& command) {
    if (command.link->consumer_.is_set()) core_.resume(command.link->consumer_);
}

void CoreSession::run(command::ReadChunk& command) {
    core_.read_chunk(command.number, command.index,
                     [self = shared_from_this(), link = command.link->id_, read = command.read](Result<SharedBytes> bytes) {
                         news::ChunkRead item{link, read, {}, nullptr};
                         if (bytes) {
                             item.bytes = std::move(bytes).value();
                         } else {
                             item.error = copy(bytes.error());
                         }
                         self->mailbox().post(std::move(item));
                     });
}

}  // namespace giromq::amqp
