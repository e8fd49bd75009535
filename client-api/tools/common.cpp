#include "common.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <fstream>
#include <iostream>
#include <iterator>

#include "giromq/connection_factory.hpp"
#include "giromq/exceptions.hpp"

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
    std::string answer;
    {
        // Before the question, because who answers quickly would see the password, and lose it to the change of the terminal.
        const Silence silence;
        std::cerr << question << std::flush;
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
    if (first.empty()) throw ToolError("A password is not empty; nothing was changed.");
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

void check_address(const std::string& option, std::string_view address) {
    const std::size_t scheme = address.find("://");
    const std::size_t begin = scheme == std::string_view::npos ? 0 : scheme + 3;
    const std::string_view authority = address.substr(begin, address.find_first_of("/?", begin) - begin);
    if (authority.find('@') == std::string_view::npos) return;
    throw ToolError(option + " takes no user and no password, which others could read in the list of processes; give the user by --user, " +
                        "and the password by --password-file or when it is asked for.",
                    exit_usage);
}

std::shared_ptr<Connection> connect(const Common& common) {
    check_address("--url", common.url);
    ConnectionFactory factory(common.url);
    if (!common.tls.ca.empty()) factory.set_option("tls.ca-file", common.tls.ca);
    if (!common.tls.certificate.empty()) factory.set_option("tls.certificate-file", common.tls.certificate);
    if (!common.tls.key.empty()) factory.set_option("tls.key-file", common.tls.key);
    std::shared_ptr<Connection> connection;
    try {
        connection = common.user.empty() ? factory.create_connection() : factory.create_connection(common.user, password_of(common));
    } catch (const JMSSecurityException& exception) {
        if (exception.error_code() == "giromq:tls") throw ToolError(std::string(exception.what()) + " (Here: --tls-ca-file.)");
        if (common.user.empty()) throw ToolError(std::string(exception.what()) + " (Here: --user and --password-file.)");
        throw;
    }
    connection->set_event_listener([](ConnectionEvent event, const std::string& reason) {
        if (event == ConnectionEvent::resumed) {
            std::cerr << "giromq: connected again\n";
        } else {
            std::cerr << "giromq: the connection is lost: " << printable(reason) << " Trying again; Ctrl-C gives up.\n";
        }
    });
    return connection;
}

std::string read_file(const std::string& path, int code) {
    std::ifstream file;
    if (path != "-") file.open(path, std::ios::binary);
    std::istream& in = path == "-" ? std::cin : file;
    const ToolError failure("The file '" + path + "' cannot be read.", code);
    if (path != "-" && !file.is_open()) throw failure;
    try {
        return {std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>()};
    } catch (const std::ios_base::failure&) {
        throw failure;  // a folder can be opened, and fails only here
    }
}

void write_private_file(const std::string& path, std::string_view content) {
    const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, S_IRUSR | S_IWUSR);
    if (file < 0) {
        throw ToolError("The file '" + path + "' " + (errno == EEXIST ? "is there already" : "cannot be written") + "; nothing was saved.");
    }
    while (!content.empty()) {
        const auto written = ::write(file, content.data(), content.size());
        if (written < 0 && errno == EINTR) continue;
        if (written <= 0) break;
        content.remove_prefix(static_cast<std::size_t>(written));
    }
    const bool is_closed = ::close(file) == 0;
    if (!content.empty() || !is_closed) throw ToolError("The file '" + path + "' could not be written to its end.");
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

std::string printable(std::string_view text, std::string_view keep) {
    std::string out;
    out.reserve(text.size());
    for (std::size_t at = 0; at < text.size(); ++at) {
        const auto byte = static_cast<unsigned char>(text[at]);
        const auto next = static_cast<unsigned char>(at + 1 < text.size() ? text[at + 1] : 0);
        if (byte == 0xc2 && next >= 0x80 && next < 0xa0) {
            // U+0080 to U+009F, in two bytes: terminals take them for the beginning of an escape sequence, too.
            out += '?';
            ++at;
        } else if ((byte < 0x20 || byte == 0x7f) && keep.find(text[at]) == std::string_view::npos) {
            out += '?';
        } else {
            out += text[at];
        }
    }
    return out;
}

}  // namespace giromq::tool
