#pragma once

#include <span>
#include <string_view>

#include "admin-web/http_message.hpp"

namespace giromq::admin_web {

/// A file of the web console, as it was built into the program.
struct ConsoleFile {
    std::string_view path;  // below /console/: "index.html", "assets/index-DSnYaf8c.js"
    std::string_view content_type;
    std::string_view hash;  // of the content, in hexadecimal
    std::string_view content;
    std::string_view gzip;    // the content, packed; empty where that does not pay
    std::string_view brotli;  // likewise
};

/// The files of the console, which anybody may have: what they show comes from REST, which asks who it is.
/// Threads: any.
class ConsoleFiles {
public:
    /// The files outlive it. Without an index.html there is no console, and the answers say so.
    explicit ConsoleFiles(std::span<const ConsoleFile> files) : files_(files) {}

    bool available() const { return find("index.html") != nullptr; }

    /// True for the targets that are the console's: /console and what is below it.
    static bool is_for(std::string_view target);

    /// A file; index.html for every path that names none and so is a page of the console; 404 below /console/assets/.
    Response serve(const Request& request) const;

private:
    const ConsoleFile* find(std::string_view path) const;

    std::span<const ConsoleFile> files_;
};

/// Sends a browser to the console: for / with an Accept that has text/html.
bool wants_page(const Request& request);
Response redirect_to_console();

/// Whether an Accept-Encoding (RFC 9110 §12.5.3) takes the coding: named with a weight above 0, or by "*".
bool accepts_coding(std::string_view accept_encoding, std::string_view coding);

/// The files that are in this program: none if it was built without the console. Defined by the library giromq_console.
std::span<const ConsoleFile> built_in_console();

}  // namespace giromq::admin_web
