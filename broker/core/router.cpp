#include "core/router.hpp"

#include <algorithm>
#include <utility>

#include "base/limits.hpp"
#include "base/log.hpp"

namespace giromq::core {
namespace {

constexpr std::string_view temporary_prefix = "temp-";

/// The length of the UTF-8 sequence that begins here, or 0 if it is not one (RFC 3629).
std::size_t utf8_length(std::string_view text) {
    const auto byte = [&](std::size_t index) { return static_cast<unsigned char>(text[index]); };
    const auto first = byte(0);
    if (first < 0x80) return 1;
    const std::size_t length = first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2;
    if (first < 0xc2 || first > 0xf4 || text.size() < length) return 0;
    for (std::size_t index = 1; index < length; ++index) {
        if ((byte(index) & 0xc0U) != 0x80U) return 0;
    }
    const auto second = byte(1);
    if ((first == 0xe0 && second < 0xa0) || (first == 0xed && second > 0x9f) || (first == 0xf0 && second < 0x90) ||
        (first == 0xf4 && second > 0x8f)) {
        return 0;
    }
    return length;
}

}  // namespace

Result<void> check_destination_name(std::string_view name) {
    if (name.empty() || name.size() > limits::destination_name_bytes) {
        return Error(errc::invalid_name, "a destination name has 1 to " + std::to_string(limits::destination_name_bytes) + " bytes");
    }
    for (std::string_view rest = name; !rest.empty();) {
        const auto length = utf8_length(rest);
        if (length == 0) return Error(errc::invalid_name, "a destination name is UTF-8");
        const auto first = static_cast<unsigned char>(rest[0]);
        const bool is_c1 = length == 2 && first == 0xc2 && static_cast<unsigned char>(rest[1]) < 0xa0;
        if (first < ' ' || first == 0x7f || is_c1) return Error(errc::invalid_name, "a destination name has no control characters");
        rest.remove_prefix(length);
    }
    return {};
}

Result<void> check_dead_letter_queue(std::string_view name) {
    if (name.empty()) return {};
    if (name.starts_with(temporary_prefix)) {
        return Error(errc::invalid_name, "dead letters do not go to a temporary queue: they would be gone with its connection");
    }
    return check_destination_name(name);
}

Queue* Router::find(DestinationId id) {
    const auto found = queues_.find(id);
    return found == queues_.end() ? nullptr : found->second.get();
}

Queue* Router::find_name(std::string_view name) {
    const auto found = names_.find(name);
    return found == names_.end() ? nullptr : find(found->second);
}

const Queue* Router::find_name(std::string_view name) const {
    const auto id = names_.find(name);
    if (id == names_.end()) return nullptr;
    const auto found = queues_.find(id->second);
    return found == queues_.end() ? nullptr : found->second.get();
}

Queue& Router::add(DestinationId id, DestinationSettings settings, Timestamp created_at) {
    names_.emplace(settings.name, id);
    auto queue = std::make_unique<Queue>(id, std::move(settings), created_at, context_, *this);
    return *queues_.emplace(id, std::move(queue)).first->second;
}

void Router::forget(DestinationId id) {
    const auto found = queues_.find(id);
    if (found == queues_.end()) return;
    names_.erase(found->second->settings().name);
    queues_.erase(found);
}

void Router::room_changed(Queue& queue) {
    if (on_room_changed) on_room_changed(queue);
}

Queue* Router::dead_letter_queue(const std::string& name, tx::UnitOfWork& work) {
    if (name.empty() || !check_dead_letter_queue(name).ok()) return nullptr;
    if (Queue* const queue = find_name(name)) return queue->closing() ? nullptr : queue;
    auto settings = context_.settings.queue_defaults;
    settings.name = name;
    settings.origin = DestinationOrigin::automatic;
    settings.dead_letter_queue = name;
    Queue& queue = add(context_.take_destination_id(), std::move(settings), context_.clock.wall_now());
    work.stage(queue.row());
    log::info("queue_created", {{"queue", name}, {"for", "dead letters"}});
    return &queue;
}

void Router::restore(const store::StoredDestination& stored) {
    Queue& queue = add(stored.id, stored.settings, stored.created_at);
    queue.recover(stored);
    if (stored.closing) to_close_.push_back(stored.id);
}

void Router::start(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<void>)> done) {
    for (const auto id : std::exchange(to_close_, {})) {
        Queue& queue = *find(id);
        close(queue, Error(errc::deleted));
        empty(queue);
    }
    tx::UnitOfWork work;
    for (auto& settings : configured) {
        settings.origin = DestinationOrigin::configured;
        Queue* queue = find_name(settings.name);
        if (queue != nullptr) {
            settings.is_sending_paused = queue->settings().is_sending_paused;
            settings.is_receiving_paused = queue->settings().is_receiving_paused;
        }
        if (queue != nullptr && (queue->settings() == settings || queue->closing())) continue;
        if (queue == nullptr) {
            queue = &add(context_.take_destination_id(), settings, context_.clock.wall_now());
        } else {
            queue->update(settings);
        }
        work.stage(queue->row());
        log::info("queue_configured", {{"queue", settings.name}});
    }
    for (const auto& settings : configured) static_cast<void>(dead_letter_queue(settings.dead_letter_queue, work));
    static_cast<void>(dead_letter_queue(context_.settings.queue_defaults.dead_letter_queue, work));
    if (work.empty()) {
        done({});
        return;
    }
    std::vector<DestinationId> created;
    for (const auto& [id, queue] : queues_) {
        if (!queue->has_row()) created.push_back(id);
    }
    work.then([this, created = std::move(created), done = std::move(done)](const store::UnitResult& result) mutable {
        for (const auto id : created) {
            if (Queue* const queue = find(id); queue != nullptr && result.durable) queue->row_is_durable();
        }
        done(result.durable ? Result<void>() : Result<void>(Error(errc::internal, result.error.to_string())));
    });
    context_.commit(std::move(work));
}

