#include <cppunit/extensions/HelperMacros.h>
#include <poll.h>

#include <algorithm>
#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <boost/asio/write.hpp>
#include <cctype>
#include <csignal>
#include <ctime>
#include <fstream>
#include <utility>

#include "net/stream.hpp"
#include "net/tls_context.hpp"
#include "unit/net/certificates.hpp"
#include "unit/store/temporary_folder.hpp"

namespace giromq::test {

using net::ClientCertificates;
using net::StreamStep;
using net::TlsContext;
using net::TlsSettings;
using Status = StreamStep::Status;
using boost::asio::ip::tcp;

/// Certificates, and both kinds of stream against a peer in the same thread.
class TlsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(TlsTest);
    CPPUNIT_TEST(a_certificate_and_its_key_are_loaded);
    CPPUNIT_TEST(a_key_of_another_certificate_is_refused);
    CPPUNIT_TEST(an_encrypted_key_needs_its_password);
    CPPUNIT_TEST(client_certificates_need_an_authority);
    CPPUNIT_TEST(a_change_of_the_files_is_noticed_and_loaded);
    CPPUNIT_TEST(a_bad_file_leaves_the_old_certificate_in_use);
    CPPUNIT_TEST(bytes_go_both_ways_unencrypted);
    CPPUNIT_TEST(bytes_go_both_ways_encrypted);
    CPPUNIT_TEST(a_verified_client_is_known_by_its_name);
    CPPUNIT_TEST(a_client_with_two_names_has_none);
    CPPUNIT_TEST(a_client_of_another_authority_is_refused);
    CPPUNIT_TEST(who_trusts_an_intermediate_trusts_nothing_beside_it);
    CPPUNIT_TEST(a_certificate_tells_its_whole_chain);
    CPPUNIT_TEST(a_second_authority_is_refused_where_only_one_may_be);
    CPPUNIT_TEST(a_withdrawn_certificate_is_refused);
    CPPUNIT_TEST(what_a_withdrawn_authority_has_signed_is_refused);
    CPPUNIT_TEST(no_list_is_missed_above_a_trusted_intermediate);
    CPPUNIT_TEST(revocation_lists_that_cannot_be_relied_on_are_refused);
    CPPUNIT_TEST(a_list_that_has_expired_meanwhile_lets_nobody_in);
    CPPUNIT_TEST(revocation_lists_are_read_again);
    CPPUNIT_TEST(a_client_without_certificate_is_refused_where_required);
    CPPUNIT_TEST(an_orderly_end_is_told_apart_from_a_cut);
    CPPUNIT_TEST(endless_key_updates_are_an_attack);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        std::signal(SIGPIPE, SIG_IGN);
        server_ = make_identity({"localhost"});
        write_certificate(server_, path("server.pem"));
        write_key(server_, path("server.key"));
    }

    void a_certificate_and_its_key_are_loaded() { CPPUNIT_ASSERT(TlsContext::load(settings()).ok()); }

    void a_key_of_another_certificate_is_refused() {
        write_key(make_identity({"other"}), path("server.key"));
        const auto loaded = TlsContext::load(settings());
        CPPUNIT_ASSERT(!loaded.ok() && loaded.error().is(net::errc::tls_files));
    }

    void an_encrypted_key_needs_its_password() {
        write_key(server_, path("server.key"), "open sesame");
        CPPUNIT_ASSERT(!TlsContext::load(settings()).ok());
        auto with_password = settings();
        with_password.key_password = "open sesame";
        CPPUNIT_ASSERT(TlsContext::load(with_password).ok());
        with_password.key_password = "wrong";
        CPPUNIT_ASSERT(!TlsContext::load(with_password).ok());
    }

    void client_certificates_need_an_authority() {
        auto wrong = settings();
        wrong.client_certificates = ClientCertificates::required;
        CPPUNIT_ASSERT(!TlsContext::load(wrong).ok());
    }

    void a_change_of_the_files_is_noticed_and_loaded() {
        const auto context = TlsContext::load(settings()).value();
        CPPUNIT_ASSERT(!context->files_changed());
        const auto before = context->current();
        const auto next = make_identity({"localhost", "next"});
        write_certificate(next, path("server.pem"));
        write_key(next, path("server.key"));
        CPPUNIT_ASSERT(context->files_changed());
        CPPUNIT_ASSERT(context->reload().ok());
        CPPUNIT_ASSERT(context->current() != before);
        CPPUNIT_ASSERT(!context->files_changed());
    }

    void a_bad_file_leaves_the_old_certificate_in_use() {
        const auto context = TlsContext::load(settings()).value();
        const auto before = context->current();
        std::ofstream(path("server.pem")) << "nonsense";
        CPPUNIT_ASSERT(context->files_changed());
        CPPUNIT_ASSERT(!context->reload().ok());
        CPPUNIT_ASSERT(context->current() == before);
        // It is tried again: what is wrong may pass with time, or with the rights of the file, which change neither its time nor its size.
        CPPUNIT_ASSERT(context->files_changed());
    }

    void bytes_go_both_ways_unencrypted() {
        auto [near, far] = pair();
        const auto stream = net::make_plain_stream(std::move(near));
        CPPUNIT_ASSERT(stream->handshake().status == Status::done);
        CPPUNIT_ASSERT(read(*stream).status == Status::want_read);
        boost::asio::write(far, boost::asio::buffer("ping", 4));
        CPPUNIT_ASSERT_EQUAL(std::string("ping"), read_text(*stream));
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, write(*stream, "pong").bytes);
        std::array<char, 4> answer;
        boost::asio::read(far, boost::asio::buffer(answer));
        CPPUNIT_ASSERT_EQUAL(std::string("pong"), std::string(answer.begin(), answer.end()));
        stream->end_writing();
        far.close();
        CPPUNIT_ASSERT(await(*stream).status == Status::closed);
    }

    void bytes_go_both_ways_encrypted() {
        Session session(TlsContext::load(settings()).value(), client_context());
        CPPUNIT_ASSERT(session.shake());
        CPPUNIT_ASSERT(session.server->is_encrypted());
        CPPUNIT_ASSERT_EQUAL(std::string(), session.server->client_certificate().common_name);
        CPPUNIT_ASSERT(read(*session.server).status == Status::want_read);
        CPPUNIT_ASSERT_EQUAL(4, SSL_write(session.client.get(), "ping", 4));
        CPPUNIT_ASSERT_EQUAL(std::string("ping"), read_text(*session.server));
        CPPUNIT_ASSERT_EQUAL(std::size_t{4}, write(*session.server, "pong").bytes);
        std::array<char, 16> answer;
        CPPUNIT_ASSERT_EQUAL(4, SSL_read(session.client.get(), answer.data(), 16));
        CPPUNIT_ASSERT_EQUAL(std::string("pong"), std::string(answer.data(), 4));
    }

    void a_verified_client_is_known_by_its_name() {
        const auto authority = make_identity({"Bank CA"});
        const auto client = make_identity({"ledger"}, &authority);
        Session session(TlsContext::load(asking(authority, ClientCertificates::required)).value(), client_context(&client));
        CPPUNIT_ASSERT(session.shake());
        CPPUNIT_ASSERT_EQUAL(std::string("ledger"), session.server->client_certificate().common_name);
    }

    void a_client_with_two_names_has_none() {
        const auto authority = make_identity({"Bank CA"});
        const auto client = make_identity({"ledger", "admin"}, &authority);
        Session session(TlsContext::load(asking(authority, ClientCertificates::optional)).value(), client_context(&client));
        CPPUNIT_ASSERT(session.shake());
        CPPUNIT_ASSERT_EQUAL(std::string(), session.server->client_certificate().common_name);
    }

    void a_client_of_another_authority_is_refused() {
        const auto authority = make_identity({"Bank CA"});
        // The same name as the true one.
        const auto other = make_identity({"Bank CA"});
        const auto client = make_identity({"ledger"}, &other);
        Session session(TlsContext::load(asking(authority, ClientCertificates::optional)).value(), client_context(&client));
        CPPUNIT_ASSERT(!session.shake());
    }

    void who_trusts_an_intermediate_trusts_nothing_beside_it() {
        const auto root = make_identity({"Bank root"});
        const auto mine = make_identity({"Payments CA"}, &root, true);
        const auto other = make_identity({"Guests CA"}, &root, true);
        const auto context = TlsContext::load(asking(mine, ClientCertificates::required)).value();
        const auto shakes = [&](const Identity& client, std::vector<Identity> chain) {
            const auto shown = client_context(&client);
            for (const auto& one : chain) SSL_CTX_add1_chain_cert(shown.get(), one.certificate.get());
            Session session(context, shown);
            return session.shake();
        };
        const auto ledger = make_identity({"ledger"}, &mine);
        CPPUNIT_ASSERT(shakes(ledger, {}));
        CPPUNIT_ASSERT(shakes(ledger, {mine, root}));
        // The same name, from another authority of the same root; and signed by one that is none.
        CPPUNIT_ASSERT(!shakes(make_identity({"ledger"}, &other), {other, root}));
        CPPUNIT_ASSERT(!shakes(make_identity({"ledger"}, &root), {root}));
        CPPUNIT_ASSERT(!shakes(make_identity({"admin"}, &ledger), {ledger, mine}));
    }

    void a_certificate_tells_its_whole_chain() {
        const auto root = make_identity({"Bank root"});
        const auto mine = make_identity({"Payments CA"}, &root, true);
        const auto ledger = make_identity({"ledger"}, &mine);
        const auto shown = client_context(&ledger);
        SSL_CTX_add1_chain_cert(shown.get(), mine.certificate.get());
        Session session(TlsContext::load(asking(root, ClientCertificates::required)).value(), shown);
        CPPUNIT_ASSERT(session.shake());
        const auto certificate = session.server->client_certificate();
        CPPUNIT_ASSERT_EQUAL(std::string("CN=ledger"), certificate.subject);
        CPPUNIT_ASSERT((certificate.authorities == std::vector<std::string>{digest(mine), digest(root)}));
    }

    void a_second_authority_is_refused_where_only_one_may_be() {
        const auto authority = make_identity({"Bank CA"});
        auto wanted = asking(authority, ClientCertificates::required);
        wanted.single_client_authority = true;
        // Its successor has the same key: it is the same authority.
        write_certificate(make_identity({"Bank CA"}, nullptr, false, authority.key), wanted.client_ca_file, "a");
        CPPUNIT_ASSERT(TlsContext::load(wanted).ok());
        write_certificate(make_identity({"Bank CA"}), wanted.client_ca_file, "a");
        const auto loaded = TlsContext::load(wanted);
        CPPUNIT_ASSERT(!loaded.ok() && loaded.error().detail().find("2 authorities") != std::string::npos);
        wanted.single_client_authority = false;
        CPPUNIT_ASSERT(TlsContext::load(wanted).ok());
    }

    void a_withdrawn_certificate_is_refused() {
        const auto authority = make_identity({"Bank CA"});
        const auto good = make_identity({"ledger"}, &authority);
        const auto stolen = make_identity({"ledger"}, &authority);
        const auto context = TlsContext::load(asking(authority, revocation_list(authority, {stolen}))).value();
        CPPUNIT_ASSERT(lets_in(context, good));
        Session session(context, client_context(&stolen));
        CPPUNIT_ASSERT(!session.shake());
        CPPUNIT_ASSERT_MESSAGE(session.reason, session.reason.ends_with("(certificate revoked)"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, context->revocation_lists().size());
        CPPUNIT_ASSERT_EQUAL(std::string("CN=Bank CA"), context->revocation_lists()[0].issuer);
    }

    void what_a_withdrawn_authority_has_signed_is_refused() {
        const auto root = make_identity({"Bank root"});
        const auto mine = make_identity({"Payments CA"}, &root, true);
        const auto ledger = make_identity({"ledger"}, &mine);
        const auto lists_of_mine = revocation_list(mine, {});
        const auto good = TlsContext::load(asking(root, revocation_list(root, {}) + lists_of_mine)).value();
        CPPUNIT_ASSERT(lets_in(good, ledger, {mine}));
        const auto withdrawn = TlsContext::load(asking(root, revocation_list(root, {mine}) + lists_of_mine)).value();
        CPPUNIT_ASSERT(!lets_in(withdrawn, ledger, {mine}));
        // No list of an authority in between: nobody knows whether the certificate is good.
        const auto without = TlsContext::load(asking(root, revocation_list(root, {}))).value();
        CPPUNIT_ASSERT(!lets_in(without, ledger, {mine}));
    }

    void no_list_is_missed_above_a_trusted_intermediate() {
        const auto root = make_identity({"Bank root"});
        const auto mine = make_identity({"Payments CA"}, &root, true);
        const auto ledger = make_identity({"ledger"}, &mine);
        const auto stolen = make_identity({"ledger"}, &mine);
        for (const auto& beside : {std::string(), revocation_list(root, {})}) {
            const auto context = TlsContext::load(asking(mine, revocation_list(mine, {stolen}) + beside)).value();
            CPPUNIT_ASSERT(lets_in(context, ledger) && lets_in(context, ledger, {mine, root}));
            CPPUNIT_ASSERT(!lets_in(context, stolen));
        }
    }

    void revocation_lists_that_cannot_be_relied_on_are_refused() {
        const auto authority = make_identity({"Bank CA"});
        const auto refused = [&](const std::string& lists, const std::string& reason) {
            const auto loaded = TlsContext::load(asking(authority, lists));
            CPPUNIT_ASSERT_MESSAGE(reason, !loaded.ok() && loaded.error().is(net::errc::tls_files));
            CPPUNIT_ASSERT_MESSAGE(loaded.error().detail(), loaded.error().detail().find(reason) != std::string::npos);
        };
        const auto good = revocation_list(authority, {});
        refused("", "there is none, in PEM");
        refused("nonsense", "there is none, in PEM");
        refused(good + good.substr(0, good.size() / 2), "damaged");
        refused(revocation_list(authority, {}, -120, -60), "has expired");
        refused(revocation_list(authority, {}, 60, 120), "is not valid yet");
        // The same name, and another key.
        refused(revocation_list(make_identity({"Bank CA"}), {}), "none that CN=Bank CA has signed");
        auto missing = asking(authority, good);
        missing.crl_file = path("nothing.pem");
        CPPUNIT_ASSERT(!TlsContext::load(missing).ok());
    }

    void a_list_that_has_expired_meanwhile_lets_nobody_in() {
        const auto authority = make_identity({"Bank CA"});
        const auto ledger = make_identity({"ledger"}, &authority);
        const auto context = TlsContext::load(asking(authority, revocation_list(authority, {}, -60, 600))).value();
        CPPUNIT_ASSERT(lets_in(context, ledger));
        X509_VERIFY_PARAM_set_time(SSL_CTX_get0_param(context->current().get()), ::time(nullptr) + 1200);
        CPPUNIT_ASSERT(!lets_in(context, ledger));
    }

    void revocation_lists_are_read_again() {
        const auto authority = make_identity({"Bank CA"});
        const auto stolen = make_identity({"ledger"}, &authority);
        const auto context = TlsContext::load(asking(authority, revocation_list(authority, {}))).value();
        CPPUNIT_ASSERT(lets_in(context, stolen));
        std::ofstream(path("withdrawn.pem")) << revocation_list(authority, {stolen}) << revocation_list(authority, {stolen});
        CPPUNIT_ASSERT(context->files_changed());
        CPPUNIT_ASSERT(context->reload().ok() && !context->is_outdated());
        CPPUNIT_ASSERT(!lets_in(context, stolen));
        std::ofstream(path("withdrawn.pem")) << "nonsense";
        CPPUNIT_ASSERT(!context->reload().ok() && context->is_outdated());
        CPPUNIT_ASSERT(!lets_in(context, stolen));
    }

    void a_client_without_certificate_is_refused_where_required() {
        const auto authority = make_identity({"Bank CA"});
        Session required(TlsContext::load(asking(authority, ClientCertificates::required)).value(), client_context());
        CPPUNIT_ASSERT(!required.shake());
        Session optional(TlsContext::load(asking(authority, ClientCertificates::optional)).value(), client_context());
        CPPUNIT_ASSERT(optional.shake());
        CPPUNIT_ASSERT_EQUAL(std::string(), optional.server->client_certificate().common_name);
    }

    void an_orderly_end_is_told_apart_from_a_cut() {
        Session orderly(TlsContext::load(settings()).value(), client_context());
        CPPUNIT_ASSERT(orderly.shake());
        SSL_shutdown(orderly.client.get());
        CPPUNIT_ASSERT(await(*orderly.server).status == Status::closed);
        Session cut(TlsContext::load(settings()).value(), client_context());
        CPPUNIT_ASSERT(cut.shake());
        cut.far.close();
        CPPUNIT_ASSERT(await(*cut.server).status == Status::failed);
    }

    void endless_key_updates_are_an_attack() {
        Session session(TlsContext::load(settings()).value(), client_context());
        CPPUNIT_ASSERT(session.shake());
        const auto send_updates = [&](int count) {
            for (int number = 0; number < count; ++number) {
                CPPUNIT_ASSERT_EQUAL(1, SSL_key_update(session.client.get(), SSL_KEY_UPDATE_NOT_REQUESTED));
                CPPUNIT_ASSERT_EQUAL(1, SSL_do_handshake(session.client.get()));
            }
        };
        for (int round = 0; round < 3; ++round) {
            send_updates(20);
            CPPUNIT_ASSERT_EQUAL(1, SSL_write(session.client.get(), "x", 1));
            CPPUNIT_ASSERT_EQUAL(std::string("x"), read_text(*session.server));
        }
        send_updates(40);
        CPPUNIT_ASSERT(await(*session.server).status == Status::failed);
    }

private:
    using SslPointer = std::unique_ptr<SSL, void (*)(SSL*)>;
    using ContextPointer = std::shared_ptr<SSL_CTX>;

    static std::pair<tcp::socket, tcp::socket> pair() {
        static boost::asio::io_context io;
        tcp::acceptor acceptor(io, tcp::endpoint(boost::asio::ip::address_v4::loopback(), 0));
        tcp::socket far(io);
        far.connect(acceptor.local_endpoint());
        auto near = acceptor.accept();
        near.non_blocking(true);
        return {std::move(near), std::move(far)};
    }

    /// The stream under test and an OpenSSL client, over loopback.
    struct Session {
        Session(const std::shared_ptr<TlsContext>& context, ContextPointer the_client_context)
            : Session(pair(), context, std::move(the_client_context)) {}
        Session(std::pair<tcp::socket, tcp::socket> sockets, const std::shared_ptr<TlsContext>& context, ContextPointer the_client_context)
            : client_context(std::move(the_client_context)),
              far(std::move(sockets.second)),
              server(net::make_tls_stream(std::move(sockets.first), context->current())),
              client(SSL_new(client_context.get()), SSL_free) {
            SSL_set_fd(client.get(), static_cast<int>(far.native_handle()));
            SSL_set_connect_state(client.get());
        }

        /// True if both sides are content.
        bool shake() {
            far.native_non_blocking(true);
            bool server_done = false;
            bool client_done = false;
            for (int step = 0; step < 10000 && !(server_done && client_done); ++step) {
                if (!client_done) {
                    const int code = SSL_do_handshake(client.get());
                    client_done = code == 1;
                    const int error = SSL_get_error(client.get(), code);
                    if (!client_done && error != SSL_ERROR_WANT_READ && error != SSL_ERROR_WANT_WRITE) return false;
                }
                if (!server_done) {
                    const auto made = server->handshake();
                    const auto status = made.status;
                    reason = made.reason;
                    if (status == Status::failed || status == Status::closed) return false;
                    server_done = status == Status::done;
                }
            }
            far.native_non_blocking(false);
            return server_done && client_done;
        }

        ContextPointer client_context;
        tcp::socket far;
        std::unique_ptr<net::Stream> server;
        SslPointer client;
        std::string reason;  // of the server, why it was not
    };

    std::string path(const std::string& name) const { return folder_.path() + "/" + name; }

    TlsSettings settings() const {
        TlsSettings made;
        made.certificate_file = path("server.pem");
        made.key_file = path("server.key");
        return made;
    }

    TlsSettings asking(const Identity& authority, ClientCertificates how) const {
        write_certificate(authority, path("clients.pem"));
        auto made = settings();
        made.client_ca_file = path("clients.pem");
        made.client_certificates = how;
        return made;
    }

    /// Its certificates are required, and verified against these lists.
    TlsSettings asking(const Identity& authority, const std::string& lists) const {
        auto made = asking(authority, ClientCertificates::required);
        made.crl_file = path("withdrawn.pem");
        std::ofstream(made.crl_file) << lists;
        return made;
    }

    static bool lets_in(const std::shared_ptr<TlsContext>& context, const Identity& client, const std::vector<Identity>& chain = {}) {
        const auto shown = client_context(&client);
        for (const auto& one : chain) SSL_CTX_add1_chain_cert(shown.get(), one.certificate.get());
        Session session(context, shown);
        return session.shake();
    }

    static std::string digest(const Identity& identity) {
        std::array<unsigned char, EVP_MAX_MD_SIZE> bytes{};
        unsigned int size = 0;
        X509_digest(identity.certificate.get(), EVP_sha256(), bytes.data(), &size);
        char* const hex = OPENSSL_buf2hexstr(bytes.data(), static_cast<long>(size));
        std::string text(hex);
        OPENSSL_free(hex);
        std::erase(text, ':');
        std::transform(text.begin(), text.end(), text.begin(), [](unsigned char digit) { return static_cast<char>(std::tolower(digit)); });
        return text;
    }

    static ContextPointer client_context(const Identity* identity = nullptr) {
        ContextPointer context(SSL_CTX_new(TLS_client_method()), SSL_CTX_free);
        if (identity != nullptr) {
            SSL_CTX_use_certificate(context.get(), identity->certificate.get());
            SSL_CTX_use_PrivateKey(context.get(), identity->key.get());
        }
        return context;
    }

    static StreamStep read(net::Stream& stream) {
        std::array<std::uint8_t, 64> buffer;
        return stream.read(buffer);
    }

    /// What comes next, waited for: loopback delivers soon, not at once.
    static StreamStep await(net::Stream& stream, std::span<std::uint8_t> buffer) {
        for (;;) {
            auto step = stream.read(buffer);
            if (step.status != Status::want_read) return step;
            pollfd ready{static_cast<int>(stream.socket().native_handle()), POLLIN, 0};
            ::poll(&ready, 1, 10000);
        }
    }
    static StreamStep await(net::Stream& stream) {
        std::array<std::uint8_t, 64> buffer;
        return await(stream, buffer);
    }

    static std::string read_text(net::Stream& stream) {
        std::array<std::uint8_t, 64> buffer;
        const auto step = await(stream, buffer);
        if (step.status != Status::done) return "not done: " + step.reason;
        return std::string(buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(step.bytes));
    }

    static StreamStep write(net::Stream& stream, std::string_view text) {
        return stream.write(std::span(reinterpret_cast<const std::uint8_t*>(text.data()), text.size()));
    }

    store::test::TemporaryFolder folder_;
    Identity server_;
};
CPPUNIT_TEST_SUITE_REGISTRATION(TlsTest);

}  // namespace giromq::test
