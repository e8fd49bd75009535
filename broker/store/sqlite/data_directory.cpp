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
#include <cstring>
#include <utility>
#include <vector>

#include "base/log.hpp"
#include "store/sqlite/schema.hpp"

namespace giromq::store::sqlite {
namespace {

constexpr mode_t folder_mode = 0700;
constexpr mode_t file_mode = 0600;

/// File systems that live on another machine, by statfs(2)'s f_type. Those that <linux/magic.h> does not name are from their sources.
constexpr std::array<std::uint64_t, 10> network_file_systems{
    NFS_SUPER_MAGIC, SMB_SUPER_MAGIC, 0xFF534D42 /* CIFS */,   0xFE534D42 /* SMB2 */,   AFS_SUPER_MAGIC, CODA_SUPER_MAGIC,
    NCP_SUPER_MAGIC, V9FS_MAGIC,      0x00C36400 /* CephFS */, 0x0BD00BD0 /* Lustre */,
};

Result<FileHandle> open_file(const std::string& path, int flags) {
    FileHandle file(::open(path.c_str(), flags | O_CLOEXEC, file_mode));
    if (!file.is_open()) return system_error("opening " + path, errno);
    return file;
}

/// Writes all of `bytes` at `offset`.
int write_all(int descriptor, const std::uint8_t* bytes, std::size_t count, std::uint64_t offset) {
    while (count > 0) {
        const auto written = ::pwrite(descriptor, bytes, count, static_cast<off_t>(offset));
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        bytes += written;
        count -= static_cast<std::size_t>(written);
        offset += static_cast<std::uint64_t>(written);
    }
    return 0;
}

/// Reads up to `count` bytes at `offset`; fewer only at the end of the file.
Result<std::size_t> read_at(int descriptor, std::uint8_t* bytes, std::size_t count, std::uint64_t offset) {
    std::size_t done = 0;
    while (done < count) {
        const auto got = ::pread(descriptor, bytes + done, count - done, static_cast<off_t>(offset + done));
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return system_error("reading", errno);
        if (got == 0) break;
        done += static_cast<std::size_t>(got);
    }
    return done;
}

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

Error system_error(const std::string& doing, int number) {
    const auto text = doing + ": " + std::strerror(number);  // NOLINT(concurrency-mt-unsafe): glibc's is safe for known numbers
    return number == ENOSPC || number == EDQUOT ? Error(errc::disk_full, text) : Error(errc::io_error, text);
}

FileHandle& FileHandle::operator=(FileHandle&& other) noexcept {
    std::swap(descriptor_, other.descriptor_);
    return *this;
}

FileHandle::~FileHandle() {
    if (descriptor_ >= 0) ::close(descriptor_);
}

Result<DataDirectory> DataDirectory::lock(const std::string& path, bool create) {
    if (path.empty()) return Error(errc::invalid_argument, "the data directory has no name");
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

Result<void> DataDirectory::grow_log(std::uint64_t bytes) const {
    auto opened = open_file(log(), O_RDWR | O_CREAT);
    if (!opened.ok()) return opened.error();
    const FileHandle file = std::move(opened).value();
    struct stat information {};
    if (::fstat(file.get(), &information) != 0) return system_error("asking for the size of " + log(), errno);
    auto size = static_cast<std::uint64_t>(information.st_size);
    if (size >= bytes) return {};
    const std::vector<std::uint8_t> zeros(1024 * 1024);
    while (size < bytes) {
        const auto count = std::min<std::uint64_t>(zeros.size(), bytes - size);
        if (const int number = write_all(file.get(), zeros.data(), count, size); number != 0) {
            return system_error("growing " + log(), number);
        }
        size += count;
    }
    if (::fsync(file.get()) != 0) return system_error("syncing " + log(), errno);
    return sync_folder_of(log());
}

Result<void> DataDirectory::rewrite_log() const {
    // The format is documented (https://www.sqlite.org/fileformat.html, "The Write-Ahead Log"): a header of 32 bytes, then frames of a
    // header of 24 bytes and a page. Frames of the current log carry the salts of the header; the checksums are SQLite's business.
    constexpr std::size_t header_bytes = 32;
    constexpr std::size_t frame_header_bytes = 24;
    auto opened = open_file(log(), O_RDWR);
    if (!opened.ok()) return opened.error();
    const FileHandle file = std::move(opened).value();
    std::array<std::uint8_t, header_bytes> header{};
    auto got = read_at(file.get(), header.data(), header.size(), 0);
    if (!got.ok()) return got.error();
    const auto big_endian = [&](std::size_t at) {
        return (std::uint32_t{header.at(at)} << 24U) | (std::uint32_t{header.at(at + 1)} << 16U) |
               (std::uint32_t{header.at(at + 2)} << 8U) | std::uint32_t{header.at(at + 3)};
    };
    const auto page_bytes = big_endian(8);
    if (*got < header.size() || (big_endian(0) & 0xFFFFFFFEU) != 0x377F0682U || page_bytes < 512 || page_bytes > 65536) return {};
    if (const int number = write_all(file.get(), header.data(), header.size(), 0); number != 0) return system_error("rewriting", number);
    const std::size_t frame_bytes = frame_header_bytes + page_bytes;
    const std::size_t frames_at_once = std::max<std::size_t>(1, 1024 * 1024 / frame_bytes);
    std::vector<std::uint8_t> buffer(frames_at_once * frame_bytes);
    for (std::uint64_t offset = header_bytes;; offset += buffer.size()) {
        got = read_at(file.get(), buffer.data(), buffer.size(), offset);
        if (!got.ok()) return got.error();
        std::size_t valid = 0;
        while (valid + frame_bytes <= *got && std::memcmp(&buffer[valid + 8], &header[16], 8) == 0) valid += frame_bytes;
        if (const int number = write_all(file.get(), buffer.data(), valid, offset); number != 0) return system_error("rewriting", number);
        if (valid < buffer.size()) break;
    }
    if (::fsync(file.get()) != 0) return system_error("syncing " + log(), errno);
    return {};
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

bool DataDirectory::has_reserve() const { return ::access(reserve().c_str(), F_OK) == 0; }

std::uint64_t DataDirectory::free_bytes() const {
    struct statvfs information {};
    if (::statvfs(path_.c_str(), &information) != 0) return 0;
    return std::uint64_t{information.f_bavail} * information.f_frsize;
}

Result<FileKind> kind_of_file(const std::string& path) {
    const FileHandle file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
    if (!file.is_open()) return errno == ENOENT ? Result<FileKind>(FileKind::absent) : system_error("opening " + path, errno);
    std::array<std::uint8_t, 100> header{};  // the header of an SQLite file
    const auto got = read_at(file.get(), header.data(), header.size(), 0);
    if (!got.ok()) return got.error();
    const auto big_endian_at_68 = (std::uint32_t{header[68]} << 24U) | (std::uint32_t{header[69]} << 16U) |
                                  (std::uint32_t{header[70]} << 8U) | std::uint32_t{header[71]};
    const bool is_ours = *got == header.size() && std::memcmp(header.data(), "SQLite format 3", 16) == 0 &&
                         big_endian_at_68 == static_cast<std::uint32_t>(application_id);
    return is_ours ? FileKind::store : FileKind::foreign;
}

Result<void> create_private_file(const std::string& path) {
    auto file = open_file(path, O_RDWR | O_CREAT | O_EXCL);
    return file.ok() ? Result<void>() : file.error();
}

std::uint64_t size_of_file(const std::string& path) {
    struct stat information {};
    return ::stat(path.c_str(), &information) == 0 ? static_cast<std::uint64_t>(information.st_size) : 0;
}

Result<void> sync_file(const std::string& path) {
    auto file = open_file(path, O_RDWR);
    if (!file.ok()) return file.error();
    if (::fsync(file->get()) != 0) return system_error("syncing " + path, errno);
    return {};
}

Result<void> sync_folder_of(const std::string& path) {
    const auto slash = path.rfind('/');
    const auto folder = slash == std::string::npos ? std::string(".") : path.substr(0, std::max<std::size_t>(slash, 1));
    const FileHandle handle(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!handle.is_open()) return system_error("opening " + folder, errno);
    if (::fsync(handle.get()) != 0) return system_error("syncing " + folder, errno);
    return {};
}

Result<void> rename_durably(const std::string& from, const std::string& to) {
    if (::rename(from.c_str(), to.c_str()) != 0) return system_error("renaming " + from + " to " + to, errno);
    return sync_folder_of(to);
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

}  // namespace giromq::store::sqlite
