#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "admin/messages.hpp"
#include "security/user_directory.hpp"

namespace giromq::admin {

enum class OperationKind : std::uint8_t { move, copy, retry, remove };
std::string_view to_string(OperationKind kind);

/// Work on many messages, as it stands.
struct OperationView {
    enum class State : std::uint8_t { running, done, failed, cancelled };

    std::uint64_t id = 0;
    OperationKind kind = OperationKind::move;
    std::string queue;
    std::string to;  // empty unless it moves or copies
    State state = State::running;
    std::optional<std::uint64_t> matched;  // the most there can be to do, if that is known
    std::uint64_t done = 0;
    std::uint64_t skipped = 0;  // left in their place: without an origin, expired, not permitted
    std::uint64_t failed = 0;   // for which there was no room
    Timestamp started_at;
    Timestamp ended_at;
    std::string by;
    std::string error;
};
std::string_view to_string(OperationView::State state);

struct Assignment;

/// Moves, copies, retries and deletes messages: named ones at once, all that match as an operation that goes on when nobody waits for it,
/// for as long as its user exists and may do so.
/// An operation is not stored: after a crash what it has done is done, and the rest is asked for again. Ids go on from run to run (they
/// begin at the time of the start), so that who asks for one of an earlier run is told errc::interrupted, and is not told of another one.
///
/// Threads: as Messages.
class Operations {
public:
    using Identity = security::Identity;
    template <typename T>
    using Done = UniqueFunction<void(Result<T>)>;

    Operations(Messages::Parts parts, const security::UserDirectory& users);
    ~Operations();

    /// Which messages, and what to do with them.
    struct Request {
        OperationKind kind = OperationKind::move;
        std::string queue;
        std::string to;
        std::vector<Position> ids;  // or, if there are none, those that match
        std::string selector;       // empty: all
        std::uint64_t limit = 0;    // of those that match; 0: none
    };
    struct Outcome {
        std::uint64_t done = 0;
        std::vector<std::pair<Position, core::Change>> failed;
    };
    struct Count {
        std::uint64_t matched = 0;
        std::uint64_t bytes = 0;
        bool complete = true;
    };

    /// The named ones; answered when it is durable.
    void change(const Identity& who, Request request, Done<Outcome> done);
    /// How many match.
    void count(const Identity& who, Request request, Done<Count> done);
    /// Those that match and are there now; answered when it has begun. errc::busy if too many run already.
    void start(const Identity& who, Request request, Done<OperationView> done);

    // An operation can be seen by those who may see everything, by who has begun it, and by those who could have; to others there is none.

    /// Newest first, from the first before `before` (0: from the newest).
    void list(const Identity& who, std::uint64_t before, Done<std::vector<OperationView>> done);
    void find(const Identity& who, std::uint64_t id, Done<OperationView> done);
    /// By who has begun it, and by those who could have.
    void cancel(const Identity& who, std::uint64_t id, Done<OperationView> done);

    /// Called on the core's executor whenever one has begun, has come further, or has ended. Set once, before the first.
    std::function<void(const OperationView&)> on_progress;
    /// Whether `who`, as it is now, may see it: the names of queues are nobody else's business. Threads: any.
    bool is_visible(const Identity& who, const OperationView& view) const;

    /// What carries out an operation. On the core's executor.
    class Runner {
    public:
        virtual ~Runner() = default;
        virtual void start() = 0;
        virtual void cancel() = 0;
    };
    /// Tells how far it is; the last time with another state than running.
    using Tell = std::function<void(const OperationView&)>;

private:
    struct Entry {
        OperationView view;
        Identity who;
        std::shared_ptr<Runner> runner;
    };
    Result<void> allowed(const Identity& who, const Request& request) const;
    Result<std::pair<DestinationId, DestinationId>> queues_of(const Request& request) const;
    void begin(const Identity& who, Request request, selector::ProgramPtr selector, Done<OperationView> done);
    void allow_while_permitted(Assignment& assignment, const Identity& who) const;
    void progressed(const OperationView& view);
    void forget_old();
    Error unknown(std::uint64_t id) const;

    Messages::Parts parts_;
    const security::UserDirectory& users_;
    std::map<std::uint64_t, Entry> operations_;  // on the core's executor
    const std::uint64_t first_id_;               // of this run
    std::uint64_t next_id_;
};

/// What a runner is given.
struct Assignment {
    Messages::Parts parts;
    Operations::Request request;
    DestinationId queue;
    DestinationId target;
    selector::ProgramPtr selector;
    std::function<bool(const std::string&)> may_go_to;
    std::function<Result<void>()> still_allowed;  // asked before each unit of an operation
    OperationView view;
    Operations::Tell tell;
};
std::shared_ptr<Operations::Runner> make_mover(Assignment assignment);   // mover.cpp
std::shared_ptr<Operations::Runner> make_copier(Assignment assignment);  // copier.cpp

/// The named messages, which are ascending.
void change_named(Assignment assignment, UniqueFunction<void(Result<Operations::Outcome>)> done);
void copy_named(Assignment assignment, UniqueFunction<void(Result<Operations::Outcome>)> done);

}  // namespace giromq::admin
