#include "ledger.hpp"

#include <libpq-fe.h>

#include <algorithm>

namespace xa_transfer {
namespace {

constexpr const char* undefined_object = "42704";

// The balance is checked by the database, too. An account is locked by whoever posts to it, until its branch has ended: in doubt or not.
constexpr const char* schema = R"(
CREATE TABLE account (id text PRIMARY KEY, opening bigint NOT NULL, balance bigint NOT NULL CHECK (balance >= 0));
CREATE TABLE transfer (id text PRIMARY KEY, debtor text NOT NULL REFERENCES account, creditor text NOT NULL REFERENCES account,
    amount bigint NOT NULL CHECK (amount > 0), booked boolean NOT NULL);
)";

constexpr const char* wrong_balances = R"(
SELECT a.id || ' has ' || a.balance || ' and should have ' || a.opening + s.moved FROM account a, LATERAL (SELECT
    coalesce(sum(CASE WHEN t.creditor = a.id THEN t.amount ELSE -t.amount END), 0) AS moved
    FROM transfer t WHERE t.booked AND (t.creditor = a.id OR t.debtor = a.id)) s
WHERE a.balance <> a.opening + s.moved ORDER BY a.id LIMIT 1
)";

}  // namespace

Ledger::Ledger(const std::string& connection_string) : connection_(PQconnectdb(connection_string.c_str()), PQfinish) {
    if (PQstatus(connection_.get()) != CONNECTION_OK) throw LedgerError(PQerrorMessage(connection_.get()), "08001");
    // Who waits for an account that is locked by a branch in doubt gives up, rolls back and tries again.
    run("SET lock_timeout = '5s'");
}

Ledger::~Ledger() = default;

Ledger::Result Ledger::run(const std::string& sql, const std::vector<std::string>& parameters) {
    std::vector<const char*> values;
    for (const auto& parameter : parameters) values.push_back(parameter.c_str());
    const auto count = static_cast<int>(values.size());
    // Several statements at once are possible without parameters only.
    Result result(count == 0 ? PQexec(connection_.get(), sql.c_str())
                             : PQexecParams(connection_.get(), sql.c_str(), count, nullptr, values.data(), nullptr, nullptr, 0),
                  PQclear);
    const auto status = PQresultStatus(result.get());
    if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) return result;
    const char* const state = PQresultErrorField(result.get(), PG_DIAG_SQLSTATE);
    throw LedgerError(std::string("PostgreSQL: ") + PQerrorMessage(connection_.get()), state == nullptr ? "08006" : state);
}

std::string Ledger::literal(const std::string& text) {
    const std::unique_ptr<char, void (*)(void*)> quoted(PQescapeLiteral(connection_.get(), text.data(), text.size()), PQfreemem);
    if (quoted == nullptr) throw LedgerError(PQerrorMessage(connection_.get()), "22021");
    return quoted.get();
}

std::vector<std::string> Ledger::column(const std::string& sql, const std::vector<std::string>& parameters) {
    const auto result = run(sql, parameters);
    std::vector<std::string> values;
    for (int row = 0; row < PQntuples(result.get()); ++row) values.emplace_back(PQgetvalue(result.get(), row, 0));
    return values;
}

void Ledger::claim(const std::string& name) {
    run("SET lock_timeout = 0");
    run("SELECT pg_advisory_lock(hashtextextended($1, 0))", {"xa-transfer " + name});
    run("SET lock_timeout = '5s'");
}

void Ledger::create(int accounts, std::int64_t balance) {
    run(std::string("BEGIN;") + schema);
    run("INSERT INTO account SELECT 'A' || n, $2::bigint, $2::bigint FROM generate_series(1, $1::int) n",
        {std::to_string(accounts), std::to_string(balance)});
    run("COMMIT");
}

void Ledger::begin() { run("BEGIN"); }
void Ledger::roll_back() { run("ROLLBACK"); }

Ledger::Booking Ledger::book(const Transfer& transfer) {
    // In the order of their names, so that two workers never wait for one another.
    run("SELECT 1 FROM account WHERE id IN ($1, $2) ORDER BY id FOR UPDATE", {transfer.debtor, transfer.creditor});
    const auto amount = std::to_string(transfer.amount);
    const auto debited =
        run("UPDATE account SET balance = balance - $1::bigint WHERE id = $2 AND balance >= $1::bigint", {amount, transfer.debtor});
    const bool is_covered = std::string_view(PQcmdTuples(debited.get())) == "1";
    if (is_covered) run("UPDATE account SET balance = balance + $1::bigint WHERE id = $2", {amount, transfer.creditor});
    run("INSERT INTO transfer VALUES ($1, $2, $3, $4::bigint, $5::boolean)",
        {transfer.id, transfer.debtor, transfer.creditor, amount, is_covered ? "true" : "false"});
    return is_covered ? Booking::booked : Booking::refused;
}

void Ledger::prepare(const std::string& name) {
    const auto result = run("PREPARE TRANSACTION " + literal(name));
    // In a transaction that has failed it is a rollback, and no error.
    if (std::string_view(PQcmdStatus(result.get())) != "PREPARE TRANSACTION") throw LedgerError("the transaction was rolled back", "40000");
}

bool Ledger::finish_prepared(const char* verb, const std::string& name) {
    try {
        run(std::string(verb) + " PREPARED " + literal(name));
        return true;
    } catch (const LedgerError& error) {
        if (error.sql_state() == undefined_object) return false;
        throw;
    }
}

bool Ledger::commit_prepared(const std::string& name) { return finish_prepared("COMMIT", name); }
bool Ledger::roll_back_prepared(const std::string& name) { return finish_prepared("ROLLBACK", name); }

std::vector<std::string> Ledger::prepared(const std::string& prefix) {
    return column("SELECT gid FROM pg_prepared_xacts WHERE database = current_database() AND starts_with(gid, $1) ORDER BY prepared",
                  {prefix});
}

std::int64_t Ledger::transfers() { return std::stoll(column("SELECT count(*) FROM transfer").at(0)); }
std::vector<std::string> Ledger::booked_ids() { return column("SELECT id FROM transfer ORDER BY id"); }

std::string Ledger::check_balances() {
    const auto sums = column(
        "SELECT CASE WHEN sum(balance) = sum(opening) THEN '' ELSE 'the sum of the balances is ' || sum(balance) "
        "|| ' and was ' || sum(opening) END FROM account");
    if (!sums.at(0).empty()) return sums[0];
    const auto wrong = column(wrong_balances);
    return wrong.empty() ? std::string() : wrong[0];
}

}  // namespace xa_transfer
