// Loaded before the C library (LD_PRELOAD): fsync and fdatasync fail with EIO while the file exists that GIROMQ_TEST_FAIL_SYNC names.
// If that file says something, only descriptors of files whose path ends so are concerned.
#include <dlfcn.h>
#include <fcntl.h>
#include <limits.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace {

bool must_fail(int descriptor) {
    const char* const path = std::getenv("GIROMQ_TEST_FAIL_SYNC");
    if (path == nullptr) return false;
    const int file = ::open(path, O_RDONLY | O_CLOEXEC);
    if (file < 0) return false;
    char ending[PATH_MAX];
    const auto said = ::read(file, ending, sizeof ending);
    ::close(file);
    if (said <= 0) return said == 0;
    char link[64];
    std::snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    char target[PATH_MAX];
    const auto length = ::readlink(link, target, sizeof target);
    const std::string_view name(target, length < 0 ? 0 : static_cast<std::size_t>(length));
    return name.ends_with(std::string_view(ending, static_cast<std::size_t>(said)));
}

int sync_or_fail(const char* function, int descriptor) {
    if (must_fail(descriptor)) {
        errno = EIO;
        return -1;
    }
    using Sync = int (*)(int);
    return reinterpret_cast<Sync>(::dlsym(RTLD_NEXT, function))(descriptor);
}

}  // namespace

extern "C" int fsync(int descriptor) { return sync_or_fail("fsync", descriptor); }
extern "C" int fdatasync(int descriptor) { return sync_or_fail("fdatasync", descriptor); }
