// Loaded before the C library (LD_PRELOAD): while the file exists that GIROMQ_TEST_FULL_DISK names, writes and allocations fail as they do
// on a disk without room. Writes to sockets and to terminals go through other functions.
#include <dlfcn.h>
#include <fcntl.h>
#include <sys/types.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>

namespace {

bool is_full() {
    const char* const path = std::getenv("GIROMQ_TEST_FULL_DISK");
    return path != nullptr && ::access(path, F_OK) == 0;
}

template <typename... Arguments>
auto call(const char* name, Arguments... arguments) {
    using Function = ssize_t (*)(Arguments...);
    return reinterpret_cast<Function>(::dlsym(RTLD_NEXT, name))(arguments...);
}

ssize_t write_at(const char* name, int file, const void* bytes, size_t size, off64_t offset) {
    if (!is_full()) return call(name, file, bytes, size, offset);
    errno = ENOSPC;
    return -1;
}

int allocate(const char* name, int file, int mode, off64_t offset, off64_t size) {
    if (!is_full()) return static_cast<int>(call(name, file, mode, offset, size));
    errno = ENOSPC;
    return -1;
}

int allocate_posix(const char* name, int file, off64_t offset, off64_t size) {
    return is_full() ? ENOSPC : static_cast<int>(call(name, file, offset, size));
}

}  // namespace

extern "C" ssize_t pwrite(int file, const void* bytes, size_t size, off_t offset) { return write_at("pwrite", file, bytes, size, offset); }
extern "C" ssize_t pwrite64(int file, const void* bytes, size_t size, off64_t offset) {
    return write_at("pwrite64", file, bytes, size, offset);
}
extern "C" int fallocate(int file, int mode, off_t offset, off_t size) { return allocate("fallocate", file, mode, offset, size); }
extern "C" int fallocate64(int file, int mode, off64_t offset, off64_t size) { return allocate("fallocate64", file, mode, offset, size); }
extern "C" int posix_fallocate(int file, off_t offset, off_t size) { return allocate_posix("posix_fallocate", file, offset, size); }
extern "C" int posix_fallocate64(int file, off64_t offset, off64_t size) { return allocate_posix("posix_fallocate64", file, offset, size); }
