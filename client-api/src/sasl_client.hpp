#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

struct pn_transport_t;

namespace giromq::detail {

/// What a connection may log in with.
struct Credentials {
    std::string user;
    std::string password;
    bool has_certificate = false;      // a client certificate was configured: EXTERNAL
    bool plain_is_safe = false;        // TLS, or the loopback interface
    std::vector<std::string> allowed;  // mechanisms; empty for all
};

/// The client's side of SASL (AMQP 1.0 §5.3) by Proton's plugin interface. Proton calls it while it reads; the rest is used after that.
/// Deriving the key of SCRAM takes a tenth of a second and more, so it is left to the caller, who can do it without the lock that the
/// transport needs: take_work(), then the work, then answer().
class SaslClient {
public:
    /// Before the transport is bound. The object must live as long as the transport.
    SaslClient(pn_transport_t* transport, Credentials credentials);
    ~SaslClient();
    SaslClient(const SaslClient&) = delete;
    SaslClient& operator=(const SaslClient&) = delete;

    /// True if the broker has proved itself as far as the mechanism can; to be asked when it has accepted the login.
    bool trustworthy() const;
    /// Why there was no login, as a sentence; empty if the client saw no reason.
    const std::string& error() const;

    /// What returns the answer to the broker's challenge.
    using Work = std::function<std::string()>;
    /// The work that the last input has left, once; empty if there is none. Until it is answered nothing but it touches the mechanism.
    Work take_work();
    /// Goes on with the login.
    void answer(std::string bytes);

    struct State;

private:
    pn_transport_t* const transport_;
    std::unique_ptr<State> state_;
};

}  // namespace giromq::detail
