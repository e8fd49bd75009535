#pragma once

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

namespace giromq::detail {

/// Which exception of JMS a failure becomes.
enum class FailureKind : std::uint8_t {
    general,
    illegal_state,
    invalid_client_id,
    invalid_destination,
    invalid_selector,
    security,
    format,
    resource,
    rolled_back,
};

/// A failure as a value, until it is thrown to the application or told to a listener.
struct Failure {
    FailureKind kind = FailureKind::general;
    std::string code;
    std::string reason;

    [[noreturn]] void raise() const;
    std::exception_ptr as_exception() const;
};

/// The JMS meaning of an AMQP error condition (AMQP 1.0 §2.8.14, AMQP JMS mapping).
Failure failure_of_condition(std::string condition, std::string description, const std::string& what);

}  // namespace giromq::detail
