#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/result.hpp"
#include "model/user.hpp"
#include "security/authorisation.hpp"
#include "security/errc.hpp"
#include "security/login_throttle.hpp"
#include "security/permission_table.hpp"

namespace giromq::security {

/// PBKDF2 rounds for new users; those of existing ones are kept with them. The most that Cyrus SASL's clients accept.
inline constexpr std::uint32_t default_iterations = 65536;
/// The fewest that RFC 7677 §4 allows, and the most that a login may cost.
inline constexpr std::uint32_t iterations_min = 4096;
inline constexpr std::uint32_t iterations_max = 10000000;

/// What a person who gives a password must keep to (PCI DSS 8.3.6): 12 characters at least, a letter and a digit among them. Those that
/// are in the store already are good as they are. Errors: weak_password, with a sentence.
Result<void> check_new_password(std::string_view password);

/// Checks name and password (rules: password of 8 to 256 bytes, no control characters, not the name) and derives the SCRAM-SHA-256
/// keys with a random salt. Slow on purpose: about 50 ms; not for the core or an I/O strand. Thread-safe.
/// Errors: invalid_name, weak_password (also for too few or too many iterations), internal.
Result<User> make_user(std::string name, Role role, std::string_view password, std::uint32_t iterations = default_iterations);

/// The users that can log in, a copy of what the store holds. Thread-safe.
class UserDirectory {
public:
    /// The second form is for tests, whose clock says how long a password is remembered.
    UserDirectory();
    explicit UserDirectory(const Clock& clock);
    ~UserDirectory();
    UserDirectory(const UserDirectory&) = delete;
    UserDirectory& operator=(const UserDirectory&) = delete;

    void replace_all(std::vector<User> users);
    void put(User user);
    void remove(std::string_view name);
    std::optional<User> find(std::string_view name) const;
    std::vector<User> list() const;  // in order of name
    bool empty() const;

    /// Who a user is once the login was right.
    Identity identity_of(const std::string& name, Role role) const { return Identity{name, role, &permissions_}; }

    /// The same user with the role that it has now; not_permitted if it has been deleted. Who is none of these users stays who it is.
    Result<Identity> current(const Identity& who) const;

    /// Whom to check credentials against. For an unknown name a user that nothing fits, with a salt and a number of iterations that
    /// depend on the name only (while the process runs), so that an exchange looks the same whether the user exists or not.
    struct Candidate {
        User user;
        bool is_known = false;
    };
    Result<Candidate> candidate(std::string_view name) const;

    /// Verifies a password given in clear (PLAIN, HTTP Basic). The same work and the same answer for an unknown user. Slow, as make_user;
    /// results of correct passwords are remembered for some minutes in keyed-hashed form so that REST calls do not cost 50 ms each.
    /// Logins over a network go through logins().attempt().
    Result<Identity> verify_password(std::string_view name, std::string_view password) const;
    /// The same if the password is remembered as right, which takes microseconds; nothing if that is not known.
    std::optional<Identity> remembered_login(std::string_view name, std::string_view password) const;

    /// What is known of logins that failed, and the counts of all. Every login of a user goes through it, whatever the protocol.
    LoginThrottle& logins() const { return logins_; }

    /// What users may do beside what their roles allow.
    PermissionTable& permissions() { return permissions_; }
    const PermissionTable& permissions() const { return permissions_; }

private:
    struct Remembered;

    std::shared_ptr<const std::vector<User>> snapshot() const;

    const Clock& clock_;
    mutable std::mutex mutex_;
    std::shared_ptr<const std::vector<User>> users_ = std::make_shared<const std::vector<User>>();
    std::shared_ptr<Remembered> remembered_;
    mutable LoginThrottle logins_;
    PermissionTable permissions_;
};

}  // namespace giromq::security
