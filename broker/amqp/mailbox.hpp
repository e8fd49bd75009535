#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <variant>
#include <vector>

#include "amqp/xa_values.hpp"
#include "base/executor.hpp"
#include "base/result.hpp"
#include "core/ports.hpp"
#include "security/authorisation.hpp"

struct pn_delivery_t;

namespace giromq::amqp {

/// Names a link of a connection. The generation tells a new link in a slot from the one before, so that news for a link that is gone
/// are recognised.
struct LinkId {
    std::uint32_t slot = 0;
    std::uint32_t generation = 0;

    friend bool operator==(const LinkId&, const LinkId&) = default;
};

using ErrorPtr = std::unique_ptr<Error>;

/// News for a connection. Every one names its link, if it is for one.
namespace news {

/// The core has opened (or refused) the link's producer or consumer.
struct Attached {
    LinkId link;
    std::string address;  // of the node, for dynamic ones its new name
    ErrorPtr error;       // null: opened
};
/// The core's answer to a send. `delivery` is null for a pre-settled one.
struct Sent {
    LinkId link;
    std::uint32_t bytes = 0;  // of the message, as command::Send had them
    pn_delivery_t* delivery = nullptr;
    ErrorPtr error;  // null: accepted
};
struct Window {
    LinkId link;
    std::uint32_t messages = 0;
};
struct Delivered {
    LinkId link;
    core::Delivery delivery;
};
/// Answers the flow with this number.
struct Drained {
    LinkId link;
    std::uint64_t flow_number = 0;
};
/// The outcome of a delivery is durable.
struct Settled {
    LinkId link;
    pn_delivery_t* delivery = nullptr;
    ErrorPtr error;
};
/// The outcome of a delivery did not become durable, since its transaction was rolled back: the delivery is the consumer's again.
struct Returned {
    LinkId link;
    pn_delivery_t* delivery = nullptr;
};
/// The answer to a declare.
struct Declared {
    LinkId link;
    pn_delivery_t* delivery = nullptr;
    TransactionId transaction;
    ErrorPtr error;
};
/// The answer to a discharge.
struct Discharged {
    LinkId link;
    pn_delivery_t* delivery = nullptr;
    TransactionId transaction;
    ErrorPtr error;
};
/// The answer to a call of XA.
struct XaAnswered {
    LinkId link;
    pn_delivery_t* delivery = nullptr;
    xa::ReturnCode code = xa::ReturnCode::ok;
    TransactionId transaction;                     // of xa_start
    ErrorPtr error;                                // why, where there is more to say than the code does
    std::unique_ptr<RecoveredBranches> recovered;  // of xa-recover
};
struct Ended {
    LinkId link;
    ErrorPtr error;
};
/// A chunk of a message that is coming in is durable, or was refused.
struct ChunkStored {
    LinkId link;
    std::uint32_t stream = 0;
    ErrorPtr error;
};
/// A chunk of a message that is going out.
struct ChunkRead {
    LinkId link;
    std::uint64_t read = 0;
    SharedBytes bytes;
    ErrorPtr error;
};
/// The answer to a PLAIN password.
struct PasswordVerified {
    std::unique_ptr<Result<security::Identity>> result;
};

}  // namespace news

using News =
    std::variant<news::Attached, news::Sent, news::Window, news::Delivered, news::Drained, news::Settled, news::Returned, news::Declared,
                 news::Discharged, news::XaAnswered, news::Ended, news::ChunkStored, news::ChunkRead, news::PasswordVerified>;

/// Who reads a mailbox.
class MailReader {
public:
    virtual ~MailReader() = default;
    /// There is mail; called on the connection's executor.
    virtual void on_mail() = 0;
};

/// Hands news over to a connection's executor: the first one schedules one task there, the others until it runs join it.
/// Threads: post() and is_closed() from any; take() and close() on the connection's executor.
class Mailbox {
public:
    explicit Mailbox(Executor& reader_executor) : executor_(reader_executor) {}

    /// Whom to tell. Before anything is posted.
    void set_reader(std::weak_ptr<MailReader> reader) { reader_ = std::move(reader); }

    void post(News item);
    /// Posts all of them and leaves `items` empty, its memory kept where possible.
    void post_all(std::vector<News>& items);

    /// Moves everything that was posted into `items` (which must be empty).
    void take(std::vector<News>& items);

    /// True if nobody will read what is posted.
    bool is_closed() const;

    /// Nothing is delivered any more, and the executor is not touched any more once this returns.
    void close();

private:
    void schedule(std::unique_lock<std::mutex> lock);

    Executor& executor_;
    std::weak_ptr<MailReader> reader_;
    mutable std::mutex mutex_;
    std::condition_variable idle_;
    std::vector<News> items_;
    bool scheduled_ = false;
    bool closed_ = false;
    std::uint32_t scheduling_ = 0;  // threads inside executor_.execute()
};

}  // namespace giromq::amqp
