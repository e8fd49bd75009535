#include <cppunit/extensions/HelperMacros.h>

#include "unit/store/engines.hpp"
#include "unit/store/random_seed.hpp"
#include "unit/store/workload.hpp"

namespace giromq::store::test {
namespace {

/// Random batches, clean and unclean restarts, and background work in between, against a model of what the store should hold.
template <typename Engine>
class RandomStoreTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(RandomStoreTest<Engine>);
    CPPUNIT_TEST(a_store_holds_exactly_what_was_committed);
    CPPUNIT_TEST_SUITE_END();

public:
    void a_store_holds_exactly_what_was_committed() {
        const auto seed = random_seed();
        const auto seed_text = "GIROMQ_TEST_SEED=" + std::to_string(seed);
        Engine engine;
        Workload workload(seed);
        auto driver = std::make_unique<StoreDriver>(engine.open());
        const int rounds = is_long_run() ? 10000 : 400;
        for (int round = 0; round < rounds; ++round) {
            const auto operations = workload.next_batch(12);
            driver->next_position = workload.next_position;
            driver->next_message = workload.next_message;
            driver->next_destination = workload.next_destination;
            driver->commit(operations);
            if (workload.one_in(4)) CPPUNIT_ASSERT(driver->store().maintain().ok());
            if (workload.one_in(20)) {
                const auto found = difference(*driver, workload, 1 + workload.below(20));
                CPPUNIT_ASSERT_MESSAGE(seed_text + ": " + found, found.empty());
            }
            if (!workload.one_in(40)) continue;
            const bool cleanly = workload.one_in(2);
            if (cleanly) driver->release();
            driver.reset();
            driver = std::make_unique<StoreDriver>(engine.open());
            workload.restarted(cleanly);
            const auto found = difference_at_start(driver->recovered(), workload);
            CPPUNIT_ASSERT_MESSAGE(seed_text + ": " + found, found.empty());
            CPPUNIT_ASSERT_EQUAL(workload.next_position, driver->recovered().next_position.value);
        }
        driver->maintain_all();
        const auto found = difference(*driver, workload, 256);
        CPPUNIT_ASSERT_MESSAGE(seed_text + ": " + found, found.empty());
        driver.reset();
        verify(engine, seed_text);
    }

private:
    static void verify(MemoryEngine&, const std::string&) {}
    static void verify(SqliteEngine& engine, const std::string& seed_text) {
        const auto checked = check_sqlite_store(engine.settings.directory, [](const std::string&) {});
        CPPUNIT_ASSERT_MESSAGE(seed_text + ": " + (checked.ok() ? "" : checked.error().to_string()), checked.ok());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(RandomStoreTest<MemoryEngine>);
CPPUNIT_TEST_SUITE_REGISTRATION(RandomStoreTest<SqliteEngine>);

}  // namespace
}  // namespace giromq::store::test
