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

bool takes_document(std::string_view target) {
    const auto path = target.substr(0, target.find('?'));
    return path == "/api/v1/configuration/diff" || path == "/api/v1/configuration/apply";
}

}  // namespace giromq::admin_web
