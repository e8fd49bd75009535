#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/unique_function.hpp"
#include "core/ports.hpp"
#include "model/message.hpp"
#include "selector/program_set.hpp"
#include "store/store.hpp"

namespace giromq::core {

/// A stretch of a queue, judged by some selectors: values only, so that a worker can do it.
struct Sift {
    /// Those to be judged, in order.
    std::vector<store::StoredEntry> entries;
    /// Everything up to here was looked at.
    Position through;
    /// Those before it are shown as delivered once more than counted.
    Position crash_horizon;
    bool from_store = false;
    std::shared_ptr<const selector::ProgramSet> selectors;

    /// The answer: the indexes of an entry and of a program that selects it, in order of entries.
    struct Hit {
        std::uint32_t entry = 0;
        std::uint32_t program = 0;
    };
    std::vector<Hit> hits;
    std::vector<Hit> over_budget;

    bool is_elsewhere = false;  // with a worker; otherwise it is judged in place

    void judge();
};

/// Judges in place what is quickly done, and the rest where it does not hold up the core; then calls `done`. True if that was in place.
bool judge(const std::shared_ptr<Sift>& sift, WorkPort* workers, Task done);

}  // namespace giromq::core
