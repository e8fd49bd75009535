#pragma once

namespace giromq {

/// How messages received in a session are acknowledged (JMS 2.0 §6.2.10); the numbers are those of JMS and of Qpid JMS.
enum class AcknowledgeMode {
    session_transacted = 0,        ///< With Session::commit(), together with what was sent.
    auto_acknowledge = 1,          ///< When receive() has returned the message, or the listener has returned.
    client_acknowledge = 2,        ///< Message::acknowledge() acknowledges everything that the session has received.
    dups_ok_acknowledge = 3,       ///< As auto_acknowledge; the broker may see it later.
    individual_acknowledge = 101,  ///< Message::acknowledge() acknowledges that message only.
};

/// Whether a message survives a stop of the broker (JMS 2.0 §3.4.2).
enum class DeliveryMode {
    non_persistent = 1,  ///< At most once: lost if the broker or the connection fails.
    persistent = 2,      ///< Once and only once: stored on the disk before send() returns.
};

inline constexpr DeliveryMode default_delivery_mode = DeliveryMode::persistent;
inline constexpr int default_priority = 4;

}  // namespace giromq
