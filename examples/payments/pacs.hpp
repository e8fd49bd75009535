#pragma once

#include <string>
#include <string_view>

#include "payment.hpp"
#include "xml.hpp"

/// Payments and their status as ISO 20022 messages.
namespace payments {

inline constexpr std::string_view pacs_008 = "pacs.008.001.08";
inline constexpr std::string_view pacs_002 = "pacs.002.001.10";

/// A pacs.008 with this one transaction.
std::string write_pacs_008(const Payment& payment);

/// What a ledger needs of a pacs.008 with one transaction. Throws InvalidDocument, also for what no schema says: a TxId is there, the IBANs
/// have right check digits, the amount is above 0 and has no more decimals than its currency.
Payment read_pacs_008(SchemaParser& parser, std::string_view document);

std::string write_pacs_002(const PaymentStatus& status);
PaymentStatus read_pacs_002(SchemaParser& parser, std::string_view document);

/// Now, as CreDtTm wants it: "2026-11-23T09:15:00Z".
std::string utc_now();

}  // namespace payments
