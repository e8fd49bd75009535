#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <random>
#include <string>
#include <vector>

#include "fault/vfs_shim.hpp"

namespace giromq::store::test {

/// Remembers for each file what is certainly on the disk (what was there when it was opened, and what was synced) and what was written
/// since, and makes images of the files as a power failure might leave them: every unsynced write may be there, or not, or torn.
class PowerLossVfs final : public VfsShim {
public:
    PowerLossVfs() : VfsShim("giromq-power-loss") {}

    /// How unsynced writes fare: all lost, all there, or each sector as the dice say.
    enum class Loss { everything, nothing, some_sectors };

    /// Called after every write, sync and truncation: the moments at which the power may fail.
    std::function<void()> on_change;

    /// Writes the files of `from`, as they would be found after a power failure now, into the empty folder `to`.
    void make_image(const std::string& from, const std::string& to, Loss loss, std::mt19937& random);

protected:
    void opened(const std::string& path) override;
    void removed(const std::string& path) override;
    int write(File& file, const void* bytes, int count, sqlite3_int64 offset) override;
    int truncate(File& file, sqlite3_int64 size) override;
    int sync(File& file, int flags) override;
    int size_hint(File& file, void* size) override;

private:
    using Bytes = std::vector<char>;
    /// A write, or without bytes a change of the size.
    struct Change {
        std::uint64_t offset = 0;
        Bytes bytes;
        bool is_size = false;
    };
    struct Disk {
        Bytes durable;
        std::vector<Change> pending;
    };

    static bool is_kept(const std::string& path);
    static void apply(Bytes& content, const Change& change);
    static void apply_some(Bytes& content, const Change& change, std::mt19937& random);
    void changed();

    std::mutex mutex_;
    std::map<std::string, Disk> disks_;
};

}  // namespace giromq::store::test
