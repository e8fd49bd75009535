#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "admin-web/http_server.hpp"
#include "admin/ports.hpp"
#include "base/result.hpp"
#include "config/config.hpp"
#include "net/acceptor.hpp"
#include "net/amqp_server.hpp"
#include "net/tls_context.hpp"

namespace giromq::daemon {

/// `--check-config`: whether certificate, key, authorities and revocation lists can be loaded and belong together. Errors: those of net and
/// config.
Result<void> check_certificates(const config::Config& config);

/// Whose certificates of clients are whose.
std::shared_ptr<const security::CertificateMap> certificate_map(const config::SaslConfig& config);

/// Every address that the broker listens on.
class Listeners final : public admin::CertificatesPort {
public:
    /// `resource_manager_id`: of the store, for clients that take part in global transactions.
    Listeners(boost::asio::io_context& io, const config::Config& config, std::string resource_manager_id, net::AmqpServer& amqp,
              admin_web::HttpServer& http);

    /// Loads the certificates and binds every address; nobody is let in yet. Errors: those of net.
    Result<void> open();
    /// Lets clients in.
    void start();
    /// Nobody is let in any more.
    void stop();

    /// Reads the certificates again if they have changed, or in any case. A failure is logged, and the old ones stay.
    void reload_certificates(bool in_any_case);

    /// The certificate that the listeners with TLS show; to be asked for once open() has returned.
    std::vector<admin::CertificateView> list() const override;
    std::vector<admin::RevocationListView> revocation_lists() const override;

    /// "amqp=127.0.0.1:5672 http=127.0.0.1:8161": the first address of each kind.
    std::string summary() const;

private:
    struct Entry {
        std::string kind;  // "amqp", "amqps", "http", "https"
        std::unique_ptr<net::Acceptor> acceptor;
    };

    Result<void> open(std::string kind, const std::string& host, std::uint16_t port, const net::Admission& admission,
                      net::Acceptor::Handler serve);
    Result<void> open_amqp(const config::ListenerConfig& listener, const net::Admission& admission);
    Result<void> open_http();

    boost::asio::io_context& io_;
    const config::Config& config_;
    const std::string resource_manager_id_;
    net::AmqpServer& amqp_;
    admin_web::HttpServer& http_;
    std::shared_ptr<net::TlsContext> tls_;
    std::vector<Entry> entries_;
};

}  // namespace giromq::daemon
