#include "main/store_commands.hpp"

#include <pwd.h>
#include <unistd.h>

#include <iostream>
#include <optional>
#include <set>
#include <utility>

#include "admin/errc.hpp"
#include "base/clock.hpp"
#include "security/user_directory.hpp"
#include "store/errc.hpp"

namespace giromq::daemon {
namespace {

/// What a long command tells meanwhile.
UniqueFunction<void(const std::string&)> show() {
    return [](const std::string& sentence) { std::cerr << sentence << '\n'; };
}

ExitCode check(const std::string& data) {
    if (auto checked = store::check_sqlite_store(data, show()); !checked) return report(checked.error());
    std::cout << "the store in " << data << " is sound\n";
    return ExitCode::ok;
}

ExitCode backup(const std::string& data, const std::string& file) {
    if (auto copied = store::backup_sqlite_store(data, file, show()); !copied) return report(copied.error());
    std::cout << "the store in " << data << " is saved in " << file << '\n';
    return ExitCode::ok;
}

ExitCode restore(const std::string& file, const std::string& data) {
    if (auto restored = store::restore_sqlite_store(file, data); !restored) return report(restored.error());
    std::cout << file << " is restored to " << data << '\n';
    return ExitCode::ok;
}

/// The counters as they are, which every batch repeats, and the administrators.
class CounterReader final : public store::RecoveryVisitor {
public:
    void counters(Position next_position, MessageNumber next_message, DestinationId next_destination) override {
        batch.next_position = next_position;
        batch.next_message = next_message;
        batch.next_destination = next_destination;
    }
    void destination(store::StoredDestination) override {}
    void producer(store::PutProducer) override {}
    void duplicate_id(store::PutDuplicateId) override {}
    void user(User user) override {
        if (user.role == Role::administrator) administrators.insert(std::move(user.name));
    }

    store::Batch batch;
    std::set<std::string> administrators;
};

/// Who is logged in to this machine has done it: the broker knows nobody here.
std::string system_user() {
    const auto* const entry = ::getpwuid(::geteuid());
    return entry == nullptr ? std::to_string(::geteuid()) : std::string(entry->pw_name);
}

AuditEntry line_of(const User& user) {
    AuditEntry entry;
    entry.time = SystemClock().wall_now();
    entry.user = system_user();
    entry.action = "user.put";
    entry.object = user.name;
    entry.detail = "role " + std::string(to_text(user.role)) + ", new password";
    entry.protocol = "offline";
    return entry;
}

Result<void> store_user(store::Store& store, const store::Lease& lease, User user) {
    CounterReader counters;
    if (auto recovered = store.recover(counters); !recovered) return recovered;
    if (user.role != Role::administrator && counters.administrators == std::set<std::string>{user.name}) {
        if (auto released = store.release(lease); !released) return released;
        return Error(admin::errc::last_administrator, "'" + user.name + "' is the only administrator; make another one first");
    }
    const auto last = store.last_batch();
    if (!last) return last.error();
    counters.batch.operations.emplace_back(line_of(user));
    counters.batch.operations.emplace_back(store::PutUser{std::move(user)});
    std::optional<store::BatchResult> result;
    store.commit(lease, BatchNumber{last->value + 1}, counters.batch, [&](store::BatchResult done) { result = std::move(done); });
    if (!result || result->outcome != store::CommitOutcome::durable) {
        return result ? result->error : Error(store::errc::in_doubt, "the store has not answered");
    }
    return store.release(lease);
}

ExitCode add_user(const Options& options, const config::Config& config) {
    const auto password = config::resolve_secret("file:" + options.password_file);
    if (!password) return report(password.error());
    if (auto strong = security::check_new_password(*password); !strong) return report(strong.error());
    auto user = security::make_user(options.user, options.role, *password);
    if (!user) return report(user.error());
    const SystemClock clock;
    auto store = store::open_sqlite_store(sqlite_settings(config), clock);
    if (!store) return report(store.error());
    const auto lease = (*store)->acquire();
    if (!lease) return report(lease.error());
    if (auto stored = store_user(**store, *lease, std::move(*user)); !stored) return report(stored.error());
    std::cout << "user " << options.user << " is stored\n";
    return ExitCode::ok;
}

}  // namespace

store::SqliteSettings sqlite_settings(const config::Config& config) {
    store::SqliteSettings settings;
    settings.directory = config.broker.data_directory;
    settings.page_bytes = config.store.page_bytes;
    settings.checkpoint_bytes = config.store.checkpoint_bytes;
    settings.wal_bytes = config.store.wal_bytes;
    settings.reserve_bytes = config.store.reserve_bytes;
    return settings;
}

ExitCode run_store_command(const Options& options, const config::Config& config) {
    const auto& data = config.broker.data_directory;
    switch (options.command) {
        case Options::Command::check_store: return check(data);
        case Options::Command::backup: return backup(data, options.file);
        case Options::Command::restore: return restore(options.file, data);
        case Options::Command::add_user: return add_user(options, config);
        case Options::Command::run:
        case Options::Command::check_config: break;
    }
    return ExitCode::failed;
}

}  // namespace giromq::daemon
