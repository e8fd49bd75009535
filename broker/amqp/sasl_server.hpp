#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "amqp/connection.hpp"
#include "base/result.hpp"
#include "security/scram.hpp"
#include "security/user_directory.hpp"

struct pn_transport_t;

namespace giromq::amqp {

/// The server's side of SASL on one connection: which mechanisms are offered to this peer, and the exchange itself. The only file
/// that knows the engine's plugin interface (<proton/sasl_plugin.h>, "unsettled" says its header, so it is kept in one place).
///
/// Threads: the connection's. It must outlive the transport it is installed in.
class SaslServer {
public:
    SaslServer(const security::UserDirectory& users, const ConnectionSettings& settings, const Peer& peer);
    ~SaslServer();
    SaslServer(const SaslServer&) = delete;
    SaslServer& operator=(const SaslServer&) = delete;

    /// Makes the transport authenticate through this object. Before it is bound to a connection.
    void install(pn_transport_t* transport);

    enum class State { exchanging, verifying, succeeded, failed };
    State state() const { return state_; }
    const security::Identity& identity() const { return identity_; }
    /// Who it is that does not log in, where that is allowed.
    security::Identity anonymous() const;
    /// The mechanism the client chose; empty before.
    const std::string& mechanism() const { return mechanism_; }
    /// The name under which the client tried to log in, as far as it told one. For the log.
    const std::string& claimed_user() const { return claimed_user_; }
    const std::string& failure() const { return failure_; }

    /// A password that has to be verified somewhere else, because that takes long: set while state() is verifying and taken once.
    struct Password {
        std::string user;
        std::string password;
    };
    std::optional<Password> take_password();
    /// The answer to it: posts the outcome.
    void verified(Result<security::Identity> result);

private:
    friend struct SaslPlugin;

    void begin(std::string_view mechanism, std::string_view response);
    void respond(std::string_view response);
    void plain(std::string_view response);
    void external(std::string_view response);
    void scram(std::string_view response);
    void challenge(std::string text);
    void succeed(security::Identity identity);
    void fail(std::string reason);
    bool offers(Mechanism mechanism) const;

    const security::UserDirectory& users_;
    const bool anonymous_is_administrator_;
    const std::string certificate_subject_;
    const std::string peer_address_;
    std::vector<Mechanism> offered_;
    std::string offered_list_;

    pn_transport_t* transport_ = nullptr;
    State state_ = State::exchanging;
    std::string mechanism_;
    std::string claimed_user_;
    std::string failure_;
    security::Identity identity_;
    std::optional<Password> password_;
    std::unique_ptr<security::ScramServer> scram_;
    enum class ScramStep { first, final, confirm } scram_step_ = ScramStep::first;
    /// The engine keeps a pointer to what it is to send until it has sent it.
    std::string bytes_out_;
};

}  // namespace giromq::amqp
