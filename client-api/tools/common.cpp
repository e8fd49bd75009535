#include "common.hpp"

#include <termios.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <fstream>
#include <iostream>

#include "giromq/connection_factory.hpp"

namespace giromq::tool {
namespace {

constexpr std::size_t password_bytes_max = 1024;

std::string read_password_file(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!file || !std::getline(file, line))
        throw ToolError("The password file '" + path + "' cannot be read; it has to hold the password in its first line.");
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty() || line.size() > password_bytes_max)
        throw ToolError("The first line of the password file '" + path + "' has to be the password.");
    return line;
}

/// Switches the echo of the terminal off while it exists.
class Silence {
public:
    Silence() : active_(::tcgetattr(STDIN_FILENO, &before_) == 0) {
        termios silent = before_;
        silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
        if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &silent);
    }
    ~Silence() {
        if (active_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    }
    Silence(const Silence&) = delete;
    Silence& operator=(const Silence&) = delete;

private:
    termios before_{};
    bool active_;
};

std::string ask_silently(const std::string& question) {
    if (::isatty(STDIN_FILENO) == 0)
        throw ToolError("There is no terminal to ask for the password; give it by --password-file.", exit_usage);
    std::cerr << question << std::flush;
    std::string answer;
    {
        const Silence silence;
        std::getline(std::cin, answer);
    }
    std::cerr << '\n';
    return answer;
}

}  // namespace

std::string password_of(const Common& common) {
    if (common.user.empty()) return {};
    if (!common.password_file.empty()) return read_password_file(common.password_file);
    return ask_silently("Password of " + common.user + ": ");
}

std::string new_password(const std::string& file, const std::string& user) {
    if (!file.empty()) return read_password_file(file);
    std::string first = ask_silently("New password for " + user + ": ");
    if (ask_silently("Once more: ") != first) throw ToolError("The two passwords differ; nothing was changed.");
    return first;
}

void confirm(const Common& common, const std::string& what, const std::string& name) {
    if (common.yes) return;
    if (::isatty(STDIN_FILENO) == 0) throw ToolError(what + " Nobody can be asked here, so add --yes to do it.", exit_usage);
    std::cerr << what << " Type the name to go on: " << std::flush;
    std::string answer;
    std::getline(std::cin, answer);
    if (answer != name) throw ToolError("The name was not typed; nothing was changed.");
}

std::shared_ptr<Connection> connect(const Common& common) {
    ConnectionFactory factory(common.url);
    if (!common.tls_ca_file.empty()) factory.set_option("tls.ca-file", common.tls_ca_file);
    return common.user.empty() ? factory.create_connection() : factory.create_connection(common.user, password_of(common));
}

std::string grouped(std::uint64_t number) {
    std::string text = std::to_string(number);
    for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
    return text;
}

std::string readable_bytes(std::uint64_t bytes) {
    static constexpr std::array<const char*, 5> units{"B", "KiB", "MiB", "GiB", "TiB"};
    auto value = static_cast<double>(bytes);
    std::size_t unit = 0;
    while (value >= 1024 && unit + 1 < units.size()) {
        value /= 1024;
        ++unit;
    }
    std::array<char, 32> text{};
    std::snprintf(text.data(), text.size(), unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text.data();
}

std::string printable(std::string_view text) {
    std::string out(text);
    for (char& c : out) {
        if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = '?';
    }
    return out;
}

}  // namespace giromq::tool
