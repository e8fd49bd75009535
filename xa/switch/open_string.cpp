#include "xa/switch/open_string.hpp"

#include <charconv>

namespace giromq::xa_switch {
namespace {

bool set(OpenString& open, std::string_view name, std::string_view value) {
    if (name == "url") {
        open.url = value;
    } else if (name == "user") {
        open.user = value;
    } else if (name == "password-file") {
        open.password_file = value;
    } else if (name == "axlib") {
        open.axlib = value;
    } else if (name == "pipeline" && (value == "yes" || value == "no")) {
        open.pipeline = value == "yes";
    } else if (name == "branch_timeout") {
        int seconds = 0;
        const auto [end, error] = std::from_chars(value.data(), value.data() + value.size(), seconds);
        if (error != std::errc() || end != value.data() + value.size() || seconds < 0) return false;
        open.branch_timeout = std::chrono::seconds(seconds);
    } else {
        return false;
    }
    return true;
}

}  // namespace

std::optional<OpenString> parse_open_string(std::string_view text, std::string& problem) {
    OpenString open;
    while (!text.empty()) {
        const std::string_view pair = text.substr(0, text.find(','));
        text.remove_prefix(pair.size() < text.size() ? pair.size() + 1 : text.size());
        const std::size_t equals = pair.find('=');
        if (equals == std::string_view::npos || !set(open, pair.substr(0, equals), pair.substr(equals + 1))) {
            problem = "The open string has '" + std::string(pair.substr(0, equals)) + "', which is not understood or has a wrong value.";
            return std::nullopt;
        }
    }
    if (!open.url.empty() && open.user.empty() == open.password_file.empty()) return open;
    problem = open.url.empty() ? "The open string names no url." : "The open string has only one of user and password-file.";
    return std::nullopt;
}

}  // namespace giromq::xa_switch
