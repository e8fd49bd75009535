#pragma once

#include <cstdint>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>

#include "base/clock.hpp"

namespace giromq::admin_web {

/// How many requests one network address may send: so many a second, and ten seconds' worth at once. Threads: any.
class RequestRate {
public:
    /// 0: any number.
    RequestRate(const Clock& clock, std::uint32_t per_second_max)
        : clock_(clock), per_second_(per_second_max), at_once_(10.0 * per_second_) {}

    /// `peer`: "192.0.2.1:5672"; of an IPv6 address only its network counts. False if it is one request too many.
    bool admit(std::string_view peer);

private:
    struct Account {
        double requests = 0;  // that may come now
        MonotonicTime filled_at{};
    };
    double requests_of(const Account& account, MonotonicTime now) const;
    void make_room(MonotonicTime now);

    const Clock& clock_;
    const double per_second_;
    const double at_once_;
    std::mutex mutex_;
    std::unordered_map<std::string, Account> accounts_;
};

}  // namespace giromq::admin_web
