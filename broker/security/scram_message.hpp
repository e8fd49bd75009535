#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.hpp"
#include "security/crypto.hpp"

/// The text of SCRAM's messages (RFC 5802 §7): bounded, read strictly in the order of the grammar, nothing guessed.
namespace giromq::security::scram {

inline constexpr std::size_t message_bytes_max = 2048;
inline constexpr std::size_t nonce_bytes_max = 256;

/// client-first-message.
struct ClientFirst {
    std::string gs2_header;  // "n,," or "y,," with the authorisation identity between the commas
    std::string bare;        // client-first-message-bare, a part of AuthMessage
    std::string user;        // unescaped
    std::string nonce;
};

/// Errors: malformed; mechanism_not_offered if the client demands channel binding; not_permitted if it wants to act as another user.
Result<ClientFirst> parse_client_first(std::string_view message);

/// client-final-message.
struct ClientFinal {
    std::string channel_binding;  // decoded: the GS2 header again
    std::string nonce;
    Digest proof{};
    std::string without_proof;  // client-final-message-without-proof, a part of AuthMessage
};

Result<ClientFinal> parse_client_final(std::string_view message);

}  // namespace giromq::security::scram
