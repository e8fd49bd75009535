#pragma once

#include <utility>

#include "base/executor.hpp"
#include "core/ports.hpp"

namespace giromq::daemon {

/// The core's way to the thread that judges messages by selectors.
class SelectorWork final : public core::WorkPort {
public:
    SelectorWork(Executor& worker, Executor& core) : worker_(worker), core_(core) {}

    void run(Task work, Task done) override {
        worker_.execute([&core = core_, work = std::move(work), done = std::move(done)]() mutable {
            work();
            core.execute(std::move(done));
        });
    }

private:
    Executor& worker_;
    Executor& core_;
};

}  // namespace giromq::daemon
