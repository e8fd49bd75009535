#pragma once

#include <cstdint>
#include <string>

#include "base/result.hpp"

/// The file of the write-ahead log, where the engine deals with it beside SQLite: its size, and what a failing disk may have done to it.
/// The format is documented (https://www.sqlite.org/fileformat.html, "The Write-Ahead Log"): a header of 32 bytes, then frames of a header
/// of 24 bytes and a page. Frames of the current log carry the salts of the header, and their checksums are a chain from the header on.
namespace giromq::store::sqlite {

/// What a frame takes beside its page.
inline constexpr std::uint64_t frame_header_bytes = 24;

/// False if there is no log, or one that SQLite has never written to.
Result<bool> has_log(const std::string& path);

/// Makes the log at least `bytes` long by writing zeros behind what is there, since commits into a growing file cost double. Zeros are
/// no valid header and no valid frame, so SQLite sees the log that it saw before. Must run before SQLite opens it.
Result<void> grow_log(const std::string& path, std::uint64_t bytes);

/// Refuses, with errc::damaged, a log that has lost a commit that was acknowledged: SQLite takes a frame that does not match its checksum
/// for the torn end of the log, and would go on without that commit and all that followed. A commit is written only when the one before
/// it is on the disk; so what is damaged before the last commit was whole once. Damage in the last one looks like a power failure.
Result<void> check_log(const std::string& path);

/// Writes the valid part of the log once more, in place. After a failed fsync the kernel may hold pages that it believes to be on
/// the disk and that are not; a commit read from them would be trusted by this run and lost by the next power failure.
Result<void> rewrite_log(const std::string& path);

}  // namespace giromq::store::sqlite
