#include "amqp/conditions.hpp"

#include "core/errc.hpp"
#include "security/errc.hpp"

namespace giromq::amqp {
namespace {

std::string_view condition_of(core::errc code) {
    switch (code) {
        case core::errc::not_found: return condition::not_found;
        case core::errc::already_exists: return condition::illegal_state;
        case core::errc::not_allowed: return condition::not_allowed;
        case core::errc::resource_limit: return condition::resource_limit_exceeded;
        case core::errc::invalid_name: return condition::invalid_field;
        case core::errc::in_use: return condition::illegal_state;
        case core::errc::deleted: return condition::resource_deleted;
        case core::errc::not_ready: return condition::link_detach_forced;
        case core::errc::locked: return condition::resource_locked;
        case core::errc::transaction_unknown: return condition::transaction_unknown_id;
        case core::errc::transaction_rolled_back: return condition::transaction_rollback;
        case core::errc::transaction_timeout: return condition::transaction_timeout;
        case core::errc::internal: return condition::internal_error;
    }
    return condition::internal_error;
}

}  // namespace

Refusal refusal_of(const Error& error) {
    const std::error_code& code = error.code();
    std::string description = error.detail().empty() ? code.message() : error.detail();
    if (code.category() == errc_category<core::errc>()) {
        return {std::string(condition_of(static_cast<core::errc>(code.value()))), std::move(description)};
    }
    if (code.category() == errc_category<security::errc>()) return {std::string(condition::unauthorized_access), std::move(description)};
    // Anything else is the broker's own trouble; its particulars belong in the log, not on the wire.
    return {std::string(condition::internal_error), "the broker could not do this; its log says why"};
}

}  // namespace giromq::amqp
