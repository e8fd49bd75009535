#pragma once

#include <memory>
#include <string>

#include "giromq/destination.hpp"
#include "giromq/export.hpp"
#include "giromq/message.hpp"

namespace giromq {

namespace detail {
class ConsumerCore;
}

/// Looks at the messages of a queue without removing or locking them, oldest first (JMS 2.0 §4.1.5). Made by Session::create_browser().
class GIROMQ_API QueueBrowser {
public:
    QueueBrowser(std::shared_ptr<detail::ConsumerCore> core, std::shared_ptr<const Queue> queue);  // for the library
    ~QueueBrowser();
    QueueBrowser(const QueueBrowser&) = delete;
    QueueBrowser& operator=(const QueueBrowser&) = delete;

    /// The next message, or null after the last one (asked again later, messages that came since then follow). Throws JMSException with the
    /// code "giromq:connection-lost" if the connection was made anew while browsing: the position in the queue is lost, make a new browser.
    MessagePtr next();

    std::shared_ptr<const Queue> queue() const;
    std::string message_selector() const;
    void close();

private:
    std::shared_ptr<detail::ConsumerCore> core_;
    std::shared_ptr<const Queue> queue_;
};

}  // namespace giromq
