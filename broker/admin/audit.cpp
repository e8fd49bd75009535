#include <utility>

#include "admin/broker_admin.hpp"
#include "base/log.hpp"

namespace giromq::admin {
namespace {

constexpr std::size_t verify_step = 1000;

}  // namespace

/// A line that goes wrong is told in the log: what it is about is not undone, or has never been in the store.
void write_by_itself(core::Core& core, AuditEntry entry) {
    auto action = entry.action;
    core.put_audit(std::move(entry), [action = std::move(action)](Result<void> stored) {
        if (!stored) log::warning("audit_not_written", {{"action", action}, {"reason", stored.error().to_string()}});
    });
}

AuditEntry BrokerAdmin::audit_entry(const Identity& who, std::string action, std::string object, std::string detail) const {
    return make_audit_entry(who, parts_.clock, std::move(action), std::move(object), std::move(detail));
}

void BrokerAdmin::record(AuditEntry entry) {
    parts_.core_executor.execute([this, entry = std::move(entry)]() mutable { write_by_itself(parts_.core, std::move(entry)); });
}

void BrokerAdmin::record_refusal(const Identity& who, std::string what) {
    auto entry = audit_entry(who, "access", std::move(what));
    entry.outcome = "refused";
    if (logins_.may_tell_refusal(entry)) record(std::move(entry));
}

void BrokerAdmin::list_audit(const Identity& who, AuditQuery query, Done<AuditStretch> done) {
    if (auto allowed = authorise(who, Action::audit, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute(
        [this, query = std::move(query), done = std::move(done)]() mutable { parts_.core.read_audit(std::move(query), std::move(done)); });
}

void BrokerAdmin::verify_audit(const Identity& who, Done<security::AuditVerifier::Finding> done) {
    if (auto allowed = authorise(who, Action::audit, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute(
        [this, done = std::move(done)]() mutable { verify_older(std::make_shared<security::AuditVerifier>(), 0, std::move(done)); });
}

/// A step is read on the reading thread and hashed on the workers; the core only hands it on.
void BrokerAdmin::verify_older(std::shared_ptr<security::AuditVerifier> verifier, std::uint64_t before,
                               Done<security::AuditVerifier::Finding> done) {
    AuditQuery query;
    query.before = before;
    query.limit = verify_step;
    parts_.core.read_audit(std::move(query), [this, verifier, done = std::move(done)](Result<AuditStretch> read) mutable {
        if (!read) return done(read.error());
        parts_.workers.execute([this, verifier, stretch = std::move(*read), done = std::move(done)]() mutable {
            for (const auto& record : stretch.items) verifier->look_at(record);
            if (stretch.through == 0) {
                verifier->finish();
                return done(verifier->finding());
            }
            parts_.core_executor.execute([this, verifier, through = stretch.through, done = std::move(done)]() mutable {
                verify_older(std::move(verifier), through, std::move(done));
            });
        });
    });
}

}  // namespace giromq::admin
