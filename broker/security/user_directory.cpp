#include "security/user_directory.hpp"

#include <string.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <utility>

#include "base/limits.hpp"
#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "security/keys.hpp"
#include "security/saslprep.hpp"

namespace giromq::security {
namespace {

constexpr std::size_t salt_bytes = 16;
constexpr std::size_t password_bytes_max = 256;
constexpr std::size_t remembered_max = 1024;
constexpr std::chrono::minutes remembered_for{5};

const SystemClock system_clock;

bool name_before(const User& user, std::string_view name) { return user.name < name; }

template <typename Users>
auto place_of(Users& users, std::string_view name) {
    return std::lower_bound(users.begin(), users.end(), name, name_before);
}

/// A password as it is hashed. One that SASLprep refuses is nobody's, and costs as much as any other.
class PreparedPassword {
public:
    explicit PreparedPassword(std::string_view password) : text_(saslprep(password, Prepared::query).value_or(std::string(password))) {}
    ~PreparedPassword() { ::explicit_bzero(text_.data(), text_.size()); }
    PreparedPassword(const PreparedPassword&) = delete;
    PreparedPassword& operator=(const PreparedPassword&) = delete;

    const std::string& text() const { return text_; }

private:
    std::string text_;
};

Error wrong_credentials() { return Error(errc::wrong_credentials); }

/// The lengths are part of it, so that no two different pairs make the same bytes.
Result<Digest> tag_of(const Digest& key, const User& user, std::string_view password) {
    const std::string length = std::to_string(user.name.size()) + ":";
    return hmac_sha256(key, {"remembered", length, user.name, as_text(user.stored_key), password});
}

/// A user that nobody can be: its keys are no hash of anything known.
Result<User> make_decoy(const std::vector<User>& users, std::string_view name) {
    const auto key = process_key();
    if (!key) return key.error();
    const auto salt = hmac_sha256(*key, {"decoy salt", name});
    const auto stored_key = hmac_sha256(*key, {"decoy stored key", name});
    const auto choice = hmac_sha256(*key, {"decoy choice", name});
    if (!salt) return salt.error();
    if (!stored_key) return stored_key.error();
    if (!choice) return choice.error();
    User decoy;
    decoy.name = std::string(name);
    decoy.salt.assign(salt->begin(), salt->begin() + salt_bytes);
    decoy.stored_key = *stored_key;
    // As many iterations as one of the users has, so that the number gives nothing away where not all have the same.
    std::uint32_t number = 0;
    for (std::size_t index = 0; index < sizeof number; ++index) number = number << 8 | (*choice)[index];
    decoy.iterations = users.empty() ? default_iterations : users[number % users.size()].iterations;
    return decoy;
}

}  // namespace

/// Passwords that were right lately, as hashes under a key that only this process knows. A new password of a user has another
/// stored key, so that what was remembered of the old one no longer matches anything.
struct UserDirectory::Remembered {
    std::mutex mutex;
    std::map<Digest, MonotonicTime> until;

    bool contains(const Digest& tag, MonotonicTime now) {
        const std::lock_guard lock(mutex);
        const auto found = until.find(tag);
        if (found == until.end()) return false;
        if (found->second > now) return true;
        until.erase(found);
        return false;
    }

