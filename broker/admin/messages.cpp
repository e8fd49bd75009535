#include "admin/messages.hpp"

#include <algorithm>
#include <utility>

#include "admin/audit_entry.hpp"
#include "admin/errc.hpp"
#include "base/log.hpp"
#include "selector/selector.hpp"

namespace giromq::admin {

using security::Action;

namespace {

constexpr auto browse_time = std::chrono::milliseconds(300);
constexpr std::uint64_t page_bytes_max = 4 * 1024 * 1024;
constexpr std::uint32_t stretch_entries = 512;

}  // namespace

Result<selector::ProgramPtr> compile_selector(const std::string& text, selector::SelectorDirectory& named) {
    if (selector::is_no_selector(text)) return selector::ProgramPtr();
    auto program = selector::compile(text, named.texts());
    if (!program) return Error(errc::invalid_selector, program.error().detail());
    return std::move(*program);
}

Result<void> authorise_selector(const security::Identity& who, const std::string& queue, const selector::ProgramPtr& program) {
    if (program == nullptr) return {};
    if (auto may = authorise(who, Action::browse, queue); !may) return may;
    return program->looks_into_body() ? authorise(who, Action::read_body, queue) : Result<void>();
}

Result<selector::ProgramPtr> permitted_selector(const security::Identity& who, const std::string& queue, const std::string& text,
                                                selector::SelectorDirectory& named) {
    auto program = compile_selector(text, named);
    if (!program) return program;
    if (auto may = authorise_selector(who, queue, *program); !may) return may.error();
    return program;
}

Result<DestinationId> find_queue(core::Core& core, const std::string& name) {
    if (const auto id = core.find_destination(name)) return *id;
    return Error(core::errc::not_found, "there is no queue '" + name + "'");
}

// Looking through a queue

struct Messages::Browsing {
    DestinationId queue;
    std::size_t limit = 0;
    selector::ProgramPtr selector;
    MonotonicTime end_at;
    std::uint64_t bytes = 0;
    Page page;
    Done<Page> done;
};

void Messages::browse(const Identity& who, Browse request, Done<Page> done) {
    if (auto allowed = authorise(who, Action::browse, request.queue); !allowed) return done(allowed.error());
    auto selector = permitted_selector(who, request.queue, request.selector, parts_.selectors);
    if (!selector) return done(selector.error());
    auto browsing = std::make_shared<Browsing>();
    browsing->limit = request.limit;
    browsing->selector = std::move(*selector);
    browsing->page.through = request.after;
    browsing->done = std::move(done);
    parts_.core_executor.execute([this, browsing, name = std::move(request.queue)] {
        const auto queue = find_queue(parts_.core, name);
        if (!queue) return browsing->done(queue.error());
        browsing->queue = *queue;
        browsing->end_at = parts_.clock.monotonic_now() + browse_time;
        browse_on(browsing);
    });
}

void Messages::browse_on(const std::shared_ptr<Browsing>& browsing) {
    core::LookCommand look;
    look.queue = browsing->queue;
    look.after = browsing->page.through;
    look.selector = browsing->selector;
    const auto wanted = static_cast<std::uint32_t>(browsing->limit - browsing->page.items.size());
    look.entries_max = browsing->selector == nullptr ? std::min(wanted, stretch_entries) : stretch_entries;
    look.done = [this, browsing](Result<core::Stretch> stretch) {
        if (!stretch) return browsing->done(stretch.error());
        take_stretch(browsing, std::move(*stretch));
    };
    parts_.core.look(std::move(look));
}

void Messages::take_stretch(const std::shared_ptr<Browsing>& browsing, core::Stretch stretch) {
    Page& page = browsing->page;
    const bool has_moved = stretch.through > page.through;
    bool is_full = false;
    page.searched += stretch.looked;
    page.more = !stretch.is_end;
    for (auto item = stretch.items.begin(); item != stretch.items.end() && !is_full; ++item) {
        const auto position = item->stored.key.position;
        browsing->bytes += item->stored.message == nullptr ? 0 : item->stored.message->memory();
        page.items.push_back(std::move(*item));
        is_full = page.items.size() >= browsing->limit || browsing->bytes >= page_bytes_max;
        if (!is_full || std::next(item) == stretch.items.end()) continue;
        page.more = true;
        stretch.through = position;
    }
    page.through = std::max(page.through, stretch.through);
    const bool is_late = parts_.clock.monotonic_now() >= browsing->end_at;
    if (is_full || !page.more || !has_moved || is_late) {
        page.more = page.more && has_moved;
        return browsing->done(std::move(page));
    }
    // As a task of its own, so that consumers have their turn in between.
    parts_.core_executor.execute([this, browsing] { browse_on(browsing); });
}

// One message

struct Messages::Reading {
    Found found;
    std::string bytes;
    std::uint32_t next = 0;
    std::uint64_t wanted = 0;
    Done<Found> done;
};

void Messages::find(const Identity& who, std::string queue, Position position, std::uint64_t body_bytes, Done<Found> done) {
    if (auto allowed = authorise(who, Action::browse, queue); !allowed) return done(allowed.error());
    const bool may_read = authorise(who, Action::read_body, queue).ok();
    parts_.core_executor.execute([this, queue = std::move(queue), position, body_bytes, may_read, done = std::move(done)]() mutable {
        const auto id = find_queue(parts_.core, queue);
        if (!id) return done(id.error());
        look_for(*id, position, may_read ? body_bytes : 0, may_read, std::move(done));
    });
}

void Messages::read_body(const Identity& who, std::string queue, Position position, std::uint64_t body_bytes, Done<Found> done) {
    if (auto allowed = authorise(who, Action::read_body, queue); !allowed) return done(allowed.error());
    find(who, std::move(queue), position, body_bytes, [done = std::move(done), body_bytes](Result<Found> found) mutable {
        if (found && found->item.stored.message == nullptr)
            return done(Error(errc::failed, "the message is damaged: its body cannot be read"));
        if (found && !found->is_whole) {
            return done(Error(errc::too_large, "the body has more than " + std::to_string(body_bytes) + " bytes"));
        }
        done(std::move(found));
    });
}

void Messages::look_for(DestinationId queue, Position position, std::uint64_t bytes, bool may_read_body, Done<Found> done) {
    core::LookCommand look;
    look.queue = queue;
    look.after = Position{position.value - 1};
    look.entries_max = 1;
    look.done = [this, position, bytes, may_read_body, done = std::move(done)](Result<core::Stretch> stretch) mutable {
        if (!stretch) return done(stretch.error());
        const auto is_it = [position](const core::LookedAt& item) { return item.stored.key.position == position; };
        const auto item = std::find_if(stretch->items.begin(), stretch->items.end(), is_it);
        if (item == stretch->items.end()) return done(Error(errc::not_found, "there is no such message in the queue, any more"));
        auto reading = std::make_shared<Reading>();
        reading->found.item = std::move(*item);
        reading->found.may_read_body = may_read_body;
        reading->done = std::move(done);
        const auto& message = reading->found.item.stored.message;
        if (message == nullptr) return reading->done(std::move(reading->found));
        reading->found.bare = message->bare;
        reading->found.is_whole = message->chunk_count == 0;
        if (message->chunk_count == 0 || bytes == 0) return reading->done(std::move(reading->found));
        reading->bytes = message->bare.view();
        reading->wanted = bytes + message->bare.size();
        read_chunks(reading);
    };
    parts_.core.look(std::move(look));
}

/// Of a large body, chunk by chunk. Its message may go meanwhile, and then nothing is shown.
void Messages::read_chunks(const std::shared_ptr<Reading>& reading) {
    const auto& message = *reading->found.item.stored.message;
    if (reading->next == message.chunk_count || reading->bytes.size() >= reading->wanted) {
        reading->found.is_whole = reading->next == message.chunk_count;
        reading->found.bare = SharedBytes::copy_of(reading->bytes);
        return reading->done(std::move(reading->found));
    }
    parts_.core.read_chunk(message.number, reading->next, [this, reading](Result<SharedBytes> chunk) {
        parts_.core_executor.execute([this, reading, chunk = std::move(chunk)] {
            if (!chunk) return reading->done(Error(errc::not_found, "the message has just gone"));
            reading->bytes += chunk->view();
            ++reading->next;
            read_chunks(reading);
        });
    });
}

// Sending

/// The id for duplicate detection; empty without a key.
Result<std::string> Messages::take_key(DestinationId queue, const std::string& name, const std::string& by, const Once& once) {
    if (once.key.empty()) return std::string();
    const auto view = parts_.core.view_queue(queue);
    if (!view) return view.error();
    if (view->settings.duplicate_ids_max == 0) {
        return Error(errc::invalid_argument,
                     "queue '" + name + "' remembers no ids (duplicateIdsMax is 0), so the key would protect nothing");
    }
    auto id = IdempotencyKeys::duplicate_id(by, once.key);
    if (!id) return id;
    if (auto taken = keys_->take(name, *id, once.content); !taken) return taken.error();
    return id;
}

void Messages::send(const Identity& who, std::string queue, std::shared_ptr<Message> message, Once once, Done<Sent> done) {
    if (auto allowed = authorise(who, Action::send, queue); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, by = who.user, entry = make_audit_entry(who, parts_.clock, "message.send", queue),
                                  queue = std::move(queue), message = std::move(message), once = std::move(once),
                                  done = std::move(done)]() mutable {
        const auto id = find_queue(parts_.core, queue);
        if (!id) return done(id.error());
        auto key = take_key(*id, queue, by, once);
        if (!key) return done(key.error());
        core::SendCommand command;
        command.destination = *id;
        command.message = std::move(message);
        command.duplicate_id = *key;
        const auto is_new = std::make_shared<bool>(false);
        command.done = [is_new, keys = keys_, key = std::move(*key), by = std::move(by), queue = std::move(queue),
                        done = std::move(done)](const core::SendResult& result) mutable {
            if (!result.accepted) {
                keys->give_back(queue, key);
                // Who may is asked before: what the core does not allow then is a queue that is paused.
                const bool is_paused = result.error.is(core::errc::not_allowed);
                return done(is_paused ? Error(errc::paused, result.error.detail()) : result.error);
            }
            keys->sent(queue, key);
            *is_new = !result.duplicate;
            if (*is_new) log::info("message_sent", {{"queue", queue}, {"by", by}});
            done(Sent{result.position, result.duplicate});
        };
        // A message that is in memory only is accepted at once, without a unit.
        auto by_itself = entry;
        const bool is_written = parts_.core.audited(std::move(entry), [&] { parts_.core.send(std::move(command)); });
        if (!is_written && *is_new) write_by_itself(parts_.core, std::move(by_itself));
    });
}

}  // namespace giromq::admin
