#pragma once

#include <boost/asio/ssl/context.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/http/string_body.hpp>
#include <boost/json/value.hpp>
#include <boost/system/error_code.hpp>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "common.hpp"

namespace giromq::tool {

/// Calls the broker's REST interface, one connection for each call. Every failure is a ToolError.
class RestClient {
public:
    /// `password`: of the user, who was asked for it already.
    explicit RestClient(const Common& common, const std::optional<std::string>& password = {});

    struct Answer {
        int status = 0;
        boost::json::value body;  // null if there is none, or if it is not JSON
        std::string etag;         // of what was asked for, if it has one
        std::string text;         // the body as it came
        std::string next;         // where a list of lines goes on (RFC 8288); empty at its end
    };
    /// The body of a request that is not JSON.
    struct Payload {
        std::string content_type;
        std::string text;
    };
    /// `path` begins with "/api/v1/"; the parts of it that come from a person have to be percent-encoded.
    /// Statuses from 400 on become a ToolError with the sentence of the problem.
    /// `if_match`: the etag of what is to be changed, so that nothing is changed that somebody else has changed meanwhile.
    Answer call(std::string_view method, const std::string& path, const boost::json::value* body = nullptr,
                const std::string& if_match = {});
    Answer call(std::string_view method, const std::string& path, const Payload& payload);
    /// As call(), but null for 404.
    Answer find(const std::string& path);
    /// Every item of a list, over all its pages. `path` may have a query.
    void list(const std::string& path, const std::function<void(const boost::json::object&)>& item);

private:
    using Request = boost::beast::http::request<boost::beast::http::string_body>;
    using Response = boost::beast::http::response<boost::beast::http::string_body>;

    Answer exchange(std::string_view method, const std::string& path, const Payload* payload, const std::string& if_match = {});
    Answer checked(Answer answer) const;
    Response send(const Request& request);
    void prepare(boost::asio::ssl::context& tls) const;
    [[noreturn]] void fail_handshake(const boost::system::error_code& error, long verified) const;

    bool tls_ = false;
    std::string host_;
    std::string port_;
    std::string address_;  // for sentences
    TlsFiles tls_files_;
    std::string authorization_;
};

/// A name as one segment of a path (RFC 3986 §3.3).
std::string percent_encoded(std::string_view text);

}  // namespace giromq::tool
