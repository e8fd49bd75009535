#include "channel.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>

#include <boost/asio/buffer.hpp>
#include <boost/asio/connect.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/host_name_verification.hpp>
#include <boost/asio/write.hpp>

namespace giromq::detail {

namespace asio = boost::asio;
using boost::system::error_code;

Channel::Channel(asio::io_context& context, const Settings& settings) : settings_(settings), resolver_(context), socket_(context) {}

Failure Channel::failure(const std::string& what, const error_code& error, const std::string& advice) const {
    return Failure{FailureKind::general, "giromq:connection-lost",
                   what + " " + settings_.address() + ": " + error.message() + ". " + advice};
}

std::optional<Failure> Channel::prepare_tls() {
    if (!settings_.tls) return std::nullopt;
    error_code error;
    const auto refuse = [&](const std::string& option, const std::string& file) {
        return Failure{FailureKind::security, "giromq:tls",
                       "The file '" + file + "' of the option " + option + " cannot be used (" + error.message() +
                           "); it has to be a readable PEM file."};
    };
    tls_context_ = std::make_unique<asio::ssl::context>(asio::ssl::context::tls_client);
    SSL_CTX_set_min_proto_version(tls_context_->native_handle(), TLS1_2_VERSION);
    if (settings_.tls_ca_file.empty()) {
        tls_context_->set_default_verify_paths(error);
    } else {
        tls_context_->load_verify_file(settings_.tls_ca_file, error);
        if (error) return refuse("tls.ca-file", settings_.tls_ca_file);
    }
    if (!settings_.tls_certificate_file.empty()) {
        tls_context_->use_certificate_chain_file(settings_.tls_certificate_file, error);
        if (error) return refuse("tls.certificate-file", settings_.tls_certificate_file);
        const std::string& key = settings_.tls_key_file.empty() ? settings_.tls_certificate_file : settings_.tls_key_file;
        tls_context_->use_private_key_file(key, asio::ssl::context::pem, error);
        if (error) return refuse("tls.key-file", key);
    }
    tls_ = std::make_unique<Stream>(socket_, *tls_context_);
    tls_->set_verify_mode(settings_.tls_verify_peer ? asio::ssl::verify_peer : asio::ssl::verify_none);
    if (settings_.tls_verify_peer) tls_->set_verify_callback(asio::ssl::host_name_verification(settings_.host));
    // The function behind the macro SSL_set_tlsext_host_name, whose cast the compiler warns of.
    SSL_ctrl(tls_->native_handle(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, settings_.host.data());
    return std::nullopt;
}

void Channel::open(OpenHandler handler) {
    if (const auto problem = prepare_tls()) {
        asio::post(socket_.get_executor(), [handler = std::move(handler), problem] { handler(problem); });
        return;
    }
    const auto self = shared_from_this();
    resolver_.async_resolve(
        settings_.host, std::to_string(settings_.port), [self, handler = std::move(handler)](const error_code& error, auto results) {
            if (error) {
                return handler(
                    Failure{FailureKind::general, "giromq:connection-lost",
                            "The host '" + self->settings_.host + "' is not known: " + error.message() + ". Check the broker's address."});
            }
            if (self->closed_) return handler(self->failure("Cannot connect to", asio::error::operation_aborted, ""));
            asio::async_connect(self->socket_, results, [self, handler](const error_code& connect_error, const asio::ip::tcp::endpoint&) {
                if (connect_error || self->closed_) {
                    return handler(self->failure("Cannot connect to",
                                                 connect_error ? connect_error : error_code(asio::error::operation_aborted),
                                                 "Check that the broker (giromqd) is running and that host and port are right."));
                }
                if (self->talks_to_itself()) {
                    return handler(self->failure("Cannot connect to", asio::error::connection_refused,
                                                 "Check that the broker (giromqd) is running and that host and port are right."));
                }
                error_code ignored;
                self->socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
                self->socket_.non_blocking(true, ignored);
                self->tls_ ? self->handshake(handler) : handler(std::nullopt);
            });
        });
}

bool Channel::talks_to_itself() const {
    error_code error;
    const auto remote = socket_.remote_endpoint(error);
    return !error && remote == socket_.local_endpoint(error) && !error;
}

void Channel::handshake(const OpenHandler& handler) {
    tls_->async_handshake(Stream::client, [self = shared_from_this(), handler](const error_code& error) {
        if (!error) return handler(std::nullopt);
        const long verified = SSL_get_verify_result(self->tls_->native_handle());
        if (verified == X509_V_OK) {
            return handler(self->failure(
                "There is no TLS connection to", error,
                "Check that this is the port for TLS (5671 by default), and that the broker knows the client's certificate."));
        }
        handler(Failure{FailureKind::security, "giromq:tls",
                        "The certificate of " + self->settings_.address() + " is not trusted: " + X509_verify_cert_error_string(verified) +
                            ". Name the file with the issuer's certificate by the option tls.ca-file, and connect to the host that the "
                            "certificate is for."});
    });
}

void Channel::read(std::span<char> buffer, Handler handler) {
    const auto target = asio::buffer(buffer.data(), buffer.size());
    auto keep = [self = shared_from_this(), handler = std::move(handler)](const error_code& error, std::size_t bytes) {
        handler(error, bytes);
    };
    tls_ ? tls_->async_read_some(target, std::move(keep)) : socket_.async_read_some(target, std::move(keep));
}

void Channel::write_all(std::span<const char> bytes, std::function<void(const error_code&)> handler) {
    const auto source = asio::buffer(bytes.data(), bytes.size());
    auto keep = [self = shared_from_this(), handler = std::move(handler)](const error_code& error, std::size_t) { handler(error); };
    tls_ ? asio::async_write(*tls_, source, std::move(keep)) : asio::async_write(socket_, source, std::move(keep));
}

void Channel::wait_writable(std::function<void()> handler) {
    socket_.async_wait(asio::ip::tcp::socket::wait_write,
                       [self = shared_from_this(), handler = std::move(handler)](const error_code&) { handler(); });
}

bool Channel::loopback() const {
    error_code error;
    const auto endpoint = socket_.remote_endpoint(error);
    return !error && endpoint.address().is_loopback();
}

void Channel::close() {
    closed_ = true;
    resolver_.cancel();
    error_code ignored;
    socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
    socket_.close(ignored);
}

}  // namespace giromq::detail
