#include "core/window.hpp"

#include <algorithm>
#include <iterator>
#include <utility>

#include "base/check.hpp"

namespace giromq::core {

std::size_t Window::lower_bound(Position position) const {
    const auto found = std::lower_bound(entries_.begin(), entries_.end(), position,
                                        [](const Entry& entry, Position wanted) { return entry.position < wanted; });
    return static_cast<std::size_t>(found - entries_.begin());
}

Entry* Window::find(Position position) {
    const auto index = lower_bound(position);
    if (index == entries_.size() || entries_[index].position != position || entries_[index].state == EntryState::gone) return nullptr;
    return &entries_[index];
}

std::optional<Position> Window::in_memory_only_behind(Position position) const {
    for (auto index = lower_bound(Position{position.value + 1}); index < entries_.size(); ++index) {
        const Entry& entry = entries_[index];
        if (entry.state != EntryState::gone && !entry.stored) return entry.position;
    }
    return std::nullopt;
}

void Window::append(Entry entry) {
    GIROMQ_CHECK(entries_.empty() || entries_.back().position < entry.position, "an entry was appended out of order");
    bytes_ += entry.message->memory();
    entries_.push_back(std::move(entry));
}

void Window::merge(std::vector<Entry> entries) {
    if (entries.empty()) return;
    if (entries_.empty() || entries_.back().position < entries.front().position) {
        for (auto& entry : entries) append(std::move(entry));
        return;
    }
    std::deque<Entry> merged;
    auto mine = entries_.begin();
    auto theirs = entries.begin();
    while (mine != entries_.end() || theirs != entries.end()) {
        if (theirs == entries.end() || (mine != entries_.end() && mine->position <= theirs->position)) {
            if (theirs != entries.end() && mine->position == theirs->position) ++theirs;
            merged.push_back(std::move(*mine++));
        } else {
            bytes_ += theirs->message->memory();
            merged.push_back(std::move(*theirs++));
        }
    }
    entries_ = std::move(merged);
}

void Window::replace(Entry& entry, MessagePtr message) {
    bytes_ = bytes_ - entry.message->memory() + message->memory();
    entry.message = std::move(message);
}

void Window::remove(Entry& entry) {
    GIROMQ_CHECK(entry.state != EntryState::gone, "an entry was removed twice");
    bytes_ -= entry.message->memory();
    entry.state = EntryState::gone;
    entry.message.reset();
    entry.dead_letter.reset();
    entry.not_for.clear();
    ++gone_;
}

void Window::pop_back() {
    GIROMQ_CHECK(!entries_.empty(), "pop_back of an empty window");
    if (entries_.back().state == EntryState::gone) {
        --gone_;
    } else {
        bytes_ -= entries_.back().message->memory();
    }
    entries_.pop_back();
}

Entry* Window::back() {
    while (!entries_.empty() && entries_.back().state == EntryState::gone) pop_back();
    return entries_.empty() ? nullptr : &entries_.back();
}

std::size_t Window::sweep(std::size_t index) {
    std::size_t before = 0;
    while (!entries_.empty() && entries_.front().state == EntryState::gone) {
        entries_.pop_front();
        --gone_;
        if (before < index) ++before;
    }
    if (gone_ < 64 || gone_ * 2 < entries_.size()) return before;
    const auto cursor = std::min(index - before, entries_.size());
    const auto is_gone = [](const Entry& entry) { return entry.state == EntryState::gone; };
    before += static_cast<std::size_t>(std::count_if(entries_.begin(), entries_.begin() + static_cast<std::ptrdiff_t>(cursor), is_gone));
    std::erase_if(entries_, is_gone);
    gone_ = 0;
    return before;
}

}  // namespace giromq::core
