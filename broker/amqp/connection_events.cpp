#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/session.h>
#include <proton/transport.h>

#include <algorithm>

#include "amqp/connection_engine.hpp"
#include "amqp/proton_values.hpp"
#include "base/log.hpp"

namespace giromq::amqp {
namespace {

constexpr std::string_view sole_connection = "sole-connection-for-container";
constexpr std::string_view anonymous_relay = "ANONYMOUS-RELAY";

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

void put_text(pn_data_t* data, std::string_view key, std::string_view value) {
    pn_data_put_symbol(data, pn_bytes(key.size(), key.data()));
    pn_data_put_string(data, pn_bytes(value.size(), value.data()));
}

/// The properties of the broker's open frame. `failed` announces that close follows at once, so that a client does not take the
/// connection for established (the JMS mapping's amqp:connection-establishment-failed).
void put_properties(pn_data_t* data, const ConnectionSettings& settings, bool failed) {
    pn_data_clear(data);
    pn_data_put_map(data);
    pn_data_enter(data);
    put_text(data, "product", "GiroMQ");
    put_text(data, "version", settings.version);
    put_text(data, "platform", "C++");
    if (!settings.resource_manager_id.empty()) put_text(data, "giromq:rm-id", settings.resource_manager_id);
    if (failed) {
        constexpr std::string_view key = "amqp:connection-establishment-failed";
        pn_data_put_symbol(data, pn_bytes(key.size(), key.data()));
        pn_data_put_bool(data, true);
    }
    pn_data_exit(data);
    pn_data_rewind(data);
}

}  // namespace

bool ConnectionEngine::process_events() {
    bool was_of_interest = false;
    while (pn_event_t* const event = pn_connection_driver_next_event(&driver_)) was_of_interest |= handle(event);
    return was_of_interest;
}

bool ConnectionEngine::handle(pn_event_t* event) {
    switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN: on_connection_open(); return true;
        case PN_CONNECTION_REMOTE_CLOSE: on_connection_close(); return true;
        case PN_TRANSPORT_ERROR: on_transport_error(); return true;
        case PN_SESSION_REMOTE_OPEN: on_session_open(pn_event_session(event)); return true;
        case PN_SESSION_REMOTE_CLOSE: on_session_close(pn_event_session(event)); return true;
        case PN_LINK_REMOTE_OPEN: on_link_open(pn_event_link(event)); return true;
        case PN_LINK_REMOTE_CLOSE: on_link_end(pn_event_link(event), true); return true;
        case PN_LINK_REMOTE_DETACH: on_link_end(pn_event_link(event), false); return true;
        case PN_LINK_FLOW: on_link_flow(pn_event_link(event)); return true;
        case PN_DELIVERY: on_delivery(pn_event_delivery(event)); return true;
        default: return false;  // what the engine tells about itself
    }
}

// Authentication

void ConnectionEngine::look_at_sasl() {
    switch (sasl_.state()) {
        case SaslServer::State::exchanging: return;
        case SaslServer::State::verifying: return verify_password();
        case SaslServer::State::succeeded:
            guard_.authenticated();
            context_.identity = sasl_.identity();
            log::info(
                "login",
                {{"connection", id_.value}, {"peer", peer_.address}, {"mechanism", sasl_.mechanism()}, {"user", context_.identity.user}});
            return;
        case SaslServer::State::failed:
            if (std::exchange(login_logged_, true)) return;
            log::warning("login_failed", {{"connection", id_.value},
                                          {"peer", peer_.address},
                                          {"mechanism", sasl_.mechanism()},
                                          {"user", sasl_.claimed_user()},
                                          {"reason", sasl_.failure()}});
            return;
    }
}

void ConnectionEngine::enter_without_login() {
    context_.identity = sasl_.anonymous();
    log::info("login", {{"connection", id_.value}, {"peer", peer_.address}, {"mechanism", "none"}, {"user", context_.identity.user}});
}

void ConnectionEngine::verify_password() {
    std::optional<SaslServer::Password> password = sasl_.take_password();
    if (!password) return;
    auto secret = std::make_unique<SaslServer::Password>(std::move(*password));
    workers_.execute([mailbox = mailbox_, users = &services_.users, peer = peer_.address, secret = std::move(secret)] {
        // Nobody waits for it any more: who opens connections faster than passwords can be verified must not keep the others waiting.
        if (mailbox->is_closed()) return;
        const auto verify = [&] { return users->verify_password(secret->user, secret->password); };
        Result<security::Identity> result = users->logins().attempt({security::LoginProtocol::amqp, secret->user, peer}, verify);
        std::fill(secret->password.begin(), secret->password.end(), '\0');
        mailbox->post(news::PasswordVerified{std::make_unique<Result<security::Identity>>(std::move(result))});
    });
}

void ConnectionEngine::on_news(news::PasswordVerified& verified) {
    sasl_.verified(std::move(*verified.result));
    look_at_sasl();
}

// Connection

