#include "security/audit_chain.hpp"

#include <string_view>
#include <vector>

#include "security/crypto.hpp"

namespace giromq::security {
namespace {

void append(std::vector<std::uint8_t>& bytes, std::uint64_t number) {
    for (unsigned shift = 0; shift < 64; shift += 8) bytes.push_back(static_cast<std::uint8_t>(number >> shift));
}

void append(std::vector<std::uint8_t>& bytes, std::string_view text) {
    append(bytes, std::uint64_t{text.size()});
    bytes.insert(bytes.end(), text.begin(), text.end());
}

}  // namespace

Result<AuditHash> audit_hash(const AuditHash& previous, std::uint64_t number, const AuditEntry& entry) {
    std::vector<std::uint8_t> bytes(previous.begin(), previous.end());
    bytes.reserve(512);
    append(bytes, number);
    append(bytes, static_cast<std::uint64_t>(entry.time.milliseconds));
    for (const std::string_view text :
         {std::string_view(entry.user), std::string_view(entry.action), std::string_view(entry.object), std::string_view(entry.outcome),
          std::string_view(entry.detail), std::string_view(entry.peer), std::string_view(entry.protocol)}) {
        append(bytes, text);
    }
    return sha256(bytes);
}

void AuditVerifier::look_at(const AuditRecord& record) {
    if (finding_.records == 0) finding_.head = record.hash;
    ++finding_.records;
    if (newer_) check_follows(record.hash, record.number);
    newer_ = record;
}

void AuditVerifier::finish() {
    if (newer_) check_follows({}, 0);
    newer_.reset();
}

void AuditVerifier::check_follows(const AuditHash& previous, std::uint64_t previous_number) {
    const auto hash = audit_hash(previous, newer_->number, newer_->entry);
    if (!hash || *hash != newer_->hash || newer_->number != previous_number + 1) finding_.first_bad = newer_->number;
}

}  // namespace giromq::security
