#pragma once

#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "specification.hpp"
#include "xa/return_code.hpp"

namespace giromq::xa::test {

/// A call of a transaction manager, or of an administrator, that completes a branch.
struct ModelCall {
    std::string verb;  // prepare, commit, rollback, forget, resolve_commit, resolve_rollback
    unsigned session = 0;
    unsigned xid = 0;
    Flags flags = 0;
    std::uint64_t id = 0;
};

/// What a registry has to do, slowly and from the tables of the specification: it keeps S and T of every branch and session as the
/// specification's text does, where the library derives them. Its own rules, where the tables are blank and the broker must answer all the
/// same, are those of docs/adr/0008. Limits are never reached here.
class SpecModel {
public:
    static constexpr std::int64_t timeout_ms = 300'000;
    static constexpr std::int64_t doomed_ms = 3'600'000;
    static constexpr std::int64_t tombstone_ms = 86'400'000;

    ReturnCode start(unsigned session, unsigned xid, Flags flags);
    ReturnCode end(unsigned session, unsigned xid, Flags flags);
    ReturnCode work(unsigned session, unsigned xid);
    void complete(const ModelCall& call);
    void lose(unsigned session);
    void advance(std::int64_t ms);

    /// The record that has waited longest is on the disk, or is refused.
    void durable(bool on_disk);
    /// The process dies after `untold` of the waiting records have reached the disk.
    void crash(std::size_t untold);
    std::size_t waiting_records() const { return disk_queue_.size(); }

    /// Everything that can be seen of a branch, as one line.
    std::string describe(unsigned xid) const;
    std::vector<unsigned> in_doubt() const;
    std::size_t sessions() const;

    std::vector<std::string> take_events() { return std::exchange(events_, {}); }

private:
    struct Tie {
        unsigned session = 0;
        char state = '1';  // T1 or T2
        bool migratable = false;
    };
    struct Model {
        char state = '1';
        std::vector<Tie> ties;
        unsigned work = 0;
        std::optional<ReturnCode> doomed;
        bool answered_rollback = false;  // XA_OK of xa_rollback while others were in T1
        std::optional<ReturnCode> heuristic;
        std::string record;  // under way
        ModelCall writer;
        std::deque<ModelCall> waiting;
        std::optional<std::int64_t> timeout_at;
        std::optional<std::int64_t> forget_at;
        std::uint64_t number = 0;
        std::int64_t written_at = 0;
    };
    struct Stone {
        bool committed = false;
        std::int64_t at = 0;
    };

    Model* find(unsigned xid);
    bool in_t1(unsigned session) const;
    void answer(const ModelCall& call, ReturnCode code);
    void doom(unsigned xid, ReturnCode code);
    void begin_to_forget(Model& branch) const;
    void on_branch(Model& branch, const ModelCall& call);
    void without_branch(const ModelCall& call);
    void write(Model& branch, const ModelCall& call, const std::string& record);
    void reach_disk(Model& branch, unsigned xid);
    static void settle(Model& branch);

    std::map<unsigned, Model> branches_;
    std::map<unsigned, Stone> stones_;
    std::deque<unsigned> disk_queue_;
    std::vector<std::string> events_;
    std::int64_t now_ms_ = 0;
    std::uint64_t next_number_ = 1;
};

}  // namespace giromq::xa::test
