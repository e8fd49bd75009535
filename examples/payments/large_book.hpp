#pragma once

#include <cstdint>
#include <filesystem>
#include <iosfwd>
#include <utility>
#include <vector>

#include "arrivals.hpp"
#include "database.hpp"
#include "payment.hpp"
#include "xml.hpp"

namespace payments {

/// The large payments that the selector of large-payments.xml has found. One counts once, however often it is delivered; a second message
/// with the same TxId that is no redelivery is noted as doubled.
class LargeBook {
public:
    LargeBook(const std::filesystem::path& file, Database::Mode mode);

    /// Records them all in one transaction; durable when it returns.
    void record(SchemaParser& parser, const std::vector<Arrival>& arrivals);

    std::int64_t count();

private:
    void record_one(SchemaParser& parser, const Arrival& arrival);

    Database database_;
};

/// By the integers of the payment: the selector has no part in it.
bool is_large(const Payment& payment);
/// How many of the generated payments are large.
std::int64_t count_large(Database& bank);

/// Compares the payments that were generated with those that were found, one by one; prints the sums by currency and every mismatch. The
/// database of the bank has that of the large payments attached as `large`.
bool verify_large(Database& bank, std::ostream& output);

}  // namespace payments
