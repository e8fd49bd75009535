#pragma once

#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "selector/selector.hpp"

namespace giromq::selector {

/// Programs that are in use, so that equal selectors share one, whichever form each was written in: consumers with the same selector
/// are told by the pointer. Nothing is kept that nobody uses. Thread-safe.
class ProgramCache {
public:
    explicit ProgramCache(NamedSelectors named = {}) : named_(std::move(named)) {}

    /// compile(), or the program that was compiled before.
    Result<ProgramPtr> compile(std::string_view text);

    /// Programs in use.
    std::size_t size();

private:
    void forget_unused();

    const NamedSelectors named_;
    std::mutex mutex_;
    std::unordered_map<std::string, std::weak_ptr<const Program>> by_meaning_;  // the text in SQL, printed from the tree
    std::size_t forget_at_ = 64;
};

}  // namespace giromq::selector
