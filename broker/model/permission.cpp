#include "model/permission.hpp"

#include <algorithm>

namespace giromq {
namespace {

constexpr std::array<std::string_view, all_actions.size()> action_names{"send",  "receive", "browse", "read-body",  "create",
                                                                        "move",  "delete",  "purge",  "resolve-xa", "view",
                                                                        "pause", "close",   "audit",  "administer"};

std::vector<std::string_view> split(std::string_view text, char separator) {
    std::vector<std::string_view> words;
    if (text.empty()) return words;
    for (std::size_t begin = 0;;) {
        const auto end = text.find(separator, begin);
        words.push_back(text.substr(begin, end - begin));
        if (end == std::string_view::npos) return words;
        begin = end + 1;
    }
}

bool is_word(std::string_view word) {
    if (word == "*" || word == "#") return true;
    return !word.empty() && std::none_of(word.begin(), word.end(), [](char one) {
        const auto byte = static_cast<unsigned char>(one);
        return one == '*' || one == '#' || byte <= 0x20 || byte == 0x7f;
    });
}

}  // namespace

std::string_view to_text(Action action) { return action_names.at(static_cast<std::size_t>(action)); }

std::optional<Action> action_named(std::string_view name) {
    const auto found = std::find(action_names.begin(), action_names.end(), name);
    if (found == action_names.end()) return std::nullopt;
    return static_cast<Action>(found - action_names.begin());
}

std::string actions_text(const std::vector<Action>& actions) {
    std::string text;
    for (const auto action : actions) {
        if (!text.empty()) text += ' ';
        text += to_text(action);
    }
    return text;
}

std::vector<Action> actions_of(std::string_view text) {
    std::vector<Action> actions;
    for (const auto word : split(text, ' ')) {
        if (const auto action = action_named(word)) actions.push_back(*action);
    }
    std::sort(actions.begin(), actions.end());
    actions.erase(std::unique(actions.begin(), actions.end()), actions.end());
    return actions;
}

bool is_pattern(std::string_view pattern) {
    if (pattern.empty() || pattern.size() > pattern_bytes_max) return false;
    const auto words = split(pattern, '.');
    return words.size() <= pattern_words_max && std::all_of(words.begin(), words.end(), is_word);
}

/// As with `*` in file names: of several `#` only the last one ever has to be tried again, one word longer.
bool matches(std::string_view pattern, std::string_view destination) {
    const auto wanted = split(pattern, '.');
    const auto words = split(destination, '.');
    std::size_t next = 0;
    std::size_t word = 0;
    std::optional<std::size_t> behind_any;
    std::size_t any_until = 0;
    while (word < words.size()) {
        if (next < wanted.size() && wanted[next] == "#") {
            behind_any = ++next;
            any_until = word;
        } else if (next < wanted.size() && (wanted[next] == "*" || wanted[next] == words[word])) {
            ++next;
            ++word;
        } else if (behind_any) {
            next = *behind_any;
            word = ++any_until;
        } else {
            return false;
        }
    }
    while (next < wanted.size() && wanted[next] == "#") ++next;
    return next == wanted.size();
}

}  // namespace giromq
