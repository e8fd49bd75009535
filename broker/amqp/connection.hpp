#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "base/clock.hpp"
#include "base/executor.hpp"
#include "base/result.hpp"
#include "core/core.hpp"
#include "security/user_directory.hpp"
#include "selector/program_cache.hpp"

/// One AMQP 1.0 connection, sans-io: bytes in, bytes out, and commands to the core. net/ gives it a socket, tests give it a peer in memory.
namespace giromq::amqp {

enum class Mechanism : std::uint8_t { anonymous, plain, scram_sha_256, external };

struct ConnectionSettings {
    std::string container_id = "giromq";
    std::string version = "0";
    std::string resource_manager_id;             // of the store; two connections with the same one reach the same messages
    std::vector<Mechanism> mechanisms;           // offered; PLAIN only if the connection is encrypted or from loopback
    bool anonymous_is_administrator = false;     // --dev
    std::uint32_t max_frame_bytes = 256 * 1024;  // advertised and enforced
    std::uint16_t sessions_max = 256;
    std::uint32_t links_max = 4096;  // of the connection
    std::uint32_t connections_per_user_max = 2000;
    std::uint64_t max_message_bytes = 100u << 20;
    std::uint64_t session_window_bytes = 2u << 20;   // four times this may lie in incomplete deliveries, and in unanswered sends
    std::uint64_t output_window_bytes = 512 * 1024;  // encoded and not yet written; further deliveries wait
    std::uint32_t bytes_before_authentication = 16 * 1024;
    std::chrono::milliseconds authentication_timeout{10000};
    std::chrono::milliseconds idle_timeout{60000};  // advertised half; 0 for none
};

/// The other end as the socket knows it.
struct Peer {
    std::string address;  // "127.0.0.1:53412"
    bool is_loopback = false;
    bool is_encrypted = false;
    std::string certificate_subject;  // of a verified client certificate: its user name (CN); empty for none
};

/// Container ids in use by connections that asked for sole-connection-for-container. One for the broker; thread-safe.
class ContainerRegistry {
public:
    /// False if another connection holds the id.
    bool claim(const std::string& container_id, ConnectionId connection);
    void release(const std::string& container_id, ConnectionId connection);

private:
    std::mutex mutex_;
    std::unordered_map<std::string, ConnectionId> holders_;
};

/// How many connections each user has. One for the broker; thread-safe.
class UserConnections {
public:
    /// Counts one more; false if the user has `max` already.
    bool admit(const std::string& user, std::uint32_t max);
    void leave(const std::string& user);

private:
    std::mutex mutex_;
    std::unordered_map<std::string, std::uint32_t> counts_;
};

/// What a connection works with; outlives every connection.
struct Services {
    core::Core& core;
    Executor& core_executor;
    const security::UserDirectory& users;
    const Clock& clock;
    ContainerRegistry& containers;
    selector::ProgramCache& selectors;
    UserConnections& user_connections;
};

/// Implemented by net/.
class ConnectionHost {
public:
    virtual ~ConnectionHost() = default;

    /// There may be output() now, input_buffer() may want bytes again, or the connection may be finished(); called on the connection's
    /// executor, outside of input_done().
    virtual void wake() = 0;
};

/// Threads: every method is called on the connection's own executor; work from the core reaches it there. Slow work (password
/// hashing of PLAIN) runs on `workers`.
/// Lifetime: held by shared_ptr, because answers of the core may come after the socket is gone; abort() tells the core so, and once it has
/// returned the connection's executor and host are not touched any more.
class Connection : public std::enable_shared_from_this<Connection> {
public:
    static std::shared_ptr<Connection> create(ConnectionId id, Services services, ConnectionSettings settings, Peer peer, Executor& self,
                                              Executor& workers, ConnectionHost& host);
    virtual ~Connection() = default;

    /// Where the next bytes from the socket go; empty while the connection does not want any (back-pressure, or it is ending).
    virtual std::span<std::uint8_t> input_buffer() = 0;
    virtual void input_done(std::size_t bytes) = 0;
    /// The socket's reading end is closed or broken.
    virtual void input_closed() = 0;

    /// Bytes to be written; valid until the next call of any method.
    virtual std::span<const std::uint8_t> output() = 0;
    virtual void output_done(std::size_t bytes) = 0;

    /// Nothing more to read or write: the socket can be closed.
    virtual bool finished() const = 0;
    /// It has begun to end, and tick() knows how long the peer may take for its part.
    virtual bool is_ending() const = 0;

    /// Time has passed; returns when to be called next.
    virtual MonotonicTime tick(MonotonicTime now) = 0;

    /// Ends the connection with a close frame and this condition (shutdown: amqp:connection:forced; an administrator).
    virtual void close(std::string condition, std::string description) = 0;

    /// The socket is gone. The core is told; no method but the destructor is called after it, and host.wake() is no longer called.
    virtual void abort() = 0;

    /// For administrators; on the connection's executor.
    struct SessionView {
        std::uint32_t number = 0;  // in the order in which they began, of those that are there
        std::uint32_t consumers = 0;
        std::uint32_t producers = 0;
        std::uint32_t control_links = 0;
        std::uint32_t transactions = 0;     // local ones that were declared over it and are open
        std::uint64_t unsettled_in = 0;     // deliveries from the peer without a settled outcome
        std::uint64_t unsettled_out = 0;    // and those to it
        std::uint64_t bytes_unread = 0;     // that have come and were not taken yet
        std::uint64_t bytes_unwritten = 0;  // that wait for the socket or the peer's window
    };
    struct View {
        ConnectionId id;
        Peer peer;
        std::string container_id;
        std::string user;
        std::vector<SessionView> sessions;
        std::uint32_t consumers = 0;
        std::uint32_t producers = 0;
        std::uint64_t messages_in = 0;
        std::uint64_t messages_out = 0;
    };
    virtual View view() const = 0;

    /// Whether the peer has logged in as this user, or may be about to: then what it was let in with holds no more when the user changes.
    virtual bool may_be_of(std::string_view user) const = 0;

    /// Permissions have changed: detaches the links that would not be let in any more (amqp:unauthorized-access).
    virtual void review_permissions() = 0;
};

}  // namespace giromq::amqp
