#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "admin-web/http_message.hpp"

namespace giromq::admin_web {

/// Bounds the memory of bodies that are being read or sent, for one user and for all: a client that reads slowly holds what it asked for.
/// Threads: any.
class Downloads {
public:
    static constexpr std::uint64_t bytes_max = 128ull * 1024 * 1024;
    static constexpr std::uint64_t bytes_per_user_max = 64ull * 1024 * 1024;

    Downloads();

    struct Admission {
        std::shared_ptr<const void> held;  // counts until nobody has it any more
        std::optional<Response> refusal;   // 429: the user has too much under way; 503: all have
    };
    Admission admit(const std::string& user, std::uint64_t bytes);

    /// What all have under way.
    std::uint64_t bytes() const;

private:
    struct Counts;
    std::shared_ptr<Counts> counts_;
};

}  // namespace giromq::admin_web
