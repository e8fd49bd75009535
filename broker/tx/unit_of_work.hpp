#pragma once

#include <cstdint>
#include <vector>

#include "base/unique_function.hpp"
#include "store/commit_port.hpp"

namespace giromq::tx {

/// Changes that become durable together, and what follows from them. An auto-committed send is a unit of work of its own, the
/// commit of a transaction is one.
///
/// The rule for effects: whatever may be refused has been checked before an operation is staged; after COMMIT an effect only tells and
/// updates memory, and cannot fail. Effects run in the order in which they were added, on the core's executor, exactly once.
class UnitOfWork {
public:
    using Effect = UniqueFunction<void(const store::UnitResult&)>;

    void stage(store::Operation operation) { operations_.push_back(std::move(operation)); }

    /// The unit adds `bytes` to the store, so it is refused while the disk is full.
    void grow(std::uint64_t bytes) {
        grows_ = true;
        bytes_ += bytes;
    }

    void then(Effect effect);

    bool grows() const { return grows_; }
    std::uint64_t bytes() const { return bytes_; }
    bool empty() const { return operations_.empty(); }

    /// The operations, for the commit port; they are this object's no more.
    std::vector<store::Operation> take_operations() { return std::move(operations_); }

    /// Runs the effects.
    void settle(const store::UnitResult& result);

private:
    std::vector<store::Operation> operations_;
    Effect first_;  // nearly every unit has exactly one effect: no allocation for the list
    std::vector<Effect> more_;
    bool grows_ = false;
    std::uint64_t bytes_ = 0;
};

}  // namespace giromq::tx
