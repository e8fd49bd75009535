#pragma once

#include <string_view>

#include "base/errc.hpp"

namespace giromq::store {

enum class errc {
    io_error = 1,         // the file system reported an error
    disk_full,            // no space left; nothing of the unit was applied
    locked_by_other,      // another broker has this data directory
    network_file_system,  // the data directory is not on a local disk
    not_a_store,          // the file is not GiroMQ's, or is damaged
    newer_schema,         // the store was written by a later version
    lost_lease,           // a later epoch has taken over
    not_found,            // no such message or chunk
    damaged,              // a checksum did not match
    in_doubt,             // a COMMIT or fsync failed in a way that leaves its outcome unknown
    stopped,              // the commit queue is shut down or has failed
    invalid_argument,
};

}  // namespace giromq::store

template <>
struct giromq::ErrcTraits<giromq::store::errc> {
    static constexpr std::string_view module = "store";
    static std::string_view text(store::errc code);
};
