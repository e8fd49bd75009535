#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "connection_core.hpp"
#include "giromq/message.hpp"
#include "giromq/modes.hpp"
#include "message_data.hpp"
#include "producer_core.hpp"
#include "receipt.hpp"
#include "transaction.hpp"

namespace giromq::detail {

class ConsumerCore;
class LocalTransaction;
class XaTransaction;

/// A session: its producers and consumers, what the application has received and not acknowledged, and the thread that runs its listeners.
/// Threads: with the connection's mutex held, unless it says otherwise.
class SessionCore final : public Acknowledger, public std::enable_shared_from_this<SessionCore> {
public:
    /// `global`: a transaction manager begins and ends its transactions.
    SessionCore(std::shared_ptr<ConnectionCore> connection, AcknowledgeMode mode, bool global = false);
    ~SessionCore() override;

    ConnectionCore& connection() const { return *connection_; }
    AcknowledgeMode mode() const { return mode_; }
    bool is_closed() const { return closed_; }
    /// Told whenever something happens that a thread of this session may wait for.
    std::condition_variable& changed() { return changed_; }
    /// Tells them: at once, or with everything else of the input that is being handled.
    void wake();
    /// The end of that input, first with the mutex held, then without it.
    void prepare_wake();
    void wake_now();
    pn_session_t* engine_session() const { return engine_session_; }

    // For the application's handle, without the mutex.
    std::shared_ptr<ProducerCore> create_producer(const DestinationPtr& destination);
    std::shared_ptr<ConsumerCore> create_consumer(const DestinationPtr& destination, std::string_view selector, bool browse);
    std::shared_ptr<TemporaryQueue> create_temporary_queue();
    void acknowledge(const std::shared_ptr<Receipt>& receipt) override;
    /// Everything received, in CLIENT_ACKNOWLEDGE.
    void acknowledge();
    void recover();
    void commit();
    void rollback();
    void close();
    /// close() without an exception, on another thread if this one is a listener's.
    void dispose() noexcept;

    // The transport.
    void attach();
    void attach_links();
    void lose();
    void fail(const Failure& failure);
    void handle_remote_close();
    void connection_started();
    /// In a transacted session: waits until the broker has answered whether it has transactions. Throws, without the mutex, if not.
    void wait_for_coordinator(std::unique_lock<std::mutex>& lock);

    // For a session of a transaction manager.
    void set_before_work(std::function<void()> hook);
    /// Throws IllegalStateException if no branch is active. Without the mutex.
    void begin_work();
    /// Everything sent is at the broker, or the transaction doomed; everything received is accepted in it. Returns the consumers of that.
    std::vector<std::shared_ptr<ConsumerCore>> finish_branch_work(std::unique_lock<std::mutex>& lock);
    /// Before a rollback, without the mutex: what was sent ahead goes back and nothing more comes, so that what is rolled back comes first.
    /// True if it has to go_on() afterwards.
    bool hold_back();
    void go_on();

    // For producers.
    void add_completion(const std::shared_ptr<ProducerCore>& producer, const SendEntryPtr& entry);
    /// Hands finished asynchronous sends to the callback thread, as far as all before them are finished.
    void tell_completions();
    void forget(const ProducerCore& producer);
    /// Null if the session is not transacted.
    Transaction* transaction() { return transaction_.get(); }
    /// Null if the session is not one of a transaction manager.
    XaTransaction* xa_transaction() { return xa_; }
    /// The transaction has got its id.
    void transfer_sends();

    // For consumers.
    void forget(const ConsumerCore& consumer);
    std::uint64_t next_arrival() { return ++arrivals_; }
    /// The application has got the message: whether and how it is acknowledged is the mode's.
    void add_seen(const std::shared_ptr<Receipt>& receipt);
    /// Sends `accepted`; the broker's settling confirms it.
    void accept(const std::shared_ptr<Receipt>& receipt);
    void confirmed();
    /// Waits for the confirmations; false if there were still some missing at the deadline.
    bool wait_for_confirmations(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline);
    /// Waits until `done`, which depends on confirmations: they wake nobody else.
    template <typename Predicate>
    bool wait_for_confirmation(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline, Predicate done) {
        ++confirmation_waiters_;
        const bool is_done = wait_until(changed_, lock, deadline, done);
        --confirmation_waiters_;
        return is_done;
    }
    bool acknowledges_by_itself() const {
        return mode_ == AcknowledgeMode::auto_acknowledge || mode_ == AcknowledgeMode::dups_ok_acknowledge;
    }
    bool acknowledges_by_application() const {
        return mode_ == AcknowledgeMode::client_acknowledge || mode_ == AcknowledgeMode::individual_acknowledge;
    }
    bool has_consumer(const TemporaryNode& node) const;

