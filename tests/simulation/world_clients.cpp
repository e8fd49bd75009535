#include <algorithm>

#include "simulation/world.hpp"

namespace giromq::simulation {

void World::client_step() {
    if (random_.percent(change_percent_)) return hand_step();
    if (random_.percent(transaction_percent_)) return random_.percent(branch_percent_) ? branch_step() : transaction_step();
    // Some runs send more than they take, some take more than they send.
    const auto sends = 150 + 40 * send_weight_;
    const auto lot = random_.below(1000);
    if (lot < sends) {
        for (auto left = random_.between(1, burst_most_); left > 0; --left) send();
    } else if (lot < sends + 40) {
        send_again();
    } else if (lot < 600) {
        if (SimConsumer* const waiting = any_consumer(); waiting != nullptr && !waiting->room) resume(*waiting);
        consumers_.empty() ? open_consumer() : flow();
    } else if (lot < 900) {
        for (auto left = random_.between(1, burst_most_); left > 0; --left) settle_one();
    } else {
        rare_client_step();
    }
}

void World::rare_client_step() {
    const auto lot = random_.below(100);
    if (lot < 40) {
        open_consumer();
    } else if (lot < 50) {
        open_producer();
    } else if (lot < 70) {
        close_consumer();
    } else if (lot < 80) {
        if (!connections_.empty()) close_connection();
    } else if (lot < 86) {
        create_queue();
    } else if (lot < 89) {
        create_temporary_queue();
    } else if (lot < 92) {
        if (random_.percent(30)) delete_queue();
    } else {
        purge_queue();
    }
}

std::optional<DestinationId> World::any_queue(bool with_dead_letters) {
    std::vector<DestinationId> open;
    for (const auto& [id, queue] : model_.queues) {
        if (!queue.deleting && (with_dead_letters || id != model_.dead_letter_queue)) open.push_back(id);
    }
    return open.empty() ? std::nullopt : std::optional(random_.pick(open));
}

SimConsumer* World::any_consumer() {
    if (consumers_.empty()) return nullptr;
    auto next = consumers_.begin();
    std::advance(next, static_cast<std::ptrdiff_t>(random_.below(consumers_.size())));
    return next->second.get();
}

// Sending

void World::send() {
    const auto queue = any_queue(random_.percent(3));
    if (!queue) return create_queue();
    const auto what = something_new(*queue);
    ProducerId through;
    for (const auto& producer : producers_) {
        if (producer->queue == what.queue && !producer->has_ended && producer->room > 0) through = producer->id;
    }
    remember(what);
    send(what, through);
}

World::Sent World::something_new(DestinationId queue) {
    Sent what;
    what.tag = next_tag_++;
    what.queue = queue;
    what.persistent = random_.percent(75);
    what.padding = random_.below(padding_most_);
    if (random_.percent(10)) what.chunks = static_cast<std::uint32_t>(random_.between(1, 3));
    if (random_.percent(expiry_percent_))
        what.expires_at = Timestamp{clock_.wall_now().milliseconds + static_cast<std::int64_t>(random_.between(1, 3000))};
    const auto identity = random_.below(10);
    if (identity < 4) {
        const auto producer = "producer-" + std::to_string(random_.below(3));
        what.sequence = core::ProducerSequence{producer, ++sequences_[producer]};
    } else if (identity < 6) {
        what.duplicate_id = "id-" + std::to_string(what.tag);
    }
    return what;
}

/// What has an identity may be sent again.
void World::remember(const Sent& what) {
    if (!what.sequence && what.duplicate_id.empty()) return;
    sent_.push_back(what);
    if (sent_.size() > 200) sent_.erase(sent_.begin());
}

/// A client that has had no answer, or none it remembers, sends again what it can name.
void World::send_again() {
    if (sent_.empty()) return;
    const auto what = random_.pick(sent_);
    const auto queue = model_.queues.find(what.queue);
    if (queue == model_.queues.end() || queue->second.deleting) return;
    send(what, {});
}

std::shared_ptr<Message> World::message_of(const Sent& what, const std::function<void(const Result<void>&)>& stored) {
    auto message = std::make_shared<Message>();
    message->durable = what.persistent;
    message->arrived_at = clock_.wall_now();
    message->expires_at = what.expires_at;
    message->bare = bytes_of(what.tag);
    message->annotations = SharedBytes::copy_of(std::string(what.padding, 'x'));
    if (what.chunks > 0) message->number = core_->begin_chunks();
    message->chunk_count = what.chunks;
    for (std::uint32_t index = 0; index < what.chunks; ++index) {
        const auto chunk = SharedBytes::copy_of(std::to_string(what.tag));
        message->chunked_bytes += chunk.size();
        core_->append_chunk(message->number, index, chunk, [stored](const Result<void>& result) { stored(result); });
    }
    return message;
}

void World::send(const Sent& what, ProducerId producer) {
    core::SendCommand command;
    command.producer = producer;
    command.destination = what.queue;
    command.message = message_of(what);
    command.sequence = what.sequence;
    command.duplicate_id = what.duplicate_id;
    const bool original = model_.send(what.tag, what.queue, what.persistent, what.chunks > 0, what.expires_at);
    model_.messages.at(what.tag).padding = what.padding;
    note(std::string(original ? "send " : "send again ") + std::to_string(what.tag) + " to " + std::to_string(what.queue.value) +
         (what.persistent ? "" : ", non-persistent"));
    ++unanswered_;
    const bool limited = model_.queues.at(what.queue).settings.max_messages != 0;
    command.done = [this, tag = what.tag, original, limited, run = run_](const core::SendResult& result) {
        if (run != run_) return;
        note("answer " + std::to_string(tag) + (result.accepted ? result.duplicate ? " duplicate" : " accepted" : " refused"));
        --unanswered_;
        if (!result.accepted && !limited && faults_ever_ == 0)
            model_.fail("refused for no reason: message " + std::to_string(tag) + ", " + result.error.to_string());
        model_.answered(tag, original, result.accepted, result.duplicate);
    };
    core_->send(std::move(command));
}

void World::open_producer() {
    const auto queue = any_queue(false);
    if (!queue || producers_.size() > 10) return;
    auto producer = std::make_unique<SimProducer>();
    producer->connection = connections_.empty() ? ConnectionId{next_connection_++} : random_.pick(connections_);
    producer->queue = *queue;
    const auto opened = core_->open_producer(producer->connection, *queue, producer.get());
    if (!opened.ok()) return model_.fail("a producer was refused");
    producer->id = opened.value();
    producers_.push_back(std::move(producer));
}

// Receiving

SimConsumer& World::connect(DestinationId queue, core::ConsumerMode mode, bool presettled, ConnectionId connection, Selects selects) {
    const auto key = next_key_++;
    auto consumer = std::make_unique<SimConsumer>(*this, key, connection);
    ModelConsumer known;
    known.key = key;
    known.queue = queue;
    known.browser = mode == core::ConsumerMode::browse;
    known.presettled = presettled;
    known.selects = selects;
    for (const auto& [tag, message] : model_.messages) {
        const bool out_of_turn = message.presence == Presence::pending && message.moving_from;
        if (message.home == queue && (message.holder != 0 || out_of_turn)) known.excused.insert(tag);
    }
    model_.consumers[key] = known;
    core::ConsumerCommand command;
    command.connection = connection;
    command.destination = queue;
    command.mode = mode;
    command.presettled = presettled;
    command.port = consumer.get();
    if (selects != Selects::all) command.selector = programs_.compile(text_of(selects)).value();
    SimConsumer& opened = *consumers_.emplace(key, std::move(consumer)).first->second;
    const auto id = core_->open_consumer(std::move(command));
    if (!id.ok()) {
        model_.fail("a consumer was refused: " + id.error().to_string());
        return opened;
    }
    opened.id = id.value();
    return opened;
}

void World::open_consumer() {
    if (consumers_.size() > 8) return close_consumer();
    const auto queue = any_queue(true);
    if (!queue) return;
    if (connections_.empty() || random_.percent(30)) connections_.push_back(ConnectionId{next_connection_++});
    const auto owner = temporary_.find(*queue);
    const auto connection = owner != temporary_.end() ? owner->second : random_.pick(connections_);
    const auto lot = random_.below(100);
    const auto mode = lot < 15 ? core::ConsumerMode::browse : core::ConsumerMode::acquire;
    const auto selects = random_.percent(selector_percent_) ? static_cast<Selects>(random_.below(selectors_count)) : Selects::all;
    note("open consumer " + std::to_string(next_key_) + " of " + std::to_string(queue->value) +
         (lot < 15   ? ", browsing"
          : lot < 25 ? ", presettled"
                     : "") +
         " " + std::string(text_of(selects)));
    connect(*queue, mode, lot >= 15 && lot < 25, connection, selects);
    if (random_.percent(80)) flow(*consumers_.rbegin()->second);
}

void World::delivered(SimConsumer& consumer, core::Delivery delivery) {
    const Tag tag = tag_of(*delivery.message);
    note("deliver " + std::to_string(tag) + " to " + std::to_string(consumer.key()) + ", count " + std::to_string(delivery.delivery_count));
    if (consumer.has_ended) model_.fail("a delivery after ended()");
    const auto& known = model_.consumers.at(consumer.key());
    // What is persistent is in the store when anybody sees it.
    const auto found = model_.messages.find(tag);
    const auto queue = model_.queues.find(known.queue);
    if (found != model_.messages.end()) {
        find_out_about(tag);
        if (!known.browser) find_out_about_those_before(tag, known.key);
        find_out_about_changes(known.queue, tag, !known.browser);
    }
    if (found != model_.messages.end() && queue != model_.queues.end() && found->second.persistent && !queue->second.temporary) {
        const auto page = store_->page(known.queue, Position{delivery.position.value - 1}, {.entries = 1, .bytes = 1});
        const auto& entries = page.value().entries;
        if (entries.empty() || entries[0].key.position != delivery.position)
            model_.fail("not in the store and delivered: message " + std::to_string(tag));
    }
    // What is large is read from the store while it is sent.
    const auto chunks = delivery.message->chunk_count;
    for (std::uint32_t index = 0; index < chunks; ++index) {
        if (!store_->chunk(delivery.message->number, index).ok()) model_.fail("without its chunks came message " + std::to_string(tag));
    }
    if (found != model_.messages.end() && delivery.message->annotations.size() != found->second.padding)
        model_.fail("not whole came message " + std::to_string(tag));
    model_.delivered(consumer.key(), tag, delivery);
    if (!known.browser && (!known.presettled || chunks > 0)) consumer.held.emplace_back(tag, delivery.position);
    std::uint64_t held = 0;
    for (const auto& [key, other] : consumers_) held += other->held.size();
    held_most_ = std::max(held_most_, held);
}

/// It never settles what it drains.
void World::ended(ConsumerKey key) {
    note("consumer " + std::to_string(key) + " was ended");
    find_out_about_rollbacks();
    const auto& known = model_.consumers.at(key);
    if (known.unsettled < 10 * settings_.consumer_unsettled_max) model_.fail("a consumer was ended for no reason: " + std::to_string(key));
    model_.closing({key}, false);
    model_.closed({key});
    consumers_.erase(key);
}

void World::flow() {
    if (SimConsumer* const consumer = any_consumer()) flow(*consumer);
}

void World::flow(SimConsumer& consumer) {
    auto& known = model_.consumers.at(consumer.key());
    const auto lot = random_.below(100);
    if (lot < 5) {
        known.limit = known.delivered + random_.below(2);
    } else {
        known.limit = std::max(known.limit, known.delivered) + (lot < 70 ? random_.between(1, 12) : 1000);
    }
    known.draining = random_.percent(30);
    consumer.room = random_.percent(90);
    note("flow of " + std::to_string(consumer.key()) + " to " + std::to_string(known.limit) + (known.draining ? ", drain" : "") +
         (consumer.room ? "" : ", no room"));
    core_->flow(consumer.id, known.limit, known.draining);
}

void World::resume(SimConsumer& consumer) {
    note("resume " + std::to_string(consumer.key()));
    consumer.room = true;
    core_->resume(consumer.id);
}

void World::give_room_to_all() {
    std::vector<ConsumerKey> keys;
    for (const auto& [key, consumer] : consumers_) keys.push_back(key);
    for (const auto key : keys) {
        const auto found = consumers_.find(key);
        if (found != consumers_.end() && !found->second->room) resume(*found->second);
    }
}

/// At rest: who may send is told so.
void World::check_producers() {
    for (const auto& producer : producers_) {
        if (producer->has_ended || !model_.queues.contains(producer->queue)) continue;
        const auto view = core_->view_queue(producer->queue);
        if (!view.ok()) continue;
        const auto& settings = view.value().settings;
        const bool full = settings.overflow == OverflowPolicy::hold && settings.max_messages != 0 &&
                          view.value().messages + kept_room(producer->queue) >= settings.max_messages;
        if (!full && producer->room == 0) model_.fail("a producer is held back, and there is room in " + settings.name);
        if (full && producer->room > 0) model_.fail("a producer is not held back, and there is no room in " + settings.name);
    }
}

void World::settle_one() {
    SimConsumer* const consumer = any_consumer();
    if (consumer == nullptr || consumer->held.empty()) return;
    const auto index = random_.percent(60) ? 0 : static_cast<std::size_t>(random_.below(consumer->held.size()));
    const auto lot = random_.below(100);
    Outcome outcome = Accepted{};
    if (lot >= 60 && lot < 72) outcome = Released{};
    if (lot >= 72 && lot < 90) outcome = Modified{random_.percent(70), random_.percent(30)};
    if (lot >= 90) outcome = Rejected{"amqp:not-allowed", "by chance"};
    settle(*consumer, index, outcome);
}

void World::settle(SimConsumer& consumer, std::size_t index, const Outcome& outcome) {
    const auto tag = consumer.held[index].first;
    const auto position = consumer.held[index].second;
    consumer.held.erase(consumer.held.begin() + static_cast<std::ptrdiff_t>(index));
    note("settle " + std::to_string(tag) + " by " + std::to_string(consumer.key()) + ", outcome " + std::to_string(outcome.index()));
    const auto home = model_.messages.at(tag).home;
    const auto* const modified = std::get_if<Modified>(&outcome);
    if (std::holds_alternative<Accepted>(outcome)) {
        model_.accept(tag);
    } else if (std::holds_alternative<Rejected>(outcome)) {
        model_.reject(tag, "amqp:not-allowed: by chance");
    } else if (modified != nullptr) {
        model_.modify(tag, modified->delivery_failed, modified->undeliverable_here);
    } else {
        model_.release(tag);
    }
    const auto& message = model_.messages.at(tag);
    const auto failures = message.failures;
    const bool counted = std::holds_alternative<Rejected>(outcome) || (modified != nullptr && modified->delivery_failed);
    const bool moved = message.home != home;
    ++unanswered_;
    core_->settle(consumer.id, position, outcome, [this, tag, outcome, moved, counted, failures, run = run_](const Result<void>& result) {
        if (run != run_) return;
        --unanswered_;
        note("settled " + std::to_string(tag));
        if (!result.ok()) return model_.fail("an outcome was refused: " + result.error().to_string());
        if (std::holds_alternative<Accepted>(outcome)) {
            model_.removal_confirmed(tag);
        } else if (moved) {
            model_.move_confirmed(tag);
        } else if (counted) {
            model_.failure_confirmed(tag, failures);
        }
    });
}

void World::close_consumer() {
    SimConsumer* const consumer = any_consumer();
    if (consumer == nullptr) return;
    const bool lost = random_.percent(40);
    const std::vector<ConsumerKey> keys{consumer->key()};
    note("close consumer " + std::to_string(consumer->key()) + (lost ? ", lost" : ""));
    model_.closing(keys, lost);
    core_->close_consumer(consumer->id, lost ? core::CloseReason::lost : core::CloseReason::orderly);
    model_.closed(keys);
    consumers_.erase(keys[0]);
}

void World::close_connection() {
    const auto index = static_cast<std::size_t>(random_.below(connections_.size()));
    const auto connection = connections_[index];
    connections_.erase(connections_.begin() + static_cast<std::ptrdiff_t>(index));
    const bool lost = random_.percent(50);
    note("close connection " + std::to_string(connection.value) + (lost ? ", lost" : ""));
    std::vector<ConsumerKey> keys;
    for (const auto& [key, consumer] : consumers_) {
        if (consumer->connection() == connection) keys.push_back(key);
    }
    end_transactions(connection);
    model_.closing(keys, lost);
    std::vector<DestinationId> its;
    for (const auto& [id, owner] : temporary_) {
        if (owner == connection) its.push_back(id);
    }
    for (const auto id : its) branches_may_lose(id);
    closing_ = connection;
    core_->close_connection(connection, lost ? core::CloseReason::lost : core::CloseReason::orderly);
    closing_.reset();
    model_.closed(keys);
    for (const auto id : its) fail_transactions(id);
    for (const auto key : keys) consumers_.erase(key);
    sync_branches();
    std::erase_if(producers_, [&](const auto& producer) { return producer->connection == connection || producer->has_ended; });
    for (const auto id : its) {
        temporary_.erase(id);
        model_.queue_deleting(id);
        model_.queue_deleted(id);
    }
}

// Queues

DestinationSettings World::random_settings(const std::string& name) {
    auto settings = settings_.queue_defaults;
    settings.name = name;
    if (random_.percent(25)) {
        settings.max_messages = random_.between(3, 20);
        settings.overflow = random_.percent(50) ? OverflowPolicy::refuse : OverflowPolicy::hold;
    }
    if (random_.percent(20)) settings.max_deliveries = 0;
    settings.strict = random_.percent(strict_percent_);
    return settings;
}

void World::queue_is_there(DestinationId id, const DestinationSettings& settings, bool temporary) {
    model_.queue_created(id, settings, temporary);
}

void World::create_queue() {
    if (model_.queues.size() + creating_.size() > queues_most_) return;
    const auto settings = random_settings("queue-" + std::to_string(next_queue_++));
    note("create " + settings.name + (settings.strict ? ", strict" : ""));
    creating_[settings.name] = settings;
    ++unanswered_;
    core_->create_queue(settings, [this, settings, run = run_](const Result<DestinationId>& result) {
        if (run != run_) return;
        --unanswered_;
        creating_.erase(settings.name);
        note("created " + settings.name + (result.ok() ? " as " + std::to_string(result.value().value) : ": refused"));
        if (result.ok()) queue_is_there(result.value(), settings, false);
        if (!result.ok() && faults_ever_ == 0) model_.fail("a queue was refused: " + result.error().to_string());
    });
}

void World::create_temporary_queue() {
    if (connections_.empty() || model_.queues.size() > queues_most_ + 1) return;
    const auto connection = random_.pick(connections_);
    const auto id = core_->create_temporary_queue(connection);
    if (!id.ok()) return model_.fail("a temporary queue was refused");
    note("create temporary " + std::to_string(id.value().value));
    temporary_[id.value()] = connection;
    queue_is_there(id.value(), core_->view_queue(id.value()).value().settings, true);
}

void World::delete_queue() {
    const auto id = any_queue(false);
    if (!id || temporary_.contains(*id)) return;
    note("delete " + std::to_string(id->value));
    std::vector<ConsumerKey> keys;
    for (const auto& [key, consumer] : model_.consumers) {
        if (consumer.queue == *id) keys.push_back(key);
    }
    ++unanswered_;
    branches_may_lose(*id);
    auto refused = std::make_shared<bool>(false);
    core_->delete_queue(*id, true, [this, id = *id, refused, run = run_](const Result<void>& result) {
        if (run != run_) return;
        --unanswered_;
        if (!result.ok()) {
            *refused = true;  // at once, and nothing has happened
            return;
        }
        note("deleted " + std::to_string(id.value));
        if (model_.queues.contains(id)) model_.queue_deleted(id);
    });
    if (*refused) return;
    deleting_ = *id;
    sync_branches();
    deleting_.reset();
    fail_transactions(*id);
    model_.queue_deleting(*id);
    for (const auto key : keys) {
        if (!consumers_.at(key)->has_ended) model_.fail("a consumer of a deleted queue was not told");
        model_.consumers.erase(key);
        consumers_.erase(key);
    }
    std::erase_if(sent_, [&](const Sent& sent) { return sent.queue == *id; });
}

void World::purge_queue() {
    const auto id = any_queue(true);
    if (!id) return;
    note("purge " + std::to_string(id->value));
    auto purge = std::make_shared<Purge>();
    ++unanswered_;
    core_->purge_queue(*id, [this, id = *id, purge, run = run_](const Result<std::uint64_t>& result) {
        if (run == run_) purged(id, *purge, result);
    });
    // Refused, it is answered at once; otherwise its answer needs a COMMIT.
    if (purge->answered) return;
    purge->bounds = model_.purge(*id, purge->tags);
    // One that is tried again may find its messages taken by one that came after it: then only the sum is right.
    auto& under_way = purges_[*id];
    for (const auto& other : under_way) other->alone = purge->alone = false;
    under_way.push_back(purge);
}

void World::purged(DestinationId id, Purge& purge, const Result<std::uint64_t>& result) {
    --unanswered_;
    purge.answered = true;
    std::erase_if(purges_[id], [&](const auto& other) { return other.get() == &purge; });
    if (!result.ok()) {
        const bool deleted = !model_.queues.contains(id) || model_.queues.at(id).deleting;
        if (!deleted && !purge.tags.empty()) model_.fail("a purge was refused after all: " + result.error().to_string());
        return;
    }
    note("purged " + std::to_string(result.value()));
    if (purge.alone && (result.value() < purge.bounds.first || result.value() > purge.bounds.second)) {
        model_.fail("a purge counted " + std::to_string(result.value()) + ", and not " + std::to_string(purge.bounds.first) + " to " +
                    std::to_string(purge.bounds.second));
    }
    // Of two at once the later one answers for both.
    if (purges_[id].empty()) model_.purged(purge.tags);
}

}  // namespace giromq::simulation
