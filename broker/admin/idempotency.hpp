#pragma once

#include <array>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "base/result.hpp"

namespace giromq::admin {

/// The keys under which messages were sent over REST, and what was sent under each: whoever uses a key for something else is told so,
/// rather than that it has been sent. What makes a repetition harmless is the queue's duplicate detection, which is durable; this is memory
/// of the last `kept` keys only.
///
/// Threads: the core's executor.
class IdempotencyKeys {
public:
    static constexpr std::size_t kept = 10'000;

    /// The id for the queue's duplicate detection, of at most 256 bytes: a key is its user's own.
    static Result<std::string> duplicate_id(std::string_view user, std::string_view key);

    /// Before something is sent; errc::different if something else was sent to the queue under this id.
    Result<void> take(const std::string& queue, const std::string& duplicate_id, std::string_view content);
    /// It was sent, and stays so: a repetition may be refused, for another reason, before it is known for one.
    void sent(const std::string& queue, const std::string& duplicate_id);
    /// It was not sent after all.
    void give_back(const std::string& queue, const std::string& duplicate_id);

private:
    struct Content {
        std::size_t hash = 0;
        bool is_sent = false;
    };
    std::map<std::string, Content> contents_;  // by queue and id
    std::deque<std::string> order_;            // oldest first
};

}  // namespace giromq::admin
