#include "selector/selector_directory.hpp"

#include <algorithm>
#include <utility>

namespace giromq::selector {
namespace {

constexpr std::size_t name_bytes_max = 64;

bool is_of_name(char character) {
    const bool is_letter = (character >= 'a' && character <= 'z') || (character >= 'A' && character <= 'Z');
    return is_letter || (character >= '0' && character <= '9') || character == '.' || character == '-' || character == '_';
}

}  // namespace

bool is_selector_name(std::string_view name) {
    return !name.empty() && name.size() <= name_bytes_max && std::all_of(name.begin(), name.end(), is_of_name);
}

SelectorDirectory::SelectorDirectory(std::vector<NamedSelector> configured) { replace_configured(std::move(configured)); }

bool SelectorDirectory::replace_configured(std::vector<NamedSelector> configured) {
    ByName by_name;
    for (auto& selector : configured) {
        auto name = selector.name;
        by_name.emplace(std::move(name), std::move(selector));
    }
    const auto is_same = [](const auto& one, const auto& other) {
        return one.first == other.first && one.second.text == other.second.text;
    };
    const std::scoped_lock lock(mutex_);
    const bool is_different = !std::equal(by_name.begin(), by_name.end(), configured_.begin(), configured_.end(), is_same);
    configured_ = std::move(by_name);
    return is_different;
}

void SelectorDirectory::put(NamedSelector stored) {
    auto name = stored.name;
    const std::scoped_lock lock(mutex_);
    stored_.insert_or_assign(std::move(name), std::move(stored));
}

void SelectorDirectory::remove(std::string_view name) {
    const std::scoped_lock lock(mutex_);
    if (const auto found = stored_.find(name); found != stored_.end()) stored_.erase(found);
}

std::size_t SelectorDirectory::stored_count() const {
    const std::scoped_lock lock(mutex_);
    return stored_.size();
}

std::optional<SelectorDirectory::Entry> SelectorDirectory::find(std::string_view name) const {
    const std::scoped_lock lock(mutex_);
    if (const auto found = configured_.find(name); found != configured_.end()) return Entry{found->second, true};
    const auto found = stored_.find(name);
    return found == stored_.end() ? std::nullopt : std::optional(Entry{found->second, false});
}

std::vector<SelectorDirectory::Entry> SelectorDirectory::list() const {
    std::vector<Entry> entries;
    {
        const std::scoped_lock lock(mutex_);
        for (const auto& [name, selector] : configured_) entries.push_back({selector, true});
        for (const auto& [name, selector] : stored_) {
            if (!configured_.contains(name)) entries.push_back({selector, false});
        }
    }
    std::sort(entries.begin(), entries.end(),
              [](const Entry& left, const Entry& right) { return left.selector.name < right.selector.name; });
    return entries;
}

NamedSelectors SelectorDirectory::texts() const {
    return [this](std::string_view name) -> std::optional<std::string> {
        auto found = find(name);
        return found ? std::optional(std::move(found->selector.text)) : std::nullopt;
    };
}

}  // namespace giromq::selector
