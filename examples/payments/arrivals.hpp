#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "database.hpp"

namespace payments {

/// A message as it came from the broker.
struct Arrival {
    std::string jms_message_id;
    std::int64_t delivery_count = 1;  // JMSXDeliveryCount: above 1 it may have been here before
    std::string document;
};

/// What each bank writes down about the messages themselves: those that were not simply the first of their TxId, and those that nobody
/// could read, which are kept for a person to look at, because there is no TxId that an answer could name.
void make_arrival_tables(Database& database);

/// `kind` is 'redelivered' (marked so, but new here), 'recognised' (marked so, and recorded before) or 'doubled' (not marked, or another
/// message with the TxId of an earlier one: that must never happen).
void note_arrival(Database& database, const std::string& transaction_id, const Arrival& arrival, std::string_view kind);
void note_unreadable(Database& database, const Arrival& arrival, std::string_view reason);

}  // namespace payments
