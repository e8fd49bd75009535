#include "admin-web/remembered_answers.hpp"

#include <algorithm>
#include <utility>

#include "admin-web/problem.hpp"

namespace giromq::admin_web {
namespace {

constexpr std::size_t key_bytes_max = 128;

std::size_t content_of(const Request& request) {
    return std::hash<std::string>()(request.method + ' ' + request.target + '\n' + request.body);
}

Response under_way() {
    auto response = problem(409, "under_way", "the same request is under way", "ask again with the same Idempotency-Key");
    response.headers.emplace_back("Retry-After", "1");
    return response;
}

}  // namespace

IdempotencyKey idempotency_key(const Request& request) {
    const std::string key(request.header("idempotency-key"));
    const auto is_printable = [](char one) { return one > ' ' && one <= '~'; };
    const bool is_there = request.count("idempotency-key") > 0;
    const bool is_good = !key.empty() && key.size() <= key_bytes_max && std::all_of(key.begin(), key.end(), is_printable);
    if (!is_there || (is_good && request.count("idempotency-key") == 1)) return {key, std::nullopt};
    return {{},
            problem(400, "invalid_argument", "a header is not what is expected",
                    "an Idempotency-Key has 1 to 128 printable characters of ASCII")};
}

std::optional<Response> RememberedAnswers::begin(const std::string& user, const Request& request, std::string_view key) {
    auto name = name_of(user, key);
    const auto content = content_of(request);
    const std::lock_guard lock(mutex_);
    const auto now = clock_.monotonic_now();
    make_room(now);
    const auto place = places_.find(name);
    if (place == places_.end()) {
        const auto entry = entries_.insert(entries_.end(), {name, content, std::nullopt, now + kept_for});
        places_.emplace(std::move(name), entry);
        return std::nullopt;
    }
    const Entry& entry = *place->second;
    if (entry.content != content) {
        return problem(409, "different", "the Idempotency-Key was used for something else", "give each request a key of its own");
    }
    if (!entry.answer) return under_way();
    auto again = entry.answer;
    again->headers.emplace_back("Idempotency-Replayed", "true");
    return again;
}

void RememberedAnswers::keep(const std::string& user, std::string_view key, const Response& response) {
    const std::lock_guard lock(mutex_);
    const auto place = places_.find(name_of(user, key));
    if (place == places_.end()) return;
    if (response.status >= 300) return forget(place->second);
    place->second->answer = response;
    bytes_ += response.body.size();
}

/// No user name has a colon.
std::string RememberedAnswers::name_of(const std::string& user, std::string_view key) { return user + ':' + std::string(key); }

void RememberedAnswers::forget(Entries::iterator entry) {
    if (entry->answer) bytes_ -= entry->answer->body.size();
    places_.erase(entry->name);
    entries_.erase(entry);
}

/// What is under way is never forgotten: that would let it happen twice at the same time. The server bounds how many those are.
void RememberedAnswers::make_room(MonotonicTime now) {
    for (auto entry = entries_.begin(); entry != entries_.end();) {
        const auto next = std::next(entry);
        const bool is_too_much = entries_.size() >= kept_max || bytes_ > bytes_max;
        if (!is_too_much && entry->forgotten_at > now) return;
        if (entry->answer) forget(entry);
        entry = next;
    }
}

}  // namespace giromq::admin_web
