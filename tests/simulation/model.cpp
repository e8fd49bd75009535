#include "simulation/model.hpp"

#include <algorithm>

namespace giromq::simulation {

std::string Model::name_of(DestinationId id) const {
    const auto found = queues.find(id);
    return found == queues.end() ? "no queue" : found->second.settings.name;
}

std::string Model::describe(const ModelMessage& message) const {
    constexpr const char* presences[] = {"absent", "pending", "present", "leaving", "gone"};
    return "message " + std::to_string(message.tag) + (message.persistent ? "" : " (non-persistent)") + " of " + name_of(message.home) +
           " (order " + std::to_string(message.order) + ", " + presences[static_cast<int>(message.presence)] +
           (message.holder != 0 ? ", held by " + std::to_string(message.holder) : std::string()) + ")";
}

// Queues

void Model::queue_created(DestinationId id, DestinationSettings settings, bool temporary) {
    auto& queue = queues[id];
    queue.id = id;
    queue.settings = std::move(settings);
    queue.temporary = temporary;
}

void Model::queue_deleting(DestinationId id) {
    auto& queue = queues.at(id);
    queue.deleting = true;
    for (const auto& [order, tag] : queue.order) {
        auto& message = messages.at(tag);
        message.with_queue = message.presence == Presence::present || message.presence == Presence::pending;
        message.holder = 0;
        if (message.presence == Presence::present) message.presence = Presence::leaving;
    }
}

void Model::queue_deleted(DestinationId id) {
    const auto order = queues.at(id).order;
    for (const auto& [number, tag] : order) remove(messages.at(tag), Presence::gone);
    queues.erase(id);
}

// Commands of clients

bool Model::send(Tag tag, DestinationId queue, bool persistent, bool large, Timestamp expires_at) {
    auto& message = messages[tag];
    if (message.presence != Presence::absent) return false;
    const bool maybe_known = message.maybe_known;
    message = ModelMessage();
    message.tag = tag;
    message.maybe_known = maybe_known;
    message.persistent = persistent;
    message.large = large;
    message.expires_at = expires_at;
    message.home = queue;
    message.order = next_order_++;
    message.presence = Presence::pending;
    queues.at(queue).order.emplace(message.order, tag);
    return true;
}

void Model::remove(ModelMessage& message, Presence presence) {
    const auto queue = queues.find(message.home);
    if (queue != queues.end()) queue->second.order.erase(message.order);
    message.presence = presence;
    message.holder = 0;
}

void Model::give_back(ModelMessage& message) {
    const auto consumer = consumers.find(message.holder);
    if (consumer != consumers.end()) --consumer->second.unsettled;
    message.holder = 0;
    message.came_back = true;
}

void Model::accept(Tag tag) {
    auto& message = messages.at(tag);
    give_back(message);
    message.presence = Presence::leaving;
}

void Model::release(Tag tag) { give_back(messages.at(tag)); }

void Model::modify(Tag tag, bool failed, bool undeliverable_here) {
    auto& message = messages.at(tag);
    if (undeliverable_here) message.barred.insert(message.holder);
    give_back(message);
    if (failed) fail_delivery(message);
}

void Model::reject(Tag tag, const std::string& description) {
    auto& message = messages.at(tag);
    give_back(message);
    if (message.home == dead_letter_queue) {
        ++message.failures;
    } else {
        move(message, "rejected", description);
    }
}

void Model::fail_delivery(ModelMessage& message) {
    ++message.failures;
    const auto most = queues.at(message.home).settings.max_deliveries;
    if (most != 0 && message.failures >= most && message.home != dead_letter_queue) {
        move(message, "max-deliveries", failed_text(message.failures));
    }
}

DeadLetter Model::dead_letter_of(const ModelMessage& message, std::string cause, std::string description) const {
    DeadLetter reason;
    reason.delivery_count = message.failures + (message.mark == Mark::yes ? 1U : 0U) + (cause == "rejected" ? 1U : 0U);
    reason.cause = std::move(cause);
    reason.description = std::move(description);
    reason.origin = name_of(message.home);
    reason.time = now;
    return reason;
}

void Model::move(ModelMessage& message, std::string cause, std::string description) {
    move_to(message, dead_letter_queue, dead_letter_of(message, std::move(cause), std::move(description)));
    ++moves;
}

void Model::move_to(ModelMessage& message, DestinationId target, std::optional<DeadLetter> dead_letter) {
    message.before_move.reset();
    message.before_move = std::make_shared<ModelMessage>(message);
    message.dead_letter = std::move(dead_letter);
    message.confirmed = false;
    message.moving_from = message.home;
    queues.at(message.home).order.erase(message.order);
    message.home = target;
    message.order = next_order_++;
    message.presence = Presence::pending;
    message.failures = message.failures_durable = 0;
    message.mark = Mark::no;
    message.delivered = message.marked_for_ever = message.maybe_marked = false;
    message.barred.clear();
    queues.at(target).order.emplace(message.order, message.tag);
    // One that comes back to a queue is a new one there.
    for (auto& [key, consumer] : consumers) {
        if (consumer.queue == target) consumer.shown.erase(message.tag);
    }
    excuse(message);
}

void Model::closing(const std::vector<ConsumerKey>& keys, bool lost) {
    for (const auto key : keys) {
        std::vector<ModelMessage*> held;
        for (auto& [tag, message] : messages) {
            if (message.holder == key) held.push_back(&message);
        }
        std::sort(held.begin(), held.end(),
                  [](const auto* left, const auto* right) { return left->delivery_order < right->delivery_order; });
        for (auto* message : held) {
            give_back(*message);
            message->between = true;
            if (lost && message != held.front()) message->mark = Mark::yes;
        }
        if (lost && !held.empty()) fail_delivery(*held.front());
    }
}

void Model::closed(const std::vector<ConsumerKey>& keys) {
    for (const auto key : keys) consumers.erase(key);
    for (auto& [tag, message] : messages) message.between = false;
}

std::pair<std::uint64_t, std::uint64_t> Model::purge(DestinationId queue, std::vector<Tag>& purged) {
    std::pair<std::uint64_t, std::uint64_t> bounds{0, 0};
    for (const auto& [order, tag] : queues.at(queue).order) {
        auto& message = messages.at(tag);
        if (message.holder != 0) continue;
        const bool is_there = message.presence == Presence::present || (message.presence == Presence::pending && message.moving_from);
        if (is_there && !message.confirmed) {
            message.maybe_purged = true;
            ++bounds.second;
            continue;
        }
        if (message.presence != Presence::present) continue;
        message.presence = Presence::leaving;
        purged.push_back(tag);
        ++bounds.second;
        // An earlier purge may have taken it, before anybody knew that it was durable.
        if (!message.expired(now) && !message.maybe_purged) ++bounds.first;
    }
    return bounds;
}

// What the core does

void Model::answered(Tag tag, bool original, bool accepted, bool duplicate) {
    auto& message = messages.at(tag);
    if (!accepted) {
        if (original && message.presence == Presence::pending && !message.moving_from) remove(message, Presence::absent);
        return;
    }
    if (duplicate) {
        if (message.presence == Presence::absent) fail("a send was taken for a duplicate of one that was not stored: " + describe(message));
        if (message.presence != Presence::pending || message.moving_from) return;
        // The first one is durable, and answered next. If it were not so, its message would be missed.
        if (original && message.maybe_known) {
            remove(message, Presence::gone);
        } else {
            message.presence = message.with_queue ? Presence::leaving : Presence::present;
        }
        return;
    }
    if (!original) fail("a second send of a stored message was stored again: " + describe(message));
    message.maybe_known = false;
    if (!message.moving_from && !message.dead_letter) message.confirmed = true;
    if (++message.stored_times > 1) fail("a message was stored twice: " + describe(message));
    if (message.overtaken) fail("a later message was delivered before this one was accepted: " + describe(message));
    if (message.presence == Presence::pending && !message.moving_from) {
        message.presence = message.with_queue ? Presence::leaving : Presence::present;
    }
}

void Model::removal_confirmed(Tag tag) {
    auto& message = messages.at(tag);
    if (message.presence == Presence::leaving) remove(message, Presence::gone);
}

void Model::move_confirmed(Tag tag) {
    auto& message = messages.at(tag);
    message.moving_from.reset();
    message.confirmed = true;
    if (message.presence == Presence::pending) message.presence = message.with_queue ? Presence::leaving : Presence::present;
}

void Model::failure_confirmed(Tag tag, std::uint32_t failures) {
    auto& message = messages.at(tag);
    if (!refusals_seen && !message.moving_from)
        message.failures_durable = std::max(message.failures_durable, std::min(failures, message.failures));
}

void Model::purged(const std::vector<Tag>& tags) {
    for (const auto tag : tags) removal_confirmed(tag);
}

bool Model::selects(const ModelMessage& message, const ModelConsumer& consumer) const {
    return should_select(consumer.selects, message.tag, message.large);
}

bool Model::deliverable(const ModelMessage& message, const ModelConsumer& consumer) const {
    return selects(message, consumer) && message.home == consumer.queue && message.presence == Presence::present && message.holder == 0 &&
           !message.between && !message.maybe_purged && !message.expired(now) && !message.barred.contains(consumer.key);
}

/// On a strict queue nothing from this order on is for the consumer: somebody else has that message, and has not decided about it.
std::uint64_t Model::limit_of(const ModelConsumer& consumer) const {
    auto limit = ~std::uint64_t{0};
    const auto& queue = queues.at(consumer.queue);
    if (!queue.settings.strict || consumer.browser) return limit;
    for (const auto& [order, tag] : queue.order) {
        const auto& message = messages.at(tag);
        if (message.holder == 0 || message.taken_by == consumer.key) continue;
        limit = order;
        break;
    }
    // A commit that is under way may still be refused.
    for (const auto& [place, before] : before_commit) {
        if (before.home == consumer.queue && before.taken_by != consumer.key) limit = std::min(limit, before.order);
    }
    return limit;
}

void Model::check_order(const ModelMessage& message, const ModelConsumer& consumer) {
    const auto limit = limit_of(consumer);
    if (message.order >= limit) {
        fail(describe(message) + " was delivered to " + std::to_string(consumer.key) + " past what is undecided, of order " +
             std::to_string(limit));
    }
    const bool is_strict = queues.at(message.home).settings.strict;
    for (const auto& [order, tag] : queues.at(message.home).order) {
        if (order >= message.order) break;
        auto& before = messages.at(tag);
        // What is not for this consumer it may pass as soon as it is durable, answered or not.
        if (before.presence == Presence::pending && !before.expired(now) && selects(before, consumer)) before.overtaken = true;
        const bool may_be_overtaken = before.came_back && consumer.selects != Selects::all && !is_strict;
        if (deliverable(before, consumer) && !may_be_overtaken) {
            fail(describe(message) + " was delivered to " + std::to_string(consumer.key) + ", and before it there is " + describe(before));
        }
    }
}

void Model::check_count(ModelMessage& message, const core::Delivery& delivery) {
    const auto count = delivery.delivery_count;
    const auto least = message.failures + (message.mark == Mark::yes ? 1U : 0U);
    const auto most = message.failures + (message.mark == Mark::no ? 0U : 1U);
    if (count < least || count > most) {
        fail("the delivery count is " + std::to_string(count) + " and not " + std::to_string(least) + " to " + std::to_string(most) + ": " +
             describe(message));
    }
    message.mark = count > message.failures ? Mark::yes : Mark::no;
}

void Model::check_dead_letter(const ModelMessage& message, const core::Delivery& delivery) {
    const bool is_dead = message.dead_letter.has_value();
    if ((delivery.dead_letter != nullptr) != is_dead) {
        fail("why it is dead is missing, or out of place: " + describe(message));
        return;
    }
    if (!is_dead) return;
    const auto& got = *delivery.dead_letter;
    const auto& expected = *message.dead_letter;
    if (got.cause != expected.cause || got.description != expected.description || got.origin != expected.origin ||
        got.delivery_count != expected.delivery_count || got.time != expected.time) {
        fail("why it is dead is wrong: " + got.cause + ", " + got.description + ", " + std::to_string(got.delivery_count) + ", " +
             describe(message));
    }
}

void Model::delivered(ConsumerKey key, Tag tag, const core::Delivery& delivery) {
    auto& consumer = consumers.at(key);
    const auto found = messages.find(tag);
    if (found == messages.end()) return fail("a message that nobody sent was delivered: " + std::to_string(tag));
    auto& message = found->second;
    if (message.home != consumer.queue) return fail("out of the wrong queue came " + describe(message));
    if (consumer.delivered >= consumer.limit) fail("beyond the credit of " + std::to_string(key) + " came " + describe(message));
    if (message.presence != Presence::present && message.presence != Presence::pending)
        return fail("what is not there was delivered: " + describe(message));
    if (message.holder != 0) return fail("what another holds was delivered: " + describe(message));
    if (message.expired(now)) fail("what has expired was delivered: " + describe(message));
    if (!selects(message, consumer)) fail("to a consumer that does not select it was delivered " + describe(message));
    if (message.barred.contains(key)) fail("to a consumer that cannot take it was delivered " + describe(message));
    check_dead_letter(message, delivery);
    ++consumer.delivered;
    if (consumer.browser) return shown(consumer, message);

    if (message.overtaken) fail("a later message was delivered before this one: " + describe(message));
    check_order(message, consumer);
    check_count(message, delivery);
    ++(delivery.delivery_count == 0 ? first_deliveries : redeliveries);
    message.delivered = true;
    message.presence = Presence::present;
    message.maybe_purged = false;
    message.moving_from.reset();
    excuse(message);
    // A large message is settled when all of it has been sent.
    if (consumer.presettled && !message.large) {
        message.presence = Presence::leaving;
        return;
    }
    message.holder = message.taken_by = key;
    message.delivery_order = consumer.delivered;
    const auto most = consumer.draining ? std::uint64_t{unsettled_max} * 10 : unsettled_max;
    if (++consumer.unsettled > most + consumer.returned) fail("a consumer was given more unsettled messages than it may have");
}

void Model::shown(ModelConsumer& browser, ModelMessage& message) {
    if (!browser.shown.insert(message.tag).second) fail("a browser was shown twice " + describe(message));
    if (message.order <= browser.last_order) fail("a browser was taken back to " + describe(message));
    browser.last_order = message.order;
}

/// A browser need not have seen what was locked at some time, nor what came into a dead-letter queue out of its turn.
void Model::excuse(const ModelMessage& message) {
    for (auto& [key, consumer] : consumers) {
        if (consumer.browser && consumer.queue == message.home) consumer.excused.insert(message.tag);
    }
}

void Model::drained(ConsumerKey key) {
    auto& consumer = consumers.at(key);
    if (!consumer.draining) fail("drained() was not asked for");
    const bool has_credit = consumer.delivered < consumer.limit;
    consumer.draining = false;
    consumer.limit = consumer.delivered;
    if (!has_credit) return;
    const auto limit = limit_of(consumer);
    for (const auto& [order, tag] : queues.at(consumer.queue).order) {
        if (order >= limit) break;
        const auto& message = messages.at(tag);
        if (!deliverable(message, consumer)) continue;
        if (consumer.browser && (consumer.shown.contains(tag) || consumer.excused.contains(tag))) continue;
        fail("a false drained() for " + std::to_string(key) + ": there is " + describe(message));
        return;
    }
}

void Model::check_locks(DestinationId id, std::uint64_t delivering) {
    std::uint64_t held = 0;
    for (const auto& [order, tag] : queues.at(id).order) held += messages.at(tag).holder != 0 ? 1U : 0U;
    if (held != delivering) {
        fail("of " + name_of(id) + " " + std::to_string(delivering) + " messages are said to be locked, and " + std::to_string(held) +
             " are");
    }
}

void Model::check_at_rest(const std::map<DestinationId, core::QueueView>& views) {
    for (auto& [id, queue] : queues) {
        std::uint64_t certain = 0;
        std::uint64_t expired = 0;
        const auto order = queue.order;
        for (const auto& [number, tag] : order) {
            auto& message = messages.at(tag);
            if (message.presence == Presence::leaving) {
                remove(message, Presence::gone);
                continue;
            }
            if (message.presence == Presence::pending && !message.moving_from) fail("a send was never answered: " + describe(message));
            if (message.maybe_purged) {
                ++expired;  // as uncertain as an expired one
                continue;
            }
            move_confirmed(tag);
            ++(message.expired(now) && message.holder == 0 ? expired : certain);
        }
        const auto view = views.find(id);
        if (view == views.end()) {
            fail("a queue is missing: " + queue.settings.name);
            continue;
        }
        if (view->second.messages < certain || view->second.messages > certain + expired) {
            fail("queue " + queue.settings.name + " counts " + std::to_string(view->second.messages) + " messages and holds " +
                 std::to_string(certain) + ", or with expired ones " + std::to_string(certain + expired));
        }
        check_locks(id, view->second.delivering);
    }
    for (const auto& [key, consumer] : consumers) {
        if (consumer.draining) fail("a drain was never answered: consumer " + std::to_string(key));
        if (consumer.delivered >= consumer.limit || (!consumer.browser && consumer.unsettled >= unsettled_max)) continue;
        const auto limit = limit_of(consumer);
        for (const auto& [order, tag] : queues.at(consumer.queue).order) {
            if (order >= limit) break;
            const auto& message = messages.at(tag);
            if (!deliverable(message, consumer)) continue;
            if (consumer.browser && (consumer.shown.contains(tag) || consumer.excused.contains(tag))) continue;
            fail("nothing moves, and consumer " + std::to_string(key) + " could have " + describe(message));
        }
    }
}

}  // namespace giromq::simulation
