#include "scram_client.hpp"

#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/rand.h>
#include <openssl/sha.h>

#include <array>
#include <charconv>
#include <optional>

namespace giromq::detail {
namespace {

constexpr std::size_t hash_bytes = SHA256_DIGEST_LENGTH;
/// A hostile server must not make the client compute for minutes.
constexpr unsigned iterations_max = 10'000'000;
constexpr unsigned iterations_min = 4096;  // RFC 7677 §4

const unsigned char* octets(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

std::string hmac(std::string_view key, std::string_view text) {
    std::array<unsigned char, hash_bytes> out{};
    unsigned size = 0;
    HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), octets(text), text.size(), out.data(), &size);
    return {reinterpret_cast<const char*>(out.data()), size};
}

std::string sha256(std::string_view text) {
    std::array<unsigned char, hash_bytes> out{};
    SHA256(octets(text), text.size(), out.data());
    return {reinterpret_cast<const char*>(out.data()), out.size()};
}

std::string to_base64(std::string_view bytes) {
    std::string out(4 * ((bytes.size() + 2) / 3) + 1, '\0');
    const int size = EVP_EncodeBlock(reinterpret_cast<unsigned char*>(out.data()), octets(bytes), static_cast<int>(bytes.size()));
    out.resize(static_cast<std::size_t>(size));
    return out;
}

std::optional<std::string> from_base64(std::string_view text) {
    if (text.empty() || text.size() % 4 != 0 || text.size() > 4096) return std::nullopt;
    std::string out(text.size() / 4 * 3, '\0');
    if (EVP_DecodeBlock(reinterpret_cast<unsigned char*>(out.data()), octets(text), static_cast<int>(text.size())) < 0) return std::nullopt;
    out.resize(out.size() - (text.ends_with("==") ? 2 : text.ends_with('=') ? 1 : 0));
    return out;
}

/// saslname (RFC 5802 §5.1): ',' and '=' are escaped.
std::string escaped(std::string_view name) {
    std::string out;
    for (const char c : name) {
        if (c == ',') {
            out += "=2C";
        } else if (c == '=') {
            out += "=3D";
        } else {
            out += c;
        }
    }
    return out;
}

/// The value of the attribute `name` when the message begins with it; the message is moved behind it.
std::optional<std::string_view> attribute(std::string_view& message, char name) {
    if (message.size() < 2 || message[0] != name || message[1] != '=') return std::nullopt;
    const std::size_t comma = std::min(message.find(','), message.size());
    const std::string_view value = message.substr(2, comma - 2);
    message.remove_prefix(std::min(comma + 1, message.size()));
    return value;
}

}  // namespace

ScramClient::ScramClient(std::string user, std::string password) : user_(std::move(user)), password_(std::move(password)) {}

ScramClient::~ScramClient() { OPENSSL_cleanse(password_.data(), password_.size()); }

std::string ScramClient::first(std::string nonce) {
    if (nonce.empty()) {
        std::array<unsigned char, 24> random{};
        if (RAND_bytes(random.data(), static_cast<int>(random.size())) != 1) {
            error_ = "the system has no random numbers";
            return {};
        }
        nonce = to_base64({reinterpret_cast<const char*>(random.data()), random.size()});
    }
    nonce_ = std::move(nonce);
    first_bare_ = "n=" + escaped(user_) + ",r=" + nonce_;
    return "n,," + first_bare_;
}

std::string ScramClient::final(std::string_view server_first) {
    std::string_view rest = server_first;
    const auto nonce = attribute(rest, 'r');
    const auto salt_text = attribute(rest, 's');
    const auto iterations_text = attribute(rest, 'i');
    unsigned iterations = 0;
    if (iterations_text) std::from_chars(iterations_text->data(), iterations_text->data() + iterations_text->size(), iterations);
    const auto salt = salt_text ? from_base64(*salt_text) : std::nullopt;
    if (nonce_.empty() || !nonce || !salt || nonce->size() <= nonce_.size() || !nonce->starts_with(nonce_) || iterations < iterations_min ||
        iterations > iterations_max) {
        error_ = "the broker's SCRAM challenge is not acceptable";
        return {};
    }
    std::string salted(hash_bytes, '\0');
    if (PKCS5_PBKDF2_HMAC(password_.data(), static_cast<int>(password_.size()), octets(*salt), static_cast<int>(salt->size()),
                          static_cast<int>(iterations), EVP_sha256(), static_cast<int>(hash_bytes),
                          reinterpret_cast<unsigned char*>(salted.data())) != 1) {
        error_ = "the key could not be derived";
        return {};
    }
    const std::string client_key = hmac(salted, "Client Key");
    const std::string without_proof = "c=biws,r=" + std::string(*nonce);
    const std::string auth_message = first_bare_ + "," + std::string(server_first) + "," + without_proof;
    const std::string signature = hmac(sha256(client_key), auth_message);
    std::string proof = client_key;
    for (std::size_t index = 0; index < proof.size(); ++index) proof[index] = static_cast<char>(proof[index] ^ signature[index]);
    server_signature_ = hmac(hmac(salted, "Server Key"), auth_message);
    OPENSSL_cleanse(salted.data(), salted.size());
    return without_proof + ",p=" + to_base64(proof);
}

bool ScramClient::verify(std::string_view server_final) {
    const auto signature_text = attribute(server_final, 'v');
    const auto signature = signature_text ? from_base64(*signature_text) : std::nullopt;
    verified_ = signature && !server_signature_.empty() && signature->size() == server_signature_.size() &&
                CRYPTO_memcmp(signature->data(), server_signature_.data(), signature->size()) == 0;
    if (!verified_) error_ = "the broker could not prove that it knows the password";
    return verified_;
}

}  // namespace giromq::detail
