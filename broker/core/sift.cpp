#include "core/sift.hpp"

#include <utility>

#include "selector/amqp_message.hpp"

namespace giromq::core {
namespace {

/// Evaluations of properties that take less time than handing them over.
constexpr std::size_t in_place_max = 64;

}  // namespace

void Sift::judge() {
    selector::ProgramSet::Verdict verdict;
    for (std::uint32_t index = 0; index < entries.size(); ++index) {
        const store::StoredEntry& entry = entries[index];
        if (entry.message == nullptr) continue;  // damaged: quarantined when the window reaches it
        verdict.clear();
        const auto mark = entry.key.position < crash_horizon ? 1U : 0U;
        selectors->judge(selector::AmqpMessage(*entry.message, entry.delivery_count + mark + 1), verdict);
        for (const auto program : verdict.selected) hits.push_back({index, program});
        for (const auto program : verdict.over_budget) over_budget.push_back({index, program});
    }
}

bool judge(const std::shared_ptr<Sift>& sift, WorkPort* workers, Task done) {
    const bool is_quick = !sift->selectors->looks_into_bodies() && sift->entries.size() * sift->selectors->size() <= in_place_max;
    if (workers == nullptr || is_quick) {
        sift->judge();
        done();
        return true;
    }
    sift->is_elsewhere = true;
    workers->run([sift] { sift->judge(); }, std::move(done));
    return false;
}

}  // namespace giromq::core
