#include "admin/security_plan.hpp"

#include <algorithm>
#include <utility>

#include "admin/audit_entry.hpp"
#include "admin/errc.hpp"
#include "core/errc.hpp"

namespace giromq::admin {
namespace {

class Planner {
public:
    Planner(const std::vector<User>& users, const std::vector<Permission>& permissions, const security::Identity& who, const Clock& clock)
        : who_(who), clock_(clock), next_id_(static_cast<std::uint64_t>(clock.wall_now().milliseconds)) {
        for (const auto& user : users) users_.emplace(user.name, user);
        for (const auto& permission : permissions) {
            granted_[key_of(permission)].push_back(permission);
            // One that was deleted is never given again.
            next_id_ = std::max(next_id_, permission.id + 1);
        }
        count_ = permissions.size();
        had_administrator_ = has_administrator();
    }

    void take(std::size_t place, const Change& change) {
        auto refused = change.refused ? change.refused : make(place, change);
        if (refused) plan_.refused.emplace(place, std::move(*refused));
    }

    SecurityPlan finish() {
        if (had_administrator_ && !has_administrator()) {
            for (const auto place : losses_) plan_.refused.emplace(place, Error(errc::last_administrator, "nobody would be administrator"));
        }
        for (auto& [name, user] : users_) plan_.users.push_back(std::move(user));
        for (auto& [key, permissions] : granted_) {
            for (auto& permission : permissions) plan_.permissions.push_back(std::move(permission));
        }
        return std::move(plan_);
    }

private:
    std::optional<Error> make(std::size_t place, const Change& change) {
        const bool is_removal = change.kind == ChangeKind::remove;
        if (change.key.first == DefinitionKind::permission) {
            if (!is_removal) return grant(change);
            revoke(change.key, {});
            return std::nullopt;
        }
        const auto user = users_.find(change.key.second);
        if (user == users_.end()) {
            // Somebody else may have deleted it.
            if (is_removal) return std::nullopt;
            return Error(errc::invalid_argument, "there is no user '" + change.key.second + "': a new one needs a password");
        }
        if (user->second.role == Role::administrator) losses_.push_back(place);
        plan_.let_out.push_back(user->first);
        if (is_removal) {
            remove(user);
        } else {
            user->second.role = role_of(change.after);
            step(store::PutUser{user->second}, "user.change", user->first, "role " + std::string(to_text(user->second.role)));
        }
        return std::nullopt;
    }

    /// Its permissions go with it, in the store as here.
    void remove(std::map<std::string, User>::iterator user) {
        const auto is_of_user = [&](const auto& entry) {
            const auto& first = entry.second.front();
            return first.grantee_kind == GranteeKind::user && first.grantee == user->first;
        };
        for (auto each = granted_.begin(); each != granted_.end();) {
            if (!is_of_user(*each)) {
                ++each;
                continue;
            }
            count_ -= each->second.size();
            each = granted_.erase(each);
        }
        step(store::RemoveUser{user->first}, "user.delete", user->first, {});
        users_.erase(user);
    }

    /// What is granted on the pattern becomes this one permission.
    std::optional<Error> grant(const Change& change) {
        auto wanted = permission_of(change.key.second, change.after);
        std::sort(wanted.actions.begin(), wanted.actions.end());
        wanted.actions.erase(std::unique(wanted.actions.begin(), wanted.actions.end()), wanted.actions.end());
        if (auto refused = refusal_of_grant(wanted, users_.count(wanted.grantee) > 0)) return refused;
        if (revoke(change.key, wanted.actions)) return std::nullopt;
        if (count_ >= permissions_max) return Error(core::errc::resource_limit, "there are 10000 permissions; use patterns and roles");
        wanted.id = next_id_++;
        wanted.created_at = clock_.wall_now();
        wanted.created_by = who_.user;
        ++count_;
        step(store::PutPermission{wanted}, "permission.grant", std::to_string(wanted.id), grant_text(wanted));
        granted_[change.key].push_back(std::move(wanted));
        return std::nullopt;
    }

    /// All of them but one with exactly these actions, if there is one: true then.
    bool revoke(const DefinitionKey& key, const std::vector<Action>& kept_actions) {
        const auto found = granted_.find(key);
        if (found == granted_.end()) return false;
        std::optional<Permission> kept;
        for (auto& permission : found->second) {
            if (!kept && !kept_actions.empty() && permission.actions == kept_actions) {
                kept = std::move(permission);
                continue;
            }
            --count_;
            step(store::RemovePermission{permission.id}, "permission.revoke", std::to_string(permission.id), grant_text(permission));
        }
        const bool is_kept = kept.has_value();
        granted_.erase(found);
        if (kept) granted_[key].push_back(std::move(*kept));
        return is_kept;
    }

    void step(core::Core::SecurityStep made, const char* action, std::string object, std::string detail) {
        plan_.steps.push_back(std::move(made));
        plan_.steps.emplace_back(make_audit_entry(who_, clock_, action, std::move(object), std::move(detail)));
    }

    bool has_administrator() const {
        return std::any_of(users_.begin(), users_.end(), [](const auto& entry) { return entry.second.role == Role::administrator; });
    }

    const security::Identity& who_;
    const Clock& clock_;
    SecurityPlan plan_;
    std::map<std::string, User> users_;
    std::map<DefinitionKey, std::vector<Permission>> granted_;  // never empty ones
    std::size_t count_ = 0;
    std::uint64_t next_id_;
    std::vector<std::size_t> losses_;  // changes that took an administrator away
    bool had_administrator_ = false;
};

}  // namespace

std::optional<Error> refusal_of_grant(const Permission& permission, bool is_known_user) {
    if (!is_pattern(permission.pattern)) {
        return Error(errc::invalid_argument,
                     "a pattern is words with dots between them; a word is '*' (any one), '#' (any number), or has neither, nor spaces");
    }
    const bool is_empty = permission.actions.empty();
    if (is_empty || !std::all_of(permission.actions.begin(), permission.actions.end(), is_grantable)) {
        return Error(errc::invalid_argument,
                     "what can be granted is send, receive, browse, read-body, create, move, delete, purge and resolve-xa");
    }
    if (permission.grantee_kind == GranteeKind::user) {
        if (permission.grantee == "anonymous" || is_known_user) return std::nullopt;
        return Error(errc::not_found, "there is no user '" + permission.grantee + "'");
    }
    const auto role = role_named(permission.grantee);
    if (!role) return Error(errc::not_found, "there is no role '" + permission.grantee + "'");
    if (*role == Role::auditor) return Error(errc::invalid_argument, "an auditor changes nothing, and sees no bodies");
    return std::nullopt;
}

std::string grant_text(const Permission& permission) {
    const std::string kind = permission.grantee_kind == GranteeKind::role ? "role " : "user ";
    return kind + permission.grantee + ": " + actions_text(permission.actions) + " on " + permission.pattern;
}

SecurityPlan plan_security(std::span<const Change> changes, const std::vector<User>& users, const std::vector<Permission>& permissions,
                           const security::Identity& who, const Clock& clock) {
    Planner planner(users, permissions, who, clock);
    for (std::size_t place = 0; place < changes.size(); ++place) planner.take(place, changes[place]);
    return planner.finish();
}

}  // namespace giromq::admin
