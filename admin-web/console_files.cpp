#include "admin-web/console_files.hpp"

#include <string>

#include "admin-web/answers.hpp"
#include "admin-web/header_text.hpp"

namespace giromq::admin_web {
namespace {

constexpr std::string_view root = "/console";
constexpr std::string_view assets = "assets/";
constexpr std::string_view content_security_policy =
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; connect-src 'self'; base-uri 'none'; "
    "form-action 'self'; frame-ancestors 'none'; require-trusted-types-for 'script'";
constexpr std::string_view without_console =
    "This broker was built without the web console.\n\n"
    "Everything it would show is at /api/v1, and the command giromq does the same. To have the console, build the broker\n"
    "where Node.js 18 or later and npm are installed.\n";

/// Whether the weight in the parameters of a coding is 0: "q=0", "q=0.0", "q=0.00", "q=0.000".
bool weighs_nothing(std::string_view parameters) {
    while (!parameters.empty()) {
        const auto parameter = take_item(parameters, ';');
        if (parameter.size() < 3 || !is_same_word(parameter.substr(0, 2), "q=")) continue;
        const auto weight = parameter.substr(2);
        return weight.find_first_not_of("0.") == std::string_view::npos;
    }
    return false;
}

/// One of the representations of a file: strong, so each coding has a tag of its own.
std::string tag_of(const ConsoleFile& file, std::string_view coding) {
    return "\"" + std::string(file.hash) + (coding.empty() ? "" : "-" + std::string(coding)) + "\"";
}

/// If-None-Match compares weakly (RFC 9110 §13.1.2).
bool is_there(std::string_view if_none_match, std::string_view tag) {
    while (!if_none_match.empty()) {
        auto each = take_item(if_none_match, ',');
        if (each.starts_with("W/")) each.remove_prefix(2);
        if (each == tag || each == "*") return true;
    }
    return false;
}

void protect(Response& response) {
    response.headers.emplace_back("Content-Security-Policy", content_security_policy);
    response.headers.emplace_back("Cross-Origin-Opener-Policy", "same-origin");
    response.headers.emplace_back("Permissions-Policy", "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()");
}

Response redirect(std::string_view where) {
    auto response = empty_response(302);
    response.headers.emplace_back("Location", where);
    response.headers.emplace_back("Vary", "Accept");
    return response;
}

Response represent(const ConsoleFile& file, const Request& request) {
    const auto accepted = request.header("accept-encoding");
    std::string_view coding;
    auto content = file.content;
    if (!file.brotli.empty() && accepts_coding(accepted, "br")) {
        coding = "br";
        content = file.brotli;
    } else if (!file.gzip.empty() && accepts_coding(accepted, "gzip")) {
        coding = "gzip";
        content = file.gzip;
    }
    Response response;
    response.content_type = file.content_type;
    protect(response);
    auto tag = tag_of(file, coding);
    // A name with a hash never means anything else. The page that names those files is asked for each time, and mostly answered with 304.
    const bool is_immutable = file.path.starts_with(assets);
    response.headers.emplace_back("Cache-Control", is_immutable ? "public, max-age=31536000, immutable" : "no-cache");
    response.headers.emplace_back("Vary", "Accept-Encoding");
    if (is_there(request.header("if-none-match"), tag)) {
        response.status = 304;
        response.headers.emplace_back("ETag", std::move(tag));
        return response;
    }
    response.headers.emplace_back("ETag", std::move(tag));
    if (!coding.empty()) response.headers.emplace_back("Content-Encoding", coding);
    response.body = content;
    return response;
}

}  // namespace

bool accepts_coding(std::string_view accept_encoding, std::string_view coding) {
    bool any = false;
    while (!accept_encoding.empty()) {
        auto item = take_item(accept_encoding, ',');
        const auto name = take_item(item, ';');
        if (is_same_word(name, coding)) return !weighs_nothing(item);
        if (name == "*") any = !weighs_nothing(item);
    }
    return any;
}

bool wants_page(const Request& request) { return request.header("accept").find("text/html") != std::string_view::npos; }

Response redirect_to_console() { return redirect("/console/"); }

bool ConsoleFiles::is_for(std::string_view target) {
    const auto path = target.substr(0, target.find('?'));
    return path == root || (path.starts_with(root) && path[root.size()] == '/');
}

const ConsoleFile* ConsoleFiles::find(std::string_view path) const {
    for (const auto& file : files_) {
        if (file.path == path) return &file;
    }
    return nullptr;
}

Response ConsoleFiles::serve(const Request& request) const {
    if (!is_read(request.method)) return method_not_allowed("GET, HEAD");
    const std::string_view target(request.target);
    auto path = target.substr(0, target.find('?'));
    if (path == root) return redirect_to_console();
    path.remove_prefix(root.size() + 1);
    const auto* const page = find("index.html");
    if (page == nullptr) {
        Response response;
        response.status = 404;
        response.content_type = "text/plain; charset=utf-8";
        response.body = without_console;
        return response;
    }
    if (const auto* const file = find(path)) return represent(*file, request);
    // Pages have names of queues in their path, with dots and percent signs; which page it is, the console finds out.
    return path.starts_with(assets) ? not_found() : represent(*page, request);
}

}  // namespace giromq::admin_web
