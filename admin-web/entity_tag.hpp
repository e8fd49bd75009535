#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "admin-web/http_message.hpp"
#include "core/core.hpp"
#include "model/user.hpp"
#include "selector/selector_directory.hpp"

/// Entity tags (RFC 9110 §8.8.3) of what can be changed, and what clients say of them.
namespace giromq::admin_web {

/// Each changes whenever what an administrator can set does; none comes again for another thing of the same name.
std::string etag_of(const core::QueueView& queue);
std::string etag_of(const User& user);
std::string etag_of(const selector::SelectorDirectory::Entry& selector);

/// Whether If-Match (RFC 9110 §13.1.1) holds for what has this tag: `*`, or a list with it.
bool is_match(std::string_view if_match, std::string_view etag);

/// What If-Match asks of what there is when it is changed; empty if there is no such header.
template <typename Seen>
std::function<bool(const Seen&)> still_so(const Request& request) {
    if (request.count("if-match") == 0) return {};
    return [if_match = std::string(request.header("if-match"))](const Seen& seen) { return is_match(if_match, etag_of(seen)); };
}

}  // namespace giromq::admin_web
