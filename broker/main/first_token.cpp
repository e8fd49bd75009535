#include "main/first_token.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>

#include "admin/errc.hpp"
#include "base/log.hpp"
#include "security/crypto.hpp"

namespace giromq::daemon {
namespace {

std::string path_in(const std::string& data_directory) { return (std::filesystem::path(data_directory) / "first-login-token").string(); }

Result<std::string> random_token() {
    // Characters that cannot be taken for one another, 5 bits each: 260 bits in all.
    constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
    static_assert(alphabet.size() == 32);
    std::array<std::uint8_t, 52> bytes{};
    if (auto drawn = security::random_bytes(bytes); !drawn) return drawn.error();
    std::string token;
    for (const auto byte : bytes) token += alphabet[byte % alphabet.size()];
    return token;
}

Error cannot_write(const std::string& path) {
    return Error(admin::errc::failed, "cannot write " + path + ": " + std::generic_category().message(errno));
}

bool write_all(int file, std::string_view text) {
    while (!text.empty()) {
        const auto written = ::write(file, text.data(), text.size());
        if (written < 0 && errno != EINTR) return false;
        if (written > 0) text.remove_prefix(static_cast<std::size_t>(written));
    }
    return true;
}

/// The name of a new file is durable when its folder is.
Result<void> sync_folder(const std::string& folder) {
    const int descriptor = ::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (descriptor < 0) return cannot_write(folder);
    const bool synced = ::fsync(descriptor) == 0;
    const auto failure = cannot_write(folder);
    ::close(descriptor);
    return synced ? Result<void>() : Result<void>(failure);
}

Result<void> write_secret(const std::string& path, const std::string& secret) {
    // A new file, so that nobody who had an old one open can read it.
    ::unlink(path.c_str());
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (file < 0) return cannot_write(path);
    const bool written = write_all(file, secret + "\n") && ::fsync(file) == 0;
    const auto failure = cannot_write(path);
    ::close(file);
    return written ? Result<void>() : Result<void>(failure);
}

}  // namespace

Result<FirstToken> make_first_token(const std::string& data_directory) {
    const auto token = random_token();
    if (!token) return token.error();
    const auto hash = security::sha256(security::as_bytes(*token));
    if (!hash) return hash.error();
    FirstToken made{*hash, path_in(data_directory)};
    if (auto written = write_secret(made.file, *token); !written) return written.error();
    if (auto synced = sync_folder(data_directory); !synced) return synced.error();
    return made;
}

void remove_first_token(const std::string& data_directory) {
    const auto path = path_in(data_directory);
    if (::unlink(path.c_str()) == 0 || errno == ENOENT) return;
    log::warning("first_token_not_removed", {{"file", path}, {"reason", std::generic_category().message(errno)}});
}

}  // namespace giromq::daemon
