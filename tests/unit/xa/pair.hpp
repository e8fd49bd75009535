#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "rig.hpp"
#include "spec_model.hpp"

namespace giromq::xa::test {

/// A registry and the model side by side: every step is taken by both, and afterwards nothing that can be seen differs.
class Pair {
public:
    static constexpr unsigned xids = 3;

    Pair();

    ReturnCode start(unsigned session, unsigned xid, Flags flags = tm::no_flags);
    ReturnCode end(unsigned session, unsigned xid, Flags flags = tm::success);
    ReturnCode work(unsigned session, unsigned xid);
    /// `verb` as in ModelCall.
    void complete(const std::string& verb, unsigned session, unsigned xid, Flags flags = tm::no_flags);
    void durable(Durability durability = Durability::durable);
    void lose(unsigned session);
    void advance(std::int64_t ms);
    void crash(std::size_t untold);

    /// While quiet, steps are compared by their answers at the end only: for many steps that are to change nothing.
    void set_quiet(bool quiet);

    std::size_t waiting_records() const { return rig_.journal.waiting(); }

private:
    std::string describe(unsigned xid) const;
    void note(const std::string& step);
    void same(const std::string& what, const std::string& of_registry, const std::string& of_model);
    void compare(bool events_in_order = true);

    Rig rig_;
    SpecModel model_;
    std::uint64_t calls_ = 0;
    std::string history_;
    bool quiet_ = false;
};

}  // namespace giromq::xa::test