    void add(const Digest& tag, MonotonicTime now) {
        const std::lock_guard lock(mutex);
        if (until.size() >= remembered_max) std::erase_if(until, [&](const auto& entry) { return entry.second <= now; });
        if (until.size() >= remembered_max) until.clear();
        until[tag] = now + remembered_for;
    }
};

Result<void> check_new_password(std::string_view given) {
    const PreparedPassword prepared(given);
    const std::string_view password = prepared.text();
    constexpr std::size_t characters_min = 12;
    const auto is_letter = [](unsigned char one) { return (one | 0x20U) >= 'a' && (one | 0x20U) <= 'z'; };
    // Letters of other alphabets are letters, too; a character of several bytes counts once.
    const auto is_of_several_bytes = [](unsigned char one) { return one >= 0x80; };
    const auto is_first_byte = [](unsigned char one) { return (one & 0xc0U) != 0x80; };
    const auto is_digit = [](unsigned char one) { return one >= '0' && one <= '9'; };
    const bool has_letter =
        std::any_of(password.begin(), password.end(), is_letter) || std::any_of(password.begin(), password.end(), is_of_several_bytes);
    const bool has_digit = std::any_of(password.begin(), password.end(), is_digit);
    const auto characters = static_cast<std::size_t>(std::count_if(password.begin(), password.end(), is_first_byte));
    if (characters >= characters_min && has_letter && has_digit) return {};
    return Error(errc::weak_password, "a password has at least 12 characters, letters and digits among them");
}

Result<User> make_user(std::string name, Role role, std::string_view password, std::uint32_t iterations) {
    if (const auto checked = check_user_name(name); !checked) return checked.error();
    auto prepared = prepare_password(password, name);
    if (!prepared) return prepared.error();
    if (iterations < iterations_min || iterations > iterations_max) {
        return Error(errc::weak_password, "the PBKDF2 iterations must be 4096 to 10000000");
    }
    User user;
    user.name = std::move(name);
    user.role = role;
    user.iterations = iterations;
    user.salt.resize(salt_bytes);
    if (const auto filled = random_bytes(user.salt); !filled) return filled.error();
    const auto keys = derive_keys(*prepared, user.salt, iterations);
    ::explicit_bzero(prepared->data(), prepared->size());
    if (!keys) return keys.error();
    user.stored_key = keys->stored_key;
    user.server_key = keys->server_key;
    return user;
}

UserDirectory::UserDirectory() : UserDirectory(system_clock) {}
UserDirectory::UserDirectory(const Clock& clock) : clock_(clock), remembered_(std::make_shared<Remembered>()), logins_(clock) {}
UserDirectory::~UserDirectory() = default;

std::shared_ptr<const std::vector<User>> UserDirectory::snapshot() const {
    const std::lock_guard lock(mutex_);
    return users_;
}

void UserDirectory::replace_all(std::vector<User> users) {
    std::stable_sort(users.begin(), users.end(), [](const User& left, const User& right) { return left.name < right.name; });
    const auto same_name = [](const User& left, const User& right) { return left.name == right.name; };
    users.erase(std::unique(users.begin(), users.end(), same_name), users.end());
    auto replacement = std::make_shared<const std::vector<User>>(std::move(users));
    const std::lock_guard lock(mutex_);
    users_ = std::move(replacement);
}

void UserDirectory::put(User user) {
    const std::lock_guard lock(mutex_);
    auto copy = std::make_shared<std::vector<User>>(*users_);
    const auto place = place_of(*copy, user.name);
    if (place != copy->end() && place->name == user.name) {
        *place = std::move(user);
    } else {
        copy->insert(place, std::move(user));
    }
    users_ = std::move(copy);
}

void UserDirectory::remove(std::string_view name) {
    const std::lock_guard lock(mutex_);
    auto copy = std::make_shared<std::vector<User>>(*users_);
    const auto place = place_of(*copy, name);
    if (place == copy->end() || place->name != name) return;
    copy->erase(place);
    users_ = std::move(copy);
}

std::optional<User> UserDirectory::find(std::string_view name) const {
    const auto users = snapshot();
    const auto place = place_of(*users, name);
    if (place == users->end() || place->name != name) return std::nullopt;
    return *place;
}

std::vector<User> UserDirectory::list() const { return *snapshot(); }

bool UserDirectory::empty() const { return snapshot()->empty(); }

Result<Identity> UserDirectory::current(const Identity& who) const {
    if (who.permissions != &permissions_) return who;
    const auto user = find(who.user);
    if (!user) return Error(errc::not_permitted, "the user '" + who.user + "' was deleted");
    return identity_of(user->name, user->role);
}

Result<UserDirectory::Candidate> UserDirectory::candidate(std::string_view given) const {
    const std::string name = prepared_name(given);
    const auto users = snapshot();
    // Made for known users too, so that the time does not tell which they are.
    auto decoy = make_decoy(*users, name);
    if (!decoy) return decoy.error();
    const auto place = place_of(*users, name);
    if (place != users->end() && place->name == name) return Candidate{*place, true};
    return Candidate{std::move(decoy).value(), false};
}

Result<Identity> UserDirectory::verify_password(std::string_view name, std::string_view password) const {
    if (name.empty() || name.size() > limits::user_name_bytes || password.size() > password_bytes_max) return wrong_credentials();
    const auto found = candidate(name);
    if (!found) return found.error();
    const User& user = found->user;
    const auto key = process_key();
    if (!key) return key.error();
    const PreparedPassword prepared(password);
    const auto tag = tag_of(*key, user, prepared.text());
    if (!tag) return tag.error();
    const MonotonicTime now = clock_.monotonic_now();
    if (found->is_known && remembered_->contains(*tag, now)) return identity_of(user.name, user.role);
    const auto keys = derive_keys(prepared.text(), user.salt, user.iterations);
    if (!keys) return keys.error();
    const bool matches = equal_in_constant_time(keys->stored_key, user.stored_key);
    if (!matches || !found->is_known) return wrong_credentials();
    remembered_->add(*tag, now);
    return identity_of(user.name, user.role);
}

std::optional<Identity> UserDirectory::remembered_login(std::string_view name, std::string_view password) const {
    if (name.size() > limits::user_name_bytes || password.size() > password_bytes_max) return std::nullopt;
    const auto user = find(prepared_name(name));
    const auto key = process_key();
    if (!user || !key) return std::nullopt;
    const PreparedPassword prepared(password);
    const auto tag = tag_of(*key, *user, prepared.text());
    if (!tag || !remembered_->contains(*tag, clock_.monotonic_now())) return std::nullopt;
    return identity_of(user->name, user->role);
}

}  // namespace giromq::security
