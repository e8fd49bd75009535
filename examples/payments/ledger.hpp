#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "arrivals.hpp"
#include "database.hpp"
#include "payment.hpp"
#include "xml.hpp"

namespace payments {

/// The double-entry ledger of the bank that receives.
///
/// Exactly once: TxId is UNIQUE, and a booking, its two postings, the new balances and the answer that has to be sent are written by one
/// SQLite transaction. Whatever is redelivered afterwards meets the TxId and changes nothing. The answers wait in the same database until
/// the broker has confirmed them, so none gets lost either.
class Ledger {
public:
    struct Answer {
        std::int64_t number = 0;
        std::string transaction_id;
        std::string document;
    };
    struct Booked {
        std::int64_t booked = 0;
        std::int64_t refused = 0;
        std::int64_t recognised = 0;  // were there already
        std::int64_t unreadable = 0;
    };

    Ledger(const std::filesystem::path& file, Database::Mode mode);

    /// Opens the accounts; those that exist are left as they are.
    void open_accounts(const std::vector<Account>& accounts);

    /// Books them all in one transaction; durable when it returns.
    Booked book(SchemaParser& parser, const std::vector<Arrival>& arrivals);

    std::vector<Answer> unsent_answers(std::int64_t limit);
    void mark_sent(const std::vector<std::int64_t>& answers);

    std::int64_t payment_count();
    std::int64_t sent_answer_count();

private:
    void book_one(SchemaParser& parser, const Arrival& arrival, Booked& counts);
    /// The ISO 20022 reason why it cannot be booked; empty if it can.
    std::string reason_against(const Payment& payment);
    void post(std::int64_t payment, std::string_view iban, std::int64_t amount_minor);

    Database database_;
};

}  // namespace payments
