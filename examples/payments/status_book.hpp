#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

#include "arrivals.hpp"
#include "database.hpp"
#include "xml.hpp"

namespace payments {

/// What the sending bank has been answered. An answer counts once, however often it is delivered; a second message for the same TxId that
/// is no redelivery is noted as doubled.
class StatusBook {
public:
    StatusBook(const std::filesystem::path& file, Database::Mode mode);

    /// Records them all in one transaction; durable when it returns. Gives back how many were new.
    std::int64_t record(SchemaParser& parser, const std::vector<Arrival>& arrivals);

    std::int64_t count();

private:
    bool record_one(SchemaParser& parser, const Arrival& arrival);

    Database database_;
};

}  // namespace payments
