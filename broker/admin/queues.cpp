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

void BrokerAdmin::change_queue(const Identity& who, std::string name, ChangeSettings change, Done<core::QueueView> done,
                               StillSo<core::QueueView> still_so) {
    if (auto allowed = authorise(who, Action::administer, name); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, entry = audit_entry(who, "queue.change", name), name = std::move(name), change = std::move(change),
                                  done = std::move(done), still_so = std::move(still_so)]() mutable {
        const auto queue = find_queue(parts_.core, name);
        if (!queue) return done(queue.error());
        const auto view = parts_.core.view_queue(*queue);
        if (!view) return done(view.error());
        if (still_so && !still_so(*view)) return done(changed_meanwhile());
        auto settings = change(view->settings);
        if (!settings) return done(settings.error());
        if (*settings == view->settings) return done(*view);
        if (view->settings.origin == DestinationOrigin::configured) {
            return done(Error(errc::configured, "queue '" + name + "' is from the configuration; change it there"));
        }
        store_settings(std::move(entry), *queue, std::move(*settings), "queue_changed", std::move(done));
    });
}

void BrokerAdmin::pause_queue(const Identity& who, std::string name, std::optional<bool> sending, std::optional<bool> receiving,
                              Done<core::QueueView> done) {
    if (auto allowed = authorise(who, Action::pause, name); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, entry = audit_entry(who, "queue.pause", name), name = std::move(name), sending, receiving,
                                  done = std::move(done)]() mutable {
        const auto queue = find_queue(parts_.core, name);
        if (!queue) return done(queue.error());
        const auto view = parts_.core.view_queue(*queue);
        if (!view) return done(view.error());
        auto settings = view->settings;
        settings.is_sending_paused = sending.value_or(settings.is_sending_paused);
        settings.is_receiving_paused = receiving.value_or(settings.is_receiving_paused);
        if (settings == view->settings) return done(*view);
        entry.detail = std::string("sending ") + (settings.is_sending_paused ? "paused" : "goes on") + ", receiving " +
                       (settings.is_receiving_paused ? "paused" : "goes on");
        store_settings(std::move(entry), *queue, std::move(settings), "queue_paused", std::move(done));
    });
}

void BrokerAdmin::store_settings(AuditEntry entry, DestinationId queue, DestinationSettings settings, const char* event,
                                 Done<core::QueueView> done) {
    auto copy = settings;
    auto stored = [this, queue, event, by = entry.user, settings = std::move(settings),
                   done = std::move(done)](const Result<void>& result) mutable {
        if (!result) return done(result.error());
        log::info(event, {{"queue", settings.name},
                          {"sending_paused", settings.is_sending_paused},
                          {"receiving_paused", settings.is_receiving_paused},
                          {"by", by}});
        done(parts_.core.view_queue(queue));
    };
    parts_.core.audited(std::move(entry), [&] { parts_.core.change_queue(queue, std::move(copy), std::move(stored)); });
}

}  // namespace giromq::admin
