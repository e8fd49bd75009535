#include "admin/definitions.hpp"

#include <algorithm>
#include <charconv>
#include <limits>

#include "admin/errc.hpp"

namespace giromq::admin {
namespace {

constexpr std::string_view granted_on = " on ";

/// Reads the numbers of a queue, and keeps what is wrong first.
struct Numbers {
    const std::string& queue;
    const DefinitionSettings& settings;
    std::string problem;

    template <typename Number>
    Number read(const char* name, std::uint64_t maximum = std::numeric_limits<Number>::max()) {
        const auto found = settings.find(name);
        if (found == settings.end()) return 0;
        std::uint64_t number = 0;
        const auto& text = found->second;
        const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
        if (error == std::errc() && end == text.data() + text.size() && number <= maximum) return static_cast<Number>(number);
        if (problem.empty()) problem = "queue '" + queue + "': " + name + " is at most " + std::to_string(maximum);
        return 0;
    }
};

std::string text_of(const DefinitionSettings& settings, std::string_view name) {
    const auto found = settings.find(name);
    return found == settings.end() ? std::string() : found->second;
}

Error invalid(const std::string& sentence) { return Error(errc::invalid_argument, sentence); }

/// Only what is not the same in both.
void keep_differences(DefinitionSettings& one, DefinitionSettings& other) {
    for (auto each = one.begin(); each != one.end();) {
        const auto match = other.find(each->first);
        if (match != other.end() && match->second == each->second) {
            other.erase(match);
            each = one.erase(each);
        } else {
            ++each;
        }
    }
}

/// Why a change cannot be made, as far as it can be known beforehand.
std::optional<Error> refusal_of(const Change& change, const Definitions& now) {
    if (change.kind != ChangeKind::create) return std::nullopt;
    if (change.key.first == DefinitionKind::user) {
        return Error(errc::password_needed,
                     "there is no user '" + change.key.second + "', and a document has no passwords: add the user first");
    }
    if (change.key.first != DefinitionKind::permission) return std::nullopt;
    const auto permission = permission_of(change.key.second, change.after);
    const bool is_known = permission.grantee_kind == GranteeKind::role || permission.grantee == "anonymous" ||
                          now.count({DefinitionKind::user, permission.grantee}) > 0;
    if (is_known) return std::nullopt;
    return Error(errc::not_found, "there is no user '" + permission.grantee + "'");
}

/// What is not to be deleted: what is wanted, what is kept, and the dead-letter queues of the queues among them.
std::set<DefinitionKey> remaining(const Definitions& now, const Definitions& wanted, const std::set<DefinitionKey>& kept) {
    auto result = kept;
    for (const auto& [key, settings] : wanted) result.insert(key);
    std::vector<DefinitionKey> to_see(result.begin(), result.end());
    while (!to_see.empty()) {
        const auto key = std::move(to_see.back());
        to_see.pop_back();
        if (key.first != DefinitionKind::queue) continue;
        const auto planned = wanted.find(key);
        const auto existing = now.find(key);
        if (planned == wanted.end() && existing == now.end()) continue;
        const auto& settings = planned != wanted.end() ? planned->second : existing->second;
        DefinitionKey dead_letters{DefinitionKind::queue, text_of(settings, "dead-letter-queue")};
        if (result.insert(dead_letters).second) to_see.push_back(std::move(dead_letters));
    }
    return result;
}

}  // namespace

std::string_view to_string(DefinitionKind kind) {
    switch (kind) {
        case DefinitionKind::queue: return "queue";
        case DefinitionKind::selector: return "selector";
        case DefinitionKind::user: return "user";
        case DefinitionKind::permission: return "permission";
    }
    return "queue";
}

std::string_view to_string(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::create: return "create";
        case ChangeKind::update: return "update";
        case ChangeKind::remove: return "delete";
    }
    return "update";
}

DefinitionSettings definition_of(const DestinationSettings& queue) {
    return {{"max-deliveries", std::to_string(queue.max_deliveries)},
            {"dead-letter-queue", queue.dead_letter_queue},
            {"max-messages", std::to_string(queue.max_messages)},
            {"max-bytes", std::to_string(queue.max_bytes)},
            {"strict", queue.strict ? "true" : "false"},
            {"overflow", queue.overflow == OverflowPolicy::hold ? "hold" : "refuse"},
            {"duplicate-ids-max", std::to_string(queue.duplicate_ids_max)},
            {"duplicate-ids-age-ms", std::to_string(queue.duplicate_ids_age.count())}};
}

