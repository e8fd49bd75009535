#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>
#include <utility>

#include "config/config.hpp"

namespace giromq::config {
namespace {

constexpr std::size_t config_bytes_max = 4u << 20;
constexpr std::size_t secret_bytes_max = 4096;
constexpr std::size_t selector_bytes_max = 16 * 1024;

/// At most one byte more than `bytes_max`, so that the caller can tell that there is more. Regular files and pipes only, no folders.
Result<std::string> read_file(const std::string& file, std::size_t bytes_max) {
    std::error_code error;
    if (std::filesystem::is_directory(file, error)) return Error(errc::cannot_read, file + " is a folder");
    std::ifstream stream(file, std::ios::binary);
    if (!stream) return Error(errc::cannot_read, file + ": " + std::generic_category().message(errno));
    std::string text(bytes_max + 1, '\0');
    stream.read(text.data(), static_cast<std::streamsize>(text.size()));
    if (stream.bad()) return Error(errc::cannot_read, file + " could not be read to its end");
    text.resize(static_cast<std::size_t>(stream.gcount()));
    return text;
}

void resolve_path(std::string& path, const std::filesystem::path& folder) {
    if (!path.empty() && path.front() != '/') path = (folder / path).lexically_normal().string();
}

void resolve_paths(Config& config, const std::filesystem::path& folder) {
    resolve_path(config.broker.data_directory, folder);
    resolve_path(config.tls.certificate_file, folder);
    resolve_path(config.tls.private_key_file, folder);
    resolve_path(config.tls.client_ca_file, folder);
    resolve_path(config.tls.crl_file, folder);
    for (auto& selector : config.selectors) resolve_path(selector.file, folder);
    constexpr std::string_view prefix = "file:";
    if (config.tls.private_key_password.starts_with(prefix)) {
        std::string path = config.tls.private_key_password.substr(prefix.size());
        resolve_path(path, folder);
        config.tls.private_key_password = std::string(prefix) + path;
    }
}

Result<void> check_readable(const std::string& file, std::string_view option) {
    if (file.empty()) return {};
    if (const auto text = read_file(file, 0); !text) return Error(errc::cannot_read, std::string(option) + ": " + text.error().detail());
    return {};
}

}  // namespace

Result<Config> load_config(const std::string& file) {
    const auto text = read_file(file, config_bytes_max);
    if (!text) return text.error();
    if (text->size() > config_bytes_max) return Error(errc::cannot_read, file + " is larger than 4 MiB, so it is no configuration");
    auto config = parse_config(*text, file);
    if (!config) return config;
    std::error_code error;
    const auto absolute = std::filesystem::absolute(file, error);
    if (error) return Error(errc::cannot_read, file + ": " + error.message());
    resolve_paths(*config, absolute.parent_path());
    return config;
}

Result<std::string> read_selector(const SelectorConfig& selector) {
    auto text = read_file(selector.file, selector_bytes_max);
    if (text && text->size() > selector_bytes_max)
        return Error(errc::cannot_read, selector.file + " is larger than 16 KiB, so it is no selector");
    return text;
}

Result<void> check_files(const Config& config) {
    const auto& tls = config.tls;
    for (const auto& [option, file] : {std::pair<std::string_view, const std::string&>("certificate-file", tls.certificate_file),
                                       {"private-key-file", tls.private_key_file},
                                       {"client-ca-file", tls.client_ca_file},
                                       {"crl-file", tls.crl_file}}) {
        if (auto checked = check_readable(file, option); !checked) return checked;
    }
    if (!tls.private_key_password.empty()) {
        if (const auto secret = resolve_secret(tls.private_key_password); !secret) return secret.error();
    }
    std::error_code error;
    const std::filesystem::path folder(config.broker.data_directory);
    if (std::filesystem::exists(folder, error) && !std::filesystem::is_directory(folder, error)) {
        return Error(errc::cannot_read, "data-directory: " + folder.string() + " is not a folder");
    }
    return {};
}

Result<std::string> resolve_secret(std::string_view reference) {
    if (reference.starts_with("env:")) {
        const std::string name(reference.substr(4));
        const char* const value = std::getenv(name.c_str());
        if (value == nullptr) return Error(errc::secret_not_found, "the environment variable " + name + " is not set");
        return std::string(value);
    }
    if (!reference.starts_with("file:")) {
        // The reference is not repeated: somebody may have written the secret itself.
        return Error(errc::secret_not_found, "a secret is given as file:PATH or env:NAME, never itself");
    }
    const std::string file(reference.substr(5));
    auto text = read_file(file, secret_bytes_max);
    if (!text) return Error(errc::secret_not_found, text.error().detail());
    std::string secret = std::move(text).value();
    if (const auto end = secret.find_first_of("\r\n"); end != std::string::npos) secret.resize(end);
    if (secret.empty()) return Error(errc::secret_not_found, file + " is empty");
    if (secret.size() > secret_bytes_max) return Error(errc::secret_not_found, file + " is longer than 4096 bytes");
    return secret;
}

}  // namespace giromq::config
