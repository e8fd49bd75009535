#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/idempotency.hpp"
#include "base/clock.hpp"
#include "base/executor.hpp"
#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "core/core.hpp"
#include "security/authorisation.hpp"
#include "selector/selector_directory.hpp"

namespace giromq::admin {

/// The selector as a program; invalid_selector with line, column and reason if it is none. Null for an empty text.
Result<selector::ProgramPtr> compile_selector(const std::string& text, selector::SelectorDirectory& named);

/// Whether `who` may look for messages of the queue with it. What it selects tells what is in them, bit by bit: so a selector asks for
/// `browse`, and one that looks into bodies for `read_body` as well; null asks for nothing.
Result<void> authorise_selector(const security::Identity& who, const std::string& queue, const selector::ProgramPtr& program);
/// Both in one.
Result<selector::ProgramPtr> permitted_selector(const security::Identity& who, const std::string& queue, const std::string& text,
                                                selector::SelectorDirectory& named);

/// The queue of that name; core::errc::not_found if there is none.
Result<DestinationId> find_queue(core::Core& core, const std::string& name);

/// Messages one by one: looking at them, which never disturbs their queue, and sending.
///
/// Threads: any method from any thread; `done` runs once, on the core's executor or the caller's thread, and must only hand over.
class Messages {
public:
    using Identity = security::Identity;
    template <typename T>
    using Done = UniqueFunction<void(Result<T>)>;

    struct Parts {
        core::Core& core;
        Executor& core_executor;
        selector::SelectorDirectory& selectors;
        const Clock& clock;
    };
    explicit Messages(Parts parts) : parts_(parts) {}

    struct Browse {
        std::string queue;
        Position after;
        std::size_t limit = 100;
        std::string selector;  // empty: every message
    };
    struct Page {
        std::vector<core::LookedAt> items;
        std::uint64_t searched = 0;
        Position through;  // where the next page begins
        bool more = false;
    };
    /// A page ends with `limit` messages, with 4 MiB, or after 300 ms, whatever it has by then.
    void browse(const Identity& who, Browse request, Done<Page> done);

    struct Found {
        core::LookedAt item;
        /// Everything from the properties on, or as much of it as was asked for; empty if the user may not read bodies.
        SharedBytes bare;
        bool is_whole = true;
        bool may_read_body = true;
    };
    /// `body_bytes`: how much of the body is wanted; of a large one more is not read.
    void find(const Identity& who, std::string queue, Position position, std::uint64_t body_bytes, Done<Found> done);
    /// The same for its body, which has to be readable and whole: refused with too_large beyond `body_bytes`.
    void read_body(const Identity& who, std::string queue, Position position, std::uint64_t body_bytes, Done<Found> done);

    struct Sent {
        Position position;
        bool is_duplicate = false;
    };
    /// What makes a repeated request harmless: a key of the user's, as an id of duplicate detection apart from those of applications
    /// (empty for none), and the request that it stands for. errc::different if the key stood for another; errc::invalid_argument if the
    /// queue detects no duplicates.
    struct Once {
        std::string key;
        std::string content;
    };
    void send(const Identity& who, std::string queue, std::shared_ptr<Message> message, Once once, Done<Sent> done);

private:
    struct Browsing;
    void browse_on(const std::shared_ptr<Browsing>& browsing);
    void take_stretch(const std::shared_ptr<Browsing>& browsing, core::Stretch stretch);
    void look_for(DestinationId queue, Position position, std::uint64_t bytes, bool may_read_body, Done<Found> done);
    struct Reading;
    void read_chunks(const std::shared_ptr<Reading>& reading);
    Result<std::string> take_key(DestinationId queue, const std::string& name, const std::string& by, const Once& once);

    Parts parts_;
    std::shared_ptr<IdempotencyKeys> keys_ = std::make_shared<IdempotencyKeys>();  // also of sends under way
};

}  // namespace giromq::admin
