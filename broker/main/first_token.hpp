#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "base/result.hpp"

namespace giromq::daemon {

/// What lets somebody make the first administrator of a new broker.
struct FirstToken {
    std::array<std::uint8_t, 32> hash{};  // SHA-256 of the token, which is in the file only
    std::string file;
};

/// Writes a new random token into a file of mode 0600 in the data directory; one of an earlier start is replaced, and good no more. The
/// file and its name are on the disk before this returns. Errors: admin::errc::failed, those of security.
Result<FirstToken> make_first_token(const std::string& data_directory);

/// If there is one.
void remove_first_token(const std::string& data_directory);

}  // namespace giromq::daemon
