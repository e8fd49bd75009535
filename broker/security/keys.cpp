#include "security/keys.hpp"

namespace giromq::security {

Result<ScramKeys> derive_keys(std::string_view password, std::span<const std::uint8_t> salt, std::uint32_t iterations) {
    const auto salted_password = pbkdf2_sha256(password, salt, iterations);
    if (!salted_password) return salted_password.error();
    const auto client_key = hmac_sha256(salted_password->bytes(), {"Client Key"});
    if (!client_key) return client_key.error();
    const SecretDigest secret_client_key(*client_key);
    const auto stored_key = sha256(secret_client_key.bytes());
    if (!stored_key) return stored_key.error();
    const auto server_key = hmac_sha256(salted_password->bytes(), {"Server Key"});
    if (!server_key) return server_key.error();
    return ScramKeys{*stored_key, *server_key};
}

}  // namespace giromq::security
