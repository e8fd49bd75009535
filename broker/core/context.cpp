#include "core/context.hpp"

#include <chrono>
#include <memory>
#include <utility>

#include "base/log.hpp"

namespace giromq::core {
namespace {

constexpr std::chrono::milliseconds growth_pause{1000};

}  // namespace

void Context::recover_counters(Position position, MessageNumber message, DestinationId destination) {
    next_position_ = position;
    next_message_ = message;
    next_destination_ = destination;
}

void Context::commit(tx::UnitOfWork work) { submit(std::make_unique<tx::UnitOfWork>(std::move(work)), false); }

void Context::commit_until_durable(tx::UnitOfWork work) { submit(std::make_unique<tx::UnitOfWork>(std::move(work)), true); }

bool Context::audited(AuditEntry entry, UniqueFunction<void()> command) {
    audit_ = std::move(entry);
    command();
    const bool is_taken = !audit_;
    audit_.reset();
    return is_taken;
}

void Context::take_audit(tx::UnitOfWork& work) {
    if (audit_) work.stage(*std::exchange(audit_, std::nullopt));
}

void Context::submit(std::unique_ptr<tx::UnitOfWork> work, bool until_durable) {
    take_audit(*work);
    ++in_flight_;
    if (work->grows()) ++growing_in_flight_;
    store::Unit unit;
    unit.operations = work->take_operations();
    unit.grows = work->grows();
    unit.bytes = work->bytes();
    unit.next_position = next_position_;
    unit.next_message = next_message_;
    unit.next_destination = next_destination_;
    unit.done = [this, work = std::move(work), until_durable](const store::UnitResult& result) mutable {
        finished(std::move(work), until_durable, result);
    };
    commits_.submit(std::move(unit));
}

void Context::finished(std::unique_ptr<tx::UnitOfWork> work, bool until_durable, const store::UnitResult& result) {
    --in_flight_;
    if (work->grows()) --growing_in_flight_;
    if (!result.durable) {
        refused(*work, result.error);
        if (until_durable && !result.error.is(store::errc::stopped)) {
            for (auto& operation : *result.refused_operations) work->stage(std::move(operation));
            retries_.push_back(std::move(work));
            return;
        }
    } else if (work->grows() && disk_full_ && !growth_blocked_) {
        disk_full_ = false;
        log::info("disk_space_returned");
    }
    work->settle(result);
    if (!idle() || !on_idle) return;
    const auto notify = std::exchange(on_idle, nullptr);
    notify();
}

void Context::refused(const tx::UnitOfWork& work, const Error& error) {
    if (!work.grows()) {
        if (const auto left_out = refusals_logged_.pass(clock.monotonic_now())) {
            log::warning("commit_refused", {{"error", error.to_string()}, {"left_out", *left_out}});
        }
        return;
    }
    if (error.is(store::errc::disk_full) && !disk_full_) {
        disk_full_ = true;
        log::error("disk_full", {{"effect", "sends are refused; consuming and acknowledging go on"},
                                 {"do", "free space on the disk of the data directory"}});
    }
    growth_blocked_ = true;
    growth_again_at_ = clock.monotonic_now() + growth_pause;
}

void Context::tick() {
    // Growth is tried again only when every refusal has been dealt with: a unit staged on the assumption that an earlier one succeeded
    // must never become durable without it.
    if (growth_blocked_ && growing_in_flight_ == 0 && clock.monotonic_now() >= growth_again_at_) {
        growth_blocked_ = false;
        commits_.resume_growth();
    }
    auto retries = std::exchange(retries_, {});
    for (auto& retry : retries) submit(std::move(retry), true);
}

bool Context::dispatches_later(DestinationId queue) {
    if (dispatching_held_ == 0) return false;
    to_dispatch_.insert(queue);
    return true;
}

std::set<DestinationId> Context::let_dispatching_go() {
    if (--dispatching_held_ > 0) return {};
    return std::exchange(to_dispatch_, {});
}

}  // namespace giromq::core
