#include "net/stream.hpp"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include <boost/asio/buffer.hpp>
#include <cerrno>
#include <system_error>
#include <utility>

#include "net/certificate.hpp"
#include "net/tls_context.hpp"

namespace giromq::net {
namespace {

using boost::asio::ip::tcp;
using Status = StreamStep::Status;

class PlainStream final : public Stream {
public:
    using Stream::Stream;

    StreamStep handshake() override { return {}; }

    StreamStep read(std::span<std::uint8_t> buffer) override {
        boost::system::error_code error;
        const auto bytes = socket_.read_some(boost::asio::buffer(buffer.data(), buffer.size()), error);
        if (!error) return {Status::done, bytes, {}};
        if (error == boost::asio::error::would_block) return {Status::want_read, 0, {}};
        if (error == boost::asio::error::eof) return {Status::closed, 0, {}};
        return {Status::failed, 0, error.message()};
    }

    StreamStep write(std::span<const std::uint8_t> bytes) override {
        boost::system::error_code error;
        const auto written = socket_.write_some(boost::asio::buffer(bytes.data(), bytes.size()), error);
        if (!error) return {Status::done, written, {}};
        if (error == boost::asio::error::would_block) return {Status::want_write, 0, {}};
        return {Status::failed, 0, error.message()};
    }

    bool short_read_is_last() const override { return true; }
    void end_writing() override {
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }
    bool is_encrypted() const override { return false; }
    security::ClientCertificate client_certificate() const override { return {}; }
};

/// A client that only sends TLS 1.3 key updates keeps the processor busy and says nothing; so many between two reads that bring
/// something are an attack.
constexpr int idle_key_updates_max = 32;

class TlsStream final : public Stream {
public:
    TlsStream(tcp::socket socket, std::shared_ptr<SSL_CTX> context, SSL* ssl)
        : Stream(std::move(socket)), context_(std::move(context)), ssl_(ssl, SSL_free) {
        SSL_set_accept_state(ssl);
        SSL_set_msg_callback(ssl, &TlsStream::count_key_updates);
        SSL_set_msg_callback_arg(ssl, this);
    }

    StreamStep handshake() override {
        ERR_clear_error();
        auto result = step(SSL_do_handshake(ssl_.get()), 0);
        const long verified = SSL_get_verify_result(ssl_.get());
        if (result.status == Status::failed && verified != X509_V_OK) {
            result.reason += std::string(" (") + X509_verify_cert_error_string(verified) + ")";
        }
        return result;
    }

    StreamStep read(std::span<std::uint8_t> buffer) override {
        ERR_clear_error();
        std::size_t bytes = 0;
        const int code = SSL_read_ex(ssl_.get(), buffer.data(), buffer.size(), &bytes);
        auto result = step(code, bytes);
        if (result.status == Status::done) idle_key_updates_ = 0;
        if (idle_key_updates_ > idle_key_updates_max) return {Status::failed, 0, "too many TLS key updates"};
        return result;
    }

    StreamStep write(std::span<const std::uint8_t> bytes) override {
        ERR_clear_error();
        std::size_t written = 0;
        const int code = SSL_write_ex(ssl_.get(), bytes.data(), bytes.size(), &written);
        return step(code, written);
    }

    bool short_read_is_last() const override { return false; }

    void end_writing() override {
        ERR_clear_error();
        if (SSL_is_init_finished(ssl_.get()) == 1) SSL_shutdown(ssl_.get());
        boost::system::error_code ignored;
        socket_.shutdown(tcp::socket::shutdown_send, ignored);
    }

    bool is_encrypted() const override { return true; }
    security::ClientCertificate client_certificate() const override { return net::client_certificate(ssl_.get()); }

private:
    StreamStep step(int code, std::size_t bytes) {
        if (code == 1) return {Status::done, bytes, {}};
        switch (SSL_get_error(ssl_.get(), code)) {
            case SSL_ERROR_WANT_READ: return {Status::want_read, 0, {}};
            case SSL_ERROR_WANT_WRITE: return {Status::want_write, 0, {}};
            case SSL_ERROR_ZERO_RETURN: return {Status::closed, 0, {}};
            case SSL_ERROR_SYSCALL: return {Status::failed, 0, std::generic_category().message(errno)};
            default: return {Status::failed, 0, tls_failure()};
        }
    }

    static void count_key_updates(int write, int, int type, const void* data, std::size_t size, SSL*, void* self) {
        if (write != 0 || type != SSL3_RT_HANDSHAKE || size == 0) return;
        if (*static_cast<const unsigned char*>(data) == SSL3_MT_KEY_UPDATE) ++static_cast<TlsStream*>(self)->idle_key_updates_;
    }

    std::shared_ptr<SSL_CTX> context_;
    std::unique_ptr<SSL, void (*)(SSL*)> ssl_;
    int idle_key_updates_ = 0;
};

}  // namespace

std::unique_ptr<Stream> make_plain_stream(tcp::socket socket) { return std::make_unique<PlainStream>(std::move(socket)); }

std::unique_ptr<Stream> make_tls_stream(tcp::socket socket, std::shared_ptr<SSL_CTX> context) {
    SSL* const ssl = SSL_new(context.get());
    if (ssl == nullptr) return nullptr;
    if (SSL_set_fd(ssl, static_cast<int>(socket.native_handle())) != 1) {
        SSL_free(ssl);
        return nullptr;
    }
    return std::make_unique<TlsStream>(std::move(socket), std::move(context), ssl);
}

}  // namespace giromq::net
