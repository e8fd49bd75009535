#pragma once

#include <boost/json/object.hpp>
#include <boost/json/value.hpp>
#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "admin-web/http_message.hpp"
#include "admin-web/url.hpp"
#include "base/clock.hpp"
#include "core/core.hpp"

namespace giromq::admin_web {

Response json_response(int status, const boost::json::object& body);
Response empty_response(int status);
Response not_found();
/// 405 with the methods that are.
Response method_not_allowed(std::string_view allowed);
/// True for GET and HEAD.
bool is_read(std::string_view method);

/// {"items": [...], "nextCursor": cursor or null}
Response list_response(boost::json::array items, const std::optional<std::string>& next_cursor);

/// RFC 8288: where a list that is no JSON goes on.
std::pair<std::string, std::string> link_to_next(const std::string& target);

/// What `limit` and `cursor` ask for, beside `other_parameters`, or the problem with them, or with a parameter that there is not.
struct PageRequest {
    std::size_t limit = 100;
    std::string after;
    std::optional<Response> problem;
};
PageRequest page_request(const Target& target, std::initializer_list<std::string_view> other_parameters = {});

/// The problem if the query has a parameter other than these.
std::optional<Response> refuse_other_parameters(const Target& target, std::initializer_list<std::string_view> allowed);

/// RFC 3339 in UTC, with milliseconds.
std::string to_text(Timestamp time);

boost::json::object to_json(const core::QueueView& queue);
/// With its ETag.
Response queue_response(int status, const core::QueueView& queue);

/// The problem if `syntax` (sql or xml) is not what the selector is written in.
std::optional<Response> refuse_other_syntax(std::string_view selector, const std::optional<std::string>& syntax);

/// The number that a text is, without a sign; nothing if it is none or 0.
std::optional<std::uint64_t> positive_number(std::string_view text);

}  // namespace giromq::admin_web
