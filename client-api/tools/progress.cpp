#include "progress.hpp"

#include <unistd.h>

#include <iostream>

#include "common.hpp"

namespace giromq::tool {

using namespace std::chrono_literals;

Progress::Progress(std::string what, std::uint64_t total)
    : what_(std::move(what)),
      total_(total),
      visible_(::isatty(STDERR_FILENO) == 1),
      started_(std::chrono::steady_clock::now()),
      drawn_(started_) {}

Progress::~Progress() { finish(); }

void Progress::update(std::uint64_t done) {
    if (!visible_) return;
    const auto now = std::chrono::steady_clock::now();
    if (now - started_ < 500ms || now - drawn_ < 100ms) return;
    drawn_ = now;
    draw(done, now);
}

void Progress::draw(std::uint64_t done, std::chrono::steady_clock::time_point now) {
    shown_ = true;
    const double seconds = std::chrono::duration<double>(now - started_).count();
    std::cerr << "\r\x1b[K" << what_ << ' ';
    if (total_ != 0) {
        constexpr std::uint64_t width = 30;
        const std::uint64_t filled = std::min(done, total_) * width / total_;
        std::cerr << '[' << std::string(filled, '#') << std::string(width - filled, '.') << "] " << std::min(done, total_) * 100 / total_
                  << " %  ";
    }
    std::cerr << grouped(done);
    if (total_ != 0) std::cerr << " of " << grouped(total_);
    std::cerr << ", " << grouped(static_cast<std::uint64_t>(static_cast<double>(done) / seconds)) << "/s" << std::flush;
}

void Progress::finish() {
    if (shown_) std::cerr << "\r\x1b[K" << std::flush;
    shown_ = false;
}

}  // namespace giromq::tool
