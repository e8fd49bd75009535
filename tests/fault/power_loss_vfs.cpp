#include "fault/power_loss_vfs.hpp"

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>

namespace giromq::store::test {
namespace {

constexpr std::uint64_t sector_bytes = 512;

std::vector<char> content_of(const std::string& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

}  // namespace

/// The index of the log is shared memory and rebuilt at every start.
bool PowerLossVfs::is_kept(const std::string& path) { return !path.ends_with("-shm"); }

void PowerLossVfs::opened(const std::string& path) {
    const std::lock_guard lock(mutex_);
    if (path.empty() || !is_kept(path)) return;
    // Two connections open the same file: what the first one wrote is not yet on the disk.
    const auto [found, is_new] = disks_.try_emplace(path);
    if (is_new) found->second.durable = content_of(path);
}

void PowerLossVfs::removed(const std::string& path) {
    const std::lock_guard lock(mutex_);
    disks_.erase(path);
}

void PowerLossVfs::apply(Bytes& content, const Change& change) {
    if (change.is_size) {
        content.resize(change.offset);
        return;
    }
    content.resize(std::max<std::size_t>(content.size(), change.offset + change.bytes.size()));
    std::copy(change.bytes.begin(), change.bytes.end(), content.begin() + static_cast<std::ptrdiff_t>(change.offset));
}

void PowerLossVfs::apply_some(Bytes& content, const Change& change, std::mt19937& random) {
    const auto coin = [&] { return std::uniform_int_distribution<int>(0, 1)(random) == 1; };
    if (change.is_size) {
        if (coin()) apply(content, change);
        return;
    }
    // Torn at the borders of the disk's sectors, wherever the write itself begins.
    for (std::uint64_t at = 0; at < change.bytes.size();) {
        const auto in_sector = sector_bytes - (change.offset + at) % sector_bytes;
        const auto count = std::min<std::uint64_t>(in_sector, change.bytes.size() - at);
        if (coin()) {
            const auto first = change.bytes.begin() + static_cast<std::ptrdiff_t>(at);
            apply(content, Change{change.offset + at, Bytes(first, first + static_cast<std::ptrdiff_t>(count)), false});
        }
        at += count;
    }
}

void PowerLossVfs::make_image(const std::string& from, const std::string& to, Loss loss, std::mt19937& random) {
    const std::lock_guard lock(mutex_);
    for (const auto& [path, disk] : disks_) {
        const std::filesystem::path name(path);
        if (name.parent_path() != from) continue;
        Bytes content = disk.durable;
        for (const Change& change : disk.pending) {
            if (loss == Loss::nothing) apply(content, change);
            if (loss == Loss::some_sectors) apply_some(content, change, random);
        }
        std::ofstream file(std::filesystem::path(to) / name.filename(), std::ios::binary);
        file.write(content.data(), static_cast<std::streamsize>(content.size()));
    }
}

void PowerLossVfs::changed() {
    if (on_change) on_change();
}

int PowerLossVfs::write(File& file, const void* bytes, int count, sqlite3_int64 offset) {
    const int code = VfsShim::write(file, bytes, count, offset);
    if (code != SQLITE_OK || !is_kept(file.path)) return code;
    {
        const std::lock_guard lock(mutex_);
        const auto* const first = static_cast<const char*>(bytes);
        disks_[file.path].pending.push_back(Change{static_cast<std::uint64_t>(offset), Bytes(first, first + count), false});
    }
    changed();
    return code;
}

int PowerLossVfs::truncate(File& file, sqlite3_int64 size) {
    const int code = VfsShim::truncate(file, size);
    if (code == SQLITE_OK) {
        sqlite3_int64 now = 0;
        file.inner->pMethods->xFileSize(file.inner, &now);
        const std::lock_guard lock(mutex_);
        disks_[file.path].pending.push_back(Change{static_cast<std::uint64_t>(now), {}, true});
    }
    changed();
    return code;
}

int PowerLossVfs::sync(File& file, int) {
    // Not carried out: what matters is what is remembered here.
    {
        const std::lock_guard lock(mutex_);
        auto& disk = disks_[file.path];
        for (const Change& change : disk.pending) apply(disk.durable, change);
        disk.pending.clear();
    }
    changed();
    return SQLITE_OK;
}

int PowerLossVfs::size_hint(File& file, void* size) {
    sqlite3_int64 before = 0;
    sqlite3_int64 after = 0;
    file.inner->pMethods->xFileSize(file.inner, &before);
    const int code = VfsShim::size_hint(file, size);
    file.inner->pMethods->xFileSize(file.inner, &after);
    if (after != before) {
        const std::lock_guard lock(mutex_);
        disks_[file.path].pending.push_back(Change{static_cast<std::uint64_t>(after), {}, true});
    }
    return code;
}

}  // namespace giromq::store::test
