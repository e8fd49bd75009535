#include "main/first_administrator.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <filesystem>
#include <string_view>
#include <system_error>
#include <utility>

#include "admin/errc.hpp"
#include "security/crypto.hpp"
#include "security/user_directory.hpp"

namespace giromq::daemon {
namespace {

constexpr const char* file_name = "initial-admin-password";

Result<std::string> random_password() {
    // 32 characters that cannot be taken for one another: 5 bits each, 120 bits in all.
    constexpr std::string_view alphabet = "abcdefghijkmnpqrstuvwxyz23456789";
    static_assert(alphabet.size() == 32);
    std::array<std::uint8_t, 24> bytes{};
    if (auto drawn = security::random_bytes(bytes); !drawn) return drawn.error();
    std::string password;
    for (const auto byte : bytes) password += alphabet[byte % alphabet.size()];
    return password;
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

Result<FirstAdministrator> make_first_administrator(const std::string& data_directory) {
    auto password = random_password();
    if (!password) return password.error();
    auto user = security::make_user(first_administrator_name, Role::administrator, *password);
    if (!user) return user.error();
    FirstAdministrator made{std::move(*user), (std::filesystem::path(data_directory) / file_name).string()};
    if (auto written = write_secret(made.password_file, *password); !written) return written.error();
    if (auto synced = sync_folder(data_directory); !synced) return synced.error();
    return made;
}

}  // namespace giromq::daemon
