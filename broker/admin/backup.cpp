#include <algorithm>
#include <filesystem>
#include <system_error>
#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"

namespace giromq::admin {
namespace {

namespace fs = std::filesystem;
constexpr std::size_t backup_name_bytes = 100;

Result<std::string> prepare(const std::string& directory, const std::string& file) {
    std::error_code error;
    fs::create_directories(directory, error);
    if (!error) fs::permissions(directory, fs::perms::owner_all, error);
    if (error) return Error(errc::failed, "cannot make the folder " + directory + ": " + error.message());
    const auto path = (fs::path(directory) / file).string();
    if (fs::symlink_status(path, error).type() != fs::file_type::not_found) {
        return Error(errc::different, "the file '" + file + "' exists already; choose another name");
    }
    return path;
}

}  // namespace

bool is_backup_name(std::string_view file) {
    const auto fits = [](char character) {
        return (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z') || (character >= '0' && character <= '9') ||
               character == '.' || character == '-' || character == '_';
    };
    return !file.empty() && file.size() <= backup_name_bytes && file.front() != '.' && std::all_of(file.begin(), file.end(), fits);
}

void BrokerAdmin::backup(const Identity& who, std::string file, Done<Backup> done) {
    if (auto allowed = authorise(who, security::Action::administer, {}); !allowed) return done(allowed.error());
    if (!is_backup_name(file)) {
        return done(Error(errc::invalid_argument,
                          "a backup is named by 1 to 100 letters, digits, '.', '-' and '_', not beginning with '.': it is a file in the "
                          "folder for backups, not a path"));
    }
    if (backup_runs_.exchange(true)) return done(Error(errc::busy, "a backup is under way"));
    auto entry = audit_entry(who, "backup", file);
    entry.outcome = "begun";
    record(entry);
    parts_.workers.execute([this, by = who.user, entry = std::move(entry), file = std::move(file), done = std::move(done)]() mutable {
        auto path = prepare(settings_.backups_directory, file);
        if (!path) {
            backup_runs_ = false;
            record(ended(std::move(entry), parts_.clock.wall_now(), "failed", path.error().detail()));
            return done(path.error());
        }
        log::info("backup_started", {{"file", *path}, {"by", by}});
        auto target = *path;
        parts_.store.backup(std::move(target), [this, entry = std::move(entry), path = std::move(*path),
                                                done = std::move(done)](Result<void> copied) mutable {
            backup_runs_ = false;
            record(ended(std::move(entry), parts_.clock.wall_now(), copied ? "done" : "failed", copied ? "" : copied.error().to_string()));
            if (!copied) {
                log::error("backup_failed", {{"file", path}, {"reason", copied.error().to_string()}});
                return done(copied.error());
            }
            std::error_code ignored;
            const auto bytes = fs::file_size(path, ignored);
            log::info("backup_finished", {{"file", path}, {"bytes", ignored ? 0 : bytes}});
            done(Backup{path, ignored ? 0 : bytes});
        });
    });
}

}  // namespace giromq::admin
