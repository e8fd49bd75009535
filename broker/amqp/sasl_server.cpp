#include "amqp/sasl_server.hpp"

#include <proton/sasl.h>
#include <proton/sasl_plugin.h>
#include <proton/transport.h>
#include <string.h>

#include <algorithm>

#include "security/errc.hpp"

namespace giromq::amqp {
namespace {

std::string_view name_of(Mechanism mechanism) {
    switch (mechanism) {
        case Mechanism::anonymous: return "ANONYMOUS";
        case Mechanism::plain: return "PLAIN";
        case Mechanism::scram_sha_256: return "SCRAM-SHA-256";
        case Mechanism::external: return "EXTERNAL";
    }
    return {};
}

/// A password in clear must not cross a network in clear, and a certificate can only vouch for somebody if there is one.
bool fits(Mechanism mechanism, const Peer& peer) {
    switch (mechanism) {
        case Mechanism::plain: return peer.is_encrypted || peer.is_loopback;
        case Mechanism::external: return peer.is_encrypted && !peer.certificate_subject.empty();
        default: return true;
    }
}

void wipe(std::string& secret) {
    ::explicit_bzero(secret.data(), secret.size());
    secret.clear();
}

SaslServer& server_of(pn_transport_t* transport) { return *static_cast<SaslServer*>(pnx_sasl_get_context(transport)); }

std::string_view view_of(const pn_bytes_t* bytes) {
    return bytes == nullptr || bytes->start == nullptr ? std::string_view() : std::string_view(bytes->start, bytes->size);
}

}  // namespace

/// What the engine calls. Nothing may be thrown through it.
struct SaslPlugin {
    static void free(pn_transport_t*) {}
    static const char* list_mechanisms(pn_transport_t* transport) { return server_of(transport).offered_list_.c_str(); }
    static bool init_server(pn_transport_t* transport) {
        pnx_sasl_set_desired_state(transport, SASL_POSTED_MECHANISMS);
        return true;
    }
    static bool init_client(pn_transport_t*) { return false; }
    static void prepare_write(pn_transport_t*) {}
    static void process_init(pn_transport_t* transport, const char* mechanism, const pn_bytes_t* response) noexcept {
        server_of(transport).begin(mechanism == nullptr ? "" : mechanism, view_of(response));
    }
    static void process_response(pn_transport_t* transport, const pn_bytes_t* response) noexcept {
        server_of(transport).respond(view_of(response));
    }
    static bool process_mechanisms(pn_transport_t*, const char*) { return false; }
    static void process_from_server(pn_transport_t*, const pn_bytes_t*) {}
    static bool can_encrypt(pn_transport_t*) { return false; }
    static ssize_t max_encrypt_size(pn_transport_t*) { return 0; }
    static ssize_t code(pn_transport_t*, pn_bytes_t, pn_bytes_t*) { return 0; }

