#include "verify.hpp"

#include <array>
#include <iomanip>
#include <ostream>
#include <string>

#include "database.hpp"
#include "large_book.hpp"
#include "money.hpp"

namespace payments {
namespace {

/// A count that has to be 0, and what it means if it is not.
struct Check {
    const char* meaning;
    const char* sql;
};

constexpr std::array<Check, 17> checks{{
    {"payments were generated and never confirmed by the broker", "SELECT count(*) FROM payment WHERE confirmed_at IS NULL"},
    {"payments were confirmed by the broker and never booked: lost",
     "SELECT count(*) FROM payment p WHERE confirmed_at IS NOT NULL AND NOT EXISTS"
     " (SELECT 1 FROM ledger.payment b WHERE b.transaction_id = p.transaction_id)"},
    {"payments were booked that nobody sent",
     "SELECT count(*) FROM ledger.payment b WHERE NOT EXISTS (SELECT 1 FROM payment p WHERE p.transaction_id = b.transaction_id)"},
    {"payments were booked with another amount, currency or account than was sent",
     "SELECT count(*) FROM payment p JOIN ledger.payment b USING (transaction_id)"
     " WHERE (p.amount_minor, p.currency, p.debtor_iban, p.creditor_iban) <> (b.amount_minor, b.currency, b.debtor_iban, b.creditor_iban)"},
    {"payments were refused by the ledger", "SELECT count(*) FROM ledger.payment WHERE status <> 'ACSC'"},
    {"payments are not booked once out and once in",
     "SELECT count(*) FROM ledger.payment b LEFT JOIN"
     " (SELECT payment, count(*) AS n, sum(amount_minor) AS total, max(amount_minor) AS credit FROM ledger.posting GROUP BY payment) s"
     " ON s.payment = b.number WHERE s.n IS NOT 2 OR s.total IS NOT 0 OR s.credit IS NOT b.amount_minor"},
    {"balances differ from the opening balance and the postings",
     "SELECT count(*) FROM ledger.account a LEFT JOIN (SELECT iban, sum(amount_minor) AS total FROM ledger.posting GROUP BY iban) s USING "
     "(iban)"
     " WHERE a.balance_minor <> a.opening_minor + coalesce(s.total, 0)"},
    {"accounts were opened with another balance than agreed",
     "SELECT count(*) FROM account a LEFT JOIN ledger.account l USING (iban) WHERE l.opening_minor IS NOT a.opening_minor"},
    {"currencies have another sum of all balances than before",
     "SELECT count(*) FROM (SELECT currency FROM ledger.account GROUP BY currency HAVING sum(opening_minor) <> sum(balance_minor))"},
    {"payments were booked before one that was sent earlier: out of order",
     "SELECT count(*) FROM (SELECT p.sequence AS sequence, lag(p.sequence) OVER (ORDER BY b.number) AS before"
     " FROM payment p JOIN ledger.payment b USING (transaction_id)) WHERE before > sequence"},
    {"bookings have no answer that was sent",
     "SELECT count(*) FROM ledger.payment b LEFT JOIN ledger.answer a USING (number) WHERE a.sent_at IS NULL"},
    {"answers were sent and never received: lost",
     "SELECT count(*) FROM ledger.answer a WHERE sent_at IS NOT NULL AND NOT EXISTS"
     " (SELECT 1 FROM status.status s WHERE s.transaction_id = a.transaction_id)"},
    {"answers were received that the ledger does not know",
     "SELECT count(*) FROM status.status s LEFT JOIN ledger.payment b USING (transaction_id) WHERE b.status IS NOT s.status"},
    {"payments reached the ledger as two messages: doubled", "SELECT count(*) FROM ledger.arrival WHERE kind = 'doubled'"},
    {"answers arrived as two messages: doubled", "SELECT count(*) FROM status.arrival WHERE kind = 'doubled'"},
    {"messages on payments.in could not be read", "SELECT count(*) FROM ledger.unreadable"},
    {"messages on payments.status could not be read", "SELECT count(*) FROM status.unreadable"},
}};

void print_row(std::ostream& output, const char* name, std::int64_t value, const std::string& remark = {}) {
    output << "  " << std::left << std::setw(34) << name << std::right << std::setw(10) << value << (remark.empty() ? "" : "   ") << remark
           << '\n';
}

void print_counts(Database& database, std::ostream& output) {
    const auto count = [&](const char* sql) { return query_integer(database, sql); };
    output << "Payments\n";
    print_row(output, "generated", count("SELECT count(*) FROM payment"));
    print_row(output, "sent (confirmed by the broker)", count("SELECT count(*) FROM payment WHERE confirmed_at IS NOT NULL"));
    print_row(output, "booked in the ledger", count("SELECT count(*) FROM ledger.payment WHERE status = 'ACSC'"));
    print_row(output, "answered", count("SELECT count(*) FROM ledger.answer WHERE sent_at IS NOT NULL"));
    print_row(output, "answers received", count("SELECT count(*) FROM status.status"));
    print_row(
        output, "redelivered payments", count("SELECT count(*) FROM ledger.arrival WHERE kind <> 'doubled'"),
        std::to_string(count("SELECT count(*) FROM ledger.arrival WHERE kind = 'recognised'")) + " of them already booked, and recognised");
    print_row(output, "redelivered answers", count("SELECT count(*) FROM status.arrival WHERE kind <> 'doubled'"),
              std::to_string(count("SELECT count(*) FROM status.arrival WHERE kind = 'recognised'")) +
                  " of them already recorded, and recognised");
    print_row(output, "booked or answered twice",
              count("SELECT (SELECT count(*) FROM ledger.arrival WHERE kind = 'doubled') + (SELECT count(*) FROM status.arrival WHERE kind "
                    "= 'doubled')"));
}

void print_balances(Database& database, std::ostream& output) {
    output << "\nSum of all balances" << std::setw(29) << "before" << std::setw(22) << "after" << '\n';
    Statement statement(database, R"sql(
        SELECT currency, count(*), sum(opening_minor), sum(balance_minor) FROM ledger.account GROUP BY currency ORDER BY currency)sql");
    while (statement.step()) {
        const std::string currency = statement.text(0);
        const unsigned decimals = decimals_of(currency).value_or(2);
        output << "  " << currency << ", " << std::setw(3) << statement.integer(1) << " accounts" << std::setw(29)
               << to_decimal(statement.integer(2), decimals) << std::setw(22) << to_decimal(statement.integer(3), decimals)
               << (statement.integer(2) == statement.integer(3) ? "   equal" : "   DIFFERENT") << '\n';
    }
}

/// 0 while the file, or what is in it, is only being made.
template <typename Count>
std::int64_t count_in(const std::filesystem::path& file, Count count) {
    if (!std::filesystem::exists(file)) return 0;
    try {
        Database database(file, Database::Mode::read);
        return count(database);
    } catch (const DatabaseError&) {
        return 0;
    }
}

std::int64_t count_in(const std::filesystem::path& file, const char* sql) {
    return count_in(file, [sql](Database& database) { return query_integer(database, sql); });
}

}  // namespace

void print_progress(const StateFolder& state, std::ostream& output) {
    output << "generated=" << count_in(state.bank(), "SELECT count(*) FROM payment")
           << " sent=" << count_in(state.bank(), "SELECT count(*) FROM payment WHERE confirmed_at IS NOT NULL")
           << " booked=" << count_in(state.ledger(), "SELECT count(*) FROM payment")
           << " answered=" << count_in(state.ledger(), "SELECT count(*) FROM answer WHERE sent_at IS NOT NULL")
           << " recorded=" << count_in(state.status(), "SELECT count(*) FROM status") << " large=" << count_in(state.bank(), count_large)
           << " found=" << count_in(state.large(), "SELECT count(*) FROM payment") << '\n';
}

bool verify(const StateFolder& state, bool with_large, std::ostream& output) {
    for (const auto& file : {state.bank(), state.ledger(), state.status(), state.large()}) {
        const bool is_needed = with_large || file != state.large();
        if (is_needed && !std::filesystem::exists(file)) {
            output << "MISMATCH: " << file.string() << " is missing\n";
            return false;
        }
    }
    Database database(state.bank(), Database::Mode::read);
    database.attach(state.ledger(), "ledger");
    database.attach(state.status(), "status");
    print_counts(database, output);
    print_balances(database, output);
    output << '\n';
    bool good = true;
    if (query_integer(database, "SELECT count(*) FROM payment") == 0) {
        output << "MISMATCH: nothing was generated, so nothing is proved\n";
        good = false;
    }
    for (const Check& check : checks) {
        const std::int64_t wrong = query_integer(database, check.sql);
        if (wrong == 0) continue;
        output << "MISMATCH: " << wrong << " " << check.meaning << '\n';
        good = false;
    }
    if (good)
        output << "All " << checks.size()
               << " checks hold: every payment was booked and answered exactly once, in the order it was sent.\n";
    if (!with_large) return good;
    database.attach(state.large(), "large");
    return verify_large(database, output) && good;
}

}  // namespace payments
