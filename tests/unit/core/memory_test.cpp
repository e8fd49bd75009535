#include "unit/core/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Memory is bounded by configuration, whatever the backlog, the number of queues, and what consumers hold.
class CoreMemoryTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreMemoryTest);
    CPPUNIT_TEST(memory_does_not_grow_with_the_backlog);
    CPPUNIT_TEST(memory_does_not_grow_with_the_number_of_queues);
    CPPUNIT_TEST(memory_does_not_grow_with_the_number_of_queues_that_nobody_consumes);
    CPPUNIT_TEST(memory_does_not_grow_with_what_is_on_its_way_out);
    CPPUNIT_TEST(memory_does_not_grow_with_what_consumers_hold);
    CPPUNIT_TEST(memory_does_not_grow_with_what_browsers_see_of_what_came_back);
    CPPUNIT_TEST(what_consumers_held_comes_back_whole);
    CPPUNIT_TEST(what_consumers_held_moves_to_the_dead_letter_queue_whole);
    CPPUNIT_TEST(what_consumers_held_and_is_damaged_is_quarantined);
    CPPUNIT_TEST(windows_are_given_back_when_memory_is_short);
    CPPUNIT_TEST(a_queue_that_had_nothing_to_give_back_goes_on);
    CPPUNIT_TEST_SUITE_END();

    void memory_does_not_grow_with_the_backlog() {
        core::CoreSettings settings;
        settings.memory_bytes = 1 << 20;
        settings.queue_window_bytes = 64 * 1024;
        settings.queue_window_messages = 32;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        std::uint64_t most = 0;
        for (int number = 0; number < 3000; ++number) {
            broker.send(queue, "m", {.bytes = 2000});
            most = std::max(most, broker.core->view().memory_bytes);
        }
        CPPUNIT_ASSERT(most <= settings.memory_bytes);
        Taker& taker = broker.take(queue, 10);
        for (std::size_t taken = 0; taken < 3000; ++taken) {
            broker.doors->run();
            most = std::max(most, broker.core->view().memory_bytes);
            CPPUNIT_ASSERT(taken < taker.deliveries.size());
            broker.core->settle(taker.id, taker.deliveries[taken].position, Accepted{}, {});
            taker.credit(1);
        }
        CPPUNIT_ASSERT(most <= 2 * settings.memory_bytes);
    }

    void memory_does_not_grow_with_the_number_of_queues() {
        core::CoreSettings settings;
        settings.memory_bytes = 2 << 20;
        Broker broker(settings);
        for (int number = 0; number < 30; ++number) {
            const auto queue = broker.make_queue("q" + std::to_string(number));
            for (int message = 0; message < 60; ++message) broker.stage(queue, "m", {.bytes = 10'000});
            broker.doors->run();
        }
        for (int number = 0; number < 30; ++number) broker.take(broker.queue("q" + std::to_string(number)), 1);
        broker.doors->run();
        // For each queue one small page beyond the budget, so that it moves on.
        CPPUNIT_ASSERT(broker.core->view().memory_bytes <= settings.memory_bytes + 30 * 80'000);
    }

    void memory_does_not_grow_with_the_number_of_queues_that_nobody_consumes() {
        core::CoreSettings settings;
        settings.memory_bytes = 1 << 20;
        Broker broker(settings);
        for (int number = 0; number < 60; ++number) {
            broker.send(broker.make_queue("q" + std::to_string(number)), "m", {.durable = number % 2 == 0, .bytes = 200'000});
            CPPUNIT_ASSERT(broker.core->view().memory_bytes <= settings.memory_bytes);
        }
        for (int number = 0; number < 60; ++number)
            CPPUNIT_ASSERT_EQUAL("m"s, broker.drain_all(broker.queue("q" + std::to_string(number))));
    }

    /// Pages may come quicker than the COMMITs of what they brought and was removed.
    void memory_does_not_grow_with_what_is_on_its_way_out() {
        for (const bool expired : {true, false}) {
            core::CoreSettings settings;
            settings.memory_bytes = 1 << 20;
            settings.queue_window_bytes = 128 * 1024;
            Broker broker(settings);
            const auto queue = broker.make_queue("q");
            for (int message = 0; message < 2000; ++message) {
                broker.stage(queue, "m", {.expires_in_ms = expired ? 1000 : 0, .bytes = 10'000});
                if (message % 50 == 49) broker.doors->run();
            }
            broker.clock.advance(std::chrono::seconds(2));
            Taker& taker = broker.take_presettled(queue, 2000);
            std::uint64_t most = 0;
            for (int rounds = 0; rounds < 1000; ++rounds) {
                for (int reads = 0; reads < 10; ++reads) broker.doors->answer_page();
                most = std::max(most, broker.core->view().memory_bytes);
                broker.doors->commit_waiting();
            }
            CPPUNIT_ASSERT_EQUAL(expired ? std::size_t{0} : std::size_t{2000}, taker.deliveries.size());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
            CPPUNIT_ASSERT(most <= 3 * settings.memory_bytes);
        }
    }

    static core::CoreSettings scarce_memory() {
        core::CoreSettings settings;
        settings.memory_bytes = 256 * 1024;
        settings.queue_window_bytes = 64 * 1024;
        return settings;
    }

    /// Whatever their size, and with several consumers.
    void memory_does_not_grow_with_what_consumers_hold() {
        const auto settings = scarce_memory();
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        for (int number = 0; number < 600; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 20'000});
        Taker& first = broker.take(queue, 300);
        Taker& second = broker.take_now(queue, 300);
        CPPUNIT_ASSERT_EQUAL(std::size_t{600}, first.deliveries.size() + second.deliveries.size());
        CPPUNIT_ASSERT(broker.core->view().memory_bytes <= settings.memory_bytes + 600 * 2 * sizeof(Message));
        for (Taker* const taker : {&first, &second}) {
            for (const auto& delivery : taker->deliveries) broker.core->settle(taker->id, delivery.position, Accepted{}, {});
        }
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    void memory_does_not_grow_with_what_browsers_see_of_what_came_back() {
        const auto settings = scarce_memory();
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 200; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 20'000});
        broker.take_now(queue, 200).close();
        Taker& browser = broker.browse(queue, 0);
        browser.drain(1000);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 200), browser.texts());
        // What was read last is whole, and beyond the budget, until the next tick.
        const auto most = settings.memory_bytes + 200 * 2 * sizeof(Message);
        CPPUNIT_ASSERT(broker.core->view().memory_bytes <= most + 256 * 1024 + 20'000);
        broker.tick();
        CPPUNIT_ASSERT(broker.core->view().memory_bytes <= most);
        CPPUNIT_ASSERT_EQUAL(numbers(1, 200), broker.drain_all(queue));
    }

    void what_consumers_held_comes_back_whole() {
        for (const bool browsed : {true, false}) {
            Broker broker(scarce_memory());
            const auto queue = broker.make_queue("q");
            for (int number = 1; number <= 50; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 20'000});
            Taker& holder = broker.take_now(queue, 50);
            CPPUNIT_ASSERT_EQUAL(std::size_t{50}, holder.deliveries.size());
            holder.close();
            Taker& taker = browsed ? broker.browse(queue, 0) : broker.take(queue, 0);
            taker.drain(100);
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
            broker.doors->reads_fail = true;
            broker.doors->answer_page();
            broker.doors->reads_fail = false;
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, taker.drained_after.size());
            broker.tick();
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(numbers(1, 50), taker.texts());
            for (const auto& delivery : taker.deliveries) CPPUNIT_ASSERT_EQUAL(std::uint64_t{20'000}, delivery.message->size());
            CPPUNIT_ASSERT_EQUAL(std::size_t{50}, taker.drained_after.at(0));
        }
    }

    void what_consumers_held_moves_to_the_dead_letter_queue_whole() {
        Broker broker(scarce_memory());
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 50; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 20'000});
        Taker& holder = broker.take_now(queue, 50);
        for (int number = 1; number <= 50; ++number) holder.reject("m" + std::to_string(number));
        broker.doors->run();
        const auto dlq = broker.queue("DLQ");
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1'000'000}, broker.view(dlq).bytes);
        Taker& taker = broker.take_now(dlq, 100);
        CPPUNIT_ASSERT_EQUAL(numbers(1, 50), taker.texts());
        CPPUNIT_ASSERT(taker.deliveries.at(49).dead_letter != nullptr);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{20'000}, taker.deliveries.at(49).message->size());
    }

    void what_consumers_held_and_is_damaged_is_quarantined() {
        Broker broker(scarce_memory());
        const auto queue = broker.make_queue("q");
        for (int number = 1; number <= 50; ++number) broker.send(queue, "m" + std::to_string(number), {.bytes = 20'000});
        Taker& holder = broker.take_now(queue, 50);
        broker.store->damage(holder.delivery("m40").message->number);
        holder.close();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 39) + " " + numbers(41, 50), broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).quarantined);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void windows_are_given_back_when_memory_is_short() {
        core::CoreSettings settings;
        settings.memory_bytes = 256 * 1024;
        Broker broker(settings);
        std::vector<DestinationId> queues;
        for (int number = 0; number < 8; ++number) {
            queues.push_back(broker.make_queue("q" + std::to_string(number)));
            for (int message = 1; message <= 30; ++message) broker.send(queues.back(), "m" + std::to_string(message), {.bytes = 3000});
        }
        for (int ticks = 0; ticks < 3; ++ticks) {
            broker.tick();
            broker.doors->run();
        }
        CPPUNIT_ASSERT(broker.core->view().memory_bytes <= settings.memory_bytes * 3 / 4 + 20000);
        for (const auto queue : queues) CPPUNIT_ASSERT_EQUAL(numbers(1, 30), broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    /// Its last entries are gone, and the one before them is on its way out.
    void a_queue_that_had_nothing_to_give_back_goes_on() {
        Broker broker(scarce_memory());
        for (int number = 0; number < 17; ++number) {
            broker.send(broker.make_queue("q" + std::to_string(number)), "m", {.durable = non_persistent, .bytes = 12'000});
        }
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a", {.bytes = 20'000});
        broker.send_all(queue, {"b", "c"}, {.durable = non_persistent});
        Taker& first = broker.take_now(queue, 3);
        for (const char* text : {"a", "b", "c"}) first.accept(text);
        first.close();
        broker.tick();
        broker.doors->run();
        Taker& taker = broker.take_now(queue, 5);
        broker.send_all(queue, {"d", "e", "f"});
        CPPUNIT_ASSERT_EQUAL("d e f"s, taker.texts());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreMemoryTest);

}  // namespace giromq::test
