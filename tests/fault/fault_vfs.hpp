#pragma once

#include <cstdint>
#include <string>

#include "fault/vfs_shim.hpp"

namespace giromq::store::test {

/// Fails the N-th call of the kinds asked for: once, or from then on.
class FaultVfs final : public VfsShim {
public:
    enum class Fault {
        io_error,      // any call: EIO
        disk_full,     // a write or an allocation: ENOSPC, nothing written
        short_write,   // the same, but half of the bytes of a write are there
        failed_sync,   // fsync: EIO
        full_at_sync,  // fsync: ENOSPC, as with delayed allocation
    };

    FaultVfs() : VfsShim("giromq-fault") {}

    /// The N-th call that can have this fault fails, counting from 1; 0 counts only.
    void arm(Fault fault, std::uint64_t number, bool for_good);
    void disarm() { is_armed_ = false; }

    /// While armed.
    std::uint64_t calls() const { return calls_; }
    bool has_failed() const { return has_failed_; }

protected:
    int on_open(const std::string& path) override;
    int read(File& file, void* bytes, int count, sqlite3_int64 offset) override;
    int write(File& file, const void* bytes, int count, sqlite3_int64 offset) override;
    int truncate(File& file, sqlite3_int64 size) override;
    int sync(File& file, int flags) override;
    int size_hint(File& file, void* size) override;
    int last_error() override { return last_error_; }

private:
    /// Counts a call; true if it is to fail.
    bool fails();
    bool is_about_space() const { return fault_ == Fault::disk_full || fault_ == Fault::short_write; }

    Fault fault_ = Fault::io_error;
    bool is_armed_ = false;
    std::uint64_t number_ = 0;
    bool for_good_ = false;
    std::uint64_t calls_ = 0;
    bool has_failed_ = false;
    int last_error_ = 0;
};

std::string name_of(FaultVfs::Fault fault);

}  // namespace giromq::store::test
