#include "selector/program_cache.hpp"

#include <algorithm>
#include <utility>

#include "selector/forms.hpp"

namespace giromq::selector {

Result<ProgramPtr> ProgramCache::compile(std::string_view text) {
    // Read every time: that costs microseconds, once for a consumer, and a stored selector may have changed.
    auto tree = parse(text, named_);
    if (!tree) return tree.error();
    std::string meaning = print_sql(*tree);
    const std::scoped_lock lock(mutex_);
    auto& known = by_meaning_[meaning];
    if (auto program = known.lock()) return program;
    auto program = std::make_shared<const Program>(std::move(tree).value());
    known = program;
    forget_unused();
    return ProgramPtr(std::move(program));
}

std::size_t ProgramCache::size() {
    const std::scoped_lock lock(mutex_);
    return static_cast<std::size_t>(
        std::count_if(by_meaning_.begin(), by_meaning_.end(), [](const auto& known) { return !known.second.expired(); }));
}

/// Seldom, so that it costs a constant for each program.
void ProgramCache::forget_unused() {
    if (by_meaning_.size() < forget_at_) return;
    std::erase_if(by_meaning_, [](const auto& known) { return known.second.expired(); });
    forget_at_ = std::max<std::size_t>(64, by_meaning_.size() * 2);
}

}  // namespace giromq::selector
