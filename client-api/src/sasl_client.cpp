#include "sasl_client.hpp"

#include <openssl/crypto.h>
#include <proton/sasl.h>
#include <proton/sasl_plugin.h>
#include <proton/transport.h>

#include <algorithm>
#include <optional>
#include <sstream>
#include <utility>

#include "scram_client.hpp"

namespace giromq::detail {

struct SaslClient::State {
    Credentials credentials;
    std::string mechanism;
    std::string out;  // Proton keeps a pointer to what is to be sent
    std::string error;
    std::shared_ptr<ScramClient> scram;
    std::optional<std::string> challenge;  // to be worked on
    unsigned challenges = 0;
};

namespace {

using State = SaslClient::State;

constexpr const char* all_mechanisms = "SCRAM-SHA-256 EXTERNAL PLAIN ANONYMOUS";

State& state_of(pn_transport_t* transport) { return *static_cast<State*>(pnx_sasl_get_context(transport)); }

std::string_view view(const pn_bytes_t* bytes) {
    return bytes == nullptr || bytes->start == nullptr ? std::string_view() : std::string_view(bytes->start, bytes->size);
}

void send(pn_transport_t* transport, State& state, std::string bytes, pnx_sasl_state next) {
    state.out = std::move(bytes);
    pnx_sasl_set_bytes_out(transport, pn_bytes(state.out.size(), state.out.data()));
    pnx_sasl_set_desired_state(transport, next);
}

bool offered(const std::vector<std::string>& mechanisms, const char* name, const State& state) {
    const auto& allowed = state.credentials.allowed;
    return std::find(mechanisms.begin(), mechanisms.end(), name) != mechanisms.end() &&
           (allowed.empty() || std::find(allowed.begin(), allowed.end(), name) != allowed.end());
}

/// The strongest mechanism that both sides can use; empty with `error` set if there is none.
std::string choose(const std::vector<std::string>& mechanisms, State& state) {
    const Credentials& credentials = state.credentials;
    if (!credentials.user.empty()) {
        if (offered(mechanisms, "SCRAM-SHA-256", state)) return "SCRAM-SHA-256";
        if (offered(mechanisms, "PLAIN", state)) {
            if (credentials.plain_is_safe) return "PLAIN";
            state.error =
                "The broker takes the password only in clear text (PLAIN), which is not sent over an unencrypted connection; use amqps://.";
            return {};
        }
    }
    if (credentials.has_certificate && offered(mechanisms, "EXTERNAL", state)) return "EXTERNAL";
    // A user who gave a name wants to be that user, not nobody.
    if (credentials.user.empty() && offered(mechanisms, "ANONYMOUS", state)) return "ANONYMOUS";
    std::string list;
    for (const std::string& mechanism : mechanisms) list += (list.empty() ? "" : ", ") + mechanism;
    if (credentials.user.empty()) {
        state.error = "The broker wants a login; give a user and a password to the connection factory (the broker offers " + list + ").";
    } else {
        state.error = "The broker offers no way to log in with a user and a password that this library can use (it offers " + list + ").";
    }
    return {};
}

bool start(pn_transport_t* transport, State& state) {
    pnx_sasl_set_selected_mechanism(transport, state.mechanism.c_str());
    std::string initial;
    if (state.mechanism == "SCRAM-SHA-256") {
        state.scram = std::make_shared<ScramClient>(state.credentials.user, state.credentials.password);
        initial = state.scram->first();
        if (initial.empty()) {
            state.error = "The login failed: " + state.scram->error() + ".";
            return false;
        }
    } else if (state.mechanism == "PLAIN") {
        initial = std::string(1, '\0') + state.credentials.user + std::string(1, '\0') + state.credentials.password;
    } else if (state.mechanism == "ANONYMOUS") {
        initial = "anonymous";
    }
    send(transport, state, std::move(initial), SASL_POSTED_INIT);
    return true;
}

bool process_mechanisms(pn_transport_t* transport, const char* text) {
    State& state = state_of(transport);
    std::istringstream words(text == nullptr ? "" : std::string(text).substr(0, 4096));
    std::vector<std::string> mechanisms;
    for (std::string word; words >> word;) mechanisms.push_back(word);
    state.mechanism = choose(mechanisms, state);
    return !state.mechanism.empty() && start(transport, state);
}

void respond(pn_transport_t* transport, State& state, std::string answer) {
    if (!state.scram->error().empty()) {
        state.error = "The login was broken off: " + state.scram->error() + ".";
        pnx_sasl_set_desired_state(transport, SASL_ERROR);
        return;
    }
    send(transport, state, std::move(answer), SASL_POSTED_RESPONSE);
}

void process_challenge(pn_transport_t* transport, const pn_bytes_t* bytes) {
    State& state = state_of(transport);
    ++state.challenges;
    if (!state.scram || state.challenges > 2 || state.challenge) {
        state.error = "The broker sent a login challenge that the mechanism " + state.mechanism + " does not have.";
        pnx_sasl_set_desired_state(transport, SASL_ERROR);
        return;
    }
    if (state.challenges == 1) {
        state.challenge = view(bytes);
        return;
    }
    // The second challenge is the server's proof; it is answered with nothing.
    state.scram->verify(view(bytes));
    respond(transport, state, {});
}

void process_outcome(pn_transport_t* transport, const pn_bytes_t* bytes) {
    State& state = state_of(transport);
    if (state.scram && !state.scram->verified() && !view(bytes).empty()) state.scram->verify(view(bytes));
}

const pnx_sasl_implementation client_implementation = {
    [](pn_transport_t*) {},
    [](pn_transport_t*) { return all_mechanisms; },
    [](pn_transport_t*) { return false; },
    [](pn_transport_t*) { return true; },
    [](pn_transport_t*) {},
    [](pn_transport_t*, const char*, const pn_bytes_t*) {},
    [](pn_transport_t*, const pn_bytes_t*) {},
    process_mechanisms,
    process_challenge,
    process_outcome,
    [](pn_transport_t*) { return false; },
    [](pn_transport_t*) -> ssize_t { return 0; },
    [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) -> ssize_t { return 0; },
    [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) -> ssize_t { return 0; },
};

}  // namespace

SaslClient::SaslClient(pn_transport_t* transport, Credentials credentials) : transport_(transport), state_(std::make_unique<State>()) {
    state_->credentials = std::move(credentials);
    pn_sasl(transport);
    pnx_sasl_set_implementation(transport, &client_implementation, state_.get());
}

SaslClient::~SaslClient() {
    OPENSSL_cleanse(state_->credentials.password.data(), state_->credentials.password.size());
    OPENSSL_cleanse(state_->out.data(), state_->out.size());
}

bool SaslClient::trustworthy() const { return !state_->scram || state_->scram->verified(); }
const std::string& SaslClient::error() const { return state_->error; }

SaslClient::Work SaslClient::take_work() {
    if (!state_->challenge) return {};
    return [scram = state_->scram, challenge = *std::exchange(state_->challenge, std::nullopt)] { return scram->final(challenge); };
}

void SaslClient::answer(std::string bytes) { respond(transport_, *state_, std::move(bytes)); }

}  // namespace giromq::detail
