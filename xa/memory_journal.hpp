#pragma once

#include <cstddef>
#include <deque>
#include <map>
#include <vector>

#include "xa/journal.hpp"
#include "xa/registry.hpp"

namespace giromq::xa {

/// A journal in memory, for tests and simulations: it holds what a disk would, makes records durable when it is told to, and can lose
/// everything that was not. It checks that each record fits what is stored, as the tables of the store's rows would.
class MemoryJournal final : public Journal {
public:
    /// What has become of the work of a branch; more than one commit would be a message doubled.
    struct Effect {
        unsigned committed = 0;
        unsigned rolled_back = 0;
    };

    void write(Record record) override;
    void purge(std::vector<Xid> xids) override;

    /// Who is told of durable records; may change with a restart.
    void attach(Registry* registry) { registry_ = registry; }

    /// True: records are durable before write() returns. Else they wait for complete().
    void set_immediate(bool immediate) { immediate_ = immediate; }

    std::size_t waiting() const { return waiting_.size(); }
    const Record& first_waiting() const { return waiting_.front(); }

    /// Completes the record that has waited longest.
    void complete(Durability durability = Durability::durable);

    /// Makes the record that has waited longest durable and tells nobody, as a crash after the fsync would.
    void complete_untold();

    /// The process dies: records that wait are gone, and nobody is attached.
    void crash();

    /// Gives a new registry what is stored.
    void restore_to(Registry& registry) const;

    const std::map<Xid, StoredBranch>& branches() const { return branches_; }
    const std::map<Xid, Tombstone>& tombstones() const { return tombstones_; }
    Effect effect(const Xid& xid) const;
    std::size_t records() const { return records_; }

private:
    void apply(const Record& record);

    Registry* registry_ = nullptr;
    bool immediate_ = false;
    std::deque<Record> waiting_;
    std::map<Xid, StoredBranch> branches_;
    std::map<Xid, Tombstone> tombstones_;
    std::map<Xid, Effect> effects_;
    std::size_t records_ = 0;
};

}  // namespace giromq::xa
