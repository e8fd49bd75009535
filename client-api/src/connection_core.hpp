#pragma once

#include <array>
#include <atomic>
#include <boost/asio/executor_work_guard.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <optional>
#include <random>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "callback_queue.hpp"
#include "channel.hpp"
#include "engine.hpp"
#include "failure.hpp"
#include "giromq/connection.hpp"
#include "settings.hpp"

namespace giromq::detail {

class SessionCore;
class LinkCore;
struct TemporaryNode;

using SteadyTime = std::chrono::steady_clock::time_point;

/// The time after which a wait gives up; a limit of 0 is none.
inline std::optional<SteadyTime> deadline_after(std::chrono::milliseconds limit) {
    return limit.count() == 0 ? std::nullopt : std::optional(std::chrono::steady_clock::now() + limit);
}

/// Waits until `done`; false if the deadline passed before.
template <typename Predicate>
bool wait_until(std::condition_variable& changed, std::unique_lock<std::mutex>& lock, const std::optional<SteadyTime>& deadline,
                Predicate done) {
    if (deadline) return changed.wait_until(lock, *deadline, done);
    changed.wait(lock, done);
    return true;
}

/// A connection with everything that belongs to it, over any number of transports.
///
/// Threads: one mutex guards the connection, its sessions, links and the engine. The I/O thread holds it while it handles what came in;
/// threads of the application hold it while they send or settle, and write to the socket themselves when they are about to
/// wait for the answer (which saves a hop), else leave that to the I/O thread. Listeners are never called with it held.
/// Losing the transport only ever happens on the I/O thread, in handle_loss(): whoever notices it before calls note_loss().
class ConnectionCore : public std::enable_shared_from_this<ConnectionCore> {
public:
    enum class State { connecting, open, reconnecting, failed, closing, closed };

    /// Connects and logs in; throws what ConnectionFactory::create_connection() says.
    static std::shared_ptr<ConnectionCore> connect(Settings settings);
    explicit ConnectionCore(Settings settings);
    ~ConnectionCore();
    ConnectionCore(const ConnectionCore&) = delete;
    ConnectionCore& operator=(const ConnectionCore&) = delete;

    // For the application's handle, without the mutex.
    std::shared_ptr<SessionCore> create_session(AcknowledgeMode mode);
    std::shared_ptr<SessionCore> create_xa_session();
    std::string client_id();
    void set_client_id(std::string id);
    ConnectionMetaData metadata();
    void set_exception_listener(ExceptionListener listener);
    void set_event_listener(ConnectionEventListener listener);
    void start();
    void stop();
    void close();
    /// close() without an exception, on another thread if this one is a listener's.
    void dispose() noexcept;
    /// True on a thread that runs message or completion listeners of this connection, for which close() waits.
    bool on_listener_thread();

    // For sessions and links, with the mutex held.
    std::mutex& mutex() { return mutex_; }
    const Settings& settings() const { return settings_; }
    CallbackQueue& callbacks() { return callbacks_; }
    State state() const { return state_; }
    bool is_open() const { return state_ == State::open && engine_ != nullptr; }
    bool started() const { return started_; }
    /// The broker recognises sends that come again, and confirms acknowledgements by settling them.
    bool is_giromq() const { return is_giromq_; }
    const Failure& failure() const { return failure_; }
    /// Of the broker's store; empty if it has not named one.
    const std::string& rm_id() const { return rm_id_; }
    Engine& engine() { return *engine_; }
    const std::string& id() const { return container_id_; }
    /// Handles the engine's events and writes what it has.
    void pump();
    /// The same, at once, on the I/O thread; many calls make one.
    void pump_later();
    /// The same within a millisecond: for what comes in large numbers and nobody waits for.
    void pump_soon();
    /// True while input is handled: then the sessions that have to be woken are collected, and woken once when the mutex is free.
    bool collects_wakes() const { return collects_wakes_; }
    void wake_afterwards(std::shared_ptr<SessionCore> session) { to_wake_.push_back(std::move(session)); }
    void forget(const SessionCore& session);
    void report(const Failure& failure);
    void add_node(const std::shared_ptr<TemporaryNode>& node);
    void forget_node(const TemporaryNode& node);
    bool has_consumer(const TemporaryNode& node) const;
    /// A session of the connection's own, for its temporary queues.
    pn_session_t* own_session();
    /// A temporary queue has its new name: what uses it can be attached.
    void attach_dependents();
    std::uint64_t next_number() { return ++numbers_; }
    /// Counted while sends wait for their outcome: what the application has handed over and nobody has confirmed.
    std::uint64_t& unconfirmed_bytes() { return unconfirmed_bytes_; }

private:
    std::shared_ptr<SessionCore> open_session(std::shared_ptr<SessionCore> session);
    // On the I/O thread.
    void begin_attempt();
    void channel_opened(const std::shared_ptr<Channel>& channel, const std::optional<Failure>& problem);
    void read(const std::shared_ptr<Channel>& channel);
    void handle_input(std::span<const char> bytes);
    void received(const std::shared_ptr<Channel>& channel, const boost::system::error_code& error, std::size_t bytes);
    void write_encrypted();
    void arm_tick(const std::shared_ptr<Channel>& channel);
    void handle_loss();
    void attempt_failed(Failure failure);
    void schedule_attempt();
    void tear_down();
    void restart_with_new_id();

