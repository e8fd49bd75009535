#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "security/scram.hpp"

/// The input is a client-first-message, a line feed, and a client-final-message. Nobody may ever be logged in by it: the only user's keys
/// belong to no password.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    using namespace giromq;
    static const security::UserDirectory& users = []() -> const security::UserDirectory& {
        static security::UserDirectory directory;
        User user;
        user.name = "user";
        user.salt = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
        user.iterations = 4096;
        user.stored_key.fill(0x5A);
        directory.put(user);
        return directory;
    }();
    const std::string_view input(reinterpret_cast<const char*>(data), size);
    const auto separator = input.find('\n');
    security::ScramServer server(users, security::ScramServer::NonceForTests{"server"});
    if (!server.first(input.substr(0, separator)) || separator == std::string_view::npos) return 0;
    if (server.final(input.substr(separator + 1)) || !server.identity().user.empty()) std::abort();
    return 0;
}