void Router::open(std::string_view name, bool may_create, UniqueFunction<void(Result<DestinationId>)> done) {
    if (Queue* const queue = find_name(name); queue != nullptr && !opening_.contains(name)) {
        if (queue->closing()) {
            done(Error(errc::not_found, "queue '" + std::string(name) + "' is being deleted"));
        } else {
            done(queue->id());
        }
        return;
    }
    if (const auto valid = check_destination_name(name); !valid.ok()) {
        done(valid.error());
        return;
    }
    if (name.starts_with(temporary_prefix)) {
        // Never made anew on first use: an answer to a client that is gone would wait there for ever.
        done(Error(errc::not_found, "the temporary queue '" + std::string(name) + "' has ended with its connection"));
        return;
    }
    if (!opening_.contains(name) && !(may_create && context_.settings.create_queues)) {
        done(Error(errc::not_found, "there is no queue '" + std::string(name) + "'; an administrator can create it"));
        return;
    }
    auto settings = context_.settings.queue_defaults;
    settings.name = name;
    settings.origin = DestinationOrigin::automatic;
    if (const auto under_way = opening_.find(name); under_way != opening_.end()) {
        under_way->second.waiting.push_back(std::move(done));
        return;
    }
    create(std::move(settings), std::move(done));
}

Result<void> Router::check_new(std::string_view name) const {
    if (const auto valid = check_destination_name(name); !valid.ok()) return valid.error();
    if (name.starts_with(temporary_prefix)) return Error(errc::invalid_name, "names that begin with temp- are kept for temporary queues");
    if (names_.contains(name))
        return Error(errc::already_exists, "there is a queue '" + std::string(name) + "' already, or it is being deleted");
    if (queues_.size() >= context_.settings.destinations_max) {
        return Error(errc::resource_limit,
                     "the broker has its maximum of " + std::to_string(context_.settings.destinations_max) + " destinations");
    }
    if (context_.growth_blocked()) return Error(errc::resource_limit, "the disk of the store is full; free space on it");
    return {};
}

void Router::create(DestinationSettings settings, UniqueFunction<void(Result<DestinationId>)> done) {
    auto allowed = check_new(settings.name);
    if (allowed.ok()) allowed = check_dead_letter_queue(settings.dead_letter_queue);
    if (!allowed.ok()) {
        done(allowed.error());
        return;
    }
    const auto name = settings.name;
    const auto id = context_.take_destination_id();
    Queue& created = add(id, std::move(settings), context_.clock.wall_now());
    opening_[name].waiting.push_back(std::move(done));
    tx::UnitOfWork work;
    work.stage(created.row());
    // Its dead-letter queue comes with it.
    const auto& its_dead_letter_queue = created.settings().dead_letter_queue;
    Queue* const dead_letters = find_name(its_dead_letter_queue) == nullptr ? dead_letter_queue(its_dead_letter_queue, work) : nullptr;
    const auto made_for_it = dead_letters == nullptr ? DestinationId{} : dead_letters->id();
    work.grow(512);
    work.then([this, name, id, made_for_it](const store::UnitResult& result) {
        auto waiting = std::move(opening_.extract(name).mapped().waiting);
        for (const auto made : {id, made_for_it}) {
            Queue* const queue = find(made);
            if (queue == nullptr) continue;
            if (result.durable) {
                queue->row_is_durable();
            } else if (queue->unused()) {
                forget(made);
            }
            // Otherwise somebody has come for it meanwhile, or dead letters are on their way into it: the first of them brings the row.
        }
        if (result.durable) log::info("queue_created", {{"queue", name}});
        for (auto& answer : waiting) {
            if (result.durable) {
                answer(id);
            } else {
                const bool full = result.error.is(store::errc::disk_full);
                answer(Error(full ? errc::resource_limit : errc::internal, result.error.to_string()));
            }
        }
    });
    context_.commit(std::move(work));
}

