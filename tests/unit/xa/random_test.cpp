#include <cppunit/extensions/HelperMacros.h>

#include <cstdlib>
#include <random>
#include <string>

#include "pair.hpp"

/// Random sequences of calls, records, lost sessions, time and crashes, compared with the model after every step.
namespace giromq::xa::test {
namespace {

std::uint32_t random_seed() {
    const char* const given = std::getenv("GIROMQ_TEST_SEED");
    return given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
}

bool is_long_run() {
    const char* const given = std::getenv("GIROMQ_TEST_LONG");
    return given != nullptr && std::string(given) == "1";
}

class Walk {
public:
    explicit Walk(std::uint32_t seed) : random_(seed), takes_courses_(seed % 2 == 0) {}

    void step() {
        const unsigned choice = below(100);
        const unsigned session = 1 + below(4);
        const unsigned xid = 1 + below(Pair::xids);
        if (choice < 12 && takes_courses_) {
            course(session, xid);
        } else if (choice < 26) {
            pair_.start(session, xid, pick({0, 0, tm::join, tm::resume, tm::no_wait}));
        } else if (choice < 36) {
            pair_.work(session, xid);
        } else if (choice < 54) {
            pair_.end(session, xid, pick({tm::success, tm::success, tm::success, tm::fail, tm::suspend, tm::suspend | tm::migrate}));
        } else if (choice < 82) {
            complete(session, xid);
        } else if (choice < 96) {
            if (pair_.waiting_records() > 0) pair_.durable(below(6) == 0 ? Durability::refused : Durability::durable);
        } else if (choice < 97) {
            pair_.lose(session);
        } else if (choice < 99) {
            advance();
        } else {
            pair_.crash(below(static_cast<unsigned>(pair_.waiting_records()) + 1));
        }
    }

private:
    unsigned below(unsigned limit) { return static_cast<unsigned>(random_() % limit); }
    Flags pick(std::initializer_list<Flags> from) { return *(from.begin() + below(static_cast<unsigned>(from.size()))); }

    /// What a manager does when all goes well; chance alone would seldom get that far.
    void course(unsigned session, unsigned xid) {
        pair_.start(session, xid);
        pair_.work(session, xid);
        pair_.end(session, xid);
        pair_.complete("prepare", session, xid);
    }

    void complete(unsigned session, unsigned xid) {
        const unsigned choice = below(20);
        if (choice < 7) {
            pair_.complete("prepare", session, xid);
        } else if (choice < 12) {
            pair_.complete("commit", session, xid, pick({0, 0, tm::one_phase, tm::no_wait}));
        } else if (choice < 16) {
            pair_.complete("rollback", session, xid);
        } else if (choice < 18) {
            pair_.complete("forget", session, xid);
        } else {
            pair_.complete(choice == 18 ? "resolve_commit" : "resolve_rollback", 0, xid);
        }
    }

    void advance() {
        constexpr std::int64_t times[] = {
            1'000, 1'000, 1'000, SpecModel::timeout_ms / 2, SpecModel::timeout_ms, SpecModel::doomed_ms, SpecModel::tombstone_ms};
        pair_.advance(times[below(7)]);
    }

    std::mt19937 random_;
    bool takes_courses_;  // half of the walks stay among the early states for longer
    Pair pair_;
};

}  // namespace

class RandomTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RandomTest);
    CPPUNIT_TEST(random_sequences_with_crashes_are_as_specified);
    CPPUNIT_TEST_SUITE_END();

    void random_sequences_with_crashes_are_as_specified() {
        const std::uint32_t first = random_seed();
        const std::uint32_t runs = is_long_run() ? 50'000 : 1'500;
        for (std::uint32_t seed = first; seed != first + runs; ++seed) {
            Walk walk(seed);
            try {
                for (int step = 0; step < 120; ++step) walk.step();
            } catch (const CppUnit::Exception& failure) {
                CPPUNIT_FAIL("GIROMQ_TEST_SEED=" + std::to_string(seed) + ": " + failure.what());
            }
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RandomTest);

}  // namespace giromq::xa::test
