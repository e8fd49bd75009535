#pragma once

#include <cstdint>
#include <vector>

#include "payment.hpp"
#include "random.hpp"

namespace payments {

/// Makes the accounts and payments of one seed: the same seed gives the same, byte for byte.
class Generator {
public:
    /// `accounts_per_currency` accounts for each currency, each opened with enough to pay `payments` payments.
    Generator(std::uint64_t seed, std::int64_t payments, std::size_t accounts_per_currency = 24);

    const std::vector<Account>& accounts() const { return accounts_; }

    /// The next payment: between two accounts of one currency, mostly of different banks and often of different countries.
    Payment next();

private:
    void open_account(std::size_t currency);
    std::string bank_account_number(std::string_view country);

    std::uint64_t seed_;
    std::int64_t payments_;
    Random random_;
    std::vector<Account> accounts_;
    std::vector<std::vector<std::size_t>> by_currency_;  // indices into accounts_
    std::int64_t sequence_ = 0;
};

}  // namespace payments
