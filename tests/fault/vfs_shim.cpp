#include "fault/vfs_shim.hpp"

#include <new>
#include <stdexcept>

namespace giromq::store::test {

/// What SQLite sees as its file. The default VFS's own file follows it in memory.
struct VfsShim::Handle {
    sqlite3_file base;
    VfsShim* shim;
    File file;

    static Handle& of(sqlite3_file* file) { return *reinterpret_cast<Handle*>(file); }
    static sqlite3_file* inner(sqlite3_file* file) { return of(file).file.inner; }
};

/// The functions that SQLite calls.
struct VfsShim::Methods {
    static VfsShim& shim_of(sqlite3_vfs* vfs) { return *static_cast<VfsShim*>(vfs->pAppData); }

    static int open(sqlite3_vfs* vfs, const char* path, sqlite3_file* file, int flags, int* out_flags) {
        auto& shim = shim_of(vfs);
        file->pMethods = nullptr;
        const std::string name = path == nullptr ? "" : path;
        if (const int code = shim.on_open(name); code != SQLITE_OK) return code;
        auto* const handle = ::new (static_cast<void*>(file)) Handle{};
        handle->shim = &shim;
        handle->file.path = name;
        handle->file.inner = reinterpret_cast<sqlite3_file*>(reinterpret_cast<char*>(file) + sizeof(Handle));
        handle->file.inner->pMethods = nullptr;
        const int code = shim.inner_->xOpen(shim.inner_, path, handle->file.inner, flags, out_flags);
        if (code != SQLITE_OK) {
            handle->~Handle();
            file->pMethods = nullptr;
            return code;
        }
        file->pMethods = shim.methods_.get();
        shim.opened(name);
        return SQLITE_OK;
    }
    static int close(sqlite3_file* file) {
        const int code = Handle::inner(file)->pMethods->xClose(Handle::inner(file));
        Handle::of(file).~Handle();
        file->pMethods = nullptr;
        return code;
    }
    static int read(sqlite3_file* file, void* bytes, int count, sqlite3_int64 offset) {
        return Handle::of(file).shim->read(Handle::of(file).file, bytes, count, offset);
    }
    static int write(sqlite3_file* file, const void* bytes, int count, sqlite3_int64 offset) {
        return Handle::of(file).shim->write(Handle::of(file).file, bytes, count, offset);
    }
    static int truncate(sqlite3_file* file, sqlite3_int64 size) { return Handle::of(file).shim->truncate(Handle::of(file).file, size); }
    static int sync(sqlite3_file* file, int flags) { return Handle::of(file).shim->sync(Handle::of(file).file, flags); }
    static int file_size(sqlite3_file* file, sqlite3_int64* size) {
        return Handle::inner(file)->pMethods->xFileSize(Handle::inner(file), size);
    }
    static int lock(sqlite3_file* file, int level) { return Handle::inner(file)->pMethods->xLock(Handle::inner(file), level); }
    static int unlock(sqlite3_file* file, int level) { return Handle::inner(file)->pMethods->xUnlock(Handle::inner(file), level); }
    static int check_reserved_lock(sqlite3_file* file, int* out) {
        return Handle::inner(file)->pMethods->xCheckReservedLock(Handle::inner(file), out);
    }
    static int file_control(sqlite3_file* file, int operation, void* argument) {
        if (operation == SQLITE_FCNTL_SIZE_HINT) return Handle::of(file).shim->size_hint(Handle::of(file).file, argument);
        return Handle::inner(file)->pMethods->xFileControl(Handle::inner(file), operation, argument);
    }
    static int sector_size(sqlite3_file* file) { return Handle::inner(file)->pMethods->xSectorSize(Handle::inner(file)); }
    static int characteristics(sqlite3_file* file) { return Handle::inner(file)->pMethods->xDeviceCharacteristics(Handle::inner(file)); }
    static int shm_map(sqlite3_file* file, int page, int size, int extend, void volatile** out) {
        return Handle::inner(file)->pMethods->xShmMap(Handle::inner(file), page, size, extend, out);
    }
    static int shm_lock(sqlite3_file* file, int offset, int count, int flags) {
        return Handle::inner(file)->pMethods->xShmLock(Handle::inner(file), offset, count, flags);
    }
    static void shm_barrier(sqlite3_file* file) { Handle::inner(file)->pMethods->xShmBarrier(Handle::inner(file)); }
    static int shm_unmap(sqlite3_file* file, int remove) { return Handle::inner(file)->pMethods->xShmUnmap(Handle::inner(file), remove); }
    static int last_error(sqlite3_vfs* vfs, int size, char* text) {
        auto& shim = shim_of(vfs);
        const int number = shim.last_error();
        return number != 0 ? number : shim.inner_->xGetLastError(shim.inner_, size, text);
    }
    static int remove(sqlite3_vfs* vfs, const char* path, int sync_folder) {
        auto& shim = shim_of(vfs);
        const int code = shim.inner_->xDelete(shim.inner_, path, sync_folder);
        if (code == SQLITE_OK) shim.removed(path);
        return code;
    }
    static int access(sqlite3_vfs* vfs, const char* path, int flags, int* out) {
        auto* const inner = shim_of(vfs).inner_;
        return inner->xAccess(inner, path, flags, out);
    }
    static int full_path(sqlite3_vfs* vfs, const char* path, int size, char* out) {
        auto* const inner = shim_of(vfs).inner_;
        return inner->xFullPathname(inner, path, size, out);
    }
};

VfsShim::VfsShim(std::string name) : name_(std::move(name)), inner_(sqlite3_vfs_find(nullptr)) {
    methods_ = std::make_unique<sqlite3_io_methods>();
    // Version 2: with shared memory, which the log needs, and without memory-mapped files, which would pass by the hooks.
    *methods_ = {2,
                 Methods::close,
                 Methods::read,
                 Methods::write,
                 Methods::truncate,
                 Methods::sync,
                 Methods::file_size,
                 Methods::lock,
                 Methods::unlock,
                 Methods::check_reserved_lock,
                 Methods::file_control,
                 Methods::sector_size,
                 Methods::characteristics,
                 Methods::shm_map,
                 Methods::shm_lock,
                 Methods::shm_barrier,
                 Methods::shm_unmap,
                 nullptr,
                 nullptr};
    vfs_ = *inner_;
    vfs_.szOsFile = static_cast<int>(sizeof(Handle)) + inner_->szOsFile;
    vfs_.pNext = nullptr;
    vfs_.zName = name_.c_str();
    vfs_.pAppData = this;
    vfs_.xOpen = Methods::open;
    vfs_.xDelete = Methods::remove;
    vfs_.xAccess = Methods::access;
    vfs_.xFullPathname = Methods::full_path;
    vfs_.xGetLastError = Methods::last_error;
    if (sqlite3_vfs_register(&vfs_, 0) != SQLITE_OK) throw std::runtime_error("the VFS was not registered");
}

VfsShim::~VfsShim() { sqlite3_vfs_unregister(&vfs_); }

int VfsShim::read(File& file, void* bytes, int count, sqlite3_int64 offset) {
    return file.inner->pMethods->xRead(file.inner, bytes, count, offset);
}
int VfsShim::write(File& file, const void* bytes, int count, sqlite3_int64 offset) {
    return file.inner->pMethods->xWrite(file.inner, bytes, count, offset);
}
int VfsShim::truncate(File& file, sqlite3_int64 size) { return file.inner->pMethods->xTruncate(file.inner, size); }
int VfsShim::sync(File& file, int flags) { return file.inner->pMethods->xSync(file.inner, flags); }
int VfsShim::size_hint(File& file, void* size) { return file.inner->pMethods->xFileControl(file.inner, SQLITE_FCNTL_SIZE_HINT, size); }

}  // namespace giromq::store::test
