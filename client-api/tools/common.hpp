#pragma once

#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>

#include "giromq/connection.hpp"

namespace giromq::tool {

/// What the program ends with.
enum ExitCode : int { exit_ok = 0, exit_failed = 1, exit_usage = 2, exit_nothing_received = 3, exit_differs = 4 };

/// A reason to end, as a sentence for the person who called.
class ToolError : public std::runtime_error {
public:
    explicit ToolError(const std::string& sentence, int code = exit_failed) : std::runtime_error(sentence), code_(code) {}
    int code() const { return code_; }

private:
    int code_;
};

/// PEM files; empty for none.
struct TlsFiles {
    std::string ca;           // the certificates to trust, instead of the system's
    std::string certificate;  // the client's own chain
    std::string key;          // its private key, if it is not in the same file
};

/// The options that every command has.
struct Common {
    std::string profile;
    std::string url = "amqp://127.0.0.1:5672";
    std::string http = "http://127.0.0.1:8161";
    std::string user;
    std::string password_file;
    TlsFiles tls;
    bool json = false;
    bool yes = false;
};

/// The user's password: from the password file, else asked for on the terminal without echo. Empty if there is no user.
std::string password_of(const Common& common);

/// A new password, asked for twice, or from a file.
std::string new_password(const std::string& file, const std::string& user);

/// Asks that `name` be typed before something is destroyed; throws ToolError if it is not, or if nobody can be asked and --yes is not
/// given.
void confirm(const Common& common, const std::string& what, const std::string& name);

std::shared_ptr<Connection> connect(const Common& common);

/// What is in a file; "-" is the standard input. Throws ToolError with `code` if it cannot be read.
std::string read_file(const std::string& path, int code = exit_failed);

/// Writes a new file that only its owner may read. Throws ToolError, also if there is such a file.
void write_private_file(const std::string& path, std::string_view content);

/// "12,345"
std::string grouped(std::uint64_t number);
/// "1.2 MiB"
std::string readable_bytes(std::uint64_t bytes);

/// What came from elsewhere, made fit for a terminal: control characters are shown as '?'. `keep`: those that are left as they are.
std::string printable(std::string_view text, std::string_view keep = {});

/// Refuses an address with a user or a password in it, which everybody on the machine could read in the list of processes.
void check_address(const std::string& option, std::string_view address);

}  // namespace giromq::tool
