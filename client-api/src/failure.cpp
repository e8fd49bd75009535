#include "failure.hpp"

#include "giromq/exceptions.hpp"

namespace giromq::detail {
namespace {

FailureKind kind_of(const std::string& condition) {
    if (condition == "amqp:unauthorized-access") return FailureKind::security;
    if (condition == "amqp:not-found" || condition == "amqp:resource-deleted") return FailureKind::invalid_destination;
    if (condition == "amqp:resource-limit-exceeded" || condition == "amqp:link:message-size-exceeded" ||
        condition == "amqp:resource-locked") {
        return FailureKind::resource;
    }
    if (condition == "amqp:illegal-state") return FailureKind::illegal_state;
    if (condition == "amqp:transaction:rollback" || condition == "amqp:transaction:unknown-id" || condition == "amqp:transaction:timeout") {
        return FailureKind::rolled_back;
    }
    return FailureKind::general;
}

}  // namespace

void Failure::raise() const {
    switch (kind) {
        case FailureKind::illegal_state: throw IllegalStateException(reason, code);
        case FailureKind::invalid_client_id: throw InvalidClientIDException(reason, code);
        case FailureKind::invalid_destination: throw InvalidDestinationException(reason, code);
        case FailureKind::invalid_selector: throw InvalidSelectorException(reason, code);
        case FailureKind::security: throw JMSSecurityException(reason, code);
        case FailureKind::format: throw MessageFormatException(reason, code);
        case FailureKind::resource: throw ResourceAllocationException(reason, code);
        case FailureKind::rolled_back: throw TransactionRolledBackException(reason, code);
        case FailureKind::general: break;
    }
    throw JMSException(reason, code);
}

std::exception_ptr Failure::as_exception() const {
    try {
        raise();
    } catch (...) {
        return std::current_exception();
    }
}

Failure failure_of_condition(std::string condition, std::string description, const std::string& what) {
    Failure failure{kind_of(condition), std::move(condition), what};
    if (!description.empty()) {
        failure.reason += ": " + description;
    } else if (!failure.code.empty()) {
        failure.reason += " (" + failure.code + ")";
    }
    if (!failure.reason.ends_with('.')) failure.reason += '.';
    return failure;
}

}  // namespace giromq::detail
