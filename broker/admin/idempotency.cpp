#include "admin/idempotency.hpp"

#include <algorithm>
#include <functional>
#include <iterator>

#include "admin/errc.hpp"
#include "security/crypto.hpp"

namespace giromq::admin {
namespace {

/// So that a key hardly meets the id of an application.
constexpr std::string_view prefix = "giromq-rest:";

std::string entry_of(const std::string& queue, const std::string& duplicate_id) { return duplicate_id + ' ' + queue; }

}  // namespace

Result<std::string> IdempotencyKeys::duplicate_id(std::string_view user, std::string_view key) {
    // No user name has a colon.
    const auto text = std::string(user) + ':' + std::string(key);
    const auto digest = security::sha256(security::as_bytes(text));
    if (!digest) return digest.error();
    constexpr std::string_view digits = "0123456789abcdef";
    std::string id(prefix);
    for (const auto byte : *digest) {
        id += digits[byte >> 4U];
        id += digits[byte & 15U];
    }
    return id;
}

Result<void> IdempotencyKeys::take(const std::string& queue, const std::string& duplicate_id, std::string_view content) {
    const auto hash = std::hash<std::string_view>()(content);
    const auto [entry, is_new] = contents_.try_emplace(entry_of(queue, duplicate_id), Content{hash});
    if (!is_new && entry->second.hash != hash) return Error(errc::different, "the Idempotency-Key was used for another message");
    if (is_new) order_.push_back(entry->first);
    while (order_.size() > kept) {
        contents_.erase(order_.front());
        order_.pop_front();
    }
    return {};
}

void IdempotencyKeys::give_back(const std::string& queue, const std::string& duplicate_id) {
    const auto entry = contents_.find(entry_of(queue, duplicate_id));
    if (entry == contents_.end() || entry->second.is_sent) return;
    // It is among the last, if it is there.
    const auto place = std::find(order_.rbegin(), order_.rend(), entry->first);
    if (place != order_.rend()) order_.erase(std::next(place).base());
    contents_.erase(entry);
}

void IdempotencyKeys::sent(const std::string& queue, const std::string& duplicate_id) {
    const auto entry = contents_.find(entry_of(queue, duplicate_id));
    if (entry != contents_.end()) entry->second.is_sent = true;
}

}  // namespace giromq::admin
