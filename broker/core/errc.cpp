#include "core/errc.hpp"

std::string_view giromq::ErrcTraits<giromq::core::errc>::text(core::errc code) {
    using core::errc;
    switch (code) {
        case errc::not_found: return "no such destination";
        case errc::already_exists: return "the name is taken";
        case errc::not_allowed: return "not allowed";
        case errc::resource_limit: return "a limit is reached";
        case errc::invalid_name: return "not a valid name";
        case errc::in_use: return "in use";
        case errc::deleted: return "the destination was deleted";
        case errc::not_ready: return "the broker is not ready";
        case errc::locked: return "another transaction has it";
        case errc::transaction_unknown: return "no such transaction";
        case errc::transaction_rolled_back: return "the transaction is rolled back";
        case errc::transaction_timeout: return "the transaction took too long and is rolled back";
        case errc::internal: return "internal error";
    }
    return "unknown";
}
