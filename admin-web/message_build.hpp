#pragma once

#include <memory>
#include <optional>
#include <string>

#include "admin-web/json_fields.hpp"
#include "base/clock.hpp"
#include "model/message.hpp"

namespace giromq::admin_web {

/// The message that a NewMessage (schemas/openapi.yaml) describes, encoded as an AMQP client of JMS would.
struct BuiltMessage {
    std::shared_ptr<Message> message;
    std::string message_id;
    std::optional<Response> problem;
};
BuiltMessage build_message(const std::string& body, const std::string& queue, const std::string& user, Timestamp now);

}  // namespace giromq::admin_web
