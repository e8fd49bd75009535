#include "main/listeners.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace giromq::daemon {
namespace {

// Administrators and monitors; a browser opens up to six connections and a WebSocket. Behind a proxy all have one address.
constexpr net::Admission::Limits http_admission{.total = 1024, .per_address = 256};

amqp::Mechanism to_amqp(config::Mechanism mechanism) {
    switch (mechanism) {
        case config::Mechanism::anonymous: return amqp::Mechanism::anonymous;
        case config::Mechanism::plain: return amqp::Mechanism::plain;
        case config::Mechanism::scram_sha_256: return amqp::Mechanism::scram_sha_256;
        case config::Mechanism::external: return amqp::Mechanism::external;
    }
    return amqp::Mechanism::scram_sha_256;
}

amqp::ConnectionSettings to_amqp(const config::Config& config, const config::ListenerConfig& listener) {
    amqp::ConnectionSettings settings;
    settings.container_id = config.broker.name;
    settings.version = GIROMQ_VERSION;
    for (const auto mechanism : config.mechanisms_of(listener)) settings.mechanisms.push_back(to_amqp(mechanism));
    settings.anonymous_is_administrator = config.sasl.anonymous_role == Role::administrator;
    settings.max_frame_bytes = config.amqp.max_frame_bytes;
    settings.sessions_max = config.amqp.sessions_max;
    settings.connections_per_user_max = config.amqp.connections_per_user_max;
    settings.links_max = config.amqp.links_max;
    settings.max_message_bytes = config.amqp.max_message_bytes;
    settings.session_window_bytes = config.amqp.session_window_bytes;
    settings.output_window_bytes = config.amqp.output_window_bytes;
    settings.bytes_before_authentication = config.amqp.bytes_before_authentication;
    settings.authentication_timeout = config.amqp.authentication_timeout;
    settings.idle_timeout = config.amqp.idle_timeout;
    return settings;
}

bool offers_external(const config::Config& config) {
    const auto& listeners = config.amqp.listeners;
    return std::any_of(listeners.begin(), listeners.end(), [&](const config::ListenerConfig& listener) {
        const auto& mechanisms = config.mechanisms_of(listener);
        return listener.tls && std::find(mechanisms.begin(), mechanisms.end(), config::Mechanism::external) != mechanisms.end();
    });
}

Result<net::TlsSettings> to_net(const config::Config& whole) {
    const auto& config = whole.tls;
    net::TlsSettings settings;
    settings.certificate_file = config.certificate_file;
    settings.key_file = config.private_key_file;
    if (!config.private_key_password.empty()) {
        auto password = config::resolve_secret(config.private_key_password);
        if (!password) return password.error();
        settings.key_password = std::move(*password);
    }
    settings.client_ca_file = config.client_ca_file;
    settings.crl_file = config.crl_file;
    settings.single_client_authority = offers_external(whole) && whole.sasl.certificates.empty();
    using net::ClientCertificates;
    settings.client_certificates = config.client_ca_file.empty()       ? ClientCertificates::none
                                   : config.require_client_certificate ? ClientCertificates::required
                                                                       : ClientCertificates::optional;
    settings.tls_1_3_only = config.minimum_version == config::TlsVersion::tls_1_3;
    settings.ciphers = config.ciphers;
    settings.cipher_suites = config.cipher_suites;
    return settings;
}

Result<std::shared_ptr<net::TlsContext>> load(const config::Config& config) {
    const auto settings = to_net(config);
    if (!settings) return settings.error();
    return net::TlsContext::load(*settings);
}

}  // namespace

Listeners::Listeners(boost::asio::io_context& io, const config::Config& config, std::string resource_manager_id, net::AmqpServer& amqp,
                     admin_web::HttpServer& http)
    : io_(io), config_(config), resource_manager_id_(std::move(resource_manager_id)), amqp_(amqp), http_(http) {}

std::shared_ptr<const security::CertificateMap> certificate_map(const config::SaslConfig& config) {
    std::vector<security::CertificateRule> rules;
    for (const auto& rule : config.certificates) rules.push_back({rule.authority, rule.subject, rule.user});
    return std::make_shared<const security::CertificateMap>(std::move(rules));
}

