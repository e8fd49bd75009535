#pragma once

#include <filesystem>
#include <iosfwd>

namespace payments {

/// Where the databases of a run are.
struct StateFolder {
    std::filesystem::path folder;

    std::filesystem::path bank() const { return folder / "bank.db"; }
    std::filesystem::path ledger() const { return folder / "ledger.db"; }
    std::filesystem::path status() const { return folder / "status.db"; }
    std::filesystem::path large() const { return folder / "large.db"; }
};

/// One line: generated=… sent=… booked=… answered=… recorded=… large=… found=…; for scripts, while the others write.
void print_progress(const StateFolder& state, std::ostream& output);

/// Compares what was generated, sent, booked, answered and recorded, payment by payment, and the balances before and after; prints the
/// table and every mismatch. `with_large`: the large payments, too, that were generated and found. True if there is none.
bool verify(const StateFolder& state, bool with_large, std::ostream& output);

}  // namespace payments
