#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "admin-web/http_message.hpp"
#include "base/clock.hpp"

namespace giromq::admin_web {

/// The key of a request that may come again (its Idempotency-Key), or the problem with it: 1 to 128 printable characters of ASCII.
struct IdempotencyKey {
    std::string text;  // empty: there is none
    std::optional<Response> problem;
};
IdempotencyKey idempotency_key(const Request& request);

/// What was answered to requests with an Idempotency-Key, so that the same request again is answered, and not carried out, again. It is in
/// memory: after a crash of the broker nobody knows any more. Only what was done is kept; a request that was refused may be tried again.
/// Threads: any.
class RememberedAnswers {
public:
    static constexpr std::chrono::hours kept_for{24};
    static constexpr std::size_t kept_max = 1000;
    static constexpr std::size_t bytes_max = 8 * 1024 * 1024;

    explicit RememberedAnswers(const Clock& clock) : clock_(clock) {}

    /// The answer, if the request of this user was answered before, is under way (409), or came with another body or target (409). Else
    /// nothing: it is to be carried out, and keep() told how it ended.
    std::optional<Response> begin(const std::string& user, const Request& request, std::string_view key);
    void keep(const std::string& user, std::string_view key, const Response& response);

private:
    struct Entry {
        std::string name;
        std::size_t content = 0;  // a hash of what was asked for
        std::optional<Response> answer;
        MonotonicTime forgotten_at{};
    };
    using Entries = std::list<Entry>;

    static std::string name_of(const std::string& user, std::string_view key);
    void forget(Entries::iterator entry);
    void make_room(MonotonicTime now);

    const Clock& clock_;
    mutable std::mutex mutex_;
    Entries entries_;  // oldest first
    std::unordered_map<std::string, Entries::iterator> places_;
    std::size_t bytes_ = 0;
};

}  // namespace giromq::admin_web
