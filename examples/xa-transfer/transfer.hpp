#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace xa_transfer {

/// What an order asks for: an amount, in cents, from one account to another. Its text is "ID DEBTOR CREDITOR AMOUNT".
struct Transfer {
    std::string id;
    std::string debtor;
    std::string creditor;
    std::int64_t amount = 0;
};

/// Nothing if the text is not an order: other fields, longer than 32 characters, not of letters and digits, an amount outside 1 to 10^12,
/// or one account only.
std::optional<Transfer> parse_transfer(std::string_view text);
std::string text_of(const Transfer& transfer);

}  // namespace xa_transfer
