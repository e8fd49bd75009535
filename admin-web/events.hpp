#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "admin-web/socket_peer.hpp"
#include "admin/broker_admin.hpp"
#include "base/executor.hpp"

namespace giromq::admin_web {

namespace event_limits {
inline constexpr std::size_t sockets = 512;
inline constexpr std::size_t sockets_per_user = 16;
inline constexpr std::size_t text_bytes = 4096;           // of one text from the client
inline constexpr std::size_t texts_per_second = 20;       // from the client
inline constexpr std::size_t pending_bytes = 256 * 1024;  // for a client that does not read
inline constexpr std::size_t watched_queues = 50;
}  // namespace event_limits

/// The live figures, for all consoles that are open: what goes to all of them is made once, whoever watches queues gets those besides.
/// Threads: any.
class EventHub {
public:
    /// Asked once a second: whether who opened the socket may still see what it shows.
    using StillAllowed = std::function<bool()>;

    EventHub(admin::BrokerAdmin& admin, Executor& workers);
    ~EventHub();
    EventHub(const EventHub&) = delete;
    EventHub& operator=(const EventHub&) = delete;

    /// A new socket of the user; null if there are too many. It begins with the alarms that are raised.
    std::shared_ptr<SocketPeer> join(security::Identity who, StillAllowed still_allowed);

    /// Tells every socket. On a worker.
    void publish(const admin::Moment& moment);

    /// Ends every socket, and lets in no more.
    void stop();

    std::size_t count() const;

private:
    class Subscriber;
    using Subscribers = std::vector<std::shared_ptr<Subscriber>>;
    /// What the rates of a watched queue are counted from.
    struct Before {
        MonotonicTime at;
        std::uint64_t enqueued = 0;
        std::uint64_t delivered = 0;
    };

    void left(const Subscriber& subscriber);
    Subscribers subscribers() const;
    void note(const admin::OperationView& operation);
    void publish_operations();
    void publish_queues();
    void tell_watchers(const std::vector<core::QueueView>& queues, MonotonicTime now);

    admin::BrokerAdmin& admin_;
    Executor& workers_;
    mutable std::mutex mutex_;
    Subscribers subscribers_;
    std::map<std::string, std::size_t, std::less<>> by_user_;
    bool stopped_ = false;
    bool asks_queues_ = false;
    std::map<std::string, Before, std::less<>> before_;
    std::map<std::uint64_t, admin::OperationView> operations_;  // how they are, of those that went on in this second
};

}  // namespace giromq::admin_web
