#include <limits>
#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"

// Connections, consumers and producers of clients.

namespace giromq::admin {

using security::Action;

namespace {

constexpr std::size_t all = std::numeric_limits<std::size_t>::max();

std::string sentence_of(std::string why) { return why.empty() ? "an administrator has closed it" : std::move(why); }

Error no_such_connection() { return Error(errc::not_found, "there is no such connection, any more"); }

/// The users of the connections that the links belong to.
template <typename View>
void add_users(ConnectionsPort& connections, std::vector<View> items, BrokerAdmin::Done<BrokerAdmin::Links<View>> done) {
    connections.list(ConnectionId{}, all, [items = std::move(items), done = std::move(done)](std::vector<ConnectionView> views) mutable {
        BrokerAdmin::Links<View> links;
        for (const auto& view : views) links.users.emplace(view.id, view.user);
        links.items = std::move(items);
        done(std::move(links));
    });
}

}  // namespace

void BrokerAdmin::view_connection(const Identity& who, ConnectionId id, Done<ConnectionDetail> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    if (!id.is_set()) return done(no_such_connection());
    parts_.connections.list(ConnectionId{id.value - 1}, 1, [this, id, done = std::move(done)](std::vector<ConnectionView> views) mutable {
        if (views.empty() || views.front().id != id) return done(no_such_connection());
        parts_.core_executor.execute([this, connection = std::move(views.front()), done = std::move(done)]() mutable {
            ConnectionDetail detail;
            core::LinkQuery query;
            query.connection = connection.id;
            query.limit = all;
            detail.connection = std::move(connection);
            detail.consumers = parts_.core.list_consumers(query);
            detail.producers = parts_.core.list_producers(query);
            done(std::move(detail));
        });
    });
}

void BrokerAdmin::close_connection(const Identity& who, ConnectionId id, std::string why, Done<void> done) {
    if (auto allowed = authorise(who, Action::close, {}); !allowed) return done(allowed.error());
    const auto sentence = sentence_of(std::move(why));
    if (!parts_.connections.close(id, sentence)) return done(no_such_connection());
    record(audit_entry(who, "connection.close", std::to_string(id.value), sentence));
    log::info("connection_closed_by_administrator", {{"connection", id.value}, {"reason", sentence}, {"by", who.user}});
    done({});
}

void BrokerAdmin::list_consumers(const Identity& who, core::LinkQuery query, Done<Links<core::ConsumerView>> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, query = std::move(query), done = std::move(done)]() mutable {
        add_users(parts_.connections, parts_.core.list_consumers(query), std::move(done));
    });
}

void BrokerAdmin::list_producers(const Identity& who, core::LinkQuery query, Done<Links<core::ProducerView>> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, query = std::move(query), done = std::move(done)]() mutable {
        add_users(parts_.connections, parts_.core.list_producers(query), std::move(done));
    });
}

void BrokerAdmin::close_consumer(const Identity& who, ConsumerId id, std::string why, Done<void> done) {
    if (auto allowed = authorise(who, Action::close, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, who, id, why = sentence_of(std::move(why)), done = std::move(done)]() mutable {
        auto closed = parts_.core.end_consumer(id, Error(core::errc::deleted, why));
        if (closed) {
            log::info("consumer_closed_by_administrator", {{"consumer", id.value}, {"reason", why}, {"by", who.user}});
            write_by_itself(parts_.core, audit_entry(who, "consumer.close", std::to_string(id.value), std::move(why)));
        }
        done(std::move(closed));
    });
}

void BrokerAdmin::close_producer(const Identity& who, ProducerId id, std::string why, Done<void> done) {
    if (auto allowed = authorise(who, Action::close, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, who, id, why = sentence_of(std::move(why)), done = std::move(done)]() mutable {
        auto closed = parts_.core.end_producer(id, Error(core::errc::deleted, why));
        if (closed) {
            log::info("producer_closed_by_administrator", {{"producer", id.value}, {"reason", why}, {"by", who.user}});
            write_by_itself(parts_.core, audit_entry(who, "producer.close", std::to_string(id.value), std::move(why)));
        }
        done(std::move(closed));
    });
}

}  // namespace giromq::admin
