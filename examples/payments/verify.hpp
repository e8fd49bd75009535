#pragma once

#include <filesystem>
#include <iosfwd>

namespace payments {

/// Where the three databases of a run are.
struct StateFolder {
    std::filesystem::path folder;

    std::filesystem::path bank() const { return folder / "bank.db"; }
    std::filesystem::path ledger() const { return folder / "ledger.db"; }
    std::filesystem::path status() const { return folder / "status.db"; }
};

/// One line: generated=… sent=… booked=… answered=… recorded=…; for scripts, while the others write.
void print_progress(const StateFolder& state, std::ostream& output);

/// Compares what was generated, sent, booked, answered and recorded, payment by payment, and the balances before and after; prints the
/// table and every mismatch. True if there is none.
bool verify(const StateFolder& state, std::ostream& output);

}  // namespace payments
