#pragma once

#include <sqlite3.h>

#include <memory>
#include <string>

namespace giromq::store::test {

/// An SQLite VFS (https://www.sqlite.org/vfs.html) that hands everything to the default one, unless a hook of a derived class says
/// otherwise. Registered under its name while it lives; SqliteSettings::vfs takes the name.
class VfsShim {
public:
    explicit VfsShim(std::string name);
    virtual ~VfsShim();
    VfsShim(const VfsShim&) = delete;
    VfsShim& operator=(const VfsShim&) = delete;

    const std::string& name() const { return name_; }

protected:
    /// An open file: the default VFS's own, and what the hooks want to know of it.
    struct File {
        sqlite3_file* inner = nullptr;
        std::string path;
    };

    virtual int on_open(const std::string& path) { return static_cast<void>(path), SQLITE_OK; }
    virtual void opened(const std::string& path) { static_cast<void>(path); }
    virtual void removed(const std::string& path) { static_cast<void>(path); }
    virtual int read(File& file, void* bytes, int count, sqlite3_int64 offset);
    virtual int write(File& file, const void* bytes, int count, sqlite3_int64 offset);
    virtual int truncate(File& file, sqlite3_int64 size);
    virtual int sync(File& file, int flags);
    virtual int size_hint(File& file, void* size);
    /// What the system's errno would be; 0 to ask the default VFS.
    virtual int last_error() { return 0; }

private:
    struct Handle;
    struct Methods;

    std::string name_;
    sqlite3_vfs* inner_;
    sqlite3_vfs vfs_{};
    std::unique_ptr<sqlite3_io_methods> methods_;
};

}  // namespace giromq::store::test