    // Listeners.
    void listeners_changed();
    bool has_listeners() const { return listeners_ > 0; }
    bool on_listener_thread() const { return listener_thread_id_ == std::this_thread::get_id(); }
    void wait_for_listener(std::unique_lock<std::mutex>& lock);
    const ConsumerCore* listening() const { return listening_; }

    // One thread at a time; without the mutex.
    void enter();
    void leave();

private:
    bool try_enter();
    void run_completions();
    void check_open() const;
    void run_listeners();
    std::shared_ptr<ConsumerCore> next_to_listen() const;
    void deliver_to_listener(std::unique_lock<std::mutex>& lock, const std::shared_ptr<ConsumerCore>& consumer);
    void listener_returned(std::unique_lock<std::mutex>& lock, const std::shared_ptr<ConsumerCore>& consumer,
                           const std::shared_ptr<Receipt>& receipt, bool again);
    void wait_until_attached(std::unique_lock<std::mutex>& lock, LinkCore& link);
    bool has_anonymous_relay(std::unique_lock<std::mutex>& lock);
    /// `asked`: the message that the application named, or null.
    void acknowledge_all(std::unique_lock<std::mutex>& lock, const Receipt* asked);
    void acknowledge_one(std::unique_lock<std::mutex>& lock, const std::shared_ptr<Receipt>& receipt);
    static void check_not_stale(const Receipt& receipt);
    void wait_for_these(std::unique_lock<std::mutex>& lock, const std::vector<std::shared_ptr<Receipt>>& receipts);
    /// `consumers` by value, because another thread may close one of them meanwhile.
    void give_back(std::unique_lock<std::mutex>& lock, std::vector<std::shared_ptr<ConsumerCore>> consumers);
    LocalTransaction& transaction_to_end(const char* how);
    bool sends_are_over() const;
    bool wait_for_sends(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline);
    void wait_for_transaction_id(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline);
    /// Accepts everything received in the transaction; returns the consumers it came from.
    std::vector<std::shared_ptr<ConsumerCore>> accept_in_transaction(const std::string& id);
    /// False if the commit could not be sent.
    bool wait_for_commit(std::unique_lock<std::mutex>& lock, const ControlRequestPtr& request);
    void doom_if_stale();
    void roll_back(std::unique_lock<std::mutex>& lock);
    void close_links(std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline);

    const std::shared_ptr<ConnectionCore> connection_;
    const AcknowledgeMode mode_;
    std::condition_variable changed_;
    pn_session_t* engine_session_ = nullptr;
    std::atomic<bool> closing_{false};
    bool closed_ = false;
    std::optional<Failure> failure_;  // the broker has ended the session
    std::vector<std::shared_ptr<ProducerCore>> producers_;
    std::vector<std::shared_ptr<ConsumerCore>> consumers_;

    std::uint64_t arrivals_ = 0;
    std::deque<std::shared_ptr<Receipt>> seen_;           // CLIENT, INDIVIDUAL: given to the application, the oldest first
    std::deque<std::shared_ptr<Receipt>> acknowledging_;  // accepted and not confirmed
    int confirmation_waiters_ = 0;
    std::unique_ptr<Transaction> transaction_;
    LocalTransaction* local_ = nullptr;  // what transaction_ is, or the other is
    XaTransaction* xa_ = nullptr;
    std::function<void()> before_work_;
    bool committing_ = false;  // a commit is on its way

    using Completion = std::pair<std::shared_ptr<ProducerCore>, SendEntryPtr>;
    std::deque<Completion> completions_;  // of asynchronous sends, in the order of sending
    std::vector<Completion> to_tell_;     // finished
    bool telling_ = false;                // the callback thread looks at to_tell_ until it is empty
    bool has_to_post_ = false;            // and has to be started
    bool wake_collected_ = false;

    std::thread listener_thread_;
    std::atomic<std::thread::id> listener_thread_id_{};
    std::size_t listeners_ = 0;
    const ConsumerCore* listening_ = nullptr;  // whose listener is running
    bool recover_current_ = false;             // the running listener of an AUTO session has called recover()

    std::atomic<std::thread::id> user_{};
    int uses_ = 0;  // of the thread user_
    std::atomic<bool> listener_waits_{false};
};

/// Marks a thread as the one that uses the session; throws IllegalStateException if another one does, or if the session is closed.
class SessionUse {
public:
    explicit SessionUse(SessionCore& session) : session_(session) { session_.enter(); }
    ~SessionUse() { session_.leave(); }
    SessionUse(const SessionUse&) = delete;
    SessionUse& operator=(const SessionUse&) = delete;

private:
    SessionCore& session_;
};

}  // namespace giromq::detail