Result<DestinationId> Router::create_temporary(ConnectionId connection) {
    if (queues_.size() >= context_.settings.destinations_max) {
        return Error(errc::resource_limit,
                     "the broker has its maximum of " + std::to_string(context_.settings.destinations_max) + " destinations");
    }
    auto settings = context_.settings.queue_defaults;
    // Never the name of an earlier one, not even over restarts: an answer that comes late must not reach somebody else.
    settings.name =
        std::string(temporary_prefix) + std::to_string(context_.clock.wall_now().milliseconds) + "-" + std::to_string(++temporary_count_);
    settings.origin = DestinationOrigin::temporary;
    const auto id = context_.take_destination_id();
    add(id, std::move(settings), context_.clock.wall_now()).owner = connection;
    return id;
}

void Router::remove(DestinationId id, bool even_if_used, UniqueFunction<void(Result<void>)> done) {
    Queue* const queue = find(id);
    if (queue == nullptr || queue->closing()) {
        done(Error(errc::not_found));
        return;
    }
    const auto name = queue->settings().name;
    if (opening_.contains(name)) {
        done(Error(errc::not_ready, "queue '" + name + "' is being created"));
        return;
    }
    if (queue->has_branch_work()) {
        done(Error(errc::in_use, "queue '" + name + "' has messages of prepared transactions; they must be completed first"));
        return;
    }
    if (queue->consumer_count() > 0 && !even_if_used) {
        done(Error(errc::in_use, "queue '" + name + "' has consumers; close them, or delete it although it is used"));
        return;
    }
    if (!context_.idle_of_retries()) {
        done(Error(errc::not_ready, "the store refuses changes now; try again"));
        return;
    }
    const Error reason(errc::deleted, "queue '" + name + "' was deleted");
    tx::UnitOfWork work;
    // What its links release goes first, in units of their own.
    if (!queue->is_temporary()) context_.take_audit(work);
    close(*queue, reason);
    if (queue->is_temporary()) {
        empty(*queue);
        done({});
        return;
    }
    if (!queue->has_row()) work.stage(queue->row());
    work.stage(store::CloseDestination{id});
    work.then([this, id, done = std::move(done)](const store::UnitResult& result) mutable {
        // Emptied only when it is certain that the queue goes: until then a crash must find it whole.
        if (result.durable) empty(*find(id));
        done(result.durable ? Result<void>() : Result<void>(Error(errc::not_ready, result.error.to_string())));
    });
    log::info("queue_deleted", {{"queue", name}});
    context_.commit_until_durable(std::move(work));
}

void Router::close(Queue& queue, const Error& reason) {
    if (on_closing) on_closing(queue, reason);
    queue.close();
}

void Router::empty(Queue& queue) {
    queue.empty([this, id = queue.id(), temporary = queue.is_temporary()] {
        if (temporary) {
            forget(id);
            return;
        }
        tx::UnitOfWork work;
        work.stage(store::RemoveDestination{id});
        work.then([this, id](const store::UnitResult& result) {
            if (result.durable) forget(id);
        });
        context_.commit_until_durable(std::move(work));
    });
}

void Router::remove_temporary_of(ConnectionId connection) {
    std::vector<DestinationId> mine;
    for (const auto& [id, queue] : queues_) {
        if (queue->is_temporary() && queue->owner == connection && !queue->closing()) mine.push_back(id);
    }
    std::sort(mine.begin(), mine.end());
    for (const auto id : mine) {
        Queue& queue = *find(id);
        close(queue, Error(errc::deleted, "the connection of this temporary queue has ended"));
        empty(queue);
    }
}

}  // namespace giromq::core
