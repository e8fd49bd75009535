#include "admin-web/downloads.hpp"

#include <map>
#include <mutex>
#include <utility>

#include "admin-web/problem.hpp"

namespace giromq::admin_web {

struct Downloads::Counts {
    mutable std::mutex mutex;
    std::map<std::string, std::uint64_t> by_user;
    std::uint64_t bytes = 0;

    void release(const std::string& user, std::uint64_t released) {
        const std::lock_guard lock(mutex);
        bytes -= released;
        const auto of_user = by_user.find(user);
        of_user->second -= released;
        if (of_user->second == 0) by_user.erase(of_user);
    }
};

Downloads::Downloads() : counts_(std::make_shared<Counts>()) {}

Downloads::Admission Downloads::admit(const std::string& user, std::uint64_t bytes) {
    const std::lock_guard lock(counts_->mutex);
    const auto found = counts_->by_user.find(user);
    const auto of_user = found == counts_->by_user.end() ? 0 : found->second;
    if (of_user + bytes > bytes_per_user_max) {
        auto refusal = problem(429, "too_many_downloads", "too many bodies of messages at once", "wait until one of them has come");
        refusal.headers.emplace_back("Retry-After", "2");
        return {nullptr, std::move(refusal)};
    }
    if (counts_->bytes + bytes > bytes_max)
        return {nullptr, problem(503, "busy", "too many bodies of messages at once", "try again later")};
    counts_->by_user[user] = of_user + bytes;
    counts_->bytes += bytes;
    // The pointer points at nothing: what counts is when the last copy of it goes.
    const auto release = [counts = counts_, user, bytes](const void*) { counts->release(user, bytes); };
    return {std::shared_ptr<const void>(counts_.get(), release), std::nullopt};
}

std::uint64_t Downloads::bytes() const {
    const std::lock_guard lock(counts_->mutex);
    return counts_->bytes;
}

}  // namespace giromq::admin_web
