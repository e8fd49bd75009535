#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <iostream>
#include <optional>
#include <random>
#include <string>

#include "simulation/world.hpp"

/// The simulation: a real core (broker/core) over the store in memory, under a scheduler that owns every order of events, against a
/// model that knows only what a queue is. Its clients send, receive, browse, and work in local transactions and in branches; administrators
/// move, retry and delete.
///
/// The fault model. At any moment
///  - the process may die: what no COMMIT returned for is gone; a batch whose COMMIT was under way is applied or not, and if it was,
///    nobody has been told; memory, connections and everything non-persistent are gone;
///  - the process may be stopped in order, and started again;
///  - the disk may be full: growing units are refused, and all growing ones behind them until growth is resumed; or so full that every
///    unit is refused; for as long as it likes;
///  - reading may fail, for as long as it likes;
///  - connections may tear, with whatever their consumers hold and whatever answers are under way; clients send again what they can name.
/// COMMITs, their completions, snapshots of pages and their arrival may come in any order that the ports allow, with any number of
/// commands between them. A commit in doubt is a crash here, as it is in the broker. Disks that lie, or lose what was synchronised, are
/// not in this model (tests/fault has them); nor are messages damaged here (tests/unit/core has those).
///
/// What must hold is in model.cpp and world.cpp: nothing acknowledged is lost; nothing is delivered that is not in the store, is held by
/// another, was acknowledged, purged, rejected or has expired; strict order; exact delivery counts; no sequence or id stored twice;
/// dead letters arrive with their reasons, in exactly one place; a drained consumer has missed nothing; a browser sees what is there;
/// a transaction is on the disk whole or not at all; counters are right; memory is bounded; nothing gets stuck; and in the end everything
/// can be consumed and leaves nothing behind.
namespace giromq::simulation {
namespace {

/// What the core logs about the faults it is dealt would fill the screen: it goes into a file, of which the end is shown when the
/// process dies, together with the seed.
class Log {
public:
    Log() : screen_(::dup(STDERR_FILENO)), file_(std::tmpfile()) {
        if (std::getenv("GIROMQ_TEST_VERBOSE") == nullptr && file_ != nullptr) ::dup2(::fileno(file_), STDERR_FILENO);
    }
    ~Log() {
        ::dup2(screen_, STDERR_FILENO);
        ::close(screen_);
        if (file_ != nullptr) std::fclose(file_);
    }
    Log(const Log&) = delete;
    Log& operator=(const Log&) = delete;

    void start_over(const std::string& words) {
        std::strncpy(last_words_.data(), words.c_str(), last_words_.size() - 1);
        if (file_ == nullptr) return;
        static_cast<void>(::ftruncate(::fileno(file_), 0) + static_cast<int>(::lseek(::fileno(file_), 0, SEEK_SET)));
    }
    /// Only what a signal handler may do.
    void say_last_words() {
        if (file_ != nullptr) {
            std::array<char, 4096> end{};
            const auto size = ::lseek(::fileno(file_), 0, SEEK_END);
            const auto from = size > 4096 ? size - 4096 : 0;
            const auto length = ::pread(::fileno(file_), end.data(), end.size(), from);
            if (length > 0) say(end.data(), static_cast<std::size_t>(length));
        }
        say(last_words_.data(), std::strlen(last_words_.data()));
    }

private:
    /// Nothing can be done about a failed write of the last words, so it only ends the attempt.
    void say(const char* text, std::size_t length) {
        while (length > 0) {
            const auto written = ::write(screen_, text, length);
            if (written <= 0) return;
            text += written;
            length -= static_cast<std::size_t>(written);
        }
    }

    int screen_;
    std::FILE* file_;
    std::array<char, 512> last_words_{};
};

Log* current_log = nullptr;

extern "C" void on_abort(int) {
    if (current_log != nullptr) current_log->say_last_words();
}

std::string how_to_rerun(std::uint64_t seed, std::uint64_t steps) {
    return "rerun: GIROMQ_TEST_SEED=" + std::to_string(seed) + " GIROMQ_TEST_RUNS=1 GIROMQ_TEST_STEPS=" + std::to_string(steps) +
           " giromq_test_simulation (GIROMQ_TEST_VERBOSE=1 tells every event)";
}

std::optional<std::uint64_t> number_from(const char* name) {
    const char* const text = std::getenv(name);
    return text == nullptr || *text == '\0' ? std::nullopt : std::optional<std::uint64_t>(std::stoull(text));
}

}  // namespace

class SimulationTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SimulationTest);
    CPPUNIT_TEST(random_clients_crashes_and_faults_break_no_promise);
    CPPUNIT_TEST_SUITE_END();

    void random_clients_crashes_and_faults_break_no_promise() {
        const bool is_long = std::getenv("GIROMQ_TEST_LONG") != nullptr;
        const auto first = number_from("GIROMQ_TEST_SEED").value_or(std::random_device{}());
        const auto runs = number_from("GIROMQ_TEST_RUNS").value_or(is_long ? 30000 : 400);
        const auto fixed_steps = number_from("GIROMQ_TEST_STEPS");
        std::cerr << "\nfirst seed " << first << ", " << runs << " runs\n";
        Log log;
        current_log = &log;
        std::signal(SIGABRT, on_abort);
        const auto began = std::chrono::steady_clock::now();
        for (std::uint64_t run = 0; run < runs; ++run) {
            // In CI the time is bounded, not the machine.
            if (!is_long && run >= 50 && std::chrono::steady_clock::now() - began > std::chrono::seconds(25)) break;
            const auto seed = first + run;
            const auto steps = fixed_steps.value_or(seed % 10 == 0 ? 8000 : 800);
            log.start_over("\nin the simulation, " + how_to_rerun(seed, steps) + "\n");
            World world(seed, steps);
            const auto failure = world.run();
            if (std::getenv("GIROMQ_TEST_VERBOSE") != nullptr) std::cerr << world.summary() << '\n';
            if (!failure.empty()) CPPUNIT_FAIL(failure + "\n" + world.summary() + "\n" + how_to_rerun(seed, steps));
        }
        std::signal(SIGABRT, SIG_DFL);
        current_log = nullptr;
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SimulationTest);

}  // namespace giromq::simulation

/// Called by the address sanitizer before it ends the process.
extern "C" void __asan_on_error();
extern "C" void __asan_on_error() { giromq::simulation::on_abort(SIGABRT); }
