#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <giromq/giromq.hpp>
#include <memory>
#include <string>
#include <vector>

#include "ledger.hpp"
#include "verify.hpp"

/// The applications that talk over the broker. Each may be killed at any point and started again; so may the broker.
namespace payments {

struct BrokerOptions {
    std::string uri = "amqp://127.0.0.1:5672";
    std::string user;
    std::string password_file;
};

/// A connection that waits for the broker while it is down, and connects again when it is lost, for about two minutes.
std::shared_ptr<giromq::Connection> connect(const BrokerOptions& options);

/// Makes SIGTERM and SIGINT end the application after the batch it is at; a second one ends it at once.
void install_stop_signals();
bool stop_is_wanted();

/// Ends the process like SIGKILL does when a named point has been passed so often: lets a test kill it exactly there. "booked:3" is the
/// third time that the point "booked" is reached.
class DeathPoint {
public:
    explicit DeathPoint(const std::string& point_and_count);
    void reached(const char* point);

private:
    std::string point_;
    std::int64_t remaining_ = 0;
};

/// Asynchronous sends with at most `window` unconfirmed; with a window of 1, each send waits. Used by one thread.
class ConfirmedSender {
public:
    ConfirmedSender(giromq::Session& session, const std::string& queue, std::int64_t window);
    ~ConfirmedSender();
    ConfirmedSender(const ConfirmedSender&) = delete;
    ConfirmedSender& operator=(const ConfirmedSender&) = delete;

    /// A persistent text message with the duplicate-detection id `transaction_id`; `number` comes back from confirmed().
    void send(std::int64_t number, const std::string& transaction_id, std::string_view type, const std::string& document);
    /// The numbers that were confirmed since the last call. Throws JMSException if a send was refused.
    std::vector<std::int64_t> confirmed();
    /// Waits until every send is confirmed, and returns as confirmed().
    std::vector<std::int64_t> wait_for_all();

private:
    class Listener;
    giromq::Session& session_;
    std::shared_ptr<giromq::MessageProducer> producer_;
    std::shared_ptr<Listener> listener_;
    std::int64_t window_;
};

/// Waits up to `patience` for a message and takes what is there already, at most `most`. The last one taken is in `last`, for its
/// acknowledge().
std::vector<Arrival> receive_batch(giromq::MessageConsumer& consumer, std::int64_t most, std::chrono::milliseconds patience,
                                   giromq::MessagePtr& last);

/// What an application that only records does: receives batches until `count` are recorded and the queue is empty (0: for ever), or a stop
/// is wanted, and acknowledges each when it is durable. `what` names the messages for people.
struct Recording {
    std::string what;
    std::int64_t batch = 1;
    std::int64_t count = 0;
    std::function<void(const std::vector<Arrival>&)> record;
    std::function<std::int64_t()> recorded;
};
void record_arrivals(giromq::MessageConsumer& consumer, const Recording& recording);

/// Acknowledges all that the session received. False if the connection was lost meanwhile: the messages will come again.
bool acknowledge_all(const giromq::Message& last);

struct SendOptions {
    StateFolder state;
    BrokerOptions broker;
    std::string queue = "payments.in";
    std::string copy_queue;  // every payment goes there, too; empty for nowhere
    std::int64_t window = 256;
    std::int64_t rate = 0;  // payments per second; 0: as fast as they are confirmed
};

struct LedgerOptions {
    StateFolder state;
    BrokerOptions broker;
    std::string payments_queue = "payments.in";
    std::string status_queue = "payments.status";
    std::int64_t batch = 20;
    std::int64_t count = 0;  // end when so many are booked and answered and the queue is empty; 0: run until SIGTERM
    std::string die_at;
};

struct StatusOptions {
    StateFolder state;
    BrokerOptions broker;
    std::string queue = "payments.status";
    std::int64_t batch = 50;
    std::int64_t count = 0;
};

struct LargeOptions {
    StateFolder state;
    BrokerOptions broker;
    std::string queue = "payments.copy";
    std::int64_t batch = 20;
    std::int64_t count = 0;
};

// Each returns the exit code.
int run_send(const SendOptions& options);
int run_ledger(const LedgerOptions& options);
int run_status(const StatusOptions& options);
int run_large(const LargeOptions& options);

}  // namespace payments
