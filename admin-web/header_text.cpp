#include "admin-web/header_text.hpp"

#include <algorithm>
#include <cctype>

namespace giromq::admin_web {

std::string_view trimmed(std::string_view text) {
    const auto begin = text.find_first_not_of(" \t");
    if (begin == std::string_view::npos) return {};
    return text.substr(begin, text.find_last_not_of(" \t") - begin + 1);
}

std::string_view take_item(std::string_view& rest, char separator) {
    const auto end = rest.find(separator);
    const auto item = rest.substr(0, end);
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return trimmed(item);
}

bool is_same_word(std::string_view left, std::string_view right) {
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), [](char one, char other) {
        return std::tolower(static_cast<unsigned char>(one)) == std::tolower(static_cast<unsigned char>(other));
    });
}

bool lists_word(std::string_view list, std::string_view word) {
    while (!list.empty()) {
        if (is_same_word(take_item(list, ','), word)) return true;
    }
    return false;
}

}  // namespace giromq::admin_web
