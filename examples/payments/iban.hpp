#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

/// International account numbers (ISO 13616) and creditor references (ISO 11649): both carry ISO 7064 mod 97-10 check digits.
namespace payments {

/// The length of an IBAN of that country (two capital letters); nothing for a country this example does not know.
std::optional<std::size_t> iban_length(std::string_view country);

/// The IBAN of a national account number (BBAN: digits and capital letters), with its check digits.
std::string make_iban(std::string_view country, std::string_view bban);

/// Right characters, right length for the country, right check digits.
bool is_valid_iban(std::string_view iban);

/// "RF" + check digits + the reference (1 to 21 digits and capital letters).
std::string make_creditor_reference(std::string_view reference);
bool is_valid_creditor_reference(std::string_view reference);

}  // namespace payments
