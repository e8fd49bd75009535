#include "admin-web/console_files.hpp"

namespace giromq::admin_web {

std::span<const ConsoleFile> built_in_console() { return {}; }

}  // namespace giromq::admin_web
