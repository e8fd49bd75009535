#pragma once

#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/context.hpp"
#include "core/queue.hpp"

namespace giromq::core {

/// The destinations by name and id, who may open and create them, and how they come and go.
class Router final : public QueueHost {
public:
    explicit Router(Context& context) : context_(context), producers(context.settings.producers_max) {}

    // QueueHost
    Queue* dead_letter_queue(const std::string& name, tx::UnitOfWork& work) override;
    void room_changed(Queue& queue) override;
    void end_consumer(ConsumerId consumer, const Error& reason) override { on_end_consumer(consumer, reason); }
    Queue* find(DestinationId id) override;
    Queue* find_name(std::string_view name) override;
    const Queue* find_name(std::string_view name) const;

    /// As found in the store at start.
    void restore(const store::StoredDestination& stored);
    void start(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<void>)> done);
    /// The same while clients are there: all of it, or nothing. The answer is how many queues have changed.
    void configure(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<std::size_t>)> done);
    /// Its creation is under way, so it is not shown yet.
    bool is_opening(std::string_view name) const { return opening_.contains(name); }
    void open(std::string_view name, bool may_create, UniqueFunction<void(Result<DestinationId>)> done);
    void create(DestinationSettings settings, UniqueFunction<void(Result<DestinationId>)> done);
    Result<DestinationId> create_temporary(ConnectionId connection);
    void change(DestinationId id, DestinationSettings settings, UniqueFunction<void(Result<void>)> done);
    QueueList list(const QueueQuery& query) const;
    void remove(DestinationId id, bool even_if_used, UniqueFunction<void(Result<void>)> done);
    void remove_temporary_of(ConnectionId connection);

    /// Called when the room for producers of a queue may have changed.
    std::function<void(Queue&)> on_room_changed;
    /// Called when a consumer cannot go on.
    std::function<void(ConsumerId, const Error&)> on_end_consumer;
    /// Called before a queue is closed, so that its consumers and producers are told and forgotten.
    std::function<void(Queue&, const Error&)> on_closing;

    const std::unordered_map<DestinationId, std::unique_ptr<Queue>>& queues() const { return queues_; }
    const std::map<std::string, DestinationId, std::less<>>& names() const { return names_; }

private:
    Queue& add(DestinationId id, DestinationSettings settings, Timestamp created_at);
    void close(Queue& queue, const Error& reason);
    void empty(Queue& queue);
    void forget(DestinationId id);
    Result<void> check_new(std::string_view name) const;
    struct Configuring;
    Result<void> look_at(DestinationSettings& settings, Configuring& configuring);
    void configured(Configuring& configuring, const store::UnitResult& result);

    struct Opening {
        std::vector<UniqueFunction<void(Result<DestinationId>)>> waiting;
    };

    Context& context_;
    std::unordered_map<DestinationId, std::unique_ptr<Queue>> queues_;
    std::map<std::string, DestinationId, std::less<>> names_;
    std::map<std::string, Opening, std::less<>> opening_;  // creations under way
    std::vector<DestinationId> to_close_;
    std::uint64_t temporary_count_ = 0;

public:
    Producers producers;
};

/// 1 to 255 bytes of UTF-8 without control characters.
Result<void> check_destination_name(std::string_view name);
/// Where dead letters may go: such a name, unless it is that of a temporary queue; or nothing, so that they stay.
Result<void> check_dead_letter_queue(std::string_view name);

}  // namespace giromq::core
