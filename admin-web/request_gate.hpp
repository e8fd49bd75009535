#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "admin-web/http_message.hpp"

namespace giromq::admin_web {

/// What every request must fulfil before anything else looks at it: a known method, exactly one well-formed Host, and no sign that a
/// page of another site has sent it (Origin that is not our own, Sec-Fetch-Site: RFC 6454, Fetch Metadata). A body only as JSON, or as
/// XML where a document is taken: an HTML form can send neither.
/// `only_local_names`: Host must be localhost or a loopback address. For --dev, where nobody logs in: otherwise any web page
/// could name itself after this broker by changing its own DNS record.
/// The answer is the refusal, or nothing.
std::optional<Response> refuse_at_gate(const Request& request, bool only_local_names);

/// Whether a Content-Type is that of an XML document.
bool is_xml(std::string_view content_type);

struct BasicCredentials {
    std::string user;
    std::string password;
};
/// The credentials of "Authorization: Basic ..." (RFC 7617); nothing if the value is not of that form.
std::optional<BasicCredentials> parse_basic(std::string_view authorization);

}  // namespace giromq::admin_web
