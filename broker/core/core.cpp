#include "core/core.hpp"

#include <utility>

#include "core/core_impl.hpp"

namespace giromq::core {

Core::Core(const Clock& clock, store::CommitPort& commits, store::ReadPort& reads, CoreSettings settings, WorkPort* workers)
    : impl_(std::make_unique<Impl>(clock, commits, reads, std::move(settings), workers)) {}
Core::~Core() = default;

store::RecoveryVisitor& Core::recovery() { return impl_->recovery; }
void Core::start(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<void>)> done) {
    impl_->branches.recovered();
    impl_->router.start(std::move(configured), std::move(done));
}
void Core::configure_queues(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<std::size_t>)> done) {
    if (impl_->stopping) return done(stopping_error());
    impl_->router.configure(std::move(configured), std::move(done));
}
void Core::tick() { impl_->tick(); }
void Core::stop(UniqueFunction<void()> done) { impl_->stop(std::move(done)); }

void Core::open_destination(std::string_view name, bool may_create, UniqueFunction<void(Result<DestinationId>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->router.open(name, may_create, std::move(done));
    }
}
std::optional<DestinationId> Core::find_destination(std::string_view name) const {
    const Queue* const queue = impl_->router.find_name(name);
    return queue == nullptr || queue->closing() || impl_->router.is_opening(name) ? std::nullopt : std::optional(queue->id());
}
void Core::create_queue(DestinationSettings settings, UniqueFunction<void(Result<DestinationId>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->router.create(std::move(settings), std::move(done));
    }
}
Result<DestinationId> Core::create_temporary_queue(ConnectionId connection) {
    if (impl_->stopping) return stopping_error();
    return impl_->router.create_temporary(connection);
}
void Core::delete_queue(DestinationId queue, bool even_if_used, UniqueFunction<void(Result<void>)> done) {
    if (impl_->stopping) {
        done(stopping_error());
    } else {
        impl_->router.remove(queue, even_if_used, std::move(done));
    }
}
void Core::purge_queue(DestinationId id, UniqueFunction<void(Result<std::uint64_t>)> done) {
    Queue* const queue = impl_->router.find(id);
    if (impl_->stopping) {
        done(stopping_error());
    } else if (queue == nullptr || queue->closing()) {
        done(Error(errc::not_found));
    } else if (!impl_->context.idle_of_retries()) {
        done(Error(errc::not_ready, "the store refuses changes now; try again"));
    } else {
        queue->purge(std::move(done));
    }
}
Result<QueueView> Core::view_queue(DestinationId id) const {
    const Queue* const queue = impl_->router.find(id);
    if (queue == nullptr || queue->closing()) return Error(errc::not_found);
    return queue->view();
}
std::vector<QueueView> Core::list_queues(std::string_view after, std::size_t limit) const {
    std::vector<QueueView> views;
    const auto& names = impl_->router.names();
    for (auto next = names.upper_bound(after); next != names.end() && views.size() < limit; ++next) {
        const Queue* const queue = impl_->router.find(next->second);
        if (!queue->closing() && !impl_->router.is_opening(next->first)) views.push_back(queue->view());
    }
    return views;
}
QueueList Core::list_queues(const QueueQuery& query) const { return impl_->router.list(query); }
void Core::change_queue(DestinationId queue, DestinationSettings settings, UniqueFunction<void(Result<void>)> done) {
    if (impl_->stopping) return done(stopping_error());
    impl_->router.change(queue, std::move(settings), std::move(done));
}
CoreView Core::view() const { return impl_->view(); }
std::string Core::name_of(DestinationId destination) const {
    const Queue* const queue = impl_->router.find(destination);
    return queue == nullptr ? std::string() : queue->settings().name;
}

Result<ProducerId> Core::open_producer(ConnectionId connection, DestinationId destination, ProducerPort* port, std::string name) {
    return impl_->open_producer(connection, destination, port, std::move(name));
}
void Core::close_producer(ProducerId producer) { impl_->close_producer(producer); }
void Core::send(SendCommand command) { impl_->send(std::move(command)); }

