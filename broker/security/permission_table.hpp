#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "model/permission.hpp"
#include "model/user.hpp"

namespace giromq::security {

/// The permissions that hold, a copy of what the store has: readers look at a snapshot that never changes.
/// Threads: any.
class PermissionTable {
public:
    using Snapshot = std::shared_ptr<const std::vector<Permission>>;

    void replace_all(std::vector<Permission> permissions);
    void put(Permission permission);
    bool remove(std::uint64_t id);
    /// Those of the user, who is deleted.
    void remove_user(std::string_view name);

    Snapshot snapshot() const;  // in order of id
    /// Changes with every change: who keeps an answer asks again when it does.
    std::uint64_t version() const { return version_.load(std::memory_order_acquire); }

    /// The first permission that lets the user do this to the destination.
    std::optional<Permission> find(std::string_view user, Role role, Action action, std::string_view destination) const;

private:
    void publish(std::vector<Permission> permissions);

    mutable std::mutex mutex_;
    Snapshot permissions_ = std::make_shared<const std::vector<Permission>>();
    std::atomic<std::uint64_t> version_{0};
};

}  // namespace giromq::security
