#pragma once

#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>
#include <vector>

#include "amqp/connection.hpp"
#include "base/unique_function.hpp"
#include "net/acceptor.hpp"
#include "net/connection_loop.hpp"
#include "net/tls_context.hpp"

namespace giromq::net {

/// Every open AMQP connection, of all listeners.
/// Threads: any. Outlives the io_context's threads.
class AmqpServer {
public:
    AmqpServer(boost::asio::io_context& io, amqp::Services services, Executor& workers, LoopSettings settings);
    ~AmqpServer();
    AmqpServer(const AmqpServer&) = delete;
    AmqpServer& operator=(const AmqpServer&) = delete;

    /// Starts the connection of a client that an Acceptor has let in. `tls` may be null.
    void serve(Accepted accepted, const amqp::ConnectionSettings& settings, const std::shared_ptr<TlsContext>& tls);

    std::size_t connection_count() const;
    /// Connections since the start.
    std::uint64_t accepted_count() const;

    using View = ConnectionLoop::View;
    /// The open connections in order of id, from the first after `after`; `done` runs on any thread.
    void list(ConnectionId after, std::size_t limit, UniqueFunction<void(std::vector<View>)> done) const;

    /// False if there is no such connection; otherwise it gets a close frame with this condition.
    bool close(ConnectionId id, const std::string& condition, const std::string& description);
    /// The connections of this user get a close frame with this condition, and so do those that may be about to log in as it.
    void close_user(const std::string& user, const std::string& condition, const std::string& description);
    /// Every connection detaches the links that permissions do not allow any more.
    void review_permissions();
    /// Every connection gets a close frame with this condition; new ones are not served any more.
    void close_all(const std::string& condition, const std::string& description);
    /// Cuts those that are still there.
    void abort_all();
    /// Waits until all have ended; false if some have not by then. Not on a thread of the io_context.
    bool wait_until_closed(std::chrono::milliseconds timeout);

private:
    std::vector<std::shared_ptr<ConnectionLoop>> loops() const;
    void ended(ConnectionId id);

    boost::asio::io_context& io_;
    const amqp::Services services_;
    Executor& workers_;
    const LoopSettings settings_;
    mutable std::mutex mutex_;
    std::condition_variable changed_;
    std::unordered_map<ConnectionId, std::shared_ptr<ConnectionLoop>> loops_;
    std::uint64_t last_id_ = 0;
    bool closing_ = false;
};

}  // namespace giromq::net
