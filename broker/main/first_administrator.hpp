#pragma once

#include <string>

#include "base/result.hpp"
#include "model/user.hpp"

namespace giromq::daemon {

/// The first administrator of a new broker: user `admin` with a random password.
struct FirstAdministrator {
    User user;
    std::string password_file;
};

/// Makes the user and writes its password into a file of mode 0600 in the data directory; a file of an earlier, unfinished start is
/// replaced. The file is on the disk before this returns, so the user may be stored then.
Result<FirstAdministrator> make_first_administrator(const std::string& data_directory);

/// The first line of a file, as a password. Errors: config::errc::cannot_read.
Result<std::string> read_password(const std::string& file);

}  // namespace giromq::daemon
