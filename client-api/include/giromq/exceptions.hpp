#pragma once

#include <stdexcept>
#include <string>

#include "giromq/export.hpp"

/// The exceptions of JMS 2.0 (§8), under their JMS names. Every sentence says what happened and what to do about it.
namespace giromq {

/// The root of everything that this library throws.
class GIROMQ_API JMSException : public std::runtime_error {
public:
    explicit JMSException(const std::string& reason, std::string error_code = {});
    JMSException(const JMSException&) = default;
    JMSException& operator=(const JMSException&) = default;
    ~JMSException() override;

    /// The AMQP error condition that the broker gave ("amqp:not-found"), or one of this library ("giromq:connection-lost",
    /// "giromq:outcome-unknown", "giromq:stale-message", "giromq:timeout"); empty if there is none.
    const std::string& error_code() const noexcept { return error_code_; }

private:
    std::string error_code_;
};

/// A method was called at a wrong time or from a wrong thread: a closed object, a session used by two threads.
class GIROMQ_API IllegalStateException : public JMSException {
public:
    using JMSException::JMSException;
    ~IllegalStateException() override;
};

/// The client id is empty, or another connection uses it.
class GIROMQ_API InvalidClientIDException : public JMSException {
public:
    using JMSException::JMSException;
    ~InvalidClientIDException() override;
};

/// The broker does not know the destination, or it cannot be used for this.
class GIROMQ_API InvalidDestinationException : public JMSException {
public:
    using JMSException::JMSException;
    ~InvalidDestinationException() override;
};

/// The message selector is not valid, or the broker does not support selectors.
class GIROMQ_API InvalidSelectorException : public JMSException {
public:
    using JMSException::JMSException;
    ~InvalidSelectorException() override;
};

/// The broker did not accept the user and password, or the user lacks the right.
class GIROMQ_API JMSSecurityException : public JMSException {
public:
    using JMSException::JMSException;
    ~JMSSecurityException() override;
};

/// The body of a message was read beyond its end.
class GIROMQ_API MessageEOFException : public JMSException {
public:
    using JMSException::JMSException;
    ~MessageEOFException() override;
};

/// A value has a type that cannot be converted, or a message could not be understood.
class GIROMQ_API MessageFormatException : public JMSException {
public:
    using JMSException::JMSException;
    ~MessageFormatException() override;
};

/// A write-only body was read.
class GIROMQ_API MessageNotReadableException : public JMSException {
public:
    using JMSException::JMSException;
    ~MessageNotReadableException() override;
};

/// A read-only body or property was written.
class GIROMQ_API MessageNotWriteableException : public JMSException {
public:
    using JMSException::JMSException;
    ~MessageNotWriteableException() override;
};

/// The broker has reached a limit: a full queue, a message that is too large, too many links.
class GIROMQ_API ResourceAllocationException : public JMSException {
public:
    using JMSException::JMSException;
    ~ResourceAllocationException() override;
};

/// The operation is not allowed because a transaction is in the hands of a transaction manager.
class GIROMQ_API TransactionInProgressException : public JMSException {
public:
    using JMSException::JMSException;
    ~TransactionInProgressException() override;
};

/// The transaction was rolled back instead of committed: nothing that was sent in it will be delivered, and what was received will be
/// delivered again.
class GIROMQ_API TransactionRolledBackException : public JMSException {
public:
    using JMSException::JMSException;
    ~TransactionRolledBackException() override;
};

/// The connection was lost, or no answer came in time, while a commit was on its way: the transaction was either committed or rolled back,
/// as a whole, and the library cannot tell which. Its code is "giromq:outcome-unknown". An application that does the work again without
/// looking may do it twice. It is not a TransactionRolledBackException, which always means that nothing was done.
class GIROMQ_API TransactionOutcomeUnknownException : public JMSException {
public:
    using JMSException::JMSException;
    ~TransactionOutcomeUnknownException() override;
};

}  // namespace giromq
