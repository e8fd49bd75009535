#include "admin/operations.hpp"

#include <algorithm>
#include <limits>

#include "admin/audit_entry.hpp"
#include "admin/errc.hpp"
#include "base/log.hpp"

namespace giromq::admin {

using security::Action;

namespace {

constexpr std::size_t running_max = 16;
constexpr std::size_t ended_max = 100;
constexpr auto count_time = std::chrono::seconds(5);
constexpr std::uint32_t count_stretch = 1024;

// For the audit.
std::string action_of(OperationKind kind) { return "messages." + std::string(to_string(kind)); }
std::string name_of(const OperationView& view) { return "operation " + std::to_string(view.id); }
std::string towards(const std::string& to) { return to.empty() ? "" : " to " + to; }

/// As far as rights are concerned.
Operations::Request request_of(const OperationView& view) {
    Operations::Request request;
    request.kind = view.kind;
    request.queue = view.queue;
    request.to = view.to;
    return request;
}

}  // namespace

std::string_view to_string(OperationKind kind) {
    switch (kind) {
        case OperationKind::move: return "move";
        case OperationKind::copy: return "copy";
        case OperationKind::retry: return "retry";
        case OperationKind::remove: return "delete";
    }
    return "unknown";
}

std::string_view to_string(OperationView::State state) {
    switch (state) {
        case OperationView::State::running: return "running";
        case OperationView::State::done: return "done";
        case OperationView::State::failed: return "failed";
        case OperationView::State::cancelled: return "cancelled";
    }
    return "unknown";
}

Operations::Operations(Messages::Parts parts, const security::UserDirectory& users)
    : parts_(parts),
      users_(users),
      first_id_(static_cast<std::uint64_t>(std::max<std::int64_t>(1, parts.clock.wall_now().milliseconds))),
      next_id_(first_id_) {}
Operations::~Operations() = default;

Result<void> Operations::allowed(const Identity& who, const Request& request) const {
    const auto action = request.kind == OperationKind::remove ? Action::delete_messages : Action::move;
    if (auto first = authorise(who, action, request.queue); !first) return first;
    const bool has_target = request.kind == OperationKind::move || request.kind == OperationKind::copy;
    if (!has_target) return {};
    if (request.to == request.queue) return Error(errc::invalid_argument, "the messages are in this queue already");
    return authorise(who, Action::send, request.to);
}

/// The queue, and the target if there is to be one.
Result<std::pair<DestinationId, DestinationId>> Operations::queues_of(const Request& request) const {
    const auto queue = find_queue(parts_.core, request.queue);
    if (!queue) return queue.error();
    if (request.to.empty()) return std::pair(*queue, DestinationId{});
    const auto target = find_queue(parts_.core, request.to);
    if (!target) return target.error();
    const auto view = parts_.core.view_queue(*target);
    if (!view) return view.error();
    if (view->settings.origin == DestinationOrigin::temporary) {
        return Error(errc::invalid_argument, "nothing is moved to a temporary queue: it would be gone with its connection");
    }
    return std::pair(*queue, *target);
}

void Operations::change(const Identity& who, Request request, Done<Outcome> done) {
    if (auto may = allowed(who, request); !may) return done(may.error());
    std::sort(request.ids.begin(), request.ids.end());
    request.ids.erase(std::unique(request.ids.begin(), request.ids.end()), request.ids.end());
    parts_.core_executor.execute([this, who, request = std::move(request), done = std::move(done)]() mutable {
        const auto queues = queues_of(request);
        if (!queues) return done(queues.error());
        const auto kind = request.kind;
        Assignment assignment{parts_, std::move(request), queues->first, queues->second, {}, {}, {}, {}, {}};
        assignment.may_go_to = [who](const std::string& origin) { return authorise(who, Action::send, origin).ok(); };
        // Units are written in their order: this line is there before the first of the messages is touched.
        const auto& asked = assignment.request;
        auto entry = make_audit_entry(who, parts_.clock, action_of(kind), asked.queue,
                                      std::to_string(asked.ids.size()) + " named messages" + towards(asked.to));
        entry.outcome = "begun";
        write_by_itself(parts_.core, entry);
        auto answer = [this, kind, entry = std::move(entry), by = who.user, queue = assignment.request.queue, to = assignment.request.to,
                       done = std::move(done)](Result<Outcome> outcome) mutable {
            auto became = outcome ? std::to_string(outcome->done) + " messages" + towards(to) : outcome.error().to_string();
            const auto* const word = outcome ? "done" : "failed";
            write_by_itself(parts_.core, ended(std::move(entry), parts_.clock.wall_now(), word, std::move(became)));
            if (outcome && outcome->done > 0) {
                log::info("messages_changed",
                          {{"change", to_string(kind)}, {"queue", queue}, {"to", to}, {"messages", outcome->done}, {"by", by}});
            }
            done(std::move(outcome));
        };
        if (kind == OperationKind::copy) {
            copy_named(std::move(assignment), std::move(answer));
        } else {
            change_named(std::move(assignment), std::move(answer));
        }
    });
}

// Counting

namespace {

struct Counting : std::enable_shared_from_this<Counting> {
    Counting(Messages::Parts its_parts, DestinationId its_queue) : parts(its_parts), queue(its_queue) {}

