#include "admin-web/http_message.hpp"

#include <algorithm>

namespace giromq::admin_web {

std::size_t Request::count(std::string_view name) const {
    const auto is_it = [&](const auto& header) { return header.first == name; };
    return static_cast<std::size_t>(std::count_if(headers.begin(), headers.end(), is_it));
}

std::string_view Request::header(std::string_view name) const {
    for (const auto& [key, value] : headers) {
        if (key == name) return value;
    }
    return {};
}

}  // namespace giromq::admin_web
