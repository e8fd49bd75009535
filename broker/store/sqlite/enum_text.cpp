#include "store/sqlite/enum_text.hpp"

#include <array>
#include <utility>

namespace giromq::store::sqlite {
namespace {

template <typename Enum, std::size_t count>
using Words = std::array<std::pair<Enum, std::string_view>, count>;

constexpr Words<DestinationKind, 2> kinds{{{DestinationKind::queue, "queue"}, {DestinationKind::topic, "topic"}}};
constexpr Words<DestinationOrigin, 4> origins{{{DestinationOrigin::configured, "configured"},
                                               {DestinationOrigin::administrator, "administrator"},
                                               {DestinationOrigin::automatic, "automatic"},
                                               {DestinationOrigin::temporary, "temporary"}}};
constexpr Words<OverflowPolicy, 2> policies{{{OverflowPolicy::refuse, "refuse"}, {OverflowPolicy::hold, "hold"}}};

constexpr Words<GranteeKind, 2> grantee_kinds{{{GranteeKind::user, "user"}, {GranteeKind::role, "role"}}};

template <typename Enum, std::size_t count>
std::string_view word_of(const Words<Enum, count>& words, Enum value) {
    for (const auto& [known, word] : words) {
        if (known == value) return word;
    }
    return words[0].second;
}

template <typename Enum, std::size_t count>
Enum value_of(const Words<Enum, count>& words, std::string_view text) {
    for (const auto& [value, word] : words) {
        if (word == text) return value;
    }
    return words[0].first;
}

}  // namespace

std::string_view text_of(DestinationKind kind) { return word_of(kinds, kind); }
std::string_view text_of(DestinationOrigin origin) { return word_of(origins, origin); }
std::string_view text_of(OverflowPolicy policy) { return word_of(policies, policy); }
std::string_view text_of(GranteeKind kind) { return word_of(grantee_kinds, kind); }
std::string_view text_of(Role role) { return to_text(role); }

DestinationKind kind_of(std::string_view text) { return value_of(kinds, text); }
DestinationOrigin origin_of(std::string_view text) { return value_of(origins, text); }
OverflowPolicy overflow_of(std::string_view text) { return value_of(policies, text); }
GranteeKind grantee_kind_of(std::string_view text) { return value_of(grantee_kinds, text); }
Role role_of(std::string_view text) {
    // What is unknown here gets the role with the fewest rights.
    return role_named(text).value_or(Role::application);
}

}  // namespace giromq::store::sqlite
