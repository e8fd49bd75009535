#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace giromq::tool {

/// A progress bar on the error output of a terminal, drawn at most ten times a second; nothing elsewhere. Work that takes less than
/// half a second shows none.
class Progress {
public:
    /// `total` 0: not known.
    Progress(std::string what, std::uint64_t total);
    ~Progress();
    Progress(const Progress&) = delete;
    Progress& operator=(const Progress&) = delete;

    void update(std::uint64_t done);
    /// Removes the bar.
    void finish();

private:
    void draw(std::uint64_t done, std::chrono::steady_clock::time_point now);

    const std::string what_;
    const std::uint64_t total_;
    const bool visible_;
    const std::chrono::steady_clock::time_point started_;
    std::chrono::steady_clock::time_point drawn_;
    bool shown_ = false;
};

}  // namespace giromq::tool
