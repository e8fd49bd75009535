#include <algorithm>
#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"

namespace giromq::admin {
using security::Action;

Result<std::vector<UserView>> BrokerAdmin::list_users(const Identity& who) const {
    if (auto allowed = authorise(who, Action::audit, {}); !allowed) return allowed.error();
    std::vector<UserView> views;
    for (const auto& user : parts_.users.list()) views.push_back({user.name, user.role});
    return views;
}

Result<User> BrokerAdmin::view_user(const Identity& who, const std::string& name) const {
    if (auto allowed = authorise(who, Action::audit, {}); !allowed) return allowed.error();
    auto user = parts_.users.find(name);
    if (!user) return Error(errc::not_found, "there is no user '" + name + "'");
    return std::move(*user);
}

void BrokerAdmin::put_user(const Identity& who, std::string name, Role role, std::optional<std::string> password, Done<PutUser> done,
                           StillSo<User> still_so) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    if (!password) {
        auto with_role = [name, role, still_so = std::move(still_so)](std::optional<User> existing) -> Result<User> {
            if (still_so && !(existing && still_so(*existing))) return changed_meanwhile();
            if (!existing) return Error(errc::invalid_argument, "there is no user '" + name + "': a new one needs a password");
            existing->role = role;
            return std::move(*existing);
        };
        return store_user(who, std::move(name), std::move(with_role), std::move(done));
    }
    if (auto strong = security::check_new_password(*password); !strong) return done(strong.error());
    // Deriving the keys is slow on purpose.
    parts_.workers.execute([this, who, name = std::move(name), role, password = std::move(*password), done = std::move(done),
                            still_so = std::move(still_so)]() mutable {
        auto user = security::make_user(name, role, password);
        if (!user) return done(user.error());
        auto with_keys = [user = std::move(*user),
                          still_so = std::move(still_so)](const std::optional<User>& existing) mutable -> Result<User> {
            if (still_so && !(existing && still_so(*existing))) return changed_meanwhile();
            return std::move(user);
        };
        store_user(who, std::move(name), std::move(with_keys), std::move(done));
    });
}

void BrokerAdmin::change_own_password(const Identity& who, User seen, std::string password, Done<User> done) {
    if (auto strong = security::check_new_password(password); !strong) return done(strong.error());
    parts_.workers.execute([this, who, seen = std::move(seen), password = std::move(password), done = std::move(done)]() mutable {
        auto made = security::make_user(who.user, seen.role, password);
        if (!made) return done(made.error());
        auto with_keys = [stored_key = seen.stored_key, user = *made](const std::optional<User>& existing) mutable -> Result<User> {
            if (!existing || existing->stored_key != stored_key) return Error(security::errc::wrong_credentials);
            user.role = existing->role;
            return std::move(user);
        };
        auto answer = [user = std::move(*made), done = std::move(done)](Result<PutUser> put) mutable {
            put ? done(std::move(user)) : done(put.error());
        };
        store_user(who, who.user, std::move(with_keys), std::move(answer));
    });
}

/// `make` gets the user as it is when it is this change's turn: what was read before could undo a change that came in between.
void BrokerAdmin::store_user(const Identity& who, std::string name, MakeUser make, Done<PutUser> done) {
    in_turn([this, who, name = std::move(name), make = std::move(make), done = std::move(done)]() mutable {
        const auto existing = parts_.users.find(name);
        auto made = make(existing);
        if (made && made->role != Role::administrator && is_last_administrator(name)) {
            made = Error(errc::last_administrator, "'" + name + "' is the only administrator");
        }
        if (!made) {
            turn_ends();
            return done(made.error());
        }
        const auto answer = existing ? PutUser::changed : PutUser::created;
        const bool is_password_new = !existing || existing->stored_key != made->stored_key;
        auto entry = audit_entry(who, existing ? "user.change" : "user.create", name,
                                 "role " + std::string(to_text(made->role)) + (is_password_new ? ", new password" : ""));
        auto copy = *made;
        auto stored = [this, by = who.user, user = std::move(*made), answer, done = std::move(done)](Result<void> result) mutable {
            if (result) take_over(std::move(user), answer, by);
            turn_ends();
            done(result ? Result<PutUser>(answer) : Result<PutUser>(result.error()));
        };
        parts_.core.audited(std::move(entry), [&] { parts_.core.put_user(std::move(copy), std::move(stored)); });
    });
}

/// The change is in the store: from now on it holds. The directory first, so that nobody gets in with what held before.
void BrokerAdmin::take_over(User user, PutUser answer, const std::string& by) {
    log::info(answer == PutUser::created ? "user_created" : "user_changed",
              {{"user", user.name}, {"role", to_text(user.role)}, {"by", by}});
    const auto name = user.name;
    parts_.users.put(std::move(user));
    if (answer == PutUser::changed) parts_.connections.close_user(name, "the user '" + name + "' was changed; log in again");
}

void BrokerAdmin::delete_user(const Identity& who, std::string name, Done<void> done, StillSo<User> still_so) {
    if (auto allowed = authorise(who, Action::administer, {}); !allowed) return done(allowed.error());
    in_turn([this, by = who.user, entry = audit_entry(who, "user.delete", name), name = std::move(name), done = std::move(done),
             still_so = std::move(still_so)]() mutable {
        std::optional<Error> refusal;
        const auto existing = parts_.users.find(name);
        if (!existing) refusal = Error(errc::not_found, "there is no user '" + name + "'");
        if (existing && still_so && !still_so(*existing)) refusal = changed_meanwhile();
        if (!refusal && is_last_administrator(name)) refusal = Error(errc::last_administrator, "'" + name + "' is the only administrator");
        if (refusal) {
            turn_ends();
            return done(std::move(*refusal));
        }
        auto copy = name;
        auto removed = [this, by = std::move(by), name = std::move(name), done = std::move(done)](Result<void> result) mutable {
            if (result) {
                parts_.users.remove(name);
                parts_.users.permissions().remove_user(name);
                log::info("user_deleted", {{"user", name}, {"by", by}});
                parts_.connections.close_user(name, "the user '" + name + "' was deleted");
            }
            turn_ends();
            done(std::move(result));
        };
        parts_.core.audited(std::move(entry), [&] { parts_.core.remove_user(std::move(copy), std::move(removed)); });
    });
}

bool BrokerAdmin::is_last_administrator(const std::string& name) const {
    const auto users = parts_.users.list();
    const auto is_administrator = [](const User& user) { return user.role == Role::administrator; };
    const auto found = std::find_if(users.begin(), users.end(), [&](const User& user) { return user.name == name; });
    return found != users.end() && is_administrator(*found) && std::count_if(users.begin(), users.end(), is_administrator) == 1;
}

void BrokerAdmin::in_turn(Task change) {
    parts_.core_executor.execute([this, change = std::move(change)]() mutable {
        turns_.push_back(std::move(change));
        if (turn_runs_) return;
        turn_runs_ = true;
        auto first = std::move(turns_.front());
        turns_.pop_front();
        first();
    });
}

void BrokerAdmin::turn_ends() {
    turn_runs_ = false;
    if (turns_.empty()) return;
    // As a task of its own: the change that is over has yet to answer.
    parts_.core_executor.execute([this] {
        if (turn_runs_ || turns_.empty()) return;
        turn_runs_ = true;
        auto next = std::move(turns_.front());
        turns_.pop_front();
        next();
    });
}

}  // namespace giromq::admin