MessageNumber Core::begin_chunks() { return impl_->context.take_message_number(); }
void Core::append_chunk(MessageNumber number, std::uint32_t index, SharedBytes bytes, UniqueFunction<void(Result<void>)> done) {
    impl_->append_chunk(store::PutChunk{number, index, std::move(bytes)}, std::move(done));
}
void Core::drop_chunks(MessageNumber number) { impl_->drop_chunks(number); }
void Core::read_chunk(MessageNumber number, std::uint32_t index, UniqueFunction<void(Result<SharedBytes>)> done) {
    impl_->context.reads.chunk(number, index, std::move(done));
}

Result<ConsumerId> Core::open_consumer(ConsumerCommand command) { return impl_->open_consumer(command); }
void Core::close_consumer(ConsumerId consumer, CloseReason reason) { impl_->close_consumer(consumer, reason); }
void Core::flow(ConsumerId id, std::uint64_t delivery_limit, bool drain) {
    if (Consumer* const consumer = impl_->consumer(id)) consumer->queue->flow(*consumer, delivery_limit, drain);
}
void Core::resume(ConsumerId id) {
    if (Consumer* const consumer = impl_->consumer(id)) consumer->queue->resume(*consumer);
}
void Core::settle(ConsumerId id, Position position, Outcome outcome, UniqueFunction<void(Result<void>)> done) {
    Consumer* const consumer = impl_->consumer(id);
    if (consumer != nullptr && !consumer->queue->closing()) {
        consumer->queue->settle(*consumer, position, std::move(outcome), std::move(done));
    } else if (done) {
        done({});
    }
}
void Core::look(LookCommand command) {
    Queue* const queue = impl_->router.find(command.queue);
    if (queue == nullptr || queue->closing()) return command.done(Error(errc::not_found));
    queue->look(std::move(command));
}
Position Core::newest_position() const { return Position{impl_->context.next_position().value - 1}; }
void Core::hold(ConsumerId id, std::vector<Position> positions, UniqueFunction<void(std::vector<Change>)> done) {
    Consumer* const holder = impl_->consumer(id);
    if (holder == nullptr || holder->queue->closing()) return done(std::vector<Change>(positions.size(), Change::not_found));
    holder->queue->hold(*holder, std::move(positions), std::move(done));
}
void Core::change(ChangeCommand command) {
    Consumer* const holder = impl_->consumer(command.holder);
    Queue* const target = command.target.is_set() ? impl_->router.find(command.target) : nullptr;
    if (impl_->stopping) return command.done({{}, stopping_error()});
    if (holder == nullptr || holder->queue->closing()) return command.done({{}, Error(errc::deleted, "the queue was deleted")});
    if (command.kind == ChangeCommand::Kind::move && (target == nullptr || target->closing() || target == holder->queue)) {
        return command.done({{}, Error(errc::not_found, "the queue to move to is gone")});
    }
    holder->queue->change(*holder, std::move(command), target);
}
ControlId Core::open_control(ConnectionId connection, ControlPort* port) { return impl_->transactions.open_control(connection, port); }
void Core::close_control(ControlId control) {
    impl_->transactions.close_control(control);
    impl_->branches.close_control(control);
}
Result<TransactionId> Core::declare(ControlId control) {
    if (impl_->stopping) return stopping_error();
    return impl_->transactions.declare(control);
}
void Core::discharge(ConnectionId connection, TransactionId transaction, bool fail, UniqueFunction<void(Result<void>)> done) {
    impl_->transactions.discharge(connection, transaction, fail, std::move(done));
}
Result<void> Core::enlist(EnlistCommand command) { return impl_->enlist(std::move(command)); }
void Core::await_put(ConnectionId connection, TransactionId transaction) {
    if (impl_->branches.knows(connection, transaction)) return impl_->branches.await_put(transaction);
    impl_->transactions.await_put(connection, transaction);
}
void Core::work_refused(ConnectionId connection, TransactionId transaction, const Error& reason, bool was_awaited) {
    impl_->fail_transaction(connection, transaction, reason);
    if (was_awaited) impl_->awaited_put_came(connection, transaction);
}
xa::ReturnCode Core::xa_start(ConnectionId connection, ControlId control, const xa::Xid& xid, xa::Flags flags, xa::StartOptions options,
                              TransactionId& id) {
    if (impl_->stopping) return xa::ReturnCode::er_rm_fail;
    return impl_->branches.start(connection, control, xid, flags, std::move(options), id);
}
bool Core::is_branch_work(ConnectionId connection, TransactionId id) const { return impl_->branches.knows(connection, id); }
void Core::in_turn(ControlId control, UniqueFunction<void()> call) { impl_->branches.in_turn(control, std::move(call)); }
void Core::xa_end(ConnectionId connection, TransactionId id, xa::Flags flags, XaDone done) {
    impl_->branches.end(connection, id, flags, std::move(done));
}
void Core::xa_complete(ControlId control, XaCall call, XaDone done) {
    if (impl_->stopping) return done(xa::ReturnCode::er_rm_fail);
    impl_->branches.complete(control, std::move(call), std::move(done));
}
void Core::xa_resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, XaDone done) {
    if (impl_->stopping) return done(xa::ReturnCode::er_rm_fail);
    impl_->branches.resolve(xid, outcome, std::move(decision), std::move(done));
}
void Core::xa_forget(const xa::Xid& xid, xa::Decision decision, XaDone done) {
    xa_complete({}, XaCall{XaCall::Kind::forget, xid, xa::tm::no_flags, std::move(decision)}, std::move(done));
}
xa::ReturnCode Core::xa_set_timeout(const xa::Xid& xid, std::chrono::milliseconds timeout) {
    return impl_->branches.set_timeout(xid, timeout);
}
std::vector<BranchMessage> Core::branch_messages(const xa::Xid& xid, std::uint64_t first, std::size_t limit) const {
    return impl_->branches.messages(xid, first, limit);
}
const xa::Registry& Core::branches() const { return impl_->branches.registry(); }
void Core::close_connection(ConnectionId connection, CloseReason reason) { impl_->close_connection(connection, reason); }

