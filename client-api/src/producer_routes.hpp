#pragma once

#include <list>
#include <memory>
#include <mutex>

#include "giromq/destination.hpp"

namespace giromq::detail {

class ProducerCore;
class SessionCore;

/// What a producer without a destination sends by when the broker has no anonymous relay: a producer for each destination. The most
/// recently used ones are kept; the longest unused is closed when there are too many.
/// Threads: without the connection's mutex; to() on the session's thread.
class ProducerRoutes {
public:
    explicit ProducerRoutes(SessionCore& session) : session_(session) {}

    /// Throws as Session::create_producer() does.
    std::shared_ptr<ProducerCore> to(const DestinationPtr& destination);
    /// Waits for the outcomes of asynchronous sends.
    void close();

private:
    std::shared_ptr<ProducerCore> find(const Destination& destination);
    /// Returns one that has to be closed, or null.
    std::shared_ptr<ProducerCore> add(const std::shared_ptr<ProducerCore>& route);

    SessionCore& session_;
    std::mutex mutex_;
    std::list<std::shared_ptr<ProducerCore>> routes_;  // the most recently used first
};

}  // namespace giromq::detail
