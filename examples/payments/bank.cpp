#include "bank.hpp"

#include "pacs.hpp"

namespace payments {

Bank::Bank(const std::filesystem::path& file, Database::Mode mode) : database_(file, mode) {
    if (mode != Database::Mode::write) return;
    database_.run(R"sql(
        CREATE TABLE IF NOT EXISTS run (seed INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS account (
            iban          TEXT PRIMARY KEY,
            owner         TEXT NOT NULL,
            bic           TEXT NOT NULL,
            currency      TEXT NOT NULL,
            opening_minor INTEGER NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS payment (
            sequence       INTEGER PRIMARY KEY,
            transaction_id TEXT NOT NULL UNIQUE,
            debtor_iban    TEXT NOT NULL,
            creditor_iban  TEXT NOT NULL,
            currency       TEXT NOT NULL,
            amount_minor   INTEGER NOT NULL,
            document       TEXT NOT NULL,
            confirmed_at   TEXT
        ) STRICT;
        CREATE INDEX IF NOT EXISTS payment_unconfirmed ON payment (sequence) WHERE confirmed_at IS NULL;
    )sql");
}

void Bank::fill(Generator& generator, std::int64_t count, std::uint64_t seed) {
    const auto signed_seed = static_cast<std::int64_t>(seed);
    Transaction transaction(database_);
    Statement(database_, "INSERT INTO run (seed) VALUES (?1)").bind(1, signed_seed).run();
    Statement account_row(database_, "INSERT INTO account (iban, owner, bic, currency, opening_minor) VALUES (?1, ?2, ?3, ?4, ?5)");
    for (const Account& account : generator.accounts()) {
        account_row.bind(1, account.iban).bind(2, account.owner.name).bind(3, account.bic).bind(4, account.currency);
        account_row.bind(5, account.opening_minor).run();
    }
    Statement payment_row(database_, R"sql(
        INSERT INTO payment (sequence, transaction_id, debtor_iban, creditor_iban, currency, amount_minor, document)
        VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7))sql");
    for (std::int64_t i = 0; i < count; ++i) {
        const Payment payment = generator.next();
        payment_row.bind(1, payment.sequence).bind(2, payment.transaction_id).bind(3, payment.debtor.iban).bind(4, payment.creditor.iban);
        payment_row.bind(5, payment.currency).bind(6, payment.amount_minor).bind(7, write_pacs_008(payment)).run();
    }
    transaction.commit();
}

std::uint64_t Bank::seed() { return static_cast<std::uint64_t>(query_integer(database_, "SELECT seed FROM run")); }

std::vector<Bank::Outgoing> Bank::unconfirmed(std::int64_t after, std::int64_t limit) {
    Statement statement(database_, R"sql(
        SELECT sequence, transaction_id, document FROM payment
        WHERE confirmed_at IS NULL AND sequence > ?1 ORDER BY sequence LIMIT ?2)sql");
    statement.bind(1, after).bind(2, limit);
    std::vector<Outgoing> result;
    while (statement.step()) result.push_back({statement.integer(0), statement.text(1), statement.text(2)});
    return result;
}

void Bank::confirm(const std::vector<std::int64_t>& sequences) {
    if (sequences.empty()) return;
    const std::string now = utc_now();
    Transaction transaction(database_);
    Statement statement(database_, "UPDATE payment SET confirmed_at = ?1 WHERE sequence = ?2 AND confirmed_at IS NULL");
    for (const std::int64_t sequence : sequences) statement.bind(1, now).bind(2, sequence).run();
    transaction.commit();
}

std::int64_t Bank::count() { return query_integer(database_, "SELECT count(*) FROM payment"); }
std::int64_t Bank::confirmed_count() { return query_integer(database_, "SELECT count(*) FROM payment WHERE confirmed_at IS NOT NULL"); }

}  // namespace payments
