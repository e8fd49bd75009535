#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"

namespace giromq::admin {

using security::Action;

void BrokerAdmin::list_queues(const Identity& who, core::QueueQuery query, Done<core::QueueList> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute(
        [this, query = std::move(query), done = std::move(done)]() mutable { done(parts_.core.list_queues(query)); });
}

void BrokerAdmin::change_queue(const Identity& who, std::string name, ChangeSettings change, Done<core::QueueView> done) {
    if (auto allowed = authorise(who, Action::administer, name); !allowed) return done(allowed.error());
    parts_.core_executor.execute(
        [this, by = who.user, name = std::move(name), change = std::move(change), done = std::move(done)]() mutable {
            const auto queue = find_queue(parts_.core, name);
            if (!queue) return done(queue.error());
            const auto view = parts_.core.view_queue(*queue);
            if (!view) return done(view.error());
            auto settings = change(view->settings);
            if (!settings) return done(settings.error());
            if (*settings == view->settings) return done(*view);
            if (view->settings.origin == DestinationOrigin::configured) {
                return done(Error(errc::configured, "queue '" + name + "' is from the configuration; change it there"));
            }
            store_settings(*queue, std::move(*settings), "queue_changed", std::move(by), std::move(done));
        });
}

void BrokerAdmin::pause_queue(const Identity& who, std::string name, std::optional<bool> sending, std::optional<bool> receiving,
                              Done<core::QueueView> done) {
    if (auto allowed = authorise(who, Action::pause, name); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, by = who.user, name = std::move(name), sending, receiving, done = std::move(done)]() mutable {
        const auto queue = find_queue(parts_.core, name);
        if (!queue) return done(queue.error());
        const auto view = parts_.core.view_queue(*queue);
        if (!view) return done(view.error());
        auto settings = view->settings;
        settings.is_sending_paused = sending.value_or(settings.is_sending_paused);
        settings.is_receiving_paused = receiving.value_or(settings.is_receiving_paused);
        if (settings == view->settings) return done(*view);
        store_settings(*queue, std::move(settings), "queue_paused", std::move(by), std::move(done));
    });
}

void BrokerAdmin::store_settings(DestinationId queue, DestinationSettings settings, const char* event, std::string by,
                                 Done<core::QueueView> done) {
    auto copy = settings;
    parts_.core.change_queue(queue, std::move(copy),
                             [this, queue, event, by = std::move(by), settings = std::move(settings),
                              done = std::move(done)](const Result<void>& stored) mutable {
                                 if (!stored) return done(stored.error());
                                 log::info(event, {{"queue", settings.name},
                                                   {"sending_paused", settings.is_sending_paused},
                                                   {"receiving_paused", settings.is_receiving_paused},
                                                   {"by", by}});
                                 done(parts_.core.view_queue(queue));
                             });
}

}  // namespace giromq::admin
