#include "admin-web/request_gate.hpp"

#include <algorithm>
#include <array>
#include <cctype>

#include "admin-web/console_files.hpp"
#include "admin-web/header_text.hpp"
#include "admin-web/problem.hpp"
#include "security/encoding.hpp"

namespace giromq::admin_web {
namespace {

constexpr std::array<std::string_view, 6> methods{"GET", "HEAD", "PUT", "POST", "PATCH", "DELETE"};

bool is_known_method(std::string_view method) { return std::find(methods.begin(), methods.end(), method) != methods.end(); }

char lower(char character) { return static_cast<char>(std::tolower(static_cast<unsigned char>(character))); }

std::string lower_case(std::string_view text) {
    std::string result(text);
    std::transform(result.begin(), result.end(), result.begin(), lower);
    return result;
}

/// A host, perhaps with a port: letters, digits and what addresses are made of.
bool is_host(std::string_view host) {
    const auto fits = [](char character) {
        return std::isalnum(static_cast<unsigned char>(character)) != 0 ||
               std::string_view(".-_:[]").find(character) != std::string_view::npos;
    };
    return !host.empty() && host.size() <= 300 && std::all_of(host.begin(), host.end(), fits);
}

std::string_view without_port(std::string_view host) {
    if (host.front() == '[') return host.substr(0, host.find(']') + 1);
    return host.substr(0, host.find(':'));
}

bool is_local_name(std::string_view host) {
    const auto name = without_port(host);
    return name == "localhost" || name == "[::1]" || name == "127.0.0.1";
}

/// The Origin of our own pages: the scheme and the Host that the request itself names.
bool is_own_origin(std::string_view origin, std::string_view host, bool is_encrypted) {
    return lower_case(origin) == (is_encrypted ? "https://" : "http://") + lower_case(host);
}

/// Of a Content-Type, without its parameters.
std::string media_type(std::string_view content_type) { return lower_case(trimmed(content_type.substr(0, content_type.find(';')))); }

/// Somebody has followed a link to a page that says nothing by itself: the console, whose requests then come from its own site.
bool is_link_to_page(const Request& request) {
    return request.method == "GET" && request.header("sec-fetch-mode") == "navigate" && request.header("sec-fetch-dest") == "document" &&
           (request.target == "/" || ConsoleFiles::is_for(request.target));
}

std::optional<Response> refuse_other_sites(const Request& request, std::string_view host) {
    constexpr std::string_view title = "refused because of where it comes from";
    if (request.count("origin") > 0 &&
        (request.count("origin") > 1 || !is_own_origin(request.header("origin"), host, request.peer.is_encrypted))) {
        return problem(403, "foreign_origin", title, "a page of another site has sent this request");
    }
    const auto site = request.header("sec-fetch-site");
    if (!site.empty() && site != "same-origin" && site != "none" && !is_link_to_page(request)) {
        return problem(403, "foreign_origin", title, "a page of another site has sent this request");
    }
    return std::nullopt;
}

}  // namespace

std::optional<Response> refuse_at_gate(const Request& request, bool only_local_names) {
    if (!is_known_method(request.method)) {
        auto response = problem(405, "method_not_allowed", "the method is not allowed", {});
        response.headers.emplace_back("Allow", "GET, HEAD, PUT, POST, PATCH, DELETE");
        return response;
    }
    const auto host = request.header("host");
    if (request.count("host") != 1 || !is_host(host)) {
        return problem(400, "invalid_host", "the Host header is wrong", "a request has exactly one Host header");
    }
    if (only_local_names && !is_local_name(lower_case(host))) {
        return problem(421, "foreign_host", "this broker is not that host", "with --dev the broker answers to localhost only");
    }
    if (auto refusal = refuse_other_sites(request, host)) return refusal;
    if (!request.body.empty() && media_type(request.header("content-type")) != "application/json" &&
        !(takes_document(request.target) && is_xml(request.header("content-type")))) {
        return problem(415, "not_json", "the body must be JSON", "send it with Content-Type: application/json");
    }
    return std::nullopt;
}

bool is_xml(std::string_view content_type) { return media_type(content_type) == "application/xml"; }

std::optional<BasicCredentials> parse_basic(std::string_view authorization) {
    constexpr std::string_view scheme = "basic ";
    if (authorization.size() <= scheme.size() || lower_case(authorization.substr(0, scheme.size())) != scheme) return std::nullopt;
    const auto bytes = security::decode_base64(authorization.substr(scheme.size()));
    if (!bytes) return std::nullopt;
    const std::string_view text(reinterpret_cast<const char*>(bytes->data()), bytes->size());
    const auto colon = text.find(':');
    if (colon == std::string_view::npos || !security::is_clean_utf8(text)) return std::nullopt;
    return BasicCredentials{std::string(text.substr(0, colon)), std::string(text.substr(colon + 1))};
}

}  // namespace giromq::admin_web
