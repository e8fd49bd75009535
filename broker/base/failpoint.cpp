#include "base/failpoint.hpp"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <csignal>
#include <string>

#include "base/check.hpp"

namespace giromq::failpoint {
namespace {

Choice chosen;
std::atomic<std::uint32_t> times_reached{0};

}  // namespace

namespace detail {

bool is_armed = false;

void reach(std::string_view what, std::string_view moment) {
    const auto name = std::string(what) + '.' + std::string(moment);
    GIROMQ_CHECK(std::ranges::find(names, name) != names.end(), "a place where the process may die is not among the names");
    if (name == chosen.name && ++times_reached == chosen.nth) std::raise(SIGKILL);
}

}  // namespace detail

std::optional<Choice> parse(std::string_view text) {
    const auto colon = text.find(':');
    const auto* const name = std::ranges::find(names, text.substr(0, colon));
    if (name == names.end()) return std::nullopt;
    Choice choice{.name = *name, .nth = 1};
    if (colon == std::string_view::npos) return choice;
    const auto number = text.substr(colon + 1);
    const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), choice.nth);
    const bool is_whole = error == std::errc() && end == number.data() + number.size();
    if (!is_whole || choice.nth < 1 || choice.nth > 1'000'000'000) return std::nullopt;
    return choice;
}

void arm(Choice choice) {
    chosen = choice;
    times_reached = 0;
    detail::is_armed = true;
}

}  // namespace giromq::failpoint
