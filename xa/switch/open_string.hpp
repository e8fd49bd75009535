#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

namespace giromq::xa_switch {

/// What an open string says; see giromq_xa.h.
struct OpenString {
    std::string url;
    std::string user;
    std::string password_file;
    std::chrono::seconds branch_timeout{0};
    bool pipeline = false;
    std::string axlib;
};

/// Nothing if it is not understood: `problem` then says why.
std::optional<OpenString> parse_open_string(std::string_view text, std::string& problem);

}  // namespace giromq::xa_switch
