#pragma once

#include <cstdint>
#include <string>

/// What the parts of the example hand to each other.
namespace payments {

struct Party {
    std::string name;
    std::string street;
    std::string building;
    std::string post_code;
    std::string town;
    std::string country;  // ISO 3166, two letters
};

struct Account {
    std::string iban;
    std::string bic;  // of the bank that keeps it
    std::string currency;
    std::int64_t opening_minor = 0;
    Party owner;
};

/// One customer credit transfer: what a pacs.008 with one transaction says.
struct Payment {
    std::int64_t sequence = 0;  // 1 for the first that the generator made
    std::string message_id;     // GrpHdr/MsgId
    std::string created_at;     // GrpHdr/CreDtTm
    std::string instruction_id;
    std::string end_to_end_id;
    std::string transaction_id;  // TxId: the business key, unique for ever
    std::string uetr;
    std::int64_t amount_minor = 0;
    std::string currency;
    std::string settlement_date;
    std::string charge_bearer;
    Account debtor;
    Account creditor;
    std::string remittance;          // free text; empty if there is a creditor reference
    std::string creditor_reference;  // ISO 11649
};

/// What a pacs.002 says about one of them.
struct PaymentStatus {
    std::string message_id;
    std::string created_at;
    std::string original_message_id;
    std::string instruction_id;
    std::string end_to_end_id;
    std::string transaction_id;
    std::string uetr;
    std::string status;  // "ACSC": booked; "RJCT": refused
    std::string reason;  // ISO 20022 code, only with RJCT: "AC01" unknown account, "AM03" wrong currency
};

}  // namespace payments