    // On any thread, with the mutex held.
    void write_plain();
    void gather_output();
    void write_when_possible();
    void process_events();
    void handle_event(pn_event_t* event);
    void on_remote_open();
    void on_remote_close();
    void on_link_event(pn_event_type_t type, pn_link_t* link);
    void note_loss(Failure failure);
    void post_loss();
    void fail_for_good(Failure failure);
    bool is_permanent(const Failure& failure) const;
    bool attempts_exhausted() const;
    void tell(ConnectionEvent event, const std::string& reason);
    void check_usable() const;
    void shut_down();
    std::vector<std::shared_ptr<SessionCore>> sessions_copy();

    const Settings settings_;
    boost::asio::io_context io_{1};
    boost::asio::executor_work_guard<boost::asio::io_context::executor_type> work_{io_.get_executor()};
    boost::asio::steady_timer attempt_timer_{io_};
    boost::asio::steady_timer tick_timer_{io_};
    boost::asio::steady_timer soon_timer_{io_};
    std::array<char, 64 * 1024> input_{};
    std::vector<char> encrypted_output_;
    std::vector<char> plain_output_;  // from plain_written_ on not yet written
    std::size_t plain_written_ = 0;
    std::thread thread_;
    std::thread::id io_thread_id_;

    std::mutex mutex_;
    std::condition_variable changed_;
    State state_ = State::connecting;
    Failure failure_;
    std::string container_id_;
    bool has_client_id_ = false;
    bool used_ = false;  // too late for set_client_id()
    bool started_ = false;
    bool was_open_ = false;
    bool is_giromq_ = false;
    bool closing_sessions_ = false;  // close() has begun
    bool shut_down_ = false;
    std::string broker_product_;
    std::string broker_version_;
    std::string rm_id_;

    std::shared_ptr<Channel> channel_;
    std::unique_ptr<Engine> engine_;
    pn_session_t* own_session_ = nullptr;
    bool processing_ = false;
    bool waiting_writable_ = false;
    bool writing_encrypted_ = false;
    bool pump_posted_ = false;
    bool soon_posted_ = false;
    bool collects_wakes_ = false;
    std::vector<std::shared_ptr<SessionCore>> to_wake_;
    std::optional<Failure> loss_;
    std::uint32_t attempt_ = 0;  // since the loss
    std::uint32_t pauses_ = 0;   // since the connection last held for a while
    SteadyTime opened_at_{};
    SteadyTime lost_at_{};
    std::minstd_rand random_;
    std::uint64_t numbers_ = 0;
    std::uint64_t unconfirmed_bytes_ = 0;

    std::vector<std::shared_ptr<SessionCore>> sessions_;
    std::vector<std::shared_ptr<TemporaryNode>> nodes_;
    ExceptionListener exception_listener_;
    ConnectionEventListener event_listener_;
    CallbackQueue callbacks_;  // completion listeners
    CallbackQueue events_;     // exception and event listeners, which may close the connection
};

}  // namespace giromq::detail