    void go_on() {
        core::LookCommand look;
        look.queue = queue;
        look.after = after;
        look.entries_max = count_stretch;
        look.selector = selector;
        look.done = [self = shared_from_this()](Result<core::Stretch> stretch) { self->take(std::move(stretch)); };
        parts.core.look(std::move(look));
    }
    void take(Result<core::Stretch> stretch) {
        if (!stretch) return done(stretch.error());
        for (const auto& item : stretch->items) {
            if (item.state != core::LookedAt::State::available || count.matched == limit) continue;
            ++count.matched;
            count.bytes += item.stored.message_bytes;
        }
        const bool is_over = stretch->is_end || count.matched == limit || stretch->through <= after;
        after = stretch->through;
        if (!is_over && parts.clock.monotonic_now() < end_at) {
            return parts.core_executor.execute([self = shared_from_this()] { self->go_on(); });
        }
        count.complete = is_over;
        done(count);
    }

    Messages::Parts parts;
    DestinationId queue;
    selector::ProgramPtr selector;
    std::uint64_t limit = 0;
    MonotonicTime end_at;
    Position after;
    Operations::Count count;
    UniqueFunction<void(Result<Operations::Count>)> done;
};

}  // namespace

void Operations::count(const Identity& who, Request request, Done<Count> done) {
    if (auto may = allowed(who, request); !may) return done(may.error());
    auto selector = permitted_selector(who, request.queue, request.selector, parts_.selectors);
    if (!selector) return done(selector.error());
    parts_.core_executor.execute([this, request = std::move(request), selector = std::move(*selector), done = std::move(done)]() mutable {
        const auto queues = queues_of(request);
        if (!queues) return done(queues.error());
        const auto counting = std::make_shared<Counting>(parts_, queues->first);
        counting->selector = std::move(selector);
        counting->limit = request.limit == 0 ? std::numeric_limits<std::uint64_t>::max() : request.limit;
        counting->end_at = parts_.clock.monotonic_now() + count_time;
        counting->done = std::move(done);
        counting->go_on();
    });
}

// Operations

void Operations::start(const Identity& who, Request request, Done<OperationView> done) {
    if (auto may = allowed(who, request); !may) return done(may.error());
    auto selector = permitted_selector(who, request.queue, request.selector, parts_.selectors);
    if (!selector) return done(selector.error());
    parts_.core_executor.execute(
        [this, who, request = std::move(request), selector = std::move(*selector), done = std::move(done)]() mutable {
            begin(who, std::move(request), std::move(selector), std::move(done));
        });
}

/// It may run for long: each unit of it is what the user may do by then, not what it could when it began.
void Operations::allow_while_permitted(Assignment& assignment, const Identity& who) const {
    assignment.may_go_to = [this, who](const std::string& origin) {
        const auto now = users_.current(who);
        return now && authorise(*now, Action::send, origin);
    };
    assignment.still_allowed = [this, who, request = request_of(assignment.view), selector = assignment.selector]() -> Result<void> {
        const auto now = users_.current(who);
        if (!now) return now.error();
        if (auto may = allowed(*now, request); !may) return may;
        return authorise_selector(*now, request.queue, selector);
    };
}

void Operations::begin(const Identity& who, Request request, selector::ProgramPtr selector, Done<OperationView> done) {
    const auto is_running = [](const auto& item) { return item.second.runner != nullptr; };
    if (std::count_if(operations_.begin(), operations_.end(), is_running) >= static_cast<std::ptrdiff_t>(running_max)) {
        return done(Error(errc::busy, std::to_string(running_max) + " operations are running; wait for one of them"));
    }
    const auto queues = queues_of(request);
    if (!queues) return done(queues.error());
    Entry entry;
    entry.who = who;
    entry.view.id = next_id_++;
    entry.view.kind = request.kind;
    entry.view.queue = request.queue;
    entry.view.to = request.to;
    entry.view.started_at = parts_.clock.wall_now();
    entry.view.by = who.user;
    if (const auto view = parts_.core.view_queue(queues->first); view && request.selector.empty()) {
        entry.view.matched = request.limit == 0 ? view->messages : std::min(view->messages, request.limit);
    }
    const auto view = entry.view;
    Assignment assignment{parts_, std::move(request), queues->first, queues->second, std::move(selector), {}, {}, view, {}};
    allow_while_permitted(assignment, who);
    assignment.tell = [this](const OperationView& now) { progressed(now); };
    entry.runner = view.kind == OperationKind::copy ? make_copier(std::move(assignment)) : make_mover(std::move(assignment));
    const auto runner = entry.runner;
    auto line = make_audit_entry(who, parts_.clock, action_of(view.kind), view.queue, name_of(view) + towards(view.to));
    line.outcome = "begun";
    write_by_itself(parts_.core, std::move(line));
    operations_.emplace(view.id, std::move(entry));
    log::info("operation_started",
              {{"operation", view.id}, {"kind", to_string(view.kind)}, {"queue", view.queue}, {"to", view.to}, {"by", view.by}});
    if (on_progress) on_progress(view);
    runner->start();
    done(operations_.at(view.id).view);
}

void Operations::progressed(const OperationView& view) {
    const auto found = operations_.find(view.id);
    if (found == operations_.end()) return;
    found->second.view = view;
    if (view.state != OperationView::State::running) {
        found->second.view.ended_at = parts_.clock.wall_now();
        found->second.runner.reset();
        auto line = make_audit_entry(found->second.who, parts_.clock, action_of(view.kind), view.queue,
                                     name_of(view) + ": " + std::to_string(view.done) + " messages" + towards(view.to));
        line.outcome = to_string(view.state);
        write_by_itself(parts_.core, std::move(line));
        log::info("operation_ended", {{"operation", view.id},
                                      {"kind", to_string(view.kind)},
                                      {"queue", view.queue},
                                      {"to", view.to},
                                      {"state", to_string(view.state)},
                                      {"messages", view.done},
                                      {"skipped", view.skipped},
                                      {"error", view.error},
                                      {"by", view.by}});
    }
    if (on_progress) on_progress(found->second.view);
    forget_old();
}

void Operations::forget_old() {
    const auto has_ended = [](const auto& item) { return item.second.runner == nullptr; };
    while (std::count_if(operations_.begin(), operations_.end(), has_ended) > static_cast<std::ptrdiff_t>(ended_max)) {
        operations_.erase(std::find_if(operations_.begin(), operations_.end(), has_ended));
    }
}

Error Operations::unknown(std::uint64_t id) const {
    if (id >= first_id_) return Error(errc::not_found, "there is no such operation, any more");
    return Error(errc::interrupted,
                 "operations end with the broker: what this one has done stays done, and the rest can be asked for again; the audit says "
                 "when it began, and whether it ended");
}

bool Operations::is_visible(const Identity& who, const OperationView& view) const {
    const auto now = users_.current(who);
    return now && (view.by == now->user || authorise(*now, Action::view, {}) || allowed(*now, request_of(view)));
}

void Operations::list(const Identity& who, std::uint64_t before, Done<std::vector<OperationView>> done) {
    parts_.core_executor.execute([this, who, before, done = std::move(done)]() mutable {
        std::vector<OperationView> views;
        for (auto item = operations_.rbegin(); item != operations_.rend(); ++item) {
            const bool is_next = before == 0 || item->first < before;
            if (is_next && is_visible(who, item->second.view)) views.push_back(item->second.view);
        }
        done(std::move(views));
    });
}

void Operations::find(const Identity& who, std::uint64_t id, Done<OperationView> done) {
    parts_.core_executor.execute([this, who, id, done = std::move(done)]() mutable {
        const auto found = operations_.find(id);
        if (found == operations_.end() || !is_visible(who, found->second.view)) return done(unknown(id));
        done(found->second.view);
    });
}

void Operations::cancel(const Identity& who, std::uint64_t id, Done<OperationView> done) {
    parts_.core_executor.execute([this, who, id, done = std::move(done)]() mutable {
        const auto found = operations_.find(id);
        if (found == operations_.end() || !is_visible(who, found->second.view)) return done(unknown(id));
        if (found->second.view.by != who.user) {
            if (auto may = allowed(who, request_of(found->second.view)); !may) return done(may.error());
        }
        log::info("operation_cancelled", {{"operation", id}, {"by", who.user}});
        if (const auto runner = found->second.runner) {
            write_by_itself(parts_.core,
                            make_audit_entry(who, parts_.clock, "operation.cancel", found->second.view.queue, name_of(found->second.view)));
            runner->cancel();
        }
        const auto now = operations_.find(id);
        done(now == operations_.end() ? Result<OperationView>(unknown(id)) : Result<OperationView>(now->second.view));
    });
}

}  // namespace giromq::admin
