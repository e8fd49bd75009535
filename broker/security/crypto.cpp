#include "security/crypto.hpp"

#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/rand.h>

#include <limits>
#include <memory>
#include <string>

namespace giromq::security {
namespace {

struct MacContextFree {
    void operator()(EVP_MAC_CTX* context) const { EVP_MAC_CTX_free(context); }
};
using MacContext = std::unique_ptr<EVP_MAC_CTX, MacContextFree>;

/// Looking an algorithm up is slow and the result is immutable, so it is done once; never freed, because threads may still use it while
/// static objects are torn down.
EVP_MAC* hmac_algorithm() {
    static EVP_MAC* const algorithm = EVP_MAC_fetch(nullptr, "HMAC", nullptr);
    return algorithm;
}

Error failed(std::string_view operation) { return Error(errc::internal, std::string(operation) + " failed"); }

}  // namespace

SecretDigest::~SecretDigest() { OPENSSL_cleanse(bytes_.data(), bytes_.size()); }

Result<Digest> sha256(std::span<const std::uint8_t> bytes) {
    Digest digest{};
    unsigned int written = 0;
    const int done = EVP_Digest(bytes.data(), bytes.size(), digest.data(), &written, EVP_sha256(), nullptr);
    if (done != 1 || written != digest.size()) return failed("SHA-256");
    return digest;
}

Result<Digest> hmac_sha256(std::span<const std::uint8_t> key, std::initializer_list<std::string_view> parts) {
    EVP_MAC* const algorithm = hmac_algorithm();
    if (algorithm == nullptr) return failed("HMAC-SHA-256");
    const MacContext context(EVP_MAC_CTX_new(algorithm));
    std::string digest_name = "SHA256";
    const std::array<OSSL_PARAM, 2> parameters{
        OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest_name.data(), digest_name.size()), OSSL_PARAM_construct_end()};
    // OpenSSL takes a null key pointer for "keep the key there was".
    static constexpr std::uint8_t no_key = 0;
    const std::uint8_t* const key_data = key.empty() ? &no_key : key.data();
    if (!context || EVP_MAC_init(context.get(), key_data, key.size(), parameters.data()) != 1) return failed("HMAC-SHA-256");
    for (const auto part : parts) {
        if (EVP_MAC_update(context.get(), as_bytes(part).data(), part.size()) != 1) return failed("HMAC-SHA-256");
    }
    Digest digest{};
    std::size_t written = 0;
    if (EVP_MAC_final(context.get(), digest.data(), &written, digest.size()) != 1 || written != digest.size())
        return failed("HMAC-SHA-256");
    return digest;
}

Result<SecretDigest> pbkdf2_sha256(std::string_view password, std::span<const std::uint8_t> salt, std::uint32_t iterations) {
    constexpr std::uint32_t int_max = std::numeric_limits<int>::max();
    if (iterations == 0 || iterations > int_max || password.size() > int_max || salt.size() > int_max) return failed("PBKDF2");
    SecretDigest key;
    const int done =
        PKCS5_PBKDF2_HMAC(password.data(), static_cast<int>(password.size()), salt.data(), static_cast<int>(salt.size()),
                          static_cast<int>(iterations), EVP_sha256(), static_cast<int>(key.bytes().size()), key.bytes().data());
    if (done != 1) return failed("PBKDF2");
    return key;
}

Result<void> random_bytes(std::span<std::uint8_t> bytes) {
    if (bytes.size() > std::numeric_limits<int>::max() || RAND_bytes(bytes.data(), static_cast<int>(bytes.size())) != 1) {
        return failed("the random number generator");
    }
    return {};
}

bool equal_in_constant_time(const Digest& left, const Digest& right) { return CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0; }

Result<Digest> process_key() {
    static const Result<Digest> key = [] {
        Digest bytes{};
        const auto filled = random_bytes(bytes);
        return filled ? Result<Digest>(bytes) : Result<Digest>(filled.error());
    }();
    return key;
}

std::string_view as_text(std::span<const std::uint8_t> bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }

std::span<const std::uint8_t> as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }

}  // namespace giromq::security
