#include "store/sqlite/files.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <utility>

#include "store/sqlite/schema.hpp"

namespace giromq::store::sqlite {
namespace {

constexpr mode_t file_mode = 0600;

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

Result<FileHandle> open_file(const std::string& path, int flags) {
    FileHandle file(::open(path.c_str(), flags | O_CLOEXEC, file_mode));
    if (!file.is_open()) return system_error("opening " + path, errno);
    return file;
}

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

bool exists(const std::string& path) {
    struct stat information {};
    return ::lstat(path.c_str(), &information) == 0;
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
    const auto doing = "renaming " + from + " to " + to;
    if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) != 0) {
        // Not every file system is able to refuse.
        const bool is_unable = errno == EINVAL || errno == ENOSYS;
        if (!is_unable) return system_error(doing, errno);
        if (exists(to)) return system_error(doing, EEXIST);
        if (::rename(from.c_str(), to.c_str()) != 0) return system_error(doing, errno);
    }
    return sync_folder_of(to);
}

void remove_file(const std::string& path) { ::unlink(path.c_str()); }

}  // namespace giromq::store::sqlite