void ConnectionEngine::on_connection_open() {
    if (open_) return;
    open_ = true;
    pn_connection_t* const connection = driver_.connection;
    container_ = text_or_empty(pn_connection_remote_container(connection));
    pn_connection_set_container(connection, settings_.container_id.c_str());
    put_symbols(pn_connection_offered_capabilities(connection), {anonymous_relay, sole_connection});
    const bool is_sole = has_symbol(pn_connection_remote_desired_capabilities(connection), sole_connection);
    if (is_sole) container_claimed_ = !container_.empty() && services_.containers.claim(container_, id_);
    is_of_user_ = services_.user_connections.admit(context_.identity.user, settings_.connections_per_user_max);
    const bool is_taken = is_sole && !container_claimed_;
    put_properties(pn_connection_properties(connection), settings_, is_taken || !is_of_user_);
    pn_connection_open(connection);
    if (!is_of_user_) {
        refuse_user();
    } else if (is_taken) {
        refuse_container(container_);
    }
}

void ConnectionEngine::refuse_user() {
    const auto& user = context_.identity.user;
    log::warning("too_many_connections", {{"connection", id_.value}, {"peer", peer_.address}, {"user", user}});
    end_in_core(core::CloseReason::orderly);
    auto reason = "user '" + user + "' has " + std::to_string(settings_.connections_per_user_max) + " connections, and may not have more";
    set_condition(pn_connection_condition(driver_.connection), {std::string(condition::resource_limit_exceeded), std::move(reason)});
    pn_connection_close(driver_.connection);
}

void ConnectionEngine::refuse_container(const std::string& container) {
    log::warning("container_id_in_use", {{"connection", id_.value}, {"peer", peer_.address}, {"container", container}});
    end_in_core(core::CloseReason::orderly);
    pn_condition_t* const condition = pn_connection_condition(driver_.connection);
    set_condition(condition, {std::string(condition::invalid_field), "another connection has this container-id"});
    pn_data_t* const info = pn_condition_info(condition);
    pn_data_clear(info);
    pn_data_put_map(info);
    pn_data_enter(info);
    constexpr std::string_view key = "invalid-field";
    constexpr std::string_view value = "container-id";
    pn_data_put_symbol(info, pn_bytes(key.size(), key.data()));
    pn_data_put_symbol(info, pn_bytes(value.size(), value.data()));
    pn_data_exit(info);
    pn_data_rewind(info);
    pn_connection_close(driver_.connection);
}

void ConnectionEngine::on_connection_close() {
    pn_condition_t* const condition = pn_connection_remote_condition(driver_.connection);
    if (condition != nullptr && pn_condition_is_set(condition)) {
        log::warning("peer_closed_with_error", {{"connection", id_.value},
                                                {"peer", peer_.address},
                                                {"condition", text_or_empty(pn_condition_get_name(condition))},
                                                {"reason", text_or_empty(pn_condition_get_description(condition))}});
    }
    end_in_core(core::CloseReason::orderly);
    pn_connection_close(driver_.connection);
}

void ConnectionEngine::on_transport_error() {
    pn_condition_t* const condition = pn_transport_condition(driver_.transport);
    // A failed login is an error to the engine too, and has been told already.
    if (!ended_in_core_ && guard_.is_authenticated()) {
        log::warning("connection_failed", {{"connection", id_.value},
                                           {"peer", peer_.address},
                                           {"condition", text_or_empty(pn_condition_get_name(condition))},
                                           {"reason", text_or_empty(pn_condition_get_description(condition))}});
    }
    end_in_core(core::CloseReason::lost);
}

// Sessions

void ConnectionEngine::on_session_open(pn_session_t* session) {
    if (ended_in_core_) return;
    sessions_.push_back(session);
    // The engine's own session window stays wide open: transfers are taken out of it as they come, so it never holds more than one
    // read's worth; what holds a peer back is link credit, and not reading.
    pn_session_open(session);
}

void ConnectionEngine::on_session_close(pn_session_t* session) {
    for (Slot& slot : slots_) {
        if (slot.link != nullptr && pn_link_session(slot.link->pn()) == session) remove(*slot.link);
    }
    std::erase(sessions_, session);
    pn_session_close(session);
    ++context_.untold;
    ended_sessions_.push_back(session);
}

// Links and deliveries

void ConnectionEngine::on_link_flow(pn_link_t* link) {
    auto* const owner = static_cast<Link*>(pn_link_get_context(link));
    if (owner == nullptr) return;
    owner->on_flow();
    detach_if_violated(*owner);
}

void ConnectionEngine::on_delivery(pn_delivery_t* delivery) {
    pn_link_t* const link = pn_delivery_link(delivery);
    if (link == nullptr) return;
    auto* const owner = static_cast<Link*>(pn_link_get_context(link));
    if (owner == nullptr) {
        // Sent before the peer knew that the link is detached: not taken, and the engine keeps nothing of it.
        if (pn_link_is_receiver(link)) release(delivery);
        return;
    }
    owner->on_delivery(delivery);
    detach_if_violated(*owner);
}

}  // namespace giromq::amqp
