#include "large_book.hpp"

#include <algorithm>
#include <array>
#include <iomanip>
#include <ostream>
#include <string>

#include "money.hpp"
#include "pacs.hpp"

namespace payments {
namespace {

/// From which amount a payment is large: what large-payments.xml says, said again in minor units.
struct LargeFrom {
    std::string_view currency;
    std::int64_t minor;
};
constexpr std::array<LargeFrom, 8> large_from{{
    {"EUR", 1'000'000},
    {"CHF", 1'000'000},
    {"SEK", 5'000'000},
    {"NOK", 5'000'000},
    {"DKK", 5'000'000},
    {"PLN", 5'000'000},
    {"ISK", 1'500'000},
    {"KWD", 3'000'000},
}};

/// Of the bank's payments those that are large.
std::string large_of_bank() {
    std::string sql = "(SELECT transaction_id, currency, amount_minor FROM payment WHERE amount_minor >= CASE currency";
    for (const LargeFrom& from : large_from) {
        sql += " WHEN '" + std::string(from.currency) + "' THEN " + std::to_string(from.minor);
    }
    return sql + " END)";
}

void print_sums(Database& bank, std::ostream& output) {
    output << "\nLarge payments" << std::setw(21) << "generated" << std::setw(11) << "selected" << std::setw(24) << "sum" << '\n';
    const std::string sql =
        "SELECT currency, count(*), (SELECT count(*) FROM large.payment s WHERE s.currency = g.currency), sum(amount_minor),"
        " (SELECT sum(amount_minor) FROM large.payment s WHERE s.currency = g.currency) FROM " +
        large_of_bank() + " g GROUP BY currency ORDER BY currency";
    Statement statement(bank, sql.c_str());
    while (statement.step()) {
        const std::string currency = statement.text(0);
        output << "  " << currency << std::setw(30) << statement.integer(1) << std::setw(11) << statement.integer(2) << std::setw(24)
               << to_decimal(statement.integer(4), decimals_of(currency).value_or(2))
               << (statement.integer(3) == statement.integer(4) ? "   equal" : "   DIFFERENT") << '\n';
    }
}

}  // namespace

LargeBook::LargeBook(const std::filesystem::path& file, Database::Mode mode) : database_(file, mode) {
    if (mode != Database::Mode::write) return;
    database_.run(R"sql(
        CREATE TABLE IF NOT EXISTS payment (
            transaction_id TEXT PRIMARY KEY,
            jms_message_id TEXT NOT NULL,
            currency       TEXT NOT NULL,
            amount_minor   INTEGER NOT NULL,
            received_at    TEXT NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS doubled (transaction_id TEXT NOT NULL, jms_message_id TEXT NOT NULL) STRICT;
        CREATE TABLE IF NOT EXISTS unreadable (jms_message_id TEXT PRIMARY KEY, reason TEXT NOT NULL) STRICT;
    )sql");
}

void LargeBook::record(SchemaParser& parser, const std::vector<Arrival>& arrivals) {
    Transaction transaction(database_);
    for (const Arrival& arrival : arrivals) record_one(parser, arrival);
    transaction.commit();
}

void LargeBook::record_one(SchemaParser& parser, const Arrival& arrival) {
    Payment payment;
    try {
        payment = read_pacs_008(parser, arrival.document);
    } catch (const InvalidDocument& failure) {
        Statement row(database_, "INSERT INTO unreadable (jms_message_id, reason) VALUES (?1, ?2) ON CONFLICT DO NOTHING");
        row.bind(1, arrival.jms_message_id).bind(2, failure.what()).run();
        return;
    }
    Statement known(database_, "SELECT jms_message_id FROM payment WHERE transaction_id = ?1");
    known.bind(1, payment.transaction_id);
    if (known.step()) {
        if (arrival.delivery_count > 1 && known.text(0) == arrival.jms_message_id) return;
        Statement row(database_, "INSERT INTO doubled (transaction_id, jms_message_id) VALUES (?1, ?2)");
        return row.bind(1, payment.transaction_id).bind(2, arrival.jms_message_id).run();
    }
    Statement row(database_,
                  "INSERT INTO payment (transaction_id, jms_message_id, currency, amount_minor, received_at) VALUES (?1, ?2, ?3, ?4, ?5)");
    row.bind(1, payment.transaction_id).bind(2, arrival.jms_message_id).bind(3, payment.currency).bind(4, payment.amount_minor);
    row.bind(5, utc_now()).run();
}

std::int64_t LargeBook::count() { return query_integer(database_, "SELECT count(*) FROM payment"); }

bool is_large(const Payment& payment) {
    return std::any_of(large_from.begin(), large_from.end(),
                       [&](const LargeFrom& from) { return from.currency == payment.currency && payment.amount_minor >= from.minor; });
}

std::int64_t count_large(Database& bank) { return query_integer(bank, ("SELECT count(*) FROM " + large_of_bank()).c_str()); }

bool verify_large(Database& bank, std::ostream& output) {
    print_sums(bank, output);
    const std::pair<const char*, std::string> checks[] = {
        {"large payments were generated and never selected: lost",
         "SELECT count(*) FROM " + large_of_bank() + " WHERE transaction_id NOT IN (SELECT transaction_id FROM large.payment)"},
        {"payments were selected that are not large, or that nobody sent",
         "SELECT count(*) FROM large.payment WHERE transaction_id NOT IN (SELECT transaction_id FROM " + large_of_bank() + ")"},
        {"large payments have another amount or currency than was sent",
         "SELECT count(*) FROM payment p JOIN large.payment s USING (transaction_id)"
         " WHERE (p.amount_minor, p.currency) <> (s.amount_minor, s.currency)"},
        {"large payments arrived as two messages: doubled", "SELECT count(*) FROM large.doubled"},
        {"messages that were selected could not be read", "SELECT count(*) FROM large.unreadable"},
    };
    bool is_good = count_large(bank) > 0;
    if (!is_good) output << "MISMATCH: no large payment was generated, so nothing is proved of the selector\n";
    for (const auto& [meaning, sql] : checks) {
        const std::int64_t wrong = query_integer(bank, sql.c_str());
        if (wrong == 0) continue;
        output << "MISMATCH: " << wrong << " " << meaning << '\n';
        is_good = false;
    }
    if (is_good) output << "Every large payment was selected exactly once, and no other.\n";
    return is_good;
}

}  // namespace payments
