#include "admin/first_login.hpp"

#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"
#include "security/crypto.hpp"

namespace giromq::admin {

void FirstLogin::expect(const Hash& token_hash, UniqueFunction<void()> used) {
    const std::lock_guard lock(mutex_);
    hash_ = token_hash;
    used_ = std::move(used);
}

bool FirstLogin::is_token(std::string_view token) const {
    const auto hash = security::sha256(security::as_bytes(token));
    const std::lock_guard lock(mutex_);
    return hash && hash_ && security::equal_in_constant_time(*hash, *hash_);
}

void FirstLogin::end() {
    UniqueFunction<void()> used;
    {
        const std::lock_guard lock(mutex_);
        hash_.reset();
        used = std::move(used_);
    }
    if (used) used();
}

/// On a worker. The token ends when the administrator is durable: whoever is cut off before that tries again with it.
void BrokerAdmin::make_first_administrator(const std::string& peer, std::string token, std::string name, const std::string& password,
                                           Done<Identity> done) {
    if (!first_login_.is_token(token)) return done(Error(security::errc::wrong_credentials));
    if (auto strong = security::check_new_password(password); !strong) return done(strong.error());
    auto user = security::make_user(name, Role::administrator, password);
    if (!user) return done(user.error());
    Identity who{.user = "(first login)", .role = Role::administrator, .peer = peer, .protocol = "http"};
    auto in_turn = [this, token = std::move(token), user = std::move(*user)](const std::optional<User>& existing) mutable -> Result<User> {
        if (!first_login_.is_token(token)) return Error(security::errc::wrong_credentials);
        if (existing) return Error(errc::different, "there is a user '" + user.name + "' already; choose another name");
        return std::move(user);
    };
    auto stored = [this, name, done = std::move(done)](Result<PutUser> result) mutable {
        if (!result) return done(result.error());
        first_login_.end();
        log::info("first_administrator_made", {{"user", name}});
        done(parts_.users.identity_of(name, Role::administrator));
    };
    store_user(who, std::move(name), std::move(in_turn), std::move(stored));
}

}  // namespace giromq::admin
