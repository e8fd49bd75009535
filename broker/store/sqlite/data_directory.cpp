#include "store/sqlite/data_directory.hpp"

#include <fcntl.h>
#include <linux/magic.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <utility>

namespace giromq::store::sqlite {
namespace {

constexpr mode_t folder_mode = 0700;

/// File systems that live on another machine, by statfs(2)'s f_type. Those that <linux/magic.h> does not name are from their sources.
constexpr std::array<std::uint64_t, 10> network_file_systems{
    NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xFF534D42 /* CIFS */,   0xFE534D42 /* SMB2 */,   AFS_SUPER_MAGIC, CODA_SUPER_MAGIC,
    NCP_SUPER_MAGIC, V9FS_MAGIC,      0x00C36400 /* CephFS */, 0x0BD00BD0 /* Lustre */,
};

Result<void> refuse_network_file_system(const std::string& path) {
    struct statfs information {};
    if (::statfs(path.c_str(), &information) != 0) return system_error("asking for the file system of " + path, errno);
    const auto type = static_cast<std::uint64_t>(information.f_type) & 0xFFFFFFFFU;
    if (std::find(network_file_systems.begin(), network_file_systems.end(), type) == network_file_systems.end()) return {};
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "0x%llx", static_cast<unsigned long long>(type));
    return Error(errc::network_file_system,
                 path + " (type " + number.data() + "): locks and fsync cannot be relied upon there; use a disk of this machine");
}

std::string holder_of(const FileHandle& lock) {
    std::array<std::uint8_t, 32> text{};
    const auto got = read_at(lock.get(), text.data(), text.size() - 1, 0);
    std::string holder;
    for (std::size_t index = 0; got.ok() && index < *got && text.at(index) >= '0' && text.at(index) <= '9'; ++index) {
        holder += static_cast<char>(text.at(index));
    }
    return holder.empty() ? "an unknown process" : "process " + holder;
}

}  // namespace

Result<DataDirectory> DataDirectory::lock(const std::string& given_path, bool create) {
    if (given_path.empty()) return Error(errc::invalid_argument, "the data directory has no name");
    // Without slashes at its end, what stands before the last one is its parent.
    const auto last = given_path.find_last_not_of('/');
    const auto path = given_path.substr(0, last == std::string::npos ? 1 : last + 1);
    if (create && ::mkdir(path.c_str(), folder_mode) != 0 && errno != EEXIST) return system_error("making the folder " + path, errno);
    if (auto local = refuse_network_file_system(path); !local.ok()) return local.error();
    auto file = open_file(path + "/giromq.lock", O_RDWR | O_CREAT);
    if (!file.ok()) return file.error();
    FileHandle lock = std::move(file).value();
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
        if (errno == EWOULDBLOCK) return Error(errc::locked_by_other, path + " is in use by " + holder_of(lock) + "; stop it first");
        return system_error("locking " + path, errno);
    }
    // Only a help for people, so a full disk must not prevent it.
    const auto pid = std::to_string(::getpid()) + "\n";
    if (::ftruncate(lock.get(), 0) == 0) write_all(lock.get(), reinterpret_cast<const std::uint8_t*>(pid.data()), pid.size(), 0);
    return DataDirectory(path, std::move(lock));
}

Result<void> DataDirectory::make_reserve(std::uint64_t bytes) const {
    if (has_reserve() && size_of_file(reserve()) == bytes) return {};
    auto opened = open_file(reserve(), O_RDWR | O_CREAT | O_TRUNC);
    if (!opened.ok()) return opened.error();
    if (bytes == 0) return {};
    const int number = ::posix_fallocate(opened->get(), 0, static_cast<off_t>(bytes));
    if (number == 0) return {};
    free_reserve();
    return system_error("allocating " + reserve(), number);
}

void DataDirectory::free_reserve() const { remove_file(reserve()); }

bool DataDirectory::has_reserve() const { return exists(reserve()); }

Result<void> DataDirectory::sync_own_name() const {
    const auto slash = path_.rfind('/');
    const auto parent = slash == std::string::npos ? std::string(".") : path_.substr(0, std::max<std::size_t>(slash, 1));
    // A parent that may be passed but not read is not this broker's: whoever made this folder in it did so before.
    if (::access(parent.c_str(), R_OK) != 0 && errno == EACCES) return {};
    return sync_folder_of(path_);
}

std::uint64_t DataDirectory::free_bytes() const {
    struct statvfs information {};
    if (::statvfs(path_.c_str(), &information) != 0) return 0;
    return std::uint64_t{information.f_bavail} * information.f_frsize;
}

}  // namespace giromq::store::sqlite
