#include "fault/fault_vfs.hpp"

#include <cerrno>

namespace giromq::store::test {
namespace {

constexpr int sector_bytes = 512;

}  // namespace

void FaultVfs::arm(Fault fault, std::uint64_t number, bool for_good) {
    is_armed_ = true;
    fault_ = fault;
    number_ = number;
    for_good_ = for_good;
    calls_ = 0;
    has_failed_ = false;
    last_error_ = 0;
}

bool FaultVfs::fails() {
    last_error_ = 0;
    if (!is_armed_) return false;
    ++calls_;
    if (number_ == 0 || calls_ < number_ || (calls_ > number_ && !for_good_)) return false;
    has_failed_ = true;
    last_error_ = fault_ == Fault::io_error || fault_ == Fault::failed_sync ? EIO : ENOSPC;
    return true;
}

int FaultVfs::on_open(const std::string&) { return fault_ == Fault::io_error && fails() ? SQLITE_CANTOPEN : SQLITE_OK; }

int FaultVfs::read(File& file, void* bytes, int count, sqlite3_int64 offset) {
    if (fault_ == Fault::io_error && fails()) return SQLITE_IOERR_READ;
    return VfsShim::read(file, bytes, count, offset);
}

int FaultVfs::write(File& file, const void* bytes, int count, sqlite3_int64 offset) {
    if ((fault_ == Fault::io_error || is_about_space()) && fails()) {
        // What lies within a sector is written whole or not at all.
        if (fault_ == Fault::short_write && count > sector_bytes) VfsShim::write(file, bytes, count / 2, offset);
        // A write that is reported as failed may be on the disk all the same.
        if (fault_ == Fault::io_error && number_ % 2 == 0) VfsShim::write(file, bytes, count, offset);
        return fault_ == Fault::io_error ? SQLITE_IOERR_WRITE : SQLITE_FULL;
    }
    return VfsShim::write(file, bytes, count, offset);
}

int FaultVfs::truncate(File& file, sqlite3_int64 size) {
    if (fault_ == Fault::io_error && fails()) return SQLITE_IOERR_TRUNCATE;
    return VfsShim::truncate(file, size);
}

int FaultVfs::sync(File&, int) {
    // A sync that succeeds is not carried out: nobody pulls the plug here, and the tests run thousands of them.
    if (is_about_space()) return SQLITE_OK;
    return fails() ? SQLITE_IOERR_FSYNC : SQLITE_OK;
}

int FaultVfs::size_hint(File& file, void* size) {
    if ((fault_ == Fault::io_error || is_about_space()) && fails()) return SQLITE_IOERR_WRITE;
    return VfsShim::size_hint(file, size);
}

std::string name_of(FaultVfs::Fault fault) {
    switch (fault) {
        case FaultVfs::Fault::io_error: return "I/O error";
        case FaultVfs::Fault::disk_full: return "full disk";
        case FaultVfs::Fault::short_write: return "short write";
        case FaultVfs::Fault::failed_sync: return "failed fsync";
        case FaultVfs::Fault::full_at_sync: return "disk full at fsync";
    }
    return "unknown";
}

}  // namespace giromq::store::test
