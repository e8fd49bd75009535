#include "base/check.hpp"

#include <cstdlib>

#include "base/log.hpp"

namespace giromq {

void check_failed(std::string_view expression, std::string_view message, const char* file, int line) {
    log::error("invariant_broken", {{"check", expression}, {"message", message}, {"file", file}, {"line", line}});
    std::abort();
}

}  // namespace giromq
