#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string_view>
#include <vector>

#include "base/result.hpp"
#include "model/user.hpp"
#include "security/authorisation.hpp"
#include "security/errc.hpp"

namespace giromq::security {

/// PBKDF2 rounds for new users; those of existing ones are kept with them.
inline constexpr std::uint32_t default_iterations = 100000;

/// Checks name and password (rules: password of 8 to 256 bytes, no control characters, not the name) and derives the SCRAM-SHA-256
/// keys with a random salt. Slow on purpose: about 50 ms; not for the core or an I/O strand.
Result<User> make_user(std::string name, Role role, std::string_view password, std::uint32_t iterations = default_iterations);

/// The users that can log in, a copy of what the store holds. Thread-safe.
class UserDirectory {
public:
    void replace_all(std::vector<User> users);
    void put(User user);
    void remove(std::string_view name);
    std::optional<User> find(std::string_view name) const;
    std::vector<User> list() const;  // in order of name
    bool empty() const;

    /// Verifies a password given in clear (PLAIN, HTTP Basic). The same work and the same answer for an unknown user. Slow, as make_user;
    /// results of correct passwords are remembered for some minutes in keyed-hashed form so that REST calls do not cost 50 ms each.
    Result<Identity> verify_password(std::string_view name, std::string_view password) const;

private:
    mutable std::mutex mutex_;
    std::shared_ptr<const std::vector<User>> users_ = std::make_shared<const std::vector<User>>();
    struct Remembered;
    mutable std::shared_ptr<Remembered> remembered_;
};

}  // namespace giromq::security
