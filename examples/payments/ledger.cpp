#include "ledger.hpp"

#include "pacs.hpp"

namespace payments {

Ledger::Ledger(const std::filesystem::path& file, Database::Mode mode) : database_(file, mode) {
    if (mode != Database::Mode::write) return;
    database_.run(R"sql(
        CREATE TABLE IF NOT EXISTS account (
            iban          TEXT PRIMARY KEY,
            currency      TEXT NOT NULL,
            opening_minor INTEGER NOT NULL,
            balance_minor INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS payment (
            number         INTEGER PRIMARY KEY,
            transaction_id TEXT NOT NULL UNIQUE,
            jms_message_id TEXT NOT NULL,
            debtor_iban    TEXT NOT NULL,
            creditor_iban  TEXT NOT NULL,
            currency       TEXT NOT NULL,
            amount_minor   INTEGER NOT NULL CHECK (amount_minor > 0),
            status         TEXT NOT NULL CHECK (status IN ('ACSC', 'RJCT')),
            reason         TEXT NOT NULL,
            booked_at      TEXT NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS posting (
            payment      INTEGER NOT NULL REFERENCES payment (number),
            iban         TEXT NOT NULL REFERENCES account (iban),
            amount_minor INTEGER NOT NULL,
            PRIMARY KEY (payment, iban)
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS answer (
            number         INTEGER PRIMARY KEY REFERENCES payment (number),
            transaction_id TEXT NOT NULL UNIQUE,
            document       TEXT NOT NULL,
            sent_at        TEXT
        ) STRICT;
        CREATE INDEX IF NOT EXISTS answer_unsent ON answer (number) WHERE sent_at IS NULL;
    )sql");
    make_arrival_tables(database_);
}

void Ledger::open_accounts(const std::vector<Account>& accounts) {
    Transaction transaction(database_);
    Statement statement(database_, R"sql(
        INSERT INTO account (iban, currency, opening_minor, balance_minor) VALUES (?1, ?2, ?3, ?3) ON CONFLICT DO NOTHING)sql");
    for (const Account& account : accounts) {
        statement.bind(1, account.iban).bind(2, account.currency).bind(3, account.opening_minor).run();
    }
    transaction.commit();
}

Ledger::Booked Ledger::book(SchemaParser& parser, const std::vector<Arrival>& arrivals) {
    Booked counts;
    Transaction transaction(database_);
    for (const Arrival& arrival : arrivals) book_one(parser, arrival, counts);
    transaction.commit();
    return counts;
}

void Ledger::book_one(SchemaParser& parser, const Arrival& arrival, Booked& counts) {
    Payment payment;
    try {
        payment = read_pacs_008(parser, arrival.document);
    } catch (const InvalidDocument& failure) {
        note_unreadable(database_, arrival, failure.what());
        ++counts.unreadable;
        return;
    }
    Statement known(database_, "SELECT jms_message_id FROM payment WHERE transaction_id = ?1");
    known.bind(1, payment.transaction_id);
    if (known.step()) {
        const bool is_redelivery = arrival.delivery_count > 1 && known.text(0) == arrival.jms_message_id;
        note_arrival(database_, payment.transaction_id, arrival, is_redelivery ? "recognised" : "doubled");
        ++counts.recognised;
        return;
    }
    if (arrival.delivery_count > 1) note_arrival(database_, payment.transaction_id, arrival, "redelivered");

    PaymentStatus status;
    status.reason = reason_against(payment);
    status.status = status.reason.empty() ? "ACSC" : "RJCT";
    Statement row(database_, R"sql(
        INSERT INTO payment (transaction_id, jms_message_id, debtor_iban, creditor_iban, currency, amount_minor, status, reason, booked_at)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9))sql");
    const std::string now = utc_now();
    row.bind(1, payment.transaction_id).bind(2, arrival.jms_message_id).bind(3, payment.debtor.iban).bind(4, payment.creditor.iban);
    row.bind(5, payment.currency).bind(6, payment.amount_minor).bind(7, status.status).bind(8, status.reason).bind(9, now).run();
    const std::int64_t number = query_integer(database_, "SELECT last_insert_rowid()");
    if (status.reason.empty()) {
        post(number, payment.debtor.iban, -payment.amount_minor);
        post(number, payment.creditor.iban, payment.amount_minor);
        ++counts.booked;
    } else {
        ++counts.refused;
    }

    status.message_id = "GQSTS" + payment.transaction_id.substr(0, 30);
    status.created_at = now;
    status.original_message_id = payment.message_id;
    status.instruction_id = payment.instruction_id;
    status.end_to_end_id = payment.end_to_end_id;
    status.transaction_id = payment.transaction_id;
    status.uetr = payment.uetr;
    Statement answer(database_, "INSERT INTO answer (number, transaction_id, document) VALUES (?1, ?2, ?3)");
    answer.bind(1, number).bind(2, payment.transaction_id).bind(3, write_pacs_002(status)).run();
}

std::string Ledger::reason_against(const Payment& payment) {
    Statement account(database_, "SELECT currency, balance_minor FROM account WHERE iban = ?1");
    account.bind(1, payment.debtor.iban);
    if (!account.step()) return "AC02";  // debtor's account number invalid
    if (account.text(0) != payment.currency) return "AM03";
    if (account.integer(1) < payment.amount_minor) return "AM04";  // insufficient funds
    account.reset();
    account.bind(1, payment.creditor.iban);
    if (!account.step()) return "AC03";  // creditor's account number invalid
    if (account.text(0) != payment.currency) return "AM03";
    return payment.debtor.iban == payment.creditor.iban ? "AC03" : "";
}

void Ledger::post(std::int64_t payment, std::string_view iban, std::int64_t amount_minor) {
    Statement(database_, "INSERT INTO posting (payment, iban, amount_minor) VALUES (?1, ?2, ?3)")
        .bind(1, payment)
        .bind(2, iban)
        .bind(3, amount_minor)
        .run();
    Statement(database_, "UPDATE account SET balance_minor = balance_minor + ?1 WHERE iban = ?2").bind(1, amount_minor).bind(2, iban).run();
    if (database_.changes() != 1) throw DatabaseError("no account " + std::string(iban));
}

std::vector<Ledger::Answer> Ledger::unsent_answers(std::int64_t limit) {
    Statement statement(database_, "SELECT number, transaction_id, document FROM answer WHERE sent_at IS NULL ORDER BY number LIMIT ?1");
    statement.bind(1, limit);
    std::vector<Answer> result;
    while (statement.step()) result.push_back({statement.integer(0), statement.text(1), statement.text(2)});
    return result;
}

void Ledger::mark_sent(const std::vector<std::int64_t>& answers) {
    if (answers.empty()) return;
    const std::string now = utc_now();
    Transaction transaction(database_);
    Statement statement(database_, "UPDATE answer SET sent_at = ?1 WHERE number = ?2");
    for (const std::int64_t number : answers) statement.bind(1, now).bind(2, number).run();
    transaction.commit();
}

std::int64_t Ledger::payment_count() { return query_integer(database_, "SELECT count(*) FROM payment"); }
std::int64_t Ledger::sent_answer_count() { return query_integer(database_, "SELECT count(*) FROM answer WHERE sent_at IS NOT NULL"); }

}  // namespace payments
