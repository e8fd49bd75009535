#include "security/permission_table.hpp"

#include <algorithm>
#include <utility>

namespace giromq::security {
namespace {

bool before(const Permission& left, const Permission& right) { return left.id < right.id; }

bool is_for(const Permission& permission, std::string_view user, Role role) {
    return permission.grantee == (permission.grantee_kind == GranteeKind::role ? to_text(role) : user);
}

}  // namespace

PermissionTable::Snapshot PermissionTable::snapshot() const {
    const std::lock_guard lock(mutex_);
    return permissions_;
}

/// With the mutex held.
void PermissionTable::publish(std::vector<Permission> permissions) {
    std::sort(permissions.begin(), permissions.end(), before);
    permissions_ = std::make_shared<const std::vector<Permission>>(std::move(permissions));
    version_.fetch_add(1, std::memory_order_release);
}

void PermissionTable::replace_all(std::vector<Permission> permissions) {
    const std::lock_guard lock(mutex_);
    publish(std::move(permissions));
}

void PermissionTable::put(Permission permission) {
    const std::lock_guard lock(mutex_);
    auto copy = *permissions_;
    std::erase_if(copy, [&](const Permission& one) { return one.id == permission.id; });
    copy.push_back(std::move(permission));
    publish(std::move(copy));
}

bool PermissionTable::remove(std::uint64_t id) {
    const std::lock_guard lock(mutex_);
    auto copy = *permissions_;
    if (std::erase_if(copy, [&](const Permission& one) { return one.id == id; }) == 0) return false;
    publish(std::move(copy));
    return true;
}

void PermissionTable::remove_user(std::string_view name) {
    const std::lock_guard lock(mutex_);
    auto copy = *permissions_;
    const auto is_of_user = [&](const Permission& one) { return one.grantee_kind == GranteeKind::user && one.grantee == name; };
    if (std::erase_if(copy, is_of_user) > 0) publish(std::move(copy));
}

std::optional<Permission> PermissionTable::find(std::string_view user, Role role, Action action, std::string_view destination) const {
    const auto permissions = snapshot();
    for (const auto& permission : *permissions) {
        if (!is_for(permission, user, role)) continue;
        if (std::find(permission.actions.begin(), permission.actions.end(), action) == permission.actions.end()) continue;
        if (matches(permission.pattern, destination)) return permission;
    }
    return std::nullopt;
}

}  // namespace giromq::security
