#pragma once

#include <string_view>

namespace giromq {

/// Writes the broken invariant to the log and to standard error and aborts. Used by GIROMQ_CHECK.
[[noreturn]] void check_failed(std::string_view expression, std::string_view message, const char* file, int line);

}  // namespace giromq

/// An invariant that must hold in release builds too. A broker that has lost its own truth must stop rather than go on: the store
/// on disk is consistent at every moment, so a restart recovers.
#define GIROMQ_CHECK(condition, message)                                       \
    do {                                                                       \
        if (!(condition)) [[unlikely]]                                         \
            ::giromq::check_failed(#condition, (message), __FILE__, __LINE__); \
    } while (false)
