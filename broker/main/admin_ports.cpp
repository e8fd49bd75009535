#include "main/admin_ports.hpp"

#include <utility>

namespace giromq::daemon {
namespace {

admin::SessionView to_admin(const amqp::Connection::SessionView& view) {
    admin::SessionView session;
    session.number = view.number;
    session.consumers = view.consumers;
    session.producers = view.producers;
    session.control_links = view.control_links;
    session.transactions = view.transactions;
    session.unsettled_in = view.unsettled_in;
    session.unsettled_out = view.unsettled_out;
    session.bytes_unread = view.bytes_unread;
    session.bytes_unwritten = view.bytes_unwritten;
    return session;
}

admin::ConnectionView to_admin(const amqp::Connection::View& view) {
    admin::ConnectionView connection;
    connection.id = view.id;
    connection.peer = view.peer.address;
    connection.is_encrypted = view.peer.is_encrypted;
    connection.container_id = view.container_id;
    connection.user = view.user;
    for (const auto& session : view.sessions) connection.sessions.push_back(to_admin(session));
    connection.consumers = view.consumers;
    connection.producers = view.producers;
    connection.messages_in = view.messages_in;
    connection.messages_out = view.messages_out;
    return connection;
}

}  // namespace

bool Connections::close(ConnectionId id, const std::string& why) { return server_.close(id, "amqp:connection:forced", why); }
void Connections::close_user(const std::string& user, const std::string& why) { server_.close_user(user, "amqp:connection:forced", why); }

void Connections::review_permissions() { server_.review_permissions(); }

void Connections::list(ConnectionId after, std::size_t limit, UniqueFunction<void(std::vector<admin::ConnectionView>)> done) const {
    server_.list(after, limit, [done = std::move(done)](std::vector<net::AmqpServer::View> views) mutable {
        std::vector<admin::ConnectionView> connections;
        connections.reserve(views.size());
        for (const auto& view : views) connections.push_back(to_admin(view));
        done(std::move(connections));
    });
}

void StoreAdministration::backup(std::string path, UniqueFunction<void(Result<void>)> done) {
    commits_.run_on_store_thread([path = std::move(path), done = std::move(done)](store::Store& store) mutable {
        // The engine reports a failure to begin through its result, and everything later through `done`: once either way.
        auto shared = std::make_shared<UniqueFunction<void(Result<void>)>>(std::move(done));
        auto begun = store.start_backup(path, [shared](Result<void> copied) { (*shared)(std::move(copied)); });
        if (!begun) (*shared)(begun.error());
    });
}

}  // namespace giromq::daemon
