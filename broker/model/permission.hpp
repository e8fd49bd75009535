#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"

namespace giromq {

/// What can be done. The first nine are done to a destination and can be granted by permissions; the others belong to roles.
enum class Action : std::uint8_t {
    send,
    receive,
    browse,     // look at messages without taking them; over AMQP they come with their bodies, so read_body is asked too
    read_body,  // the bodies of messages that are looked at
    create,     // on first use, where the configuration lets queues be made that way, and as a temporary queue
    move,       // messages to another queue (where `send` is asked too), and copies of them
    delete_messages,
    purge,
    resolve_xa,  // a branch that somebody else has begun; it may touch any destination, so only a grant for all of them counts

    view,        // everything but users, permissions, configuration, audit, and messages; destination empty for the broker
    pause,       // a destination, and let it go on
    close,       // connections and links of others
    audit,       // see users, permissions, configuration and the audit log
    administer,  // everything else: users, permissions, configuration; create, change and delete destinations and selectors; backup
};

inline constexpr std::array all_actions{Action::send,  Action::receive,         Action::browse, Action::read_body,  Action::create,
                                        Action::move,  Action::delete_messages, Action::purge,  Action::resolve_xa, Action::view,
                                        Action::pause, Action::close,           Action::audit,  Action::administer};

/// True for what permissions can grant.
constexpr bool is_grantable(Action action) { return action <= Action::resolve_xa; }

/// The word for it in permissions, over REST and in the audit: "read-body".
std::string_view to_text(Action action);
std::optional<Action> action_named(std::string_view name);

enum class GranteeKind : std::uint8_t { user, role };

/// What a user, or everybody of a role, may do to the destinations whose names match a pattern. What no permission grants is refused.
struct Permission {
    std::uint64_t id = 0;
    GranteeKind grantee_kind = GranteeKind::user;
    std::string grantee;
    std::string pattern;
    std::vector<Action> actions;  // in the order of the enumeration, each once
    Timestamp created_at;
    std::string created_by;

    friend bool operator==(const Permission&, const Permission&) = default;
};

/// The words with spaces between them, as the store has them. What is no word is left out.
std::string actions_text(const std::vector<Action>& actions);
std::vector<Action> actions_of(std::string_view text);

/// Bounds of a pattern.
inline constexpr std::size_t pattern_bytes_max = 255;
inline constexpr std::size_t pattern_words_max = 32;

/// A pattern is words with dots between them, one of which may be `*`, any one word, or `#`, any number of words, none included.
bool is_pattern(std::string_view pattern);

/// Whether the name of a destination matches the pattern. An empty name has no words: only `#` matches it, which stands for all there are.
/// Takes time in proportion to the product of the lengths, however many wildcards there are.
bool matches(std::string_view pattern, std::string_view destination);

}  // namespace giromq
