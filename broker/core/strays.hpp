#pragma once

#include <cstdint>
#include <map>
#include <vector>

#include "core/window.hpp"

namespace giromq::core {

/// Entries ahead of a queue's window that a selector has found in the store: with a consumer, on their way out, or waiting for one of
/// the consumers that want them. The window takes them over when it reaches them.
class Strays {
public:
    struct Stray {
        Entry entry;
        std::uint32_t wanted = 0;  // so many groups of consumers have it on their list
    };

    /// Keeps a stray, if there is one at this position, from being let go while groups lose interest in it.
    class Hold {
    public:
        Hold(Strays& strays, Position position) : stray_(strays.find(position)) {
            if (stray_ != nullptr) ++stray_->wanted;
        }
        ~Hold() {
            if (stray_ != nullptr) --stray_->wanted;
        }
        Hold(const Hold&) = delete;
        Hold& operator=(const Hold&) = delete;

    private:
        Stray* stray_;
    };

    bool empty() const { return strays_.empty(); }
    /// Memory of their messages.
    std::uint64_t bytes() const { return bytes_; }

    Stray* find(Position position);
    bool holds(const Entry& entry);
    Entry& add(Entry entry);
    void replace(Entry& entry, MessagePtr message);
    void remove(Position position);
    /// Those up to `through`, in order.
    std::vector<Entry> take_through(Position through);
    const std::map<Position, Stray>& all() const { return strays_; }
    std::map<Position, Stray>& all() { return strays_; }
    void clear();

private:
    std::map<Position, Stray> strays_;
    std::uint64_t bytes_ = 0;
};

}  // namespace giromq::core
