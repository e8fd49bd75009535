#pragma once

#include <cstddef>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "model/named_selector.hpp"
#include "selector/selector.hpp"

namespace giromq::selector {

/// True for a name that a selector may have: 1 to 64 letters, digits, dots, hyphens and underscores.
bool is_selector_name(std::string_view name);

/// The selectors that clients name: those of the configuration, and a copy of those in the store. One of the configuration hides a stored
/// one of the same name. Thread-safe.
class SelectorDirectory {
public:
    struct Entry {
        NamedSelector selector;
        bool is_configured = false;
    };

    explicit SelectorDirectory(std::vector<NamedSelector> configured = {});
    SelectorDirectory(const SelectorDirectory&) = delete;
    SelectorDirectory& operator=(const SelectorDirectory&) = delete;

    /// True if they are others than before. Consumers keep what they began with.
    bool replace_configured(std::vector<NamedSelector> configured);
    /// Of the stored ones.
    void put(NamedSelector stored);
    void remove(std::string_view name);
    std::size_t stored_count() const;

    std::optional<Entry> find(std::string_view name) const;
    std::vector<Entry> list() const;  // in order of name

    /// For selector::compile(); the directory must outlive it.
    NamedSelectors texts() const;

private:
    using ByName = std::map<std::string, NamedSelector, std::less<>>;

    mutable std::mutex mutex_;
    ByName configured_;
    ByName stored_;
};

}  // namespace giromq::selector
