#pragma once

#include <string>
#include <string_view>

#include "admin-web/http_message.hpp"
#include "base/result.hpp"

namespace giromq::admin_web {

/// An error as application/problem+json (RFC 9457): type, title, status, detail, and `code`, a word that never changes.
Response problem(int status, std::string_view code, std::string_view title, std::string_view detail);

/// The same for an error of the core, of security, of the store or of administration.
Response problem_of(const Error& error);

}  // namespace giromq::admin_web
