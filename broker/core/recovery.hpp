#pragma once

#include <vector>

#include "core/branch_keeper.hpp"
#include "core/context.hpp"
#include "core/router.hpp"
#include "store/store.hpp"

namespace giromq::core {

/// Takes what the store holds at start to whom it belongs. Threads: the store thread, before anything else uses the core.
class Recovery final : public store::RecoveryVisitor {
public:
    Recovery(Context& context, Router& router, BranchKeeper& branches) : context_(context), router_(router), branches_(branches) {}

    void counters(Position next_position, MessageNumber next_message, DestinationId next_destination) override {
        context_.recover_counters(next_position, next_message, next_destination);
    }
    void destination(store::StoredDestination stored) override { router_.restore(stored); }
    void producer(store::PutProducer producer) override { router_.producers.recover(producer); }
    void duplicate_id(store::PutDuplicateId id) override {
        if (Queue* const queue = router_.find(id.destination)) queue->duplicate_ids.recover(std::move(id.id), id.position, id.time);
    }
    void user(User user) override { users.push_back(std::move(user)); }
    void selector(NamedSelector selector) override { selectors.push_back(std::move(selector)); }
    void permission(Permission permission) override { permissions.push_back(std::move(permission)); }
    void branch(store::StoredBranch branch) override { branches_.restore(branch); }
    void prepared_put(store::PreparePut put) override { branches_.restore(put); }
    void prepared_get(store::PrepareGet get) override { branches_.restore(get); }
    void tombstone(store::PutTombstone tombstone) override { branches_.restore(tombstone); }

    std::vector<User> users;
    std::vector<NamedSelector> selectors;
    std::vector<Permission> permissions;

private:
    Context& context_;
    Router& router_;
    BranchKeeper& branches_;
};

}  // namespace giromq::core
