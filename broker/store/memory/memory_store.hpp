#pragma once

#include <cstdint>
#include <memory>

#include "store/store.hpp"

namespace giromq::store {

/// What a MemoryStore keeps over a simulated crash: copy it out before, open a new store over it after.
class MemoryDisk;

/// Faults that the simulation asks for; each applies to the next commit and is then forgotten.
enum class MemoryFault : std::uint8_t { none, disk_full_once, disk_full, in_doubt_applied, in_doubt_not_applied };

std::shared_ptr<MemoryDisk> make_memory_disk();
/// A copy of what is on the disk now: the state to which a simulated crash goes back.
std::shared_ptr<MemoryDisk> copy_memory_disk(const MemoryDisk& disk);

/// A store in memory with the meaning of the SQLite one (save for backups, which it refuses), for tests and the simulation. Everything
/// committed is on `disk`; a new MemoryStore over the same disk is a restart, an unclean one unless release() was called.
class MemoryStore final : public Store {
public:
    explicit MemoryStore(std::shared_ptr<MemoryDisk> disk);
    ~MemoryStore() override;

    Result<Lease> acquire() override;
    Result<std::string> instance() override;
    void commit(const Lease& lease, BatchNumber number, const Batch& batch, UniqueFunction<void(BatchResult)> done) override;
    Result<BatchNumber> last_batch() override;
    Result<void> recover(RecoveryVisitor& visitor) override;
    Result<Page> page(DestinationId destination, Position after, PageLimits limits) override;
    Result<SharedBytes> chunk(MessageNumber number, std::uint32_t index) override;
    Result<MessagePtr> message(MessageNumber number) override;
    Result<AuditStretch> audit(const AuditQuery& query) override;
    Result<void> start_backup(const std::string& path, UniqueFunction<void(Result<void>)> done) override;
    Result<bool> maintain() override;
    Health health() const override;
    Result<void> release(const Lease& lease) override;

    /// `disk_full` stays until it is set back to `none`.
    void inject(MemoryFault fault);
    /// Damages the stored bytes of a message, so that its checksum no longer matches.
    void damage(MessageNumber number);

private:
    std::shared_ptr<MemoryDisk> disk_;
    struct State;
    std::unique_ptr<State> state_;
};

}  // namespace giromq::store
