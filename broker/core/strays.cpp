#include "core/strays.hpp"

#include <utility>

#include "base/check.hpp"

namespace giromq::core {

Strays::Stray* Strays::find(Position position) {
    const auto found = strays_.find(position);
    return found == strays_.end() ? nullptr : &found->second;
}

bool Strays::holds(const Entry& entry) {
    const Stray* const stray = find(entry.position);
    return stray != nullptr && &stray->entry == &entry;
}

Entry& Strays::add(Entry entry) {
    bytes_ += entry.message->memory();
    const auto position = entry.position;
    const auto [place, added] = strays_.emplace(position, Stray{std::move(entry), 0});
    GIROMQ_CHECK(added, "an entry went astray twice");
    return place->second.entry;
}

void Strays::replace(Entry& entry, MessagePtr message) {
    bytes_ = bytes_ - entry.message->memory() + message->memory();
    entry.message = std::move(message);
}

void Strays::remove(Position position) {
    const auto found = strays_.find(position);
    GIROMQ_CHECK(found != strays_.end(), "a stray was removed twice");
    bytes_ -= found->second.entry.message->memory();
    strays_.erase(found);
}

std::vector<Entry> Strays::take_through(Position through) {
    std::vector<Entry> taken;
    while (!strays_.empty() && strays_.begin()->first <= through) {
        bytes_ -= strays_.begin()->second.entry.message->memory();
        taken.push_back(std::move(strays_.extract(strays_.begin()).mapped().entry));
    }
    return taken;
}

void Strays::clear() {
    strays_.clear();
    bytes_ = 0;
}

}  // namespace giromq::core
