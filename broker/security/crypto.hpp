#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string_view>

#include "base/result.hpp"
#include "security/errc.hpp"

/// The few primitives that SCRAM and the passwords need, over OpenSSL. Every function is thread-safe.
namespace giromq::security {

using Digest = std::array<std::uint8_t, 32>;

/// A digest that is a secret: overwritten when it goes away.
class SecretDigest {
public:
    SecretDigest() = default;
    explicit SecretDigest(const Digest& bytes) : bytes_(bytes) {}
    SecretDigest(const SecretDigest&) = default;
    SecretDigest& operator=(const SecretDigest&) = default;
    ~SecretDigest();

    const Digest& bytes() const { return bytes_; }
    Digest& bytes() { return bytes_; }

private:
    Digest bytes_{};
};

/// SHA-256 (FIPS 180-4).
Result<Digest> sha256(std::span<const std::uint8_t> bytes);

/// HMAC-SHA-256 (RFC 2104) over the parts one after another.
Result<Digest> hmac_sha256(std::span<const std::uint8_t> key, std::initializer_list<std::string_view> parts);

/// PBKDF2 with HMAC-SHA-256 (RFC 8018 §5.2), which is SCRAM's Hi(). `iterations` from 1; slow in proportion to it.
Result<SecretDigest> pbkdf2_sha256(std::string_view password, std::span<const std::uint8_t> salt, std::uint32_t iterations);

/// Bytes that cannot be guessed.
Result<void> random_bytes(std::span<std::uint8_t> bytes);

/// Compares in a time that does not depend on the contents.
bool equal_in_constant_time(const Digest& left, const Digest& right);

/// A key made at random when the process first asks for it, for values that only have to agree within one run. Fails with
/// errc::internal if there is no randomness.
Result<Digest> process_key();

/// The bytes of a digest or key as text, for the parts of hmac_sha256.
std::string_view as_text(std::span<const std::uint8_t> bytes);
std::span<const std::uint8_t> as_bytes(std::string_view text);

}  // namespace giromq::security
