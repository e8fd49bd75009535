#include "connection_core.hpp"

#include <proton/connection.h>
#include <proton/session.h>

#include <algorithm>
#include <boost/asio/post.hpp>

#include "giromq/exceptions.hpp"
#include "giromq/version.hpp"
#include "producer_core.hpp"
#include "session_core.hpp"
#include "temporary_node.hpp"

namespace giromq::detail {

ConnectionCore::ConnectionCore(Settings settings)
    : settings_(std::move(settings)),
      container_id_(settings_.client_id.empty() ? "giromq-" + random_name() : settings_.client_id),
      has_client_id_(!settings_.client_id.empty()),
      random_(std::random_device{}()) {}

ConnectionCore::~ConnectionCore() {
    // close() has run, or connect() has failed: only the I/O thread itself can be the last to let go.
    if (thread_.joinable()) thread_.detach();
}

std::shared_ptr<ConnectionCore> ConnectionCore::connect(Settings settings) {
    auto core = std::make_shared<ConnectionCore>(std::move(settings));
    core->thread_ = std::thread([core] {
        {
            const std::lock_guard lock(core->mutex_);
            core->io_thread_id_ = std::this_thread::get_id();
        }
        core->io_.run();
    });
    boost::asio::post(core->io_, [core] { core->begin_attempt(); });
    std::unique_lock lock(core->mutex_);
    core->changed_.wait(lock, [&] { return core->state_ != State::connecting; });
    if (core->state_ == State::open) return core;
    const Failure failure = core->failure_;
    lock.unlock();
    core->shut_down();
    failure.raise();
}

void ConnectionCore::check_usable() const {
    if (closing_sessions_ || state_ == State::closing || state_ == State::closed) {
        throw IllegalStateException("The connection is closed.");
    }
    if (state_ == State::failed) failure_.raise();
}

// For the application ----------------------------------------------------------------------------------------------------------------

std::shared_ptr<SessionCore> ConnectionCore::create_session(AcknowledgeMode mode) {
    switch (mode) {
        case AcknowledgeMode::auto_acknowledge:
        case AcknowledgeMode::client_acknowledge:
        case AcknowledgeMode::dups_ok_acknowledge:
        case AcknowledgeMode::individual_acknowledge:
        case AcknowledgeMode::session_transacted: break;
        default: throw JMSException("There is no acknowledge mode with the number " + std::to_string(static_cast<int>(mode)) + ".");
    }
    return open_session(std::make_shared<SessionCore>(shared_from_this(), mode));
}

std::shared_ptr<SessionCore> ConnectionCore::create_xa_session() {
    return open_session(std::make_shared<SessionCore>(shared_from_this(), AcknowledgeMode::session_transacted, true));
}

std::shared_ptr<SessionCore> ConnectionCore::open_session(std::shared_ptr<SessionCore> session) {
    std::unique_lock lock(mutex_);
    check_usable();
    used_ = true;
    sessions_.push_back(session);
    session->attach();
    pump_later();
    session->wait_for_coordinator(lock);
    return session;
}

std::string ConnectionCore::client_id() {
    const std::lock_guard lock(mutex_);
    check_usable();
    return has_client_id_ ? container_id_ : std::string();
}

void ConnectionCore::set_client_id(std::string id) {
    if (id.empty()) throw InvalidClientIDException("A client id is not empty.");
    std::unique_lock lock(mutex_);
    check_usable();
    if (has_client_id_)
        throw IllegalStateException("The connection has a client id already, given by the connection factory or by an earlier call.");
    if (used_) throw IllegalStateException("A client id can only be set before the connection is used in any other way.");
    used_ = true;
    container_id_ = std::move(id);
    has_client_id_ = true;
    state_ = State::connecting;
    was_open_ = false;
    boost::asio::post(io_, [self = shared_from_this()] { self->restart_with_new_id(); });
    changed_.wait(lock, [&] { return state_ != State::connecting; });
    if (state_ == State::failed) failure_.raise();
}

ConnectionMetaData ConnectionCore::metadata() {
    const std::lock_guard lock(mutex_);
    ConnectionMetaData data;
    data.jms_provider_name = "libgiromq";
    data.provider_version = library_version();
    data.broker_product = broker_product_;
    data.broker_version = broker_version_;
    data.jmsx_property_names = {"JMSXGroupID", "JMSXGroupSeq", "JMSXDeliveryCount", "JMSXUserID"};
    return data;
}

void ConnectionCore::set_exception_listener(ExceptionListener listener) {
    const std::lock_guard lock(mutex_);
    check_usable();
    used_ = true;
    exception_listener_ = std::move(listener);
}

void ConnectionCore::set_event_listener(ConnectionEventListener listener) {
    const std::lock_guard lock(mutex_);
    check_usable();
    event_listener_ = std::move(listener);
}

void ConnectionCore::start() {
    const std::lock_guard lock(mutex_);
    check_usable();
    used_ = true;
    started_ = true;
    for (const auto& session : sessions_) session->connection_started();
    pump_later();
}

void ConnectionCore::stop() {
    std::unique_lock lock(mutex_);
    check_usable();
    used_ = true;
    for (const auto& session : sessions_) {
        if (session->on_listener_thread()) throw IllegalStateException("A connection cannot be stopped from one of its message listeners.");
    }
    started_ = false;
    for (const auto& session : sessions_copy()) session->wait_for_listener(lock);
}

bool ConnectionCore::on_listener_thread() {
    if (callbacks_.is_current()) return true;
    const std::lock_guard lock(mutex_);
    return std::any_of(sessions_.begin(), sessions_.end(), [](const auto& session) { return session->on_listener_thread(); });
}

void ConnectionCore::close() {
    if (on_listener_thread()) throw IllegalStateException("A connection cannot be closed from one of its message or completion listeners.");
    std::unique_lock lock(mutex_);
    if (state_ == State::closed) return;
    if (state_ == State::closing || closing_sessions_) {
        changed_.wait(lock, [&] { return state_ == State::closed; });
        return;
    }
    closing_sessions_ = true;
    const auto sessions = sessions_copy();
    lock.unlock();
    // While they close, the connection may still be made anew: unconfirmed sends have until the close timeout.
    for (const auto& session : sessions) session->close();
    lock.lock();
    if (state_ == State::open) {
        state_ = State::closing;
        pn_connection_close(engine_->connection());
        pump();
        wait_until(changed_, lock, deadline_after(settings_.close_timeout), [&] { return state_ == State::closed || engine_ == nullptr; });
    }
    state_ = State::closed;
    started_ = false;
    changed_.notify_all();
    lock.unlock();
    shut_down();
}

void ConnectionCore::dispose() noexcept {
    try {
        if (!on_listener_thread()) return close();
        // A listener has dropped the last handle: its own thread cannot wait for itself.
        std::thread([self = shared_from_this()] { self->dispose(); }).detach();
    } catch (const std::exception&) {
        // A destructor has nobody to tell; the broker notices the end of the connection in any case.
    }
}

void ConnectionCore::shut_down() {
    {
        const std::lock_guard lock(mutex_);
        if (shut_down_) return;
        shut_down_ = true;
    }
    boost::asio::post(io_, [self = shared_from_this()] {
        const std::lock_guard lock(self->mutex_);
        self->tear_down();
        self->attempt_timer_.cancel();
        self->tick_timer_.cancel();
        self->work_.reset();
        self->io_.stop();
    });
    if (thread_.joinable()) thread_.join();
    // What was cancelled holds the connection until its handler has run.
    io_.restart();
    io_.poll();
    callbacks_.stop();
    events_.stop();
}

// For sessions and links -------------------------------------------------------------------------------------------------------------

std::vector<std::shared_ptr<SessionCore>> ConnectionCore::sessions_copy() { return sessions_; }

void ConnectionCore::forget(const SessionCore& session) {
    std::erase_if(sessions_, [&](const auto& one) { return one.get() == &session; });
}

void ConnectionCore::report(const Failure& failure) {
    if (exception_listener_ == nullptr) return;
    events_.post([listener = exception_listener_, failure] {
        try {
            failure.raise();
        } catch (const JMSException& exception) {
            try {
                listener(exception);
            } catch (...) {
                // There is nobody left to tell that the listener for exceptions threw one.
            }
        }
    });
}

void ConnectionCore::tell(ConnectionEvent event, const std::string& reason) {
    if (event_listener_ == nullptr) return;
    events_.post([listener = event_listener_, event, reason] {
        try {
            listener(event, reason);
        } catch (...) {
            // As above.
        }
    });
}

void ConnectionCore::add_node(const std::shared_ptr<TemporaryNode>& node) { nodes_.push_back(node); }

void ConnectionCore::forget_node(const TemporaryNode& node) {
    std::erase_if(nodes_, [&](const auto& one) { return one.get() == &node; });
}

bool ConnectionCore::has_consumer(const TemporaryNode& node) const {
    return std::any_of(sessions_.begin(), sessions_.end(), [&](const auto& session) { return session->has_consumer(node); });
}

pn_session_t* ConnectionCore::own_session() {
    if (own_session_ == nullptr && is_open()) {
        own_session_ = pn_session(engine_->connection());
        pn_session_open(own_session_);
    }
    return own_session_;
}

void ConnectionCore::attach_dependents() {
    for (const auto& session : sessions_) session->attach_links();
}

}  // namespace giromq::detail
