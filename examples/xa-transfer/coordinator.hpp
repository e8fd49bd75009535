#pragma once

#include <cstdint>
#include <string>

#include "decision_log.hpp"
#include "ledger.hpp"
#include "messages.hpp"

namespace xa_transfer {

/// Lets a test kill the process exactly where a global transaction has got to: "decided:3" is the third time that "decided" is reached.
class DeathPoint {
public:
    /// Throws std::invalid_argument if the point is none of those below.
    explicit DeathPoint(const std::string& point_and_count);
    void reached(const char* point);

private:
    std::string point_;
    std::int64_t remaining_ = 0;
};

/// A transaction manager that fits on a page: two-phase commit with presumed abort over the broker and the ledger.
///
///     start both - work - end both - prepare both - write the decision to the disk - commit both
///
/// Dead before the decision is on the disk: recovery rolls both back. Dead after it: recovery commits both. Each worker has a name, a log
/// and identifiers of its own, so that it recovers its own branches and nobody else's. Nothing is mended in place: whatever goes wrong, the
/// worker begins again with new connections and recover().
class Coordinator {
public:
    /// `name`: 1 to 16 of a-z, 0-9 and -. The log is NAME.decisions in `folder`. Throws std::system_error, also if another process has it.
    Coordinator(const std::string& folder, std::string name, const std::string& die_at);

    const std::string& name() const { return name_; }

    /// Brings to an end what an earlier life of this worker has left in doubt. Both sides must be new connections that have claimed
    /// the name: nothing of the earlier life is under way any more.
    void recover(Messages& messages, Ledger& ledger);

    /// A global transaction. Anything that these throw means: begin again with new connections.
    void begin(Messages& messages, Ledger& ledger);
    void commit(Messages& messages, Ledger& ledger);
    void roll_back(Messages& messages, Ledger& ledger);

private:
    bool is_mine(const giromq::Xid& xid) const;
    std::string prefix() const { return name_ + '/'; }

    const std::string name_;
    const std::string life_;  // random, so that identifiers are never used twice
    DecisionLog log_;
    DeathPoint death_;
    std::uint64_t count_ = 0;
    std::string global_id_;
    giromq::Xid xid_;
};

}  // namespace xa_transfer
