#include "unit/core/broker.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// Destinations at their limit, and producers that are held back by credit.
class CoreLimitsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreLimitsTest);
    CPPUNIT_TEST(a_full_queue_refuses);
    CPPUNIT_TEST(a_queue_full_of_bytes_refuses);
    CPPUNIT_TEST(what_is_under_way_counts);
    CPPUNIT_TEST(a_refused_send_gives_its_room_back);
    CPPUNIT_TEST(limits_hold_after_a_restart);
    CPPUNIT_TEST(a_producer_is_told_its_window_at_once);
    CPPUNIT_TEST(a_full_queue_holds_its_producers_back);
    CPPUNIT_TEST(a_held_queue_takes_what_its_producers_had_credit_for);
    CPPUNIT_TEST(a_held_queue_refuses_the_anonymous_relay);
    CPPUNIT_TEST(a_held_queue_is_full_for_a_producer_that_comes_later);
    CPPUNIT_TEST(a_producer_that_has_sent_nothing_is_told_that_others_filled_the_queue);
    CPPUNIT_TEST(a_held_queue_that_was_full_at_start_lets_producers_go_on);
    CPPUNIT_TEST(a_held_queue_that_was_nearly_full_at_start_takes_what_there_is_room_for);
    CPPUNIT_TEST(a_held_queue_comes_to_its_limit_and_not_far_beyond);
    CPPUNIT_TEST(a_held_queue_of_bytes_comes_to_its_limit_and_not_far_beyond);
    CPPUNIT_TEST(one_message_less_does_not_wake_every_producer);
    CPPUNIT_TEST(room_made_by_expiry_purge_and_dead_letters_is_told);
    CPPUNIT_TEST(a_held_queue_survives_a_refused_send);
    CPPUNIT_TEST(the_anonymous_relay_is_never_held_back_by_one_queue);
    CPPUNIT_TEST(too_much_under_way_holds_everybody_back);
    CPPUNIT_TEST(chunks_under_way_hold_everybody_back);
    CPPUNIT_TEST(messages_to_nowhere_are_refused);
    CPPUNIT_TEST_SUITE_END();

    static std::function<void(DestinationSettings&)> limited(std::uint64_t messages, OverflowPolicy overflow = OverflowPolicy::refuse) {
        return [=](DestinationSettings& settings) {
            settings.max_messages = messages;
            settings.overflow = overflow;
        };
    }

    void a_full_queue_refuses() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(2));
        broker.send_many(queue, "m", 2);
        CPPUNIT_ASSERT(broker.send(queue, "x")->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(broker.send(queue, "x", {.durable = non_persistent})->refused_with(core::errc::resource_limit));
        Taker& taker = broker.take_now(queue, 2);
        CPPUNIT_ASSERT(!broker.send(queue, "x")->accepted());  // locked messages are still there
        taker.accept("m1");
        CPPUNIT_ASSERT(!broker.stage(queue, "x")->accepted());  // and not durably gone
        broker.doors->run();
        CPPUNIT_ASSERT(broker.send(queue, "x")->accepted());
    }

    void a_queue_full_of_bytes_refuses() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) { settings.max_bytes = 1000; });
        CPPUNIT_ASSERT(broker.send(queue, "a", {.bytes = 600})->accepted());
        CPPUNIT_ASSERT(broker.send(queue, "b", {.bytes = 401})->refused_with(core::errc::resource_limit));
        CPPUNIT_ASSERT(broker.send(queue, "c", {.bytes = 400})->accepted());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, broker.view(queue).bytes);
    }

    void what_is_under_way_counts() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(2));
        broker.stage(queue, "a");
        broker.stage(queue, "b");
        CPPUNIT_ASSERT(broker.stage(queue, "c")->refused_with(core::errc::resource_limit));
    }

    void a_refused_send_gives_its_room_back() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(1));
        broker.doors->disk_full = true;
        broker.send(queue, "a");
        broker.doors->disk_full = false;
        broker.tick(2s);
        CPPUNIT_ASSERT(broker.send(queue, "b")->accepted());
    }

    void limits_hold_after_a_restart() {
        for (const bool clean : {true, false}) {
            Broker broker;
            broker.send_many(broker.make_queue("q", limited(2)), "m", 2);
            clean ? broker.restart() : broker.crash();
            CPPUNIT_ASSERT(!broker.send(broker.queue("q"), "x")->accepted());
            broker.drain_all(broker.queue("q"));
            CPPUNIT_ASSERT(broker.send(broker.queue("q"), "x")->accepted());
        }
    }

    void a_producer_is_told_its_window_at_once() {
        Broker broker;
        CPPUNIT_ASSERT_EQUAL(broker.settings.producer_window, broker.open_sender(broker.make_queue("q")).room());
        CPPUNIT_ASSERT_EQUAL(broker.settings.producer_window, broker.open_sender({}).room());
    }

    void a_full_queue_holds_its_producers_back() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(2, OverflowPolicy::hold));
        Sender& sender = broker.open_sender(queue);
        Sender& other = broker.open_sender(broker.make_queue("other"));
        broker.send(queue, "a", {.producer = sender.id});
        CPPUNIT_ASSERT(sender.room() > 0);
        broker.stage(queue, "b", {.producer = sender.id});
        CPPUNIT_ASSERT_EQUAL(0u, sender.room());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(0u, sender.room());
        CPPUNIT_ASSERT(other.room() > 0);
        Taker& taker = broker.take_now(queue, 1);
        taker.accept("a");
        CPPUNIT_ASSERT_EQUAL(0u, sender.room());
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(1u, sender.room());
    }

    /// Credit that was given cannot be taken back: what comes on it is taken, though the queue is full by then.
    void a_held_queue_takes_what_its_producers_had_credit_for() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(2, OverflowPolicy::hold));
        Sender& sender = broker.open_sender(queue);
        std::vector<SendAnswerPtr> answers;
        for (int number = 1; number <= 5; ++number) {
            answers.push_back(broker.stage(queue, "m" + std::to_string(number), {.producer = sender.id}));
        }
        broker.doors->run();
        for (const auto& answer : answers) CPPUNIT_ASSERT(answer->accepted());
        CPPUNIT_ASSERT_EQUAL(0u, sender.room());
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5"s, broker.drain_all(queue));
        CPPUNIT_ASSERT(sender.room() > 0);
    }

    void a_held_queue_refuses_the_anonymous_relay() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(1, OverflowPolicy::hold));
        Sender& relay = broker.open_sender({});
        CPPUNIT_ASSERT(broker.send(queue, "a", {.producer = relay.id})->accepted());
        CPPUNIT_ASSERT(broker.send(queue, "b", {.producer = relay.id})->refused_with(core::errc::resource_limit));
    }

    void a_held_queue_is_full_for_a_producer_that_comes_later() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(1, OverflowPolicy::hold));
        broker.send(queue, "a");
        Sender& sender = broker.open_sender(queue);
        CPPUNIT_ASSERT_EQUAL(0u, sender.room());
        broker.drain_all(queue);
        CPPUNIT_ASSERT(sender.room() > 0);
    }

    void a_producer_that_has_sent_nothing_is_told_that_others_filled_the_queue() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(1, OverflowPolicy::hold));
        Sender& sender = broker.open_sender(queue);
        CPPUNIT_ASSERT_EQUAL(1U, sender.room());
        broker.send(queue, "a");  // over the anonymous relay
        CPPUNIT_ASSERT_EQUAL(0U, sender.room());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(1U, sender.room());
    }

    void a_held_queue_that_was_full_at_start_lets_producers_go_on() {
        for (const bool clean : {true, false}) {
            Broker broker;
            broker.send(broker.make_queue("q", limited(1, OverflowPolicy::hold)), "a");
            clean ? broker.restart() : broker.crash();
            Sender& sender = broker.open_sender(broker.queue("q"));
            CPPUNIT_ASSERT_EQUAL(0u, sender.room());
            broker.drain_all(broker.queue("q"));
            CPPUNIT_ASSERT(sender.room() > 0);
        }
    }

    void a_held_queue_that_was_nearly_full_at_start_takes_what_there_is_room_for() {
        Broker broker;
        broker.send_many(broker.make_queue("q", limited(40, OverflowPolicy::hold)), "m", 39);
        broker.restart();
        Sender& sender = broker.open_sender(broker.queue("q"));
        CPPUNIT_ASSERT_EQUAL(1U, sender.room());
        broker.send(broker.queue("q"), "n", {.producer = sender.id});
        CPPUNIT_ASSERT_EQUAL(0U, sender.room());
    }

    /// Producers that use every credit they are given, in the way a link does: so many may be unsettled as the window says, and what was
    /// told at first they still have when the others have come.
    static void send_all_there_is_credit_for(Broker& broker, DestinationId queue, const std::vector<Sender*>& senders,
                                             SendOptions options) {
        bool first = true;
        for (bool sent = true; sent; first = false) {
            sent = false;
            for (Sender* const sender : senders) {
                const auto window = first ? sender->windows.at(0) : sender->room();
                for (std::uint32_t number = 0; number < window; ++number) {
                    options.producer = sender->id;
                    CPPUNIT_ASSERT(!broker.stage(queue, "m", options)->given());
                    sent = true;
                }
            }
            broker.doors->run();
        }
    }

    void a_held_queue_comes_to_its_limit_and_not_far_beyond() {
        for (const std::size_t producers : {1u, 2u, 10u, 100u}) {
            Broker broker;
            const auto queue = broker.make_queue("q", limited(1000, OverflowPolicy::hold));
            std::vector<Sender*> senders;
            for (std::size_t number = 0; number < producers; ++number) senders.push_back(&broker.open_sender(queue));
            send_all_there_is_credit_for(broker, queue, senders, {});
            const auto messages = broker.view(queue).messages;
            CPPUNIT_ASSERT(messages >= 1000);
            CPPUNIT_ASSERT(messages <= 1500 + producers);
            for (const Sender* const sender : senders) CPPUNIT_ASSERT_EQUAL(0u, sender->room());
        }
    }

    void a_held_queue_of_bytes_comes_to_its_limit_and_not_far_beyond() {
        Broker broker;
        const auto queue = broker.make_queue("q", [](auto& settings) {
            settings.max_bytes = 10'000'000;
            settings.overflow = OverflowPolicy::hold;
        });
        std::vector<Sender*> senders;
        for (int number = 0; number < 100; ++number) senders.push_back(&broker.open_sender(queue));
        send_all_there_is_credit_for(broker, queue, senders, {.bytes = 10'000});
        CPPUNIT_ASSERT(broker.view(queue).bytes >= 10'000'000);
        CPPUNIT_ASSERT(broker.view(queue).bytes <= 16'000'000);
    }

    /// One goes and one comes, at the limit: the others need not hear of it each time.
    void one_message_less_does_not_wake_every_producer() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(160, OverflowPolicy::hold));
        std::vector<Sender*> senders;
        for (int number = 0; number < 20; ++number) senders.push_back(&broker.open_sender(queue));
        send_all_there_is_credit_for(broker, queue, senders, {});
        Taker& taker = broker.take_now(queue, 1000);
        std::size_t taken = 0;
        const auto accept_one = [&] {
            broker.core->settle(taker.id, taker.deliveries.at(taken++).position, Accepted{}, {});
            broker.doors->run();
        };
        while (broker.view(queue).messages > 160) accept_one();
        const auto told = senders[1]->windows.size();
        for (int round = 0; round < 40; ++round) {
            accept_one();
            if (senders[0]->room() > 0) broker.send(queue, "m", {.producer = senders[0]->id});
        }
        CPPUNIT_ASSERT(senders[0]->room() > 0);
        CPPUNIT_ASSERT(senders[1]->windows.size() - told <= 5);
    }

    void room_made_by_expiry_purge_and_dead_letters_is_told() {
        for (int way = 0; way < 4; ++way) {
            Broker broker;
            const auto queue = broker.make_queue("q", limited(1, OverflowPolicy::hold));
            Sender& sender = broker.open_sender(queue);
            broker.send(queue, "a", {.durable = way != 3, .expires_in_ms = way == 0 ? 50 : 0, .producer = sender.id});
            CPPUNIT_ASSERT_EQUAL(0u, sender.room());
            if (way == 0) broker.tick();
            if (way == 1 || way == 3) broker.core->purge_queue(queue, [](const Result<std::uint64_t>&) {});
            if (way == 2) {
                Taker& taker = broker.take_now(queue, 1);
                taker.reject("a");
            }
            broker.doors->run();
            CPPUNIT_ASSERT(sender.room() > 0);
        }
    }

    void a_held_queue_survives_a_refused_send() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(1, OverflowPolicy::hold));
        Sender& sender = broker.open_sender(queue);
        broker.doors->disk_full = true;
        broker.send(queue, "a", {.producer = sender.id});
        CPPUNIT_ASSERT(sender.room() > 0);
    }

    void the_anonymous_relay_is_never_held_back_by_one_queue() {
        Broker broker;
        const auto queue = broker.make_queue("q", limited(1, OverflowPolicy::hold));
        Sender& relay = broker.open_sender({});
        broker.send(queue, "a", {.producer = relay.id});
        broker.send(queue, "b", {.producer = relay.id});
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, relay.windows.size());
    }

    void too_much_under_way_holds_everybody_back() {
        core::CoreSettings settings;
        settings.memory_bytes = 100'000;
        Broker broker(settings);
        const auto queue = broker.make_queue("q");
        Sender& sender = broker.open_sender(queue);
        Sender& relay = broker.open_sender({});
        for (int number = 0; number < 6; ++number) broker.stage(queue, "m", {.bytes = 10'000});
        CPPUNIT_ASSERT_EQUAL(0u, sender.room());
        CPPUNIT_ASSERT_EQUAL(0u, relay.room());
        Sender& late = broker.open_sender(queue);
        CPPUNIT_ASSERT_EQUAL(0u, late.room());
        broker.doors->run();
        CPPUNIT_ASSERT(sender.room() > 0 && relay.room() > 0 && late.room() > 0);
    }

    void chunks_under_way_hold_everybody_back() {
        core::CoreSettings settings;
        settings.memory_bytes = 100'000;
        Broker broker(settings);
        Sender& sender = broker.open_sender(broker.make_queue("q"));
        const auto number = broker.core->begin_chunks();
        std::vector<Answer<void>> stored(6);
        for (std::uint32_t index = 0; index < 6; ++index) {
            broker.core->append_chunk(number, index, SharedBytes::copy_of(std::string(10'000, 'x')), stored[index].callback());
        }
        CPPUNIT_ASSERT_EQUAL(0u, sender.room());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{60'000}, broker.core->view().memory_bytes);
        broker.doors->run();
        CPPUNIT_ASSERT(sender.room() > 0);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
        for (const auto& answer : stored) CPPUNIT_ASSERT(answer.ok());
    }

    void messages_to_nowhere_are_refused() {
        Broker broker;
        CPPUNIT_ASSERT(broker.send(DestinationId{999}, "a")->refused_with(core::errc::deleted));
        CPPUNIT_ASSERT(broker.send({}, "a")->refused_with(core::errc::deleted));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreLimitsTest);

}  // namespace giromq::test
