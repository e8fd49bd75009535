#include "admin-web/entity_tag.hpp"

#include <cstdint>
#include <cstdio>

#include "admin-web/header_text.hpp"

namespace giromq::admin_web {
namespace {

/// Of values in their order: a hash that tells them apart, and nothing about them (FNV-1a).
class Tag {
public:
    Tag& add(std::string_view text) {
        for (const char one : text) take(static_cast<unsigned char>(one));
        // What follows is not taken for a part of this.
        take(0x100);
        return *this;
    }
    template <typename Number>
    Tag& add_number(Number number) {
        return add(std::to_string(number));
    }
    std::string text() const {
        char tag[24];
        std::snprintf(tag, sizeof tag, "\"%016llx\"", static_cast<unsigned long long>(hash_));
        return tag;
    }

private:
    void take(std::uint64_t value) { hash_ = (hash_ ^ value) * 0x100000001b3; }

    std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace

std::string etag_of(const core::QueueView& queue) {
    const auto& settings = queue.settings;
    Tag tag;
    // A queue that is deleted and made again is another one.
    tag.add(settings.name).add_number(queue.id.value).add_number(queue.created_at.milliseconds);
    tag.add_number(settings.max_messages).add_number(settings.max_bytes).add_number(static_cast<int>(settings.overflow));
    tag.add_number(settings.max_deliveries).add(settings.dead_letter_queue);
    tag.add_number(settings.duplicate_ids_max).add_number(settings.duplicate_ids_age.count());
    tag.add_number(settings.strict).add_number(settings.is_sending_paused).add_number(settings.is_receiving_paused);
    return tag.text();
}

/// The salt is new with each password. The keys are not in it: whoever sees the tag could try passwords on them.
std::string etag_of(const User& user) {
    Tag tag;
    tag.add(user.name).add(to_text(user.role));
    tag.add(std::string_view(reinterpret_cast<const char*>(user.salt.data()), user.salt.size()));
    return tag.text();
}

std::string etag_of(const selector::SelectorDirectory::Entry& entry) {
    Tag tag;
    tag.add(entry.selector.name).add(entry.selector.text).add_number(entry.selector.changed_at.milliseconds);
    return tag.add_number(entry.is_configured).text();
}

bool is_match(std::string_view if_match, std::string_view etag) {
    if (trimmed(if_match) == "*") return true;
    while (!if_match.empty()) {
        if (take_item(if_match, ',') == etag) return true;
    }
    return false;
}

}  // namespace giromq::admin_web
