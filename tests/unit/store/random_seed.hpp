#pragma once

#include <cstdlib>
#include <random>
#include <string>

namespace giromq::store::test {

/// The seed of this run: GIROMQ_TEST_SEED, or a random one. Put it into the message of every assertion that depends on it.
inline std::uint32_t random_seed() {
    const char* const given = std::getenv("GIROMQ_TEST_SEED");
    return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
}

/// True if the tests should take the time they need.
inline bool is_long_run() {
    const char* const given = std::getenv("GIROMQ_TEST_LONG");
    return given != nullptr && std::string(given) != "0" && !std::string(given).empty();
}

}  // namespace giromq::store::test
