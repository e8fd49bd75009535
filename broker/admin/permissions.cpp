#include <algorithm>
#include <utility>

#include "admin/broker_admin.hpp"
#include "admin/security_plan.hpp"
#include "base/log.hpp"
#include "security/permission_table.hpp"

namespace giromq::admin {
namespace {

using security::Action;

std::string_view to_text(GranteeKind kind) { return kind == GranteeKind::role ? "role" : "user"; }

bool is_same_grant(const Permission& left, const Permission& right) {
    return left.grantee_kind == right.grantee_kind && left.grantee == right.grantee && left.pattern == right.pattern &&
           left.actions == right.actions;
}

void log_change(const char* event, const Permission& permission, const std::string& by) {
    log::info(event, {{"id", permission.id},
                      {to_text(permission.grantee_kind), permission.grantee},
                      {"pattern", permission.pattern},
                      {"actions", actions_text(permission.actions)},
                      {"by", by}});
}

}  // namespace

Result<std::vector<Permission>> BrokerAdmin::list_permissions(const Identity& who) const {
    if (auto allowed = authorise(who, Action::audit, {}); !allowed) return allowed.error();
    return *parts_.users.permissions().snapshot();
}

std::optional<Error> BrokerAdmin::refusal_of(const Permission& permission) const {
    if (auto refused = refusal_of_grant(permission, parts_.users.find(permission.grantee).has_value())) return refused;
    const auto existing = parts_.users.permissions().snapshot();
    if (existing->size() >= permissions_max)
        return Error(core::errc::resource_limit, "there are 10000 permissions; use patterns and roles");
    const auto same =
        std::find_if(existing->begin(), existing->end(), [&](const Permission& one) { return is_same_grant(one, permission); });
    if (same != existing->end()) return Error(errc::different, "permission " + std::to_string(same->id) + " grants the same");
    return std::nullopt;
}

void BrokerAdmin::add_permission(const Identity& who, Permission permission, Done<Permission> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    std::sort(permission.actions.begin(), permission.actions.end());
    permission.actions.erase(std::unique(permission.actions.begin(), permission.actions.end()), permission.actions.end());
    // In turn with changes of users: a grant to a user that goes at the same time must not stay behind.
    in_turn([this, who, permission = std::move(permission), done = std::move(done)]() mutable {
        if (auto refused = refusal_of(permission)) {
            turn_ends();
            return done(std::move(*refused));
        }
        // The time makes the id: one that was deleted is never given again.
        const auto existing = parts_.users.permissions().snapshot();
        permission.created_at = parts_.clock.wall_now();
        permission.created_by = who.user;
        permission.id =
            std::max(static_cast<std::uint64_t>(permission.created_at.milliseconds), existing->empty() ? 0 : existing->back().id + 1);
        auto copy = permission;
        auto entry = audit_entry(who, "permission.grant", std::to_string(permission.id), grant_text(permission));
        auto stored = [this, by = who.user, permission = std::move(permission), done = std::move(done)](Result<void> result) mutable {
            if (result) {
                log_change("permission_granted", permission, by);
                parts_.users.permissions().put(permission);
            }
            turn_ends();
            done(result ? Result<Permission>(std::move(permission)) : Result<Permission>(result.error()));
        };
        parts_.core.audited(std::move(entry), [&] { parts_.core.put_permission(std::move(copy), std::move(stored)); });
    });
}

void BrokerAdmin::delete_permission(const Identity& who, std::uint64_t id, Done<void> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    in_turn([this, who, id, done = std::move(done)]() mutable {
        const auto existing = parts_.users.permissions().snapshot();
        const auto found = std::find_if(existing->begin(), existing->end(), [&](const Permission& one) { return one.id == id; });
        if (found == existing->end()) {
            turn_ends();
            return done(Error(errc::not_found, "there is no permission " + std::to_string(id)));
        }
        auto entry = audit_entry(who, "permission.revoke", std::to_string(id), grant_text(*found));
        auto removed = [this, by = who.user, permission = *found, done = std::move(done)](Result<void> result) mutable {
            if (result) {
                log_change("permission_revoked", permission, by);
                parts_.users.permissions().remove(permission.id);
                parts_.connections.review_permissions();
            }
            turn_ends();
            done(std::move(result));
        };
        parts_.core.audited(std::move(entry), [&] { parts_.core.remove_permission(id, std::move(removed)); });
    });
}

Result<security::Decision> BrokerAdmin::check_permission(const Identity& who, const std::string& user, Action action,
                                                         const std::string& destination) const {
    if (who.user != user) {
        if (auto allowed = authorise(who, Action::audit, {}); !allowed) return allowed.error();
    }
    const auto found = parts_.users.find(user);
    if (!found && user != "anonymous") return Error(errc::not_found, "there is no user '" + user + "'");
    const Role role = found ? found->role : Role::application;
    return security::decide(parts_.users.identity_of(user, role), action, destination);
}

}  // namespace giromq::admin
