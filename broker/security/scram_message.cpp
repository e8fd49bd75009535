#include "security/scram_message.hpp"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/limits.hpp"
#include "base/utf8.hpp"
#include "security/encoding.hpp"

namespace giromq::security::scram {
namespace {

Error malformed(const char* what) { return Error(errc::malformed, what); }

/// Takes what stands before the next comma, and the comma.
std::string_view take_field(std::string_view& rest) {
    const auto comma = rest.find(',');
    const auto field = rest.substr(0, comma);
    rest.remove_prefix(comma == std::string_view::npos ? rest.size() : comma + 1);
    return field;
}

bool has_name(std::string_view field, char name) { return field.size() >= 2 && field[0] == name && field[1] == '='; }

/// saslname: "=2C" is a comma and "=3D" an equals sign; no other escape, no NUL, not empty, well-formed UTF-8.
std::optional<std::string> unescape_name(std::string_view text) {
    std::string name;
    while (!text.empty()) {
        if (text[0] != '=') {
            name += text[0];
            text.remove_prefix(1);
        } else if (text.starts_with("=2C")) {
            name += ',';
            text.remove_prefix(3);
        } else if (text.starts_with("=3D")) {
            name += '=';
            text.remove_prefix(3);
        } else {
            return std::nullopt;
        }
    }
    if (name.empty() || name.size() > limits::user_name_bytes || !is_clean_utf8(name)) return std::nullopt;
    return name;
}

/// printable: visible ASCII but the comma.
bool is_nonce(std::string_view text) {
    return !text.empty() && text.size() <= nonce_bytes_max &&
           std::all_of(text.begin(), text.end(), [](char character) { return character > 0x20 && character < 0x7F && character != ','; });
}

/// attr-val: a letter, "=", and at least one character. Extensions are allowed and mean nothing to this server.
bool is_extension(std::string_view field) {
    const bool letter = !field.empty() && ((field[0] >= 'A' && field[0] <= 'Z') || (field[0] >= 'a' && field[0] <= 'z'));
    if (!letter || field.size() < 3 || field[1] != '=') return false;
    std::string_view value = field.substr(2);
    while (!value.empty()) {
        const auto code_point = take_code_point(value);
        if (!code_point || *code_point == 0) return false;
    }
    return true;
}

Result<void> check_bytes(std::string_view message) {
    if (message.size() > message_bytes_max) return malformed("the message is longer than 2048 bytes");
    return {};
}

/// The binding flag and the authorisation identity; the latter is returned, empty for none.
Result<std::string> take_gs2_header(std::string_view& rest) {
    if (rest.find(',') == std::string_view::npos) return malformed("no GS2 header");
    const auto flag = take_field(rest);
    if (flag.starts_with("p=")) return Error(errc::mechanism_not_offered, "the client demands channel binding, which is not offered");
    if (flag != "n" && flag != "y") return malformed("the GS2 header begins with none of n, y and p=");
    if (rest.find(',') == std::string_view::npos) return malformed("the GS2 header has no end");
    const auto field = take_field(rest);
    if (field.empty()) return std::string();
    if (!has_name(field, 'a')) return malformed("the GS2 header holds something else than an authorisation identity");
    auto identity = unescape_name(field.substr(2));
    if (!identity) return malformed("the authorisation identity is not a saslname");
    return *std::move(identity);
}

Result<void> skip_extensions(std::string_view rest, bool comma_seen) {
    if (comma_seen && rest.empty()) return malformed("a comma with nothing behind it");
    while (!rest.empty()) {
        const bool last = rest.find(',') == std::string_view::npos;
        const auto field = take_field(rest);
        if (!is_extension(field) || (!last && rest.empty())) return malformed("an extension is not of the form letter=value");
        if (field[0] == 'm') return malformed("a mandatory extension, which this server does not know");
    }
    return {};
}

}  // namespace

Result<ClientFirst> parse_client_first(std::string_view message) {
    if (const auto checked = check_bytes(message); !checked) return checked.error();
    std::string_view rest = message;
    const auto authorisation = take_gs2_header(rest);
    if (!authorisation) return authorisation.error();
    ClientFirst first;
    first.gs2_header = std::string(message.substr(0, message.size() - rest.size()));
    first.bare = std::string(rest);
    const auto user_field = take_field(rest);
    if (has_name(user_field, 'm')) return malformed("a mandatory extension, which this server does not know");
    auto user = has_name(user_field, 'n') ? unescape_name(user_field.substr(2)) : std::nullopt;
    if (!user) return malformed("the user name is missing or not a saslname");
    first.user = *std::move(user);
    const bool more = rest.find(',') != std::string_view::npos;
    const auto nonce_field = take_field(rest);
    if (!has_name(nonce_field, 'r') || !is_nonce(nonce_field.substr(2))) return malformed("the nonce is missing or not printable");
    first.nonce = std::string(nonce_field.substr(2));
    if (const auto skipped = skip_extensions(rest, more); !skipped) return skipped.error();
    if (!authorisation->empty() && *authorisation != first.user) {
        return Error(errc::not_permitted, "the authorisation identity is not the user who logs in");
    }
    return first;
}

Result<ClientFinal> parse_client_final(std::string_view message) {
    if (const auto checked = check_bytes(message); !checked) return checked.error();
    const auto last_comma = message.rfind(',');
    if (last_comma == std::string_view::npos) return malformed("no proof");
    const auto proof_field = message.substr(last_comma + 1);
    ClientFinal final;
    final.without_proof = std::string(message.substr(0, last_comma));
    std::string_view rest = final.without_proof;
    const auto binding_field = take_field(rest);
    auto binding = has_name(binding_field, 'c') ? decode_base64(binding_field.substr(2)) : std::nullopt;
    if (!binding) return malformed("the channel binding is missing or not base 64");
    final.channel_binding = std::string(as_text(*binding));
    const bool more = rest.find(',') != std::string_view::npos;
    const auto nonce_field = take_field(rest);
    if (!has_name(nonce_field, 'r') || nonce_field.size() > 2 + 2 * nonce_bytes_max) return malformed("the nonce is missing or too long");
    final.nonce = std::string(nonce_field.substr(2));
    if (const auto skipped = skip_extensions(rest, more); !skipped) return skipped.error();
    const auto proof = has_name(proof_field, 'p') ? decode_base64(proof_field.substr(2)) : std::nullopt;
    if (!proof || proof->size() != final.proof.size()) return malformed("the proof is missing or not 32 bytes in base 64");
    std::copy(proof->begin(), proof->end(), final.proof.begin());
    return final;
}

}  // namespace giromq::security::scram
