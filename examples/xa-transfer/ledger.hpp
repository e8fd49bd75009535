#pragma once

#include <cstdint>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

#include "transfer.hpp"

struct pg_conn;
struct pg_result;

namespace xa_transfer {

/// What PostgreSQL refuses, or that it is not there.
class LedgerError : public std::runtime_error {
public:
    LedgerError(const std::string& what, std::string sql_state) : std::runtime_error(what), sql_state_(std::move(sql_state)) {}
    const std::string& sql_state() const { return sql_state_; }

private:
    std::string sql_state_;
};

/// Accounts and transfers in PostgreSQL, and its half of a global transaction: PREPARE TRANSACTION, then COMMIT PREPARED or ROLLBACK
/// PREPARED from any connection. max_prepared_transactions must be more than the number of workers. Every call throws LedgerError.
class Ledger {
public:
    enum class Booking { booked, refused };

    explicit Ledger(const std::string& connection_string);
    ~Ledger();

    /// Waits until no other connection has this name, a dead process's included: what that one has sent is done before this returns.
    void claim(const std::string& name);

    void create(int accounts, std::int64_t balance);

    void begin();
    void roll_back();
    /// Within a transaction: the postings and the transfer, or a transfer that is refused because there is not enough on the account.
    /// Throws if the transfer is there already, which must never be.
    Booking book(const Transfer& transfer);

    void prepare(const std::string& name);
    /// False if no such transaction is prepared (any more).
    bool commit_prepared(const std::string& name);
    bool roll_back_prepared(const std::string& name);
    std::vector<std::string> prepared(const std::string& prefix);

    std::int64_t transfers();
    std::vector<std::string> booked_ids();
    /// What is wrong with the money; empty if nothing is.
    std::string check_balances();

private:
    using Result = std::unique_ptr<pg_result, void (*)(pg_result*)>;

    Result run(const std::string& sql, const std::vector<std::string>& parameters = {});
    bool finish_prepared(const char* verb, const std::string& name);
    std::string literal(const std::string& text);
    std::vector<std::string> column(const std::string& sql, const std::vector<std::string>& parameters = {});

    std::unique_ptr<pg_conn, void (*)(pg_conn*)> connection_;
};

}  // namespace xa_transfer
