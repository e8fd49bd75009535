#pragma once

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "xa/memory_journal.hpp"
#include "xa/registry.hpp"
#include "xa/xid.hpp"

/// A registry with a journal, a clock and a recorder of what it does, in small words for tests.
namespace giromq::xa::test {

class TestClock final : public Clock {
public:
    WallTime wall_now() const override { return WallTime(wall_); }
    SteadyTime steady_now() const override { return SteadyTime(steady_); }
    void advance(std::chrono::milliseconds time) {
        wall_ += time;
        steady_ += time;
    }

private:
    std::chrono::milliseconds wall_{1'800'000'000'000};
    std::chrono::nanoseconds steady_{1'000'000'000};
};

/// The XID number `number`: small numbers, so that a test can tell them apart.
inline Xid xid_of(unsigned number) { return *Xid::make(131077, "gtrid-" + std::to_string(number), "branch"); }

inline unsigned number_of(const Xid& xid) { return static_cast<unsigned>(std::stoul(std::string(xid.gtrid().substr(6)))); }

inline std::string name_of_answer(CallId call, ReturnCode code) {
    return "answer " + std::to_string(call.value) + ' ' + std::string(name_of(code));
}

/// Writes down, in order, what the registry tells its surroundings.
class Recorder final : public Effects {
public:
    void answer(CallId call, ReturnCode code) override { events.push_back(name_of_answer(call, code)); }
    void discard(const Xid& xid) override { events.push_back("discard " + std::to_string(number_of(xid))); }

    std::vector<std::string> take() { return std::exchange(events, {}); }

    std::vector<std::string> events;
};

/// The broker as seen by transaction managers. Sessions and XIDs are small numbers.
class Rig {
public:
    explicit Rig(RegistryLimits given = {}) : limits(given) { open(); }

    ReturnCode start(unsigned session, unsigned xid, Flags flags = tm::no_flags, StartOptions options = {}) {
        return registry->start({session}, xid_of(xid), flags, std::move(options));
    }
    ReturnCode end(unsigned session, unsigned xid, Flags flags = tm::success) { return registry->end({session}, xid_of(xid), flags); }
    ReturnCode work(unsigned session, unsigned xid, Work work = {.puts = 1, .gets = 1, .bytes = 100}) {
        return registry->add_work({session}, xid_of(xid), work);
    }

    /// A call whose answer is looked up later.
    CallId prepare(unsigned session, unsigned xid, Flags flags = tm::no_flags) {
        registry->prepare({session}, next_call(), xid_of(xid), flags);
        return last_call;
    }
    CallId commit(unsigned session, unsigned xid, Flags flags = tm::no_flags) {
        registry->commit({session}, next_call(), xid_of(xid), flags);
        return last_call;
    }
    CallId rollback(unsigned session, unsigned xid, Flags flags = tm::no_flags) {
        registry->rollback({session}, next_call(), xid_of(xid), flags);
        return last_call;
    }
    CallId forget(unsigned session, unsigned xid, Flags flags = tm::no_flags) {
        registry->forget({session}, next_call(), xid_of(xid), flags);
        return last_call;
    }
    CallId resolve(unsigned xid, Outcome outcome, Decision decision = {"anna", "the manager's log is lost"}) {
        registry->resolve(next_call(), xid_of(xid), outcome, std::move(decision));
        return last_call;
    }

    /// The answer so far, as "XA_OK"; "none" if there is none, "twice" if there are two.
    std::string answer(CallId call) const {
        const std::string begin = "answer " + std::to_string(call.value) + ' ';
        std::string found = "none";
        for (const auto& event : recorder.events) {
            if (event.starts_with(begin)) found = found == "none" ? event.substr(begin.size()) : "twice";
        }
        return found;
    }
    /// The answer after all records under way have become durable.
    std::string settled(CallId call) {
        complete_all();
        return answer(call);
    }
    void complete_all() {
        while (journal.waiting() > 0) journal.complete();
    }

    /// A branch with work, ended by session 1.
    void idle(unsigned xid, unsigned session = 1) {
        start(session, xid);
        work(session, xid);
        end(session, xid);
    }
    void prepared(unsigned xid, unsigned session = 1) {
        idle(xid, session);
        settled(prepare(session, xid));
    }

    std::string state(unsigned xid) const {
        const Branch* const branch = registry->find(xid_of(xid));
        return branch == nullptr ? "none" : std::string(name_of(branch->state()));
    }
    std::vector<unsigned> in_doubt() const {
        std::vector<unsigned> numbers;
        for (const Branch* branch : registry->in_doubt({}, 1'000'000).branches) numbers.push_back(number_of(branch->xid()));
        return numbers;
    }
    std::size_t discards(unsigned xid) const {
        return static_cast<std::size_t>(std::ranges::count(recorder.events, "discard " + std::to_string(xid)));
    }

    void advance(std::chrono::milliseconds time) {
        clock.advance(time);
        registry->expire();
    }

    /// The process dies and starts again. Calls without an answer never get one.
    void crash() {
        journal.crash();
        open();
    }

    RegistryLimits limits;
    TestClock clock;
    MemoryJournal journal;
    Recorder recorder;
    std::unique_ptr<Registry> registry;
    CallId last_call{0};

private:
    CallId next_call() {
        ++last_call.value;
        return last_call;
    }
    void open() {
        registry = std::make_unique<Registry>(limits, clock, journal, recorder);
        journal.restore_to(*registry);
        journal.attach(registry.get());
    }
};

}  // namespace giromq::xa::test
