#include "giromq/exceptions.hpp"

#include "giromq/version.hpp"

namespace giromq {

JMSException::JMSException(const std::string& reason, std::string error_code)
    : std::runtime_error(reason), error_code_(std::move(error_code)) {}

// The destructors are here so that each type has one home for its type information, which programs and library share.
JMSException::~JMSException() = default;
IllegalStateException::~IllegalStateException() = default;
InvalidClientIDException::~InvalidClientIDException() = default;
InvalidDestinationException::~InvalidDestinationException() = default;
InvalidSelectorException::~InvalidSelectorException() = default;
JMSSecurityException::~JMSSecurityException() = default;
MessageEOFException::~MessageEOFException() = default;
MessageFormatException::~MessageFormatException() = default;
MessageNotReadableException::~MessageNotReadableException() = default;
MessageNotWriteableException::~MessageNotWriteableException() = default;
ResourceAllocationException::~ResourceAllocationException() = default;
TransactionInProgressException::~TransactionInProgressException() = default;
TransactionRolledBackException::~TransactionRolledBackException() = default;
TransactionOutcomeUnknownException::~TransactionOutcomeUnknownException() = default;

const char* library_version() noexcept { return GIROMQ_VERSION; }

}  // namespace giromq