Result<DestinationSettings> queue_of(const std::string& name, const DefinitionSettings& settings) {
    // The ranges of REST (schemas/openapi.yaml).
    constexpr std::uint64_t trillion = 1'000'000'000'000;
    constexpr std::uint64_t pebibyte = 1ull << 50;
    constexpr std::uint64_t week_ms = 7 * 24 * 60 * 60 * 1000;
    Numbers numbers{name, settings, {}};
    DestinationSettings queue;
    queue.name = name;
    queue.max_deliveries = numbers.read<std::uint32_t>("max-deliveries", 1'000'000);
    queue.dead_letter_queue = text_of(settings, "dead-letter-queue");
    queue.max_messages = numbers.read<std::uint64_t>("max-messages", trillion);
    queue.max_bytes = numbers.read<std::uint64_t>("max-bytes", pebibyte);
    queue.strict = text_of(settings, "strict") == "true";
    queue.overflow = text_of(settings, "overflow") == "hold" ? OverflowPolicy::hold : OverflowPolicy::refuse;
    queue.duplicate_ids_max = numbers.read<std::uint32_t>("duplicate-ids-max", 1'000'000);
    queue.duplicate_ids_age = std::chrono::milliseconds(numbers.read<std::int64_t>("duplicate-ids-age-ms", week_ms));
    if (!numbers.problem.empty()) return invalid(numbers.problem);
    if (queue.max_bytes > 0 && queue.max_bytes < 1024) return invalid("queue '" + name + "': max-bytes is 0 or at least 1024");
    if (queue.duplicate_ids_age.count() < 1000) return invalid("queue '" + name + "': duplicate-ids-age-ms is at least 1000");
    return queue;
}

Role role_of(const DefinitionSettings& settings) { return role_named(text_of(settings, "role")).value_or(Role::application); }

DefinitionKey key_of(const Permission& permission) {
    const std::string_view kind = permission.grantee_kind == GranteeKind::role ? "role " : "user ";
    return {DefinitionKind::permission, std::string(kind) + permission.grantee + std::string(granted_on) + permission.pattern};
}

Permission permission_of(const std::string& name, const DefinitionSettings& settings) {
    // A pattern has no spaces, so the last one is before it, whatever the user is called.
    const auto on = name.rfind(granted_on);
    const auto grantee = name.find(' ') + 1;
    Permission permission;
    permission.grantee_kind = name.starts_with("role ") ? GranteeKind::role : GranteeKind::user;
    permission.grantee = name.substr(grantee, on - grantee);
    permission.pattern = name.substr(on + granted_on.size());
    permission.actions = actions_of(text_of(settings, "actions"));
    return permission;
}

std::vector<Change> differences(const Definitions& now, const DefinitionsDocument& wanted, bool prune,
                                const std::set<DefinitionKey>& kept) {
    std::vector<Change> changes;
    for (const auto& [key, settings] : wanted.definitions) {
        const auto existing = now.find(key);
        Change change{ChangeKind::create, key, {}, settings, {}, false};
        if (existing != now.end()) {
            change.kind = ChangeKind::update;
            change.before = existing->second;
            // Only for making a user: what an existing one has is not known.
            change.after.erase("password");
            keep_differences(change.before, change.after);
            if (change.before.empty() && change.after.empty()) continue;
        }
        change.refused = refusal_of(change, now);
        changes.push_back(std::move(change));
    }
    if (!prune) return changes;
    const auto stays = remaining(now, wanted.definitions, kept);
    // Backwards: permissions before users, and all of them before the queues.
    for (auto each = now.rbegin(); each != now.rend(); ++each) {
        const auto& [key, settings] = *each;
        if (wanted.lists.count(key.first) == 0 || stays.count(key) > 0) continue;
        changes.push_back({ChangeKind::remove, key, settings, {}, {}, false});
    }
    return changes;
}

}  // namespace giromq::admin
