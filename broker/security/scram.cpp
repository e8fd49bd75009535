#include "security/scram.hpp"

#include <array>
#include <optional>
#include <utility>

#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "security/scram_message.hpp"

namespace giromq::security {
namespace {

enum class Step { awaiting_first, awaiting_final, over };

/// 18 random bytes are 24 characters without padding, and none of them a comma.
Result<std::string> make_nonce() {
    std::array<std::uint8_t, 18> bytes{};
    if (const auto filled = random_bytes(bytes); !filled) return filled.error();
    return encode_base64(bytes);
}

/// H(ClientProof XOR HMAC(StoredKey, AuthMessage)) is StoredKey if the client knows the password (RFC 5802 §3).
Result<bool> proves(const Digest& proof, const Digest& stored_key, std::string_view auth_message) {
    const auto client_signature = hmac_sha256(stored_key, {auth_message});
    if (!client_signature) return client_signature.error();
    SecretDigest client_key;
    for (std::size_t index = 0; index < proof.size(); ++index) {
        client_key.bytes()[index] = static_cast<std::uint8_t>(proof[index] ^ (*client_signature)[index]);
    }
    const auto hash = sha256(client_key.bytes());
    if (!hash) return hash.error();
    return equal_in_constant_time(*hash, stored_key);
}

}  // namespace

struct ScramServer::State {
    explicit State(const UserDirectory& directory) : users(directory) {}

    const UserDirectory& users;
    std::optional<std::string> fixed_nonce;
    Step step = Step::awaiting_first;
    UserDirectory::Candidate candidate;
    std::string gs2_header;
    std::string nonce;         // the client's and the server's
    std::string auth_message;  // grows: client-first-message-bare "," server-first-message ","
    Identity identity;
};

ScramServer::ScramServer(const UserDirectory& users) : state_(std::make_unique<State>(users)) {}

ScramServer::ScramServer(const UserDirectory& users, NonceForTests nonce) : ScramServer(users) {
    state_->fixed_nonce = std::move(nonce.value);
}

ScramServer::~ScramServer() = default;

Result<std::string> ScramServer::first(std::string_view client_first) {
    if (std::exchange(state_->step, Step::over) != Step::awaiting_first) return Error(errc::malformed, "client-first-message out of turn");
    auto message = scram::parse_client_first(client_first);
    if (!message) return message.error();
    const auto server_nonce = state_->fixed_nonce ? Result<std::string>(*state_->fixed_nonce) : make_nonce();
    if (!server_nonce) return server_nonce.error();
    auto candidate = state_->users.candidate(message->user);
    if (!candidate) return candidate.error();
    state_->candidate = std::move(candidate).value();
    state_->gs2_header = std::move(message->gs2_header);
    state_->nonce = message->nonce + *server_nonce;
    const User& user = state_->candidate.user;
    std::string answer = "r=" + state_->nonce + ",s=" + encode_base64(user.salt) + ",i=" + std::to_string(user.iterations);
    state_->auth_message = message->bare + "," + answer + ",";
    state_->step = Step::awaiting_final;
    return answer;
}

Result<std::string> ScramServer::final(std::string_view client_final) {
    if (std::exchange(state_->step, Step::over) != Step::awaiting_final) return Error(errc::malformed, "client-final-message out of turn");
    const auto message = scram::parse_client_final(client_final);
    if (!message) return message.error();
    if (message->channel_binding != state_->gs2_header) return Error(errc::malformed, "the channel binding is not the GS2 header");
    if (message->nonce != state_->nonce) return Error(errc::malformed, "the nonce is not the one of this exchange");
    const std::string auth_message = state_->auth_message + message->without_proof;
    const User& user = state_->candidate.user;
    const auto proven = proves(message->proof, user.stored_key, auth_message);
    if (!proven) return proven.error();
    const auto server_signature = hmac_sha256(user.server_key, {auth_message});
    if (!server_signature) return server_signature.error();
    if (!*proven || !state_->candidate.is_known) return Error(errc::wrong_credentials);
    state_->identity = state_->users.identity_of(user.name, user.role);
    return "v=" + encode_base64(*server_signature);
}

const std::string& ScramServer::user() const { return state_->candidate.user.name; }
const Identity& ScramServer::identity() const { return state_->identity; }

}  // namespace giromq::security
