#include <boost/json/parse.hpp>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>

#include "admin-web/socket_peer.hpp"
#include "admin/definitions.hpp"
#include "base/log.hpp"
#include "unit/admin_web/rig.hpp"

namespace {

using namespace giromq;
using test::SiteRig;

void demand(bool condition) {
    if (!condition) std::abort();
}

std::string take_line(std::string_view& rest) {
    const auto end = rest.find('\n');
    const std::string line(rest.substr(0, end));
    rest = end == std::string_view::npos ? std::string_view() : rest.substr(end + 1);
    return line;
}

/// A broker in which there is something of each kind.
std::unique_ptr<SiteRig> make_rig() {
    auto rig = std::make_unique<SiteRig>();
    rig->put("/api/v1/queues/q", "");
    rig->post("/api/v1/queues/q/messages", R"({"body":{"kind":"text","text":"a"},"properties":[{"name":"p","type":"long","value":1}]})");
    rig->put("/api/v1/selectors/s", R"({"text":"p = 1"})");
    rig->post("/api/v1/permissions", R"({"grantee":{"kind":"role","name":"application"},"pattern":"q.#","actions":["send"]})");
    return rig;
}

/// What holds for every answer, whatever was asked.
void check(const admin_web::Response& response) {
    demand(response.socket != nullptr || (response.status >= 200 && response.status < 600 && response.status != 500));
    for (const auto& [name, value] : response.headers) demand((name + value).find_first_of("\r\n") == std::string::npos);
    if (response.content_type.ends_with("json") && !response.body.empty()) {
        boost::json::error_code error;
        static_cast<void>(boost::json::parse(response.body, error));
        demand(!error);
    }
}

/// "POST /api/v1/queues", lines of headers, an empty line, and the body.
void request(std::string_view text) {
    auto rig = make_rig();
    const auto first = take_line(text);
    const auto space = first.find(' ');
    if (space == std::string::npos) return;
    admin_web::Request request;
    request.method = first.substr(0, space);
    request.target = first.substr(space + 1);
    request.headers = {{"host", "localhost:8161"}};
    request.peer = rig->peer;
    for (auto line = take_line(text); !line.empty(); line = take_line(text)) {
        const auto colon = line.find(": ");
        if (colon != std::string::npos) request.headers.emplace_back(line.substr(0, colon), line.substr(colon + 2));
    }
    request.body = text;
    if (request.body.size() > admin_web::http_limits::body_bytes) return;
    check(rig->send(std::move(request)));
    // Whatever it did, the broker goes on.
    check(rig->get("/api/v1/queues"));
}

/// What a client of live figures sends, one text a line.
void live_figures(std::string_view text) {
    auto rig = make_rig();
    auto open = rig->make("GET", "/api/v1/events");
    for (const auto& [name, value] :
         {std::pair("connection", "Upgrade"), std::pair("upgrade", "websocket"), std::pair("sec-websocket-version", "13"),
          std::pair("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="), std::pair("origin", "http://localhost:8161")}) {
        open.headers.emplace_back(name, value);
    }
    const auto socket = rig->send(std::move(open)).socket;
    demand(socket != nullptr);
    socket->attach([] {});
    while (!text.empty()) {
        socket->receive(take_line(text));
        rig->admin_.observe();
        rig->run();
        rig->clock_.advance(std::chrono::seconds(1));
        while (const auto sent = socket->take()) {
            boost::json::error_code error;
            static_cast<void>(boost::json::parse(*sent, error));
            demand(!error);
        }
        if (const auto end = socket->end()) {
            demand(end->code >= 1000 && end->reason.size() <= 123);
            break;
        }
    }
    socket->closed();
}

/// A document of definitions: what is read can be written and read again, and what was applied is not to be done again.
void definitions(std::string_view text) {
    const auto read = admin::parse_definitions(text, {});
    if (!read) return;
    const auto written = admin::to_xml(read->definitions, {});
    demand(written.ok());
    const auto again = admin::parse_definitions(*written, {});
    demand(again && again->definitions == read->definitions);
    auto rig = make_rig();
    auto post = rig->make("POST", "/api/v1/configuration/apply?prune=true", {}, {{"content-type", "application/xml"}});
    post.body = text;
    const auto first = rig->send(post);
    const auto second = rig->send(std::move(post));
    demand(first.status == 200 && second.status == 200);
    const auto applied = test::json_of(first);
    // What was refused is tried again, and only that.
    if (applied.at("failed").is_null())
        demand(test::json_of(second).at("changes").as_array().size() <= applied.at("changes").as_array().size());
    demand(test::json_of(second).at("done").to_number<std::int64_t>() == 0 || !applied.at("failed").is_null());
}

}  // namespace

/// The first byte says what the rest is: a request to REST, texts of a WebSocket, or a document of definitions.
extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
    if (size == 0) return 0;
    log::set_level(log::Level::error);
    const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
    switch (data[0] % 4) {
        case 0: live_figures(text); break;
        case 1: definitions(text); break;
        default: request(text);
    }
    return 0;
}
