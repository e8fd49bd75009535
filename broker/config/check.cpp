#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "base/limits.hpp"
#include "base/utf8.hpp"
#include "config/config.hpp"

namespace giromq::config {
namespace {

Error not_allowed(const Config& config, const Origin& origin, const std::string& sentence) {
    if (origin.line == 0) return Error(errc::not_allowed, sentence);
    return Error(errc::not_allowed,
                 config.source + ":" + std::to_string(origin.line) + ":" + std::to_string(origin.column) + ": " + sentence);
}

bool offers(const std::vector<Mechanism>& mechanisms, Mechanism mechanism) {
    return std::find(mechanisms.begin(), mechanisms.end(), mechanism) != mechanisms.end();
}

std::string address_of(const std::string& host, std::uint16_t port) {
    const bool is_ipv6 = host.find(':') != std::string::npos;
    return (is_ipv6 ? "[" + host + "]" : host) + ":" + std::to_string(port);
}

/// Passwords go over the wire in clear, and who is anonymous is nobody in particular: neither is for addresses that others can reach.
Result<void> check_listener(const Config& config, const ListenerConfig& listener) {
    const auto& mechanisms = config.mechanisms_of(listener);
    const std::string where = "the AMQP listener " + address_of(listener.host, listener.port);
    if (mechanisms.empty()) return not_allowed(config, listener.origin, where + " offers no SASL mechanism, so nobody could log in");
    const bool is_remote = !is_loopback(listener.host);
    if (is_remote && !listener.tls && offers(mechanisms, Mechanism::plain)) {
        return not_allowed(config, listener.origin,
                           where +
                               " would take passwords unencrypted (mechanism plain) from other machines; add tls=\"true\", or "
                               "mechanisms=\"scram-sha-256\" to the listener, or listen at 127.0.0.1");
    }
    if (is_remote && offers(mechanisms, Mechanism::anonymous)) {
        if (config.sasl.anonymous_role == Role::administrator) {
            return not_allowed(config, listener.origin,
                               where +
                                   " would make everybody who can reach it an administrator; set anonymous-role=\"application\", or "
                                   "listen at 127.0.0.1");
        }
        if (!config.sasl.allow_remote_anonymous) {
            return not_allowed(config, listener.origin,
                               where +
                                   " would let everybody in who can reach it (mechanism anonymous); remove the mechanism, listen at "
                                   "127.0.0.1, or set allow-remote-anonymous=\"true\" in sasl if that is meant");
        }
    }
    if (listener.mechanisms && offers(mechanisms, Mechanism::external) && !listener.tls) {
        return not_allowed(config, listener.origin,
                           where + " offers the mechanism external, which needs a client certificate; add tls=\"true\"");
    }
    return {};
}

Result<void> check_addresses(const Config& config) {
    std::set<std::pair<std::string, std::uint16_t>> seen;
    if (config.http.enabled) seen.emplace(config.http.host, config.http.port);
    for (const auto& listener : config.amqp.listeners) {
        const bool is_new = seen.emplace(listener.host, listener.port).second;
        if (is_new || listener.port == 0) continue;
        return not_allowed(config, listener.origin,
                           address_of(listener.host, listener.port) + " is used twice; give each listener a port of its own");
    }
    return {};
}

Result<void> check_amqp(const Config& config) {
    if (config.amqp.listeners.empty()) return not_allowed(config, config.amqp.origin, "there is no AMQP listener");
    for (const auto& listener : config.amqp.listeners) {
        if (auto checked = check_listener(config, listener); !checked) return checked;
    }
    if (config.amqp.session_window_bytes < config.amqp.max_frame_bytes) {
        return not_allowed(config, config.amqp.origin, "session-window must not be smaller than max-frame, or no frame would fit into it");
    }
    return check_addresses(config);
}

Result<void> check_http(const Config& config) {
    if (!config.http.enabled || config.http.tls || is_loopback(config.http.host)) return {};
    return not_allowed(config, config.http.origin,
                       "HTTP at " + address_of(config.http.host, config.http.port) +
                           " would take passwords unencrypted from other machines; add tls=\"true\", or listen at 127.0.0.1");
}

Result<void> check_tls(const Config& config) {
    const auto& tls = config.tls;
    const auto& listeners = config.amqp.listeners;
    const bool amqp_uses_tls = std::any_of(listeners.begin(), listeners.end(), [](const ListenerConfig& listener) { return listener.tls; });
    const bool uses_tls = amqp_uses_tls || (config.http.enabled && config.http.tls);
    if (uses_tls && (tls.certificate_file.empty() || tls.private_key_file.empty())) {
        return not_allowed(config, tls.origin, "a listener has tls=\"true\", which needs certificate-file and private-key-file in tls");
    }
    if (tls.require_client_certificate && tls.client_ca_file.empty()) {
        return not_allowed(config, tls.origin, "require-client-certificate needs client-ca-file, which says whose certificates are good");
    }
    if (!tls.crl_file.empty() && tls.client_ca_file.empty()) {
        return not_allowed(config, tls.origin, "crl-file needs client-ca-file, whose authorities it is from");
    }
    const bool wants_external = std::any_of(listeners.begin(), listeners.end(), [&](const auto& listener) {
        return offers(config.mechanisms_of(listener), Mechanism::external);
    });
    if (wants_external && (!amqp_uses_tls || tls.client_ca_file.empty())) {
        return not_allowed(config, config.sasl.origin,
                           "the mechanism external needs a listener with tls=\"true\" and client-ca-file in tls");
    }
    if (!wants_external && !config.sasl.certificates.empty()) {
        return not_allowed(config, config.sasl.origin, "certificate in sasl says who logs in with external, which no listener offers");
    }
    return {};
}

Result<void> check_sizes(const Config& config) {
    if (config.store.wal_bytes < config.store.checkpoint_bytes) {
        return not_allowed(config, config.store.origin, "wal must not be smaller than checkpoint, or it would grow with every commit");
    }
    if (config.core.memory_bytes < config.core.queue_window_bytes) {
        return not_allowed(config, config.core.origin, "queue-window must not be larger than memory");
    }
    return {};
}

/// What is wrong with a name; empty if nothing is.
std::string fault_of_name(std::string_view name) {
    if (name.empty() || name.size() > limits::destination_name_bytes) return "has not 1 to 255 bytes";
    if (name.starts_with("temp-")) return "begins with temp-, which is kept for temporary queues";
    while (!name.empty()) {
        const auto code_point = take_code_point(name);
        if (!code_point) return "is not UTF-8";
        if (*code_point < 0x20 || (*code_point >= 0x7F && *code_point < 0xA0)) return "has a control character";
    }
    return {};
}

Result<void> check_name(const Config& config, const Origin& origin, const std::string& name) {
    const auto fault = fault_of_name(name);
    if (fault.empty()) return {};
    return not_allowed(config, origin, "the queue name '" + name.substr(0, 64) + "' " + fault);
}

using Settings = std::map<std::string_view, const DestinationSettings*>;

/// Follows the dead-letter queues from `start`. They must end at a queue that is its own (messages stay there), as every queue is that
/// was created to be one; otherwise a message that nobody takes would go round for ever.
Result<void> check_dead_letters(const Config& config, const Settings& by_name, const QueueConfig& start) {
    std::set<std::string_view> visited;
    std::string path;
    std::string_view name = start.settings.name;
    while (true) {
        path += (path.empty() ? "" : " -> ") + std::string(name);
        if (!visited.insert(name).second) {
            return not_allowed(config, start.origin,
                               "dead-letter queues go round in a circle (" + path + "); let one of them be its own dead-letter-queue");
        }
        const auto found = by_name.find(name);
        if (found == by_name.end() || found->second->dead_letter_queue == name) return {};
        name = found->second->dead_letter_queue;
    }
}

Result<void> check_queues(const Config& config) {
    if (auto checked = check_name(config, {}, config.queue_defaults.dead_letter_queue); !checked) return checked;
    if (config.queues.size() > config.core.destinations_max) {
        return not_allowed(config, config.core.origin, "there are more queues than destinations-max allows");
    }
    Settings by_name;
    for (const auto& queue : config.queues) {
        if (auto checked = check_name(config, queue.origin, queue.settings.name); !checked) return checked;
        if (auto checked = check_name(config, queue.origin, queue.settings.dead_letter_queue); !checked) return checked;
        if (by_name.emplace(queue.settings.name, &queue.settings).second) continue;
        return not_allowed(config, queue.origin, "the queue '" + queue.settings.name + "' is there twice; remove one of them");
    }
    for (const auto& queue : config.queues) {
        if (auto checked = check_dead_letters(config, by_name, queue); !checked) return checked;
    }
    return {};
}

Result<void> check_selectors(const Config& config) {
    std::set<std::string_view> names;
    for (const auto& selector : config.selectors) {
        if (names.insert(selector.name).second) continue;
        return not_allowed(config, selector.origin, "the selector '" + selector.name + "' is there twice; remove one of them");
    }
    return {};
}

}  // namespace

Result<void> check(const Config& config) {
    for (const auto part : {check_amqp, check_http, check_tls, check_sizes, check_queues, check_selectors}) {
        if (auto checked = part(config); !checked) return checked;
    }
    return {};
}

}  // namespace giromq::config
