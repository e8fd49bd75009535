#include <algorithm>
#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"

namespace giromq::admin {
namespace {

std::string_view name_of(Role role) { return role == Role::administrator ? "administrator" : "application"; }

}  // namespace

using security::Action;

Result<std::vector<UserView>> BrokerAdmin::list_users(const Identity& who) const {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return allowed.error();
    std::vector<UserView> views;
    for (const auto& user : parts_.users.list()) views.push_back({user.name, user.role});
    return views;
}

void BrokerAdmin::put_user(const Identity& who, std::string name, Role role, std::optional<std::string> password, Done<PutUser> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    if (!password) {
        auto existing = parts_.users.find(name);
        if (!existing) return done(Error(errc::invalid_argument, "there is no user '" + name + "': a new one needs a password"));
        existing->role = role;
        return store_user(who, std::move(*existing), std::move(done));
    }
    // Deriving the keys is slow on purpose.
    parts_.workers.execute([this, who, name = std::move(name), role, password = std::move(*password), done = std::move(done)]() mutable {
        auto user = security::make_user(std::move(name), role, password);
        if (!user) return done(user.error());
        store_user(who, std::move(*user), std::move(done));
    });
}

void BrokerAdmin::store_user(const Identity& who, User user, Done<PutUser> done) {
    change_user([this, by = who.user, user = std::move(user), done = std::move(done)]() mutable {
        const auto answer = parts_.users.find(user.name) ? PutUser::changed : PutUser::created;
        if (user.role != Role::administrator && is_last_administrator(user.name)) {
            user_changed();
            return done(Error(errc::last_administrator, "'" + user.name + "' is the only administrator"));
        }
        auto copy = user;
        parts_.core.put_user(std::move(copy), [this, by = std::move(by), user = std::move(user), answer,
                                               done = std::move(done)](Result<void> stored) mutable {
            if (stored) {
                log::info(answer == PutUser::created ? "user_created" : "user_changed",
                          {{"user", user.name}, {"role", name_of(user.role)}, {"by", by}});
                parts_.users.put(std::move(user));
            }
            user_changed();
            done(stored ? Result<PutUser>(answer) : Result<PutUser>(stored.error()));
        });
    });
}

void BrokerAdmin::delete_user(const Identity& who, std::string name, Done<void> done) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    change_user([this, by = who.user, name = std::move(name), done = std::move(done)]() mutable {
        std::optional<Error> refusal;
        if (!parts_.users.find(name)) refusal = Error(errc::not_found, "there is no user '" + name + "'");
        if (!refusal && is_last_administrator(name)) refusal = Error(errc::last_administrator, "'" + name + "' is the only administrator");
        if (refusal) {
            user_changed();
            return done(std::move(*refusal));
        }
        auto copy = name;
        parts_.core.remove_user(std::move(copy),
                                [this, by = std::move(by), name = std::move(name), done = std::move(done)](Result<void> removed) mutable {
                                    if (removed) {
                                        parts_.users.remove(name);
                                        log::info("user_deleted", {{"user", name}, {"by", by}});
                                    }
                                    user_changed();
                                    done(std::move(removed));
                                });
    });
}

bool BrokerAdmin::is_last_administrator(const std::string& name) const {
    const auto users = parts_.users.list();
    const auto is_administrator = [](const User& user) { return user.role == Role::administrator; };
    const auto found = std::find_if(users.begin(), users.end(), [&](const User& user) { return user.name == name; });
    return found != users.end() && is_administrator(*found) && std::count_if(users.begin(), users.end(), is_administrator) == 1;
}

void BrokerAdmin::change_user(Task change) {
    parts_.core_executor.execute([this, change = std::move(change)]() mutable {
        user_changes_.push_back(std::move(change));
        if (user_change_runs_) return;
        user_change_runs_ = true;
        auto first = std::move(user_changes_.front());
        user_changes_.pop_front();
        first();
    });
}

void BrokerAdmin::user_changed() {
    user_change_runs_ = false;
    if (user_changes_.empty()) return;
    // As a task of its own: the change that is over has yet to answer.
    parts_.core_executor.execute([this] {
        if (user_change_runs_ || user_changes_.empty()) return;
        user_change_runs_ = true;
        auto next = std::move(user_changes_.front());
        user_changes_.pop_front();
        next();
    });
}

}  // namespace giromq::admin
