#pragma once

#include <cstdint>
#include <string>

#include "store/sqlite/connection.hpp"

/// The tables (schemas/store.md) and how an older store is brought forward.
namespace giromq::store::sqlite {

/// "GiMQ": SQLite's application_id of a GiroMQ store, at offset 68 of the file.
inline constexpr std::int32_t application_id = 0x47694D51;

/// The newest schema this program knows: SQLite's user_version.
std::int64_t newest_schema();

/// Runs the migrations that the store has not had yet, each in a transaction of its own. Fails with errc::newer_schema if a later
/// version of GiroMQ wrote the store.
Result<void> migrate(Connection& connection);

/// Makes the file of a new, empty store at `path`, an empty file, complete with its schema; not yet synced to its directory.
Result<void> create_store_file(const std::string& path, std::uint32_t page_bytes, const std::string& vfs);

/// Gives a store a new name of its own (a random UUID): for a new store, and for one that was restored from a backup.
Result<void> rename_instance(Connection& connection);

}  // namespace giromq::store::sqlite
