#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "database.hpp"
#include "generator.hpp"

namespace payments {

/// The bank that sends: its payments wait in a database of its own until the broker has confirmed them, so that it, too, can be killed at
/// any point. What was sent and not marked is sent again, and the broker drops it by its duplicate-detection id.
class Bank {
public:
    struct Outgoing {
        std::int64_t sequence = 0;
        std::string transaction_id;
        std::string document;
    };

    Bank(const std::filesystem::path& file, Database::Mode mode);

    /// Writes accounts and `count` payments of the generator, in one transaction.
    void fill(Generator& generator, std::int64_t count, std::uint64_t seed);
    /// The seed that it was filled with; 0 if it is empty.
    std::uint64_t seed();

    /// Payments not yet confirmed with a sequence above `after`, in order.
    std::vector<Outgoing> unconfirmed(std::int64_t after, std::int64_t limit);
    void confirm(const std::vector<std::int64_t>& sequences);

    std::int64_t count();
    std::int64_t confirmed_count();

private:
    Database database_;
};

}  // namespace payments