Result<void> check_certificates(const config::Config& config) {
    if (config.tls.certificate_file.empty()) return {};
    auto loaded = load(config);
    return loaded ? Result<void>() : Result<void>(loaded.error());
}

Result<void> Listeners::open() {
    if (!config_.tls.certificate_file.empty()) {
        auto loaded = load(config_);
        if (!loaded) return loaded.error();
        tls_ = std::move(*loaded);
    }
    const net::Admission admission({config_.amqp.connections_max, config_.amqp.connections_per_address_max});
    for (const auto& listener : config_.amqp.listeners) {
        if (auto opened = open_amqp(listener, admission); !opened) return opened;
    }
    return config_.http.enabled ? open_http() : Result<void>();
}

Result<void> Listeners::open_amqp(const config::ListenerConfig& listener, const net::Admission& admission) {
    auto settings = to_amqp(config_, listener);
    settings.resource_manager_id = resource_manager_id_;
    auto serve = [this, settings = std::move(settings), tls = listener.tls ? tls_ : nullptr](net::Accepted accepted) {
        amqp_.serve(std::move(accepted), settings, tls);
    };
    return open(listener.tls ? "amqps" : "amqp", listener.host, listener.port, admission, std::move(serve));
}

Result<void> Listeners::open_http() {
    auto serve = [this, tls = config_.http.tls ? tls_ : nullptr](net::Accepted accepted) {
        admin_web::HttpPeer peer{net::peer_address(accepted), accepted.is_loopback, tls != nullptr};
        http_.serve(std::move(accepted.socket), std::move(peer), tls ? tls->current() : nullptr, std::move(accepted.ticket));
    };
    const auto& http = config_.http;
    return open(http.tls ? "https" : "http", http.host, http.port, net::Admission(http_admission), std::move(serve));
}

Result<void> Listeners::open(std::string kind, const std::string& host, std::uint16_t port, const net::Admission& admission,
                             net::Acceptor::Handler serve) {
    auto acceptor = net::Acceptor::listen(io_, host, port, admission, std::move(serve));
    if (!acceptor) return acceptor.error();
    entries_.push_back({std::move(kind), std::move(*acceptor)});
    return {};
}

void Listeners::start() {
    for (const auto& entry : entries_) entry.acceptor->start();
}

void Listeners::stop() {
    for (const auto& entry : entries_) entry.acceptor->stop();
}

void Listeners::reload_certificates(bool in_any_case) {
    if (!tls_ || !(in_any_case || tls_->files_changed())) return;
    if (auto reloaded = tls_->reload(); reloaded) {
        log::info("certificates_reloaded", {{"file", config_.tls.certificate_file}});
    } else {
        log::error("certificates_not_reloaded", {{"reason", reloaded.error().to_string()},
                                                 {"consequence", "the certificates and revocation lists read before stay in use"}});
    }
}

std::vector<admin::CertificateView> Listeners::list() const {
    if (!tls_) return {};
    std::string shown_by;
    for (const auto* const kind : {"amqps", "https"}) {
        const bool is_there = std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) { return entry.kind == kind; });
        if (is_there) shown_by += (shown_by.empty() ? "" : ", ") + std::string(kind);
    }
    const auto certificate = tls_->certificate();
    return {{shown_by, certificate.subject, certificate.issuer, certificate.not_after}};
}

std::vector<admin::RevocationListView> Listeners::revocation_lists() const {
    std::vector<admin::RevocationListView> lists;
    if (!tls_ || config_.tls.crl_file.empty()) return lists;
    for (auto& list : tls_->revocation_lists()) lists.push_back({std::move(list.issuer), list.next_update});
    // Whatever file it was that could not be read: what was withdrawn since then is not known.
    if (tls_->is_outdated()) lists.push_back({config_.tls.crl_file, {}});
    return lists;
}

std::string Listeners::summary() const {
    std::string text;
    for (auto entry = entries_.begin(); entry != entries_.end(); ++entry) {
        const auto same_kind = [&](const Entry& other) { return other.kind == entry->kind; };
        if (std::any_of(entries_.begin(), entry, same_kind)) continue;
        text += (text.empty() ? "" : " ") + entry->kind + "=" + entry->acceptor->address();
    }
    return text;
}

}  // namespace giromq::daemon
