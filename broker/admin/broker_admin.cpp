#include "admin/broker_admin.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace giromq::admin {

using security::Action;

BrokerAdmin::BrokerAdmin(Parts parts, AdminSettings settings)
    : parts_(parts),
      settings_(std::move(settings)),
      messages_({parts.core, parts.core_executor, parts.selectors, parts.clock}),
      operations_({parts.core, parts.core_executor, parts.selectors, parts.clock}, parts.users),
      started_at_(parts.clock.wall_now()),
      monitor_(settings_.alarms),
      logins_(parts.clock) {
    parts_.users.logins().set_listener([this](const security::LoginAttempt& attempt, bool succeeded) {
        if (auto entry = logins_.entry_of(attempt, succeeded)) record(std::move(*entry));
    });
}

// Queues

void BrokerAdmin::list_queues(const Identity& who, std::string after, std::size_t limit, Done<QueuePage> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, after = std::move(after), limit, done = std::move(done)]() mutable {
        QueuePage page;
        page.items = parts_.core.list_queues(after, limit + 1);
        page.more = page.items.size() > limit;
        if (page.more) page.items.resize(limit);
        done(std::move(page));
    });
}

void BrokerAdmin::view_queue(const Identity& who, std::string name, Done<core::QueueView> done) {
    if (auto allowed = authorise(who, Action::view, name); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, name = std::move(name), done = std::move(done)]() mutable {
        const auto queue = find_queue(parts_.core, name);
        done(queue ? parts_.core.view_queue(*queue) : queue.error());
    });
}

void BrokerAdmin::put_queue(const Identity& who, DestinationSettings settings, Done<Put> done) {
    if (auto allowed = authorise(who, Action::administer, settings.name); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, by = who.user, entry = audit_entry(who, "queue.create", settings.name),
                                  settings = std::move(settings), done = std::move(done)]() mutable {
        if (const auto existing = parts_.core.find_destination(settings.name)) {
            const auto view = parts_.core.view_queue(*existing);
            if (!view) return done(view.error());
            // Who made it first is no setting.
            settings.origin = view->settings.origin;
            // Nor is what is paused.
            settings.is_sending_paused = view->settings.is_sending_paused;
            settings.is_receiving_paused = view->settings.is_receiving_paused;
            if (settings == view->settings) return done(Put::unchanged);
            return done(Error(errc::different, "queue '" + settings.name + "' exists with other settings"));
        }
        settings.origin = DestinationOrigin::administrator;
        auto name = settings.name;
        auto created = [by = std::move(by), name = std::move(name), done = std::move(done)](Result<DestinationId> result) mutable {
            if (!result) return done(result.error());
            log::info("queue_created", {{"queue", name}, {"by", by}});
            done(Put::created);
        };
        parts_.core.audited(std::move(entry), [&] { parts_.core.create_queue(std::move(settings), std::move(created)); });
    });
}

void BrokerAdmin::delete_queue(const Identity& who, std::string name, bool even_if_used, Done<void> done,
                               StillSo<core::QueueView> still_so) {
    if (auto allowed = authorise(who, Action::administer, name); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, by = who.user, entry = audit_entry(who, "queue.delete", name), name = std::move(name), even_if_used,
                                  done = std::move(done), still_so = std::move(still_so)]() mutable {
        const auto queue = find_queue(parts_.core, name);
        if (!queue) return done(queue.error());
        if (still_so) {
            const auto view = parts_.core.view_queue(*queue);
            if (!view || !still_so(*view)) return done(changed_meanwhile());
        }
        const auto is_gone = std::make_shared<bool>(false);
        auto deleted = [is_gone, by = std::move(by), name = std::move(name), done = std::move(done)](Result<void> result) mutable {
            *is_gone = result.ok();
            if (result) log::info("queue_deleted", {{"queue", name}, {"by", by}});
            done(std::move(result));
        };
        // A temporary queue is not in the store, and gone at once.
        auto by_itself = entry;
        const auto command = [&] { parts_.core.delete_queue(*queue, even_if_used, std::move(deleted)); };
        const bool is_written = parts_.core.audited(std::move(entry), command);
        if (!is_written && *is_gone) write_by_itself(parts_.core, std::move(by_itself));
    });
}

void BrokerAdmin::purge_queue(const Identity& who, std::string name, Done<std::uint64_t> done) {
    if (auto allowed = authorise(who, Action::purge, name); !allowed) return done(allowed.error());
    parts_.core_executor.execute(
        [this, by = who.user, entry = audit_entry(who, "queue.purge", name), name = std::move(name), done = std::move(done)]() mutable {
            const auto queue = find_queue(parts_.core, name);
            if (!queue) return done(queue.error());
            // A large queue is emptied in steps: the line in the first one says that it has begun, another one how many it were.
            entry.outcome = "begun";
            auto purged = [this, entry, by = std::move(by), name = std::move(name),
                           done = std::move(done)](Result<std::uint64_t> result) mutable {
                if (result) {
                    auto count = std::to_string(*result) + " messages";
                    write_by_itself(parts_.core, ended(std::move(entry), parts_.clock.wall_now(), "done", std::move(count)));
                    log::info("queue_purged", {{"queue", name}, {"messages", *result}, {"by", by}});
                }
                done(std::move(result));
            };
            parts_.core.audited(std::move(entry), [&] { parts_.core.purge_queue(*queue, std::move(purged)); });
        });
}

// The broker

Overview BrokerAdmin::overview_on_core() const {
    Overview overview;
    auto readiness = parts_.readiness.view();
    overview.state = readiness.state;
    overview.reason = std::move(readiness.reason);
    overview.version = settings_.version;
    overview.name = settings_.name;
    overview.started_at = started_at_;
    overview.now = parts_.clock.wall_now();
    overview.core = parts_.core.view();
    overview.connections = parts_.connections.count();
    overview.connections_accepted = parts_.connections.accepted();
    overview.store = parts_.store.health();
    overview.commits = parts_.store.statistics();
    const auto& logins = parts_.users.logins();
    overview.logins = {{"amqp", logins.counters(security::LoginProtocol::amqp)}, {"http", logins.counters(security::LoginProtocol::http)}};
    if (parts_.transactions != nullptr) overview.transactions = parts_.transactions->counts();
    overview.last_minute = monitor_.last_minute();
    overview.alarms = monitor_.alarms();
    return overview;
}

void BrokerAdmin::list_connections(const Identity& who, ConnectionId after, std::size_t limit, Done<std::vector<ConnectionView>> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.connections.list(after, limit,
                            [done = std::move(done)](std::vector<ConnectionView> connections) mutable { done(std::move(connections)); });
}

}  // namespace giromq::admin
