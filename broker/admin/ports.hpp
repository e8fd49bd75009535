#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "model/ids.hpp"
#include "store/commit_queue.hpp"
#include "store/store.hpp"

/// What administration asks of parts that are above it or that it must not own; implemented in main/.
namespace giromq::admin {

struct ConnectionView {
    ConnectionId id;
    std::string peer;  // "127.0.0.1:53412"
    bool is_encrypted = false;
    std::string container_id;
    std::string user;
    std::uint32_t sessions = 0;
    std::uint32_t consumers = 0;
    std::uint32_t producers = 0;
    std::uint64_t messages_in = 0;
    std::uint64_t messages_out = 0;
};

/// Threads: any; `done` runs on any thread.
class ConnectionsPort {
public:
    virtual ~ConnectionsPort() = default;
    virtual std::size_t count() const = 0;
    virtual std::uint64_t accepted() const = 0;  // since the start
    /// Ends every connection that was let in as this user; `why` is told to its client.
    virtual void close_user(const std::string& user, const std::string& why) = 0;
    virtual void list(ConnectionId after, std::size_t limit, UniqueFunction<void(std::vector<ConnectionView>)> done) const = 0;
};

/// Threads: any; `done` runs on the store thread and must only hand over.
class StoreAdminPort {
public:
    virtual ~StoreAdminPort() = default;
    virtual store::Health health() const = 0;
    virtual store::CommitQueue::Statistics statistics() const = 0;
    /// A consistent copy of the store as it is now, while it is in use.
    virtual void backup(std::string path, UniqueFunction<void(Result<void>)> done) = 0;
};

}  // namespace giromq::admin