const std::vector<User>& Core::recovered_users() const { return impl_->recovery.users; }
void Core::put_user(User user, UniqueFunction<void(Result<void>)> done) {
    impl_->commit_record(store::PutUser{std::move(user)}, std::move(done));
}
void Core::remove_user(std::string name, UniqueFunction<void(Result<void>)> done) {
    impl_->commit_record(store::RemoveUser{std::move(name)}, std::move(done));
}

const std::vector<Permission>& Core::recovered_permissions() const { return impl_->recovery.permissions; }
void Core::put_permission(Permission permission, UniqueFunction<void(Result<void>)> done) {
    impl_->commit_record(store::PutPermission{std::move(permission)}, std::move(done));
}
void Core::remove_permission(std::uint64_t id, UniqueFunction<void(Result<void>)> done) {
    impl_->commit_record(store::RemovePermission{id}, std::move(done));
}

void Core::change_security(std::vector<SecurityStep> steps, UniqueFunction<void(Result<void>)> done) {
    std::vector<store::Operation> operations;
    operations.reserve(steps.size());
    for (auto& step : steps) {
        std::visit([&](auto& operation) { operations.emplace_back(std::move(operation)); }, step);
    }
    impl_->commit_records(std::move(operations), std::move(done));
}

bool Core::audited(AuditEntry entry, UniqueFunction<void()> command) {
    return impl_->context.audited(std::move(entry), std::move(command));
}
void Core::read_audit(AuditQuery query, UniqueFunction<void(Result<AuditStretch>)> done) const {
    impl_->context.reads.audit(std::move(query), std::move(done));
}
void Core::put_audit(AuditEntry entry, UniqueFunction<void(Result<void>)> done) { impl_->commit_record(std::move(entry), std::move(done)); }

const std::vector<NamedSelector>& Core::recovered_selectors() const { return impl_->recovery.selectors; }
void Core::put_selector(NamedSelector selector, UniqueFunction<void(Result<void>)> done) {
    impl_->commit_record(store::PutSelector{std::move(selector)}, std::move(done));
}
void Core::remove_selector(std::string name, UniqueFunction<void(Result<void>)> done) {
    impl_->commit_record(store::RemoveSelector{std::move(name)}, std::move(done));
}

}  // namespace giromq::core
