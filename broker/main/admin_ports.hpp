#pragma once

#include <string>
#include <vector>

#include "admin/ports.hpp"
#include "net/amqp_server.hpp"
#include "store/commit_queue.hpp"

/// What administration asks of layers beside or above it, answered by the concrete classes.
namespace giromq::daemon {

class Connections final : public admin::ConnectionsPort {
public:
    explicit Connections(net::AmqpServer& server) : server_(server) {}

    std::size_t count() const override { return server_.connection_count(); }
    std::uint64_t accepted() const override { return server_.accepted_count(); }
    bool close(ConnectionId id, const std::string& why) override;
    void close_user(const std::string& user, const std::string& why) override;
    void review_permissions() override;
    void list(ConnectionId after, std::size_t limit, UniqueFunction<void(std::vector<admin::ConnectionView>)> done) const override;

private:
    net::AmqpServer& server_;
};

class StoreAdministration final : public admin::StoreAdminPort {
public:
    StoreAdministration(const store::Store& store, store::CommitQueue& commits) : store_(store), commits_(commits) {}

    store::Health health() const override { return store_.health(); }
    store::CommitQueue::Statistics statistics() const override { return commits_.statistics(); }
    void backup(std::string path, UniqueFunction<void(Result<void>)> done) override;

private:
    const store::Store& store_;
    store::CommitQueue& commits_;
};

}  // namespace giromq::daemon
