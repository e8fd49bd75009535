#pragma once

#include <array>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string_view>

#include "base/unique_function.hpp"

namespace giromq::admin {

/// Who sets up a broker that has no administrator shows a token that only the owner of the data directory can read, and may make one
/// administrator with it. It is good until that one is in the store, and kept as its SHA-256 only. Threads: any.
class FirstLogin {
public:
    using Hash = std::array<std::uint8_t, 32>;

    /// From now on it is good. `used` is called once, when it is not any more.
    void expect(const Hash& token_hash, UniqueFunction<void()> used);
    /// The same work for every token.
    bool is_token(std::string_view token) const;
    /// There is an administrator now.
    void end();

private:
    mutable std::mutex mutex_;
    std::optional<Hash> hash_;
    UniqueFunction<void()> used_;
};

}  // namespace giromq::admin
