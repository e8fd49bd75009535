#pragma once

#include <string>

#include "base/result.hpp"
#include "model/user.hpp"

namespace giromq::daemon {

inline constexpr const char* first_administrator_name = "admin";

/// The first administrator of a new broker, with a random password.
struct FirstAdministrator {
    User user;
    std::string password_file;
};

/// Makes the user and writes its password into a file of mode 0600 in the data directory; a file of an earlier, unfinished start is
/// replaced. The file and its name are on the disk before this returns, so the user may be stored then. Errors: admin::errc::failed,
/// those of security.
Result<FirstAdministrator> make_first_administrator(const std::string& data_directory);

}  // namespace giromq::daemon
