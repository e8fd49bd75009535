#include <algorithm>
#include <memory>
#include <set>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "core/router.hpp"

// Queues of a configuration that is read again while clients use them.

namespace giromq::core {

/// What has changed in it. Until it is durable nobody sees any of it: new queues are opening, others keep their settings.
struct Router::Configuring {
    std::vector<DestinationSettings> created;
    std::vector<std::pair<DestinationId, DestinationSettings>> changed;
    std::vector<DestinationId> made;  // the created ones, and dead-letter queues that came with them
    UniqueFunction<void(Result<std::size_t>)> done;
};

Result<void> Router::look_at(DestinationSettings& settings, Configuring& configuring) {
    settings.origin = DestinationOrigin::configured;
    if (auto allowed = check_dead_letter_queue(settings.dead_letter_queue); !allowed.ok()) return allowed;
    Queue* const queue = find_name(settings.name);
    if (queue == nullptr) {
        if (auto allowed = check_new(settings.name); !allowed.ok()) return allowed;
        configuring.created.push_back(std::move(settings));
        return {};
    }
    settings.is_sending_paused = queue->settings().is_sending_paused;
    settings.is_receiving_paused = queue->settings().is_receiving_paused;
    if (queue->closing() || opening_.contains(settings.name) || queue->is_changing) {
        return Error(errc::not_ready, "queue '" + settings.name + "' is being changed or deleted; try again");
    }
    if (queue->settings() != settings) configuring.changed.emplace_back(queue->id(), std::move(settings));
    return {};
}

void Router::configure(std::vector<DestinationSettings> configured, UniqueFunction<void(Result<std::size_t>)> done) {
    auto configuring = std::make_shared<Configuring>();
    // All of them are looked at before the first is touched.
    std::set<std::string> names;
    for (auto& settings : configured) {
        if (!names.insert(settings.name).second) return done(Error(errc::already_exists, "queue '" + settings.name + "' is there twice"));
        if (auto allowed = look_at(settings, *configuring); !allowed.ok()) return done(allowed.error());
    }
    auto& [created, changed, made, answer] = *configuring;
    if (queues_.size() + created.size() > context_.settings.destinations_max) {
        return done(Error(errc::resource_limit,
                          "there would be more destinations than the maximum of " + std::to_string(context_.settings.destinations_max)));
    }
    if (created.empty() && changed.empty()) return done(std::size_t{0});
    answer = std::move(done);
    tx::UnitOfWork work;
    std::vector<std::string> dead_letter_queues;
    for (const auto& settings : created) {
        Queue& queue = add(context_.take_destination_id(), settings, context_.clock.wall_now());
        opening_.try_emplace(settings.name);
        made.push_back(queue.id());
        work.stage(queue.row());
        work.grow(512);
        dead_letter_queues.push_back(settings.dead_letter_queue);
    }
    for (const auto& [id, settings] : changed) {
        Queue* const queue = find(id);
        queue->is_changing = true;
        work.stage(store::PutDestination{id, settings, queue->created_at()});
        dead_letter_queues.push_back(settings.dead_letter_queue);
    }
    for (const auto& name : dead_letter_queues) {
        if (find_name(name) != nullptr) continue;
        if (Queue* const queue = dead_letter_queue(name, work)) made.push_back(queue->id());
    }
    work.then([this, configuring](const store::UnitResult& result) { this->configured(*configuring, result); });
    context_.commit(std::move(work));
}

void Router::configured(Configuring& configuring, const store::UnitResult& result) {
    const auto refused = result.durable ? Error(errc::internal) : Error(errc::not_ready, result.error.to_string());
    std::vector<std::pair<DestinationId, Opening>> opened;
    for (const auto& settings : configuring.created) {
        opened.emplace_back(find_name(settings.name)->id(), std::move(opening_.extract(settings.name).mapped()));
        if (result.durable) log::info("queue_configured", {{"queue", settings.name}});
    }
    for (const auto id : configuring.made) {
        Queue* const queue = find(id);
        if (queue == nullptr) continue;
        if (result.durable) {
            queue->row_is_durable();
        } else if (queue->unused()) {
            forget(id);
        }
    }
    for (auto& [id, settings] : configuring.changed) {
        Queue* const queue = find(id);
        if (queue == nullptr) continue;
        queue->is_changing = false;
        if (!result.durable) continue;
        log::info("queue_configured", {{"queue", settings.name}});
        queue->row_is_durable();
        queue->update(std::move(settings));
        room_changed(*queue);
    }
    for (auto& [id, opening] : opened) {
        for (auto& answer : opening.waiting) answer(result.durable ? Result<DestinationId>(id) : Result<DestinationId>(refused));
    }
    const auto count = configuring.created.size() + configuring.changed.size();
    configuring.done(result.durable ? Result<std::size_t>(count) : Result<std::size_t>(refused));
}

}  // namespace giromq::core
