#pragma once

#include <cstdint>
#include <optional>

#include "base/result.hpp"
#include "model/audit.hpp"

namespace giromq::security {

/// SHA-256 over the hash of the record before (of the first: 32 zero bytes) and the record: number and time as 64 bits, the smallest byte
/// first, and then each text as its length in the same form and its bytes: user, action, object, outcome, detail, peer, protocol.
Result<AuditHash> audit_hash(const AuditHash& previous, std::uint64_t number, const AuditEntry& entry);

/// Looks at the records of an audit from the newest to the oldest.
class AuditVerifier {
public:
    /// The next older one.
    void look_at(const AuditRecord& record);
    /// After the oldest.
    void finish();

    struct Finding {
        std::uint64_t records = 0;
        AuditHash head{};                        // of the newest: to be kept elsewhere, since whoever rewrites all can make them agree
        std::optional<std::uint64_t> first_bad;  // the oldest that is not as it was written, or does not follow the one before
    };
    const Finding& finding() const { return finding_; }

private:
    void check_follows(const AuditHash& previous, std::uint64_t previous_number);

    Finding finding_;
    std::optional<AuditRecord> newer_;
};

}  // namespace giromq::security