    static constexpr pnx_sasl_implementation implementation{
        free,
        list_mechanisms,
        init_server,
        init_client,
        prepare_write,
        process_init,
        process_response,
        process_mechanisms,
        process_from_server,
        process_from_server,
        can_encrypt,
        max_encrypt_size,
        code,
        code,
    };
};

SaslServer::SaslServer(const security::UserDirectory& users, const ConnectionSettings& settings, const Peer& peer)
    : users_(users),
      anonymous_is_administrator_(settings.anonymous_is_administrator),
      certificate_subject_(peer.certificate_subject),
      peer_address_(peer.address) {
    for (const Mechanism mechanism : settings.mechanisms) {
        if (!fits(mechanism, peer) || offers(mechanism)) continue;
        offered_.push_back(mechanism);
        if (!offered_list_.empty()) offered_list_ += ' ';
        offered_list_ += name_of(mechanism);
    }
}

SaslServer::~SaslServer() {
    if (password_) wipe(password_->password);
}

void SaslServer::install(pn_transport_t* transport) {
    transport_ = transport;
    pn_sasl(transport);
    pnx_sasl_set_implementation(transport, &SaslPlugin::implementation, this);
    // Who may log in as nobody may also leave it out.
    pn_transport_require_auth(transport, !offers(Mechanism::anonymous));
}

security::Identity SaslServer::anonymous() const {
    return users_.identity_of("anonymous", anonymous_is_administrator_ ? Role::administrator : Role::application);
}

bool SaslServer::offers(Mechanism mechanism) const { return std::ranges::find(offered_, mechanism) != offered_.end(); }

void SaslServer::begin(std::string_view mechanism, std::string_view response) {
    if (!mechanism_.empty() || state_ != State::exchanging) return fail("a second SASL init");
    const auto chosen = std::ranges::find_if(offered_, [mechanism](Mechanism offered) { return name_of(offered) == mechanism; });
    if (chosen == offered_.end()) {
        // The name comes from outside and is only told as what it is not.
        mechanism_ = "none";
        return fail("a mechanism that was not offered");
    }
    mechanism_ = mechanism;
    switch (*chosen) {
        case Mechanism::anonymous: return succeed(anonymous());
        case Mechanism::plain: return plain(response);
        case Mechanism::external: return external(response);
        case Mechanism::scram_sha_256: return scram(response);
    }
}

void SaslServer::respond(std::string_view response) {
    if (state_ != State::exchanging || mechanism_ != name_of(Mechanism::scram_sha_256)) return fail("an unexpected SASL response");
    scram(response);
}

/// RFC 4616: authorization identity, NUL, user, NUL, password.
void SaslServer::plain(std::string_view response) {
    const std::size_t first = response.find('\0');
    const std::size_t second = first == std::string_view::npos ? first : response.find('\0', first + 1);
    if (second == std::string_view::npos || response.find('\0', second + 1) != std::string_view::npos)
        return fail("malformed PLAIN response");
    const std::string_view authorization = response.substr(0, first);
    const std::string_view user = response.substr(first + 1, second - first - 1);
    claimed_user_ = user;
    if (user.empty()) return fail("no user name");
    if (!authorization.empty() && authorization != user) return fail("acting for another user is not supported");
    password_ = Password{std::string(user), std::string(response.substr(second + 1))};
    state_ = State::verifying;
}

/// The certificate names the user; the response may repeat it and nothing else.
void SaslServer::external(std::string_view response) {
    claimed_user_ = certificate_subject_;
    if (!response.empty() && response != certificate_subject_) return fail("acting for another user is not supported");
    const std::optional<User> user = users_.find(certificate_subject_);
    users_.logins().count({security::LoginProtocol::amqp, certificate_subject_, peer_address_}, user.has_value());
    if (!user) return fail("no user of the certificate's name");
    succeed(users_.identity_of(user->name, user->role));
}

void SaslServer::scram(std::string_view response) {
    switch (scram_step_) {
        case ScramStep::first: {
            // A client may begin without an initial response; then the first challenge is empty (RFC 4422 §5).
            if (response.empty() && scram_ == nullptr) {
                scram_ = std::make_unique<security::ScramServer>(users_);
                return challenge({});
            }
            if (scram_ == nullptr) scram_ = std::make_unique<security::ScramServer>(users_);
            Result<std::string> server_first = scram_->first(response);
            if (!server_first) return fail(server_first.error().to_string());
            claimed_user_ = scram_->user();
            scram_step_ = ScramStep::final;
            return challenge(std::move(server_first).value());
        }
        case ScramStep::final: {
            std::string server_final;
            const auto verify = [&]() -> Result<security::Identity> {
                Result<std::string> answered = scram_->final(response);
                if (!answered) return answered.error();
                server_final = std::move(answered).value();
                return scram_->identity();
            };
            const security::LoginAttempt attempt{security::LoginProtocol::amqp, scram_->user(), peer_address_};
            const Result<security::Identity> result = users_.logins().attempt(attempt, verify);
            if (!result) return fail(result.error().to_string());
            scram_step_ = ScramStep::confirm;
            // As a challenge rather than with the outcome: Cyrus-based clients do not look into the outcome.
            return challenge(std::move(server_final));
        }
        case ScramStep::confirm:
            if (!response.empty()) return fail("an unexpected SASL response");
            return succeed(scram_->identity());
    }
}

std::optional<SaslServer::Password> SaslServer::take_password() {
    std::optional<Password> taken = std::move(password_);
    password_.reset();
    return taken;
}

void SaslServer::verified(Result<security::Identity> result) {
    if (state_ != State::verifying) return;
    if (!result) return fail(result.error().to_string());
    succeed(std::move(result).value());
}

void SaslServer::challenge(std::string text) {
    bytes_out_ = std::move(text);
    pnx_sasl_set_bytes_out(transport_, pn_bytes(bytes_out_.size(), bytes_out_.data()));
    pnx_sasl_set_desired_state(transport_, SASL_POSTED_CHALLENGE);
}

void SaslServer::succeed(security::Identity identity) {
    identity_ = std::move(identity);
    state_ = State::succeeded;
    pnx_sasl_set_bytes_out(transport_, pn_bytes(0, nullptr));
    pnx_sasl_set_succeeded(transport_, identity_.user.c_str(), identity_.user.c_str());
    pnx_sasl_set_desired_state(transport_, SASL_POSTED_OUTCOME);
}

void SaslServer::fail(std::string reason) {
    failure_ = std::move(reason);
    state_ = State::failed;
    pnx_sasl_set_bytes_out(transport_, pn_bytes(0, nullptr));
    pnx_sasl_set_failed(transport_);
    pnx_sasl_set_desired_state(transport_, SASL_POSTED_OUTCOME);
}

}  // namespace giromq::amqp
