#pragma once

#include <string>
#include <string_view>

#include "wire_reader.hpp"
#include "wire_writer.hpp"

/// AMQP message ids (string, ulong, uuid, binary; §3.2.11 to §3.2.14) as the text that JMS knows, so that an id of any client survives
/// being read and set again: "ID:AMQP_ULONG:1", "ID:AMQP_UUID:...", "ID:AMQP_BINARY:<hex>". A string goes through as it is, unless it
/// looks like one of these ("ID:AMQP_STRING:...") or, for a message id, lacks the "ID:" that JMS demands ("ID:AMQP_NO_PREFIX:...").
namespace giromq::detail {

std::string message_id_text(const WireValue& value);
std::string correlation_id_text(const WireValue& value);

/// The way back.
void write_message_id(WireWriter& writer, std::string_view text);
void write_correlation_id(WireWriter& writer, std::string_view text);

}  // namespace giromq::detail
