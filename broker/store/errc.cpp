#include "store/errc.hpp"

std::string_view giromq::ErrcTraits<giromq::store::errc>::text(store::errc code) {
    using store::errc;
    switch (code) {
        case errc::io_error: return "input/output error";
        case errc::disk_full: return "no space left on the disk of the store";
        case errc::locked_by_other: return "another broker uses this data directory";
        case errc::network_file_system: return "the data directory is on a network file system";
        case errc::not_a_store: return "not a GiroMQ store, or damaged";
        case errc::newer_schema: return "the store was written by a later version of GiroMQ";
        case errc::lost_lease: return "another broker has taken over the store";
        case errc::not_found: return "not found in the store";
        case errc::damaged: return "a checksum does not match: the stored bytes are damaged";
        case errc::in_doubt: return "the outcome of a commit is not known";
        case errc::stopped: return "the store is stopped";
        case errc::invalid_argument: return "invalid argument";
    }
    return "unknown";
}
