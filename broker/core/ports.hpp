#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "core/errc.hpp"
#include "model/dead_letter.hpp"
#include "model/ids.hpp"
#include "model/message.hpp"

/// What the core calls: the other end of every producer, consumer and browser. Implemented by amqp/ (and by the simulation).
/// Every method is called on the core's executor and must only hand over: it must not call back into the core before it returns.
namespace giromq::core {

/// A message on its way to a consumer. Until it is settled it is locked for that consumer; `position` names it in settle().
struct Delivery {
    Position position;
    MessagePtr message;
    /// For header.delivery-count (AMQP 1.0 §3.2.1): failed deliveries, plus one if it may have been delivered without that being
    /// recorded (a crash, a torn connection). Above 0 means redelivered.
    std::uint32_t delivery_count = 0;
    /// Set if it comes from a dead-letter queue: to be added to the message annotations.
    DeadLetterPtr dead_letter;
};

class ConsumerPort {
public:
    virtual ~ConsumerPort() = default;

    /// One delivery against the consumer's credit.
    virtual void deliver(Delivery delivery) = 0;

    /// False while the port has as much to send as it should keep in memory: the consumer is passed over, whatever its credit, until
    /// resume() says that there is room again.
    virtual bool has_room() const { return true; }

    /// Answer to a flow with drain: at this moment there is nothing more for this consumer, in memory or in the store. Everything
    /// delivered before is before it in order; the rest of the credit is used up.
    virtual void drained() = 0;

    /// The core has ended the consumer (destination deleted, far too many messages unsettled, shutdown). No call follows; unsettled
    /// deliveries are the core's again.
    virtual void ended(const Error& reason) = 0;
};

class ProducerPort {
public:
    virtual ~ProducerPort() = default;

    /// How many unsettled messages the producer may have under way from now on: 0 holds it back (destination full, memory short). Only
    /// told when it changes by much; never told to a producer of the anonymous relay because of one destination.
    virtual void window(std::uint32_t messages) = 0;

    /// The core has ended the producer (destination deleted, shutdown).
    virtual void ended(const Error& reason) = 0;
};

/// Where work is done that must not hold up the core: selectors that look into bodies, and the search of a long queue. Implemented by
/// main/ over a worker thread, by the simulation over its scheduler.
class WorkPort {
public:
    virtual ~WorkPort() = default;

    /// Runs `work` somewhere else, on nothing but what it holds, then `done` on the core's executor. One of a queue is under way at a time.
    virtual void run(Task work, Task done) = 0;
};

/// The end of a control link.
class ControlPort {
public:
    virtual ~ControlPort() = default;

    /// The core has ended the link, and rolled back the transactions that were declared over it.
    virtual void ended(const Error& reason) = 0;
};

/// Answer to a send, after COMMIT for a persistent message.
struct SendResult {
    bool accepted = true;
    /// Accepted, but an equal send was already there: nothing was stored again.
    bool duplicate = false;
    Position position = {};       // its place, if it was stored; of sends outside transactions
    Error error{errc::internal};  // meaningful unless accepted
};

}  // namespace giromq::core
