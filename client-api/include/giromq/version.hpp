#pragma once

#include "giromq/export.hpp"

namespace giromq {

/// The version of the library that the program runs with, "MAJOR.MINOR.PATCH".
GIROMQ_API const char* library_version() noexcept;

}  // namespace giromq
