#include "profiles.hpp"

#include <array>
#include <cstdlib>
#include <filesystem>

#include "common.hpp"

namespace giromq::tool {
namespace {

constexpr std::size_t file_bytes_max = 64 * 1024;
constexpr std::string_view option_name = "--profile";

struct Key {
    std::string_view word;
    const char* variable;
    bool is_file;
};
constexpr std::array<Key, 7> keys{{{"url", "GIROMQ_URL", false},
                                   {"http", "GIROMQ_HTTP", false},
                                   {"user", "GIROMQ_USER", false},
                                   {"password-file", "GIROMQ_PASSWORD_FILE", true},
                                   {"tls-ca-file", "GIROMQ_TLS_CA_FILE", true},
                                   {"tls-certificate-file", "GIROMQ_TLS_CERTIFICATE_FILE", true},
                                   {"tls-key-file", "GIROMQ_TLS_KEY_FILE", true}}};

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t\r");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t\r") - begin + 1);
}

[[noreturn]] void refuse(std::size_t line, const std::string& why) {
    throw ToolError("The profiles, line " + std::to_string(line) + ": " + why, exit_usage);
}

const Key& key_named(std::string_view word, std::size_t line) {
    for (const auto& key : keys) {
        if (key.word == word) return key;
    }
    if (word == "password") refuse(line, "a password does not belong there; put it into a file, and its name at password-file.");
    refuse(line, "there is no option '" + printable(word) + "'.");
}

std::filesystem::path profiles_file() {
    const auto variable = [](const char* name) {
        const char* const value = std::getenv(name);
        return std::filesystem::path(value == nullptr ? "" : value);
    };
    const auto base = variable("XDG_CONFIG_HOME");
    return (base.is_absolute() ? base : variable("HOME") / ".config") / "giromq" / "profiles";
}

}  // namespace

Profile read_profile(std::string_view text, const std::string& name, const std::string& folder) {
    if (text.size() > file_bytes_max) throw ToolError("The profiles have more than 64 KiB.", exit_usage);
    Profile profile;
    bool is_found = false;
    bool is_inside = false;
    bool is_begun = false;
    for (std::size_t number = 1; !text.empty(); ++number) {
        const auto end = text.find('\n');
        const auto line = trimmed(text.substr(0, end));
        text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
        if (line.empty() || line.front() == '#') continue;
        if (line.front() == '[') {
            if (line.size() < 3 || line.back() != ']') refuse(number, "a profile begins with [name].");
            is_begun = true;
            is_inside = line.substr(1, line.size() - 2) == name;
            if (is_inside && is_found) refuse(number, "there are two profiles '" + printable(name) + "'.");
            is_found = is_found || is_inside;
            continue;
        }
        const auto equals = line.find('=');
        if (equals == std::string_view::npos || !is_begun)
            refuse(number, "what is expected is [name], and then lines such as user = anna.");
        const auto& key = key_named(trimmed(line.substr(0, equals)), number);
        const auto value = trimmed(line.substr(equals + 1));
        if (value.empty()) refuse(number, std::string(key.word) + " has no value.");
        if (!is_inside) continue;
        const auto whole = key.is_file ? (std::filesystem::path(folder) / value).string() : std::string(value);
        if (!profile.emplace(key.variable, whole).second) refuse(number, std::string(key.word) + " is there twice.");
    }
    if (!is_found) throw ToolError("There is no profile '" + printable(name) + "'.", exit_usage);
    return profile;
}

std::optional<std::string> chosen_profile(int argc, const char* const* argv) {
    for (int at = 1; at < argc; ++at) {
        const std::string_view word(argv[at]);
        if (word == "--") break;
        if (word == option_name && at + 1 < argc) return argv[at + 1];
        if (word.starts_with(option_name) && word.substr(option_name.size()).starts_with('=')) {
            return std::string(word.substr(option_name.size() + 1));
        }
    }
    const char* const name = std::getenv("GIROMQ_PROFILE");
    if (name == nullptr || *name == '\0') return std::nullopt;
    return name;
}

void enter_profile(const std::string& name) {
    const auto file = profiles_file();
    const auto profile = read_profile(read_file(file.string(), exit_usage), name, file.parent_path().string());
    for (const auto& key : keys) {
        const auto found = profile.find(key.variable);
        if (found == profile.end()) {
            ::unsetenv(key.variable);
        } else {
            ::setenv(key.variable, found->second.c_str(), 1);
        }
    }
}

}  // namespace giromq::tool
