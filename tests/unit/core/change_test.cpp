#include <algorithm>
#include <random>

#include "unit/core/selecting.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Administrators look at messages, move and delete them, and pause queues: nothing is lost, doubled or shown too early.
class CoreChangeTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreChangeTest);
    CPPUNIT_TEST(a_look_shows_everything_and_changes_nothing);
    CPPUNIT_TEST(a_look_goes_through_window_and_store);
    CPPUNIT_TEST(a_look_shows_what_is_in_memory_only_in_its_place);
    CPPUNIT_TEST(a_look_shows_what_a_selector_selects);
    CPPUNIT_TEST(a_look_does_not_show_what_is_not_durable);
    CPPUNIT_TEST(named_messages_move_in_one_unit);
    CPPUNIT_TEST(named_messages_behind_the_window_move);
    CPPUNIT_TEST(what_a_consumer_holds_stays_with_it);
    CPPUNIT_TEST(what_is_held_goes_to_nobody_else);
    CPPUNIT_TEST(what_is_held_and_not_changed_goes_back_to_its_place);
    CPPUNIT_TEST(nothing_is_shown_at_the_target_before_commit);
    CPPUNIT_TEST(a_refused_move_leaves_everything_in_its_place);
    CPPUNIT_TEST(a_full_target_takes_no_more);
    CPPUNIT_TEST(a_crash_leaves_each_message_in_exactly_one_queue);
    CPPUNIT_TEST(a_message_in_memory_only_moves);
    CPPUNIT_TEST(a_retried_dead_letter_is_none_any_more);
    CPPUNIT_TEST(a_dead_letter_without_an_origin_stays);
    CPPUNIT_TEST(a_moved_dead_letter_stays_one);
    CPPUNIT_TEST(deleted_messages_are_gone_from_the_store);
    CPPUNIT_TEST(a_bounded_consumer_gets_nothing_behind_its_bound);
    CPPUNIT_TEST(an_administrator_may_take_more_ahead_than_consumers);
    CPPUNIT_TEST(dead_letters_may_not_go_to_a_temporary_queue);
    CPPUNIT_TEST(a_bounded_consumer_with_a_selector_gets_nothing_behind_its_bound);
    CPPUNIT_TEST(a_moving_administrator_is_no_consumer_in_the_counts);
    CPPUNIT_TEST(random_moves_lose_and_double_nothing);
    CPPUNIT_TEST(a_paused_queue_gives_nothing_until_it_goes_on);
    CPPUNIT_TEST(a_paused_queue_answers_drains);
    CPPUNIT_TEST(a_paused_queue_refuses_sends);
    CPPUNIT_TEST(a_pause_outlives_a_restart);
    CPPUNIT_TEST(changed_settings_count_only_when_they_are_durable);
    CPPUNIT_TEST(queues_are_listed_by_depth_page_by_page);
    CPPUNIT_TEST_SUITE_END();

    using Kind = core::ChangeCommand::Kind;

    /// An administrator: what is held, and what became of it.
    struct Hand {
        Hand(Broker& its_broker, DestinationId queue, core::ConsumerCommand command = {}) : broker(its_broker) {
            command.is_administrative = true;
            taker = &broker.take(queue, 0, std::move(command));
        }
        std::vector<core::Change> hold(std::vector<Position> positions) {
            std::vector<core::Change> held;
            broker.core->hold(taker->id, std::move(positions), [&](std::vector<core::Change> changes) { held = std::move(changes); });
            broker.run();
            return held;
        }
        void stage(Kind kind, std::vector<Position> positions, DestinationId target = {}) {
            core::ChangeCommand command;
            command.kind = kind;
            command.holder = taker->id;
            command.positions = std::move(positions);
            command.target = target;
            command.done = [this](core::ChangeCommand::Answer given) {
                answer = std::move(given);
                ++answers;
            };
            broker.core->change(std::move(command));
        }
        const std::vector<core::Change>& change(Kind kind, std::vector<Position> positions, DestinationId target = {}) {
            const auto before = answers;
            stage(kind, std::move(positions), target);
            broker.run();
            CPPUNIT_ASSERT_EQUAL(before + 1, answers);
            CPPUNIT_ASSERT(!answer.refused);
            return answer.changes;
        }
        Broker& broker;
        Taker* taker = nullptr;
        core::ChangeCommand::Answer answer;
        int answers = 0;
    };

    struct Seen {
        std::vector<core::LookedAt> items;
        std::uint64_t looked = 0;
        std::string texts() const {
            Texts all;
            for (const auto& item : items) all.push_back(text_of(*item.stored.message));
            return join(all);
        }
        /// The places of those texts, in order.
        std::vector<Position> places(const Texts& texts) const {
            std::vector<Position> found;
            for (const auto& item : items) {
                const auto text = text_of(*item.stored.message);
                if (std::find(texts.begin(), texts.end(), text) != texts.end()) found.push_back(item.stored.key.position);
            }
            return found;
        }
    };

    /// All of a queue, stretch by stretch.
    static Seen look(Broker& broker, DestinationId queue, std::uint32_t entries = 7, selector::ProgramPtr selector = nullptr) {
        Seen seen;
        Position after;
        for (int stretches = 0;; ++stretches) {
            CPPUNIT_ASSERT(stretches < 10000);
            std::optional<core::Stretch> stretch;
            core::LookCommand command;
            command.queue = queue;
            command.after = after;
            command.entries_max = entries;
            command.selector = selector;
            command.done = [&](Result<core::Stretch> answer) { stretch = std::move(answer).value(); };
            broker.core->look(std::move(command));
            broker.run();
            CPPUNIT_ASSERT(stretch.has_value());
            seen.looked += stretch->looked;
            for (auto& item : stretch->items) seen.items.push_back(std::move(item));
            if (stretch->is_end) return seen;
            after = stretch->through;
        }
    }

    static void expect(core::Change expected, const std::vector<core::Change>& changes, std::size_t index) {
        CPPUNIT_ASSERT(index < changes.size());
        CPPUNIT_ASSERT_EQUAL(static_cast<int>(expected), static_cast<int>(changes[index]));
    }
    static void expect_all_done(const std::vector<core::Change>& changes, std::size_t count) {
        CPPUNIT_ASSERT_EQUAL(count, changes.size());
        for (std::size_t index = 0; index < count; ++index) expect(core::Change::done, changes, index);
    }

    void a_look_shows_everything_and_changes_nothing() {
        Broker broker;
        const auto queue = broker.make_filled_queue(5);
        Taker& taker = broker.take_now(queue, 2);
        const auto seen = look(broker, queue);
        CPPUNIT_ASSERT_EQUAL(numbers(1, 5), seen.texts());
        CPPUNIT_ASSERT(seen.items[0].state == core::LookedAt::State::delivering);
        CPPUNIT_ASSERT(seen.items[2].state == core::LookedAt::State::available);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).delivered);
        taker.release("m1");
        taker.release("m2");
        broker.run();
        CPPUNIT_ASSERT_EQUAL(0u, look(broker, queue).items[0].delivery_count);
    }

    void a_look_goes_through_window_and_store() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(200);
        Taker& taker = broker.take_now(queue, 3);
        taker.accept("m2");
        broker.run();
        const auto seen = look(broker, queue);
        CPPUNIT_ASSERT_EQUAL("m1 "s + numbers(3, 200), seen.texts());
        CPPUNIT_ASSERT(broker.view(queue).window_messages < 100);
    }

    void a_look_shows_what_is_in_memory_only_in_its_place() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        broker.send(queue, "b", {.durable = non_persistent});
        broker.send(queue, "c");
        CPPUNIT_ASSERT_EQUAL("a b c"s, look(broker, queue, 1).texts());
        CPPUNIT_ASSERT_EQUAL("a c"s, broker.stored(queue));
    }

    void a_look_shows_what_a_selector_selects() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(300, 10);
        const auto seen = look(broker, queue, 64, broker.program(red));
        CPPUNIT_ASSERT_EQUAL(std::size_t{30}, seen.items.size());
        CPPUNIT_ASSERT_EQUAL("r11"s, text_of(*seen.items[1].stored.message));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{300}, seen.looked);
    }

    void a_look_does_not_show_what_is_not_durable() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        broker.stage(queue, "m2");
        std::optional<core::Stretch> stretch;
        core::LookCommand command;
        command.queue = queue;
        command.done = [&](Result<core::Stretch> answer) { stretch = std::move(answer).value(); };
        broker.core->look(std::move(command));
        CPPUNIT_ASSERT(stretch.has_value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, stretch->items.size());
        CPPUNIT_ASSERT(stretch->is_end);
        broker.run();
    }

    void named_messages_move_in_one_unit() {
        Broker broker;
        const auto queue = broker.make_filled_queue(5);
        const auto other = broker.make_queue("other");
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"m2", "m4"});
        expect_all_done(hand.hold(places), 2);
        hand.stage(Kind::move, places, other);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.doors->waiting().size());
        broker.run();
        expect_all_done(hand.answer.changes, 2);
        CPPUNIT_ASSERT_EQUAL("m1 m3 m5"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL("m2 m4"s, broker.drain_all(other));
    }

    void named_messages_behind_the_window_move() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(200);
        const auto other = broker.make_queue("other");
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"m1", "m150", "m151", "m200"});
        expect_all_done(hand.hold(places), 4);
        expect_all_done(hand.change(Kind::move, places, other), 4);
        hand.taker->close();
        CPPUNIT_ASSERT_EQUAL("m1 m150 m151 m200"s, broker.drain_all(other));
        CPPUNIT_ASSERT_EQUAL(numbers(2, 149) + " " + numbers(152, 199), broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).messages);
    }

    void what_a_consumer_holds_stays_with_it() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Taker& taker = broker.take_now(queue, 1);
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"m1", "m2"});
        const auto held = hand.hold({places[0], places[1], Position{places[1].value + 1000}});
        expect(core::Change::locked, held, 0);
        expect(core::Change::done, held, 1);
        expect(core::Change::not_found, held, 2);
        expect(core::Change::locked, hand.change(Kind::remove, {places[0]}), 0);
        taker.accept("m1");
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, broker.view(queue).messages);
    }

    void what_is_held_goes_to_nobody_else() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(100);
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"m1", "m90"});
        expect_all_done(hand.hold(places), 2);
        Taker& taker = broker.take_now(queue, 1000);
        CPPUNIT_ASSERT_EQUAL(numbers(2, 89) + " " + numbers(91, 100), taker.texts());
        Hand second(broker, queue);
        expect(core::Change::locked, second.hold(places), 1);
    }

    void what_is_held_and_not_changed_goes_back_to_its_place() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(100);
        {
            Hand hand(broker, queue);
            expect_all_done(hand.hold(look(broker, queue).places({"m1", "m90"})), 2);
            hand.taker->close();
        }
        Taker& taker = broker.take_now(queue, 1000);
        CPPUNIT_ASSERT_EQUAL(numbers(1, 100), taker.texts());
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("m1"));
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("m90"));
    }

    void nothing_is_shown_at_the_target_before_commit() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send_all(queue, {"a", "b"}, {.durable = non_persistent});
        broker.send(queue, "c");
        const auto other = broker.make_queue("other");
        Taker& taker = broker.take_now(other, 10);
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"a", "b", "c"});
        hand.hold(places);
        hand.stage(Kind::move, places, other);
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(0, hand.answers);
        broker.run();
        CPPUNIT_ASSERT_EQUAL("a b c"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL(1, hand.answers);
    }

    void a_refused_move_leaves_everything_in_its_place() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        broker.send(queue, "v", {.durable = non_persistent});
        const auto other = broker.make_queue("other");
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"m1", "m2", "v"});
        hand.hold(places);
        broker.doors->refuse_all = true;
        hand.stage(Kind::move, places, other);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(1, hand.answers);
        CPPUNIT_ASSERT(hand.answer.refused.has_value());
        broker.doors->refuse_all = false;
        hand.taker->close();
        CPPUNIT_ASSERT_EQUAL(""s, broker.drain_all(other));
        CPPUNIT_ASSERT_EQUAL("m1 m2 m3 v"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(other).messages);
    }

    void a_full_target_takes_no_more() {
        Broker broker;
        const auto queue = broker.make_filled_queue(4);
        const auto other = broker.make_queue("other", [](auto& settings) { settings.max_messages = 2; });
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"m1", "m2", "m3", "m4"});
        hand.hold(places);
        const auto changes = hand.change(Kind::move, places, other);
        expect(core::Change::done, changes, 1);
        expect(core::Change::resource_limit, changes, 2);
        expect(core::Change::resource_limit, changes, 3);
        hand.taker->close();
        CPPUNIT_ASSERT_EQUAL("m3 m4"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL("m1 m2"s, broker.drain_all(other));
    }

    void a_crash_leaves_each_message_in_exactly_one_queue() {
        for (const bool is_written : {false, true}) {
            Broker broker;
            auto queue = broker.make_filled_queue(3);
            auto other = broker.make_queue("other");
            Hand hand(broker, queue);
            const auto places = look(broker, queue).places({"m1", "m3"});
            hand.hold(places);
            hand.stage(Kind::move, places, other);
            if (is_written) broker.doors->write();
            broker.crash();
            queue = broker.queue("q");
            other = broker.queue("other");
            CPPUNIT_ASSERT_EQUAL(is_written ? "m2"s : "m1 m2 m3"s, broker.drain_all(queue));
            CPPUNIT_ASSERT_EQUAL(is_written ? "m1 m3"s : ""s, broker.drain_all(other));
        }
    }

    void a_message_in_memory_only_moves() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send_all(queue, {"a", "b"}, {.durable = non_persistent});
        const auto other = broker.make_queue("other");
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"a"});
        expect_all_done(hand.hold(places), 1);
        expect_all_done(hand.change(Kind::move, places, other), 1);
        CPPUNIT_ASSERT_EQUAL("b"s, broker.drain_all(queue));
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(other));
    }

    /// The queue "q" with three dead letters of it in DLQ; one of them will have expired by then.
    static DestinationId make_dead_letters(Broker& broker) {
        const auto queue = broker.make_queue("q");
        broker.send_all(queue, {"a", "b"});
        broker.send(queue, "c", {.expires_in_ms = 1000});
        Taker& taker = broker.take_now(queue, 3);
        for (const auto* const text : {"a", "b", "c"}) taker.reject(text);
        broker.run();
        taker.close();
        broker.tick(std::chrono::seconds(2));
        return queue;
    }

    void a_retried_dead_letter_is_none_any_more() {
        Broker broker;
        const auto queue = make_dead_letters(broker);
        const auto dead = broker.queue("DLQ");
        Hand hand(broker, dead);
        const auto places = look(broker, dead).places({"a", "b", "c"});
        expect_all_done(hand.hold(places), 3);
        const auto changes = hand.change(Kind::retry, places);
        expect(core::Change::done, changes, 0);
        expect(core::Change::done, changes, 1);
        expect(core::Change::expired, changes, 2);
        Taker& taker = broker.take_now(queue, 10);
        CPPUNIT_ASSERT_EQUAL("a b"s, taker.texts());
        CPPUNIT_ASSERT(taker.delivery("a").dead_letter == nullptr);
        CPPUNIT_ASSERT_EQUAL(0u, taker.count("a"));
        hand.taker->close();
        CPPUNIT_ASSERT_EQUAL("c"s, broker.drain_all(dead));
    }

    void a_dead_letter_without_an_origin_stays() {
        Broker broker;
        const auto queue = make_dead_letters(broker);
        Answer<void> deleted;
        broker.core->delete_queue(queue, true, deleted.callback());
        broker.run();
        const auto dead = broker.queue("DLQ");
        broker.send(dead, "stray");
        Hand hand(broker, dead);
        const auto places = look(broker, dead).places({"a", "stray"});
        hand.hold(places);
        const auto changes = hand.change(Kind::retry, places);
        expect(core::Change::no_origin, changes, 0);
        expect(core::Change::no_origin, changes, 1);
        hand.taker->close();
        CPPUNIT_ASSERT_EQUAL("a b c stray"s, broker.drain_all(dead));
    }

    void a_moved_dead_letter_stays_one() {
        Broker broker;
        make_dead_letters(broker);
        const auto dead = broker.queue("DLQ");
        const auto other = broker.make_queue("other");
        Hand hand(broker, dead);
        const auto places = look(broker, dead).places({"a", "c"});
        hand.hold(places);
        expect_all_done(hand.change(Kind::move, places, other), 2);
        broker.crash();
        Taker& taker = broker.take_now(broker.queue("other"), 10);
        CPPUNIT_ASSERT_EQUAL("a c"s, taker.texts());
        CPPUNIT_ASSERT_EQUAL("q"s, taker.delivery("a").dead_letter->origin);
    }

    void deleted_messages_are_gone_from_the_store() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(50);
        Hand hand(broker, queue);
        const auto places = look(broker, queue).places({"m1", "m40"});
        hand.hold(places);
        expect_all_done(hand.change(Kind::remove, places), 2);
        CPPUNIT_ASSERT_EQUAL(numbers(2, 39) + " " + numbers(41, 50), broker.stored(queue));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{48}, broker.view(queue).messages);
    }

    void a_bounded_consumer_gets_nothing_behind_its_bound() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(60);
        core::ConsumerCommand command;
        command.through = broker.core->newest_position();
        Hand hand(broker, queue, command);
        broker.send_many(queue, "n", 60);
        hand.taker->drain(1000);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 60), hand.taker->texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, hand.taker->drained_after.size());
        Taker& other = broker.take_now(queue, 1000);
        CPPUNIT_ASSERT_EQUAL(numbers(1, 60, "n"), other.texts());
    }

    void an_administrator_may_take_more_ahead_than_consumers() {
        auto settings = tiny_windows();
        settings.consumer_unsettled_max = 1;
        Broker broker(settings);
        const auto queue = broker.make_filled_queue(60);
        Hand hand(broker, queue);
        hand.taker->drain(1000);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(numbers(1, 60), hand.taker->texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, hand.taker->drained_after.size());
    }

    void dead_letters_may_not_go_to_a_temporary_queue() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        auto settings = broker.view(queue).settings;
        for (const auto* const name : {"temp-1-1", "a\x01", "\xff"}) {
            settings.dead_letter_queue = name;
            Answer<void> answer;
            broker.core->change_queue(queue, settings, answer.callback());
            CPPUNIT_ASSERT_MESSAGE(name, answer.given() && answer.result->error().is(core::errc::invalid_name));
            auto another = settings;
            another.name = "another";
            Answer<DestinationId> created;
            broker.core->create_queue(another, created.callback());
            CPPUNIT_ASSERT_MESSAGE(name, created.given() && created.result->error().is(core::errc::invalid_name));
        }
    }

    void a_bounded_consumer_with_a_selector_gets_nothing_behind_its_bound() {
        SelectingBroker broker(tiny_windows());
        const auto queue = broker.make_coloured_queue(100, 10);
        core::ConsumerCommand command;
        command.through = broker.core->newest_position();
        command.selector = broker.program(red);
        Hand hand(broker, queue, command);
        for (int number = 0; number < 400; ++number) broker.stage_coloured(queue, "red", "later");
        broker.run();
        hand.taker->drain(1000);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{10}, hand.taker->deliveries.size());
        CPPUNIT_ASSERT_EQUAL("r91"s, text_of(*hand.taker->deliveries.back().message));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, hand.taker->drained_after.size());
    }

    void a_moving_administrator_is_no_consumer_in_the_counts() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Hand hand(broker, queue);
        hand.taker->drain(10);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(0u, broker.view(queue).consumers);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).delivered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, broker.view(queue).delivering);
        hand.taker->close();
        broker.take_now(queue, 0);
        CPPUNIT_ASSERT_EQUAL(1u, broker.view(queue).consumers);
    }

    /// Movers, consumers and refusals in any order, on queues that are longer than their windows; then the process dies, and each message
    /// is where it belongs, once.
    void random_moves_lose_and_double_nothing() {
        std::size_t moved = 0;
        for (std::uint32_t seed = 1; seed <= 60; ++seed) moved += random_run(seed);
        CPPUNIT_ASSERT_MESSAGE("only " + std::to_string(moved) + " messages moved", moved > 1000);
    }

    struct Run {
        explicit Run(std::uint32_t seed) : random(seed) {
            queue = broker.make_queue("q");
            other = broker.make_queue("other");
            for (int number = 1; number <= 120; ++number) {
                broker.stage_coloured(queue, number % 3 == 0 ? "red" : "green", "m" + std::to_string(number));
            }
            broker.run();
        }
        std::uint32_t below(std::uint32_t bound) { return std::uniform_int_distribution<std::uint32_t>(0, bound - 1)(random); }
        void let_happen() {
            for (auto steps = below(6); steps > 0; --steps) {
                if (below(2) == 0) broker.doors->write(1 + below(3));
                if (below(2) == 0) broker.doors->complete();
                if (below(2) == 0) broker.doors->snapshot();
                if (below(2) == 0) broker.doors->deliver_page();
                if (below(2) == 0) broker.work.work();
                if (below(2) == 0) broker.work.tell();
            }
        }
        std::mt19937 random;
        SelectingBroker broker{tiny_windows()};
        DestinationId queue;
        DestinationId other;
    };

    static std::size_t random_run(std::uint32_t seed) {
        Run run(seed);
        auto& broker = run.broker;
        core::ConsumerCommand selecting;
        selecting.selector = broker.program(red);
        Hand plain(broker, run.queue);
        Hand choosy(broker, run.queue, selecting);
        Hand named(broker, run.queue);
        Taker& consumer = broker.take(run.queue, 0);
        std::vector<std::size_t> changed(2, 0);
        std::size_t settled = 0;
        std::set<std::string> accepted;
        for (int step = 0; step < 150; ++step) {
            broker.doors->refuse_all = run.below(10) == 0;
            Hand* const hands[] = {&plain, &choosy};
            const auto which = run.below(2);
            Hand& hand = *hands[which];
            switch (run.below(6)) {
                case 0: hand.taker->credit(run.below(8)); break;
                case 1: consumer.credit(run.below(4)); break;
                case 2: {
                    std::vector<Position> positions;
                    auto& done = changed[which];
                    for (; done < hand.taker->deliveries.size(); ++done) positions.push_back(hand.taker->deliveries[done].position);
                    std::sort(positions.begin(), positions.end());
                    if (!positions.empty()) hand.stage(Kind::move, std::move(positions), run.other);
                    break;
                }
                case 3: {
                    if (settled >= consumer.deliveries.size()) break;
                    const auto& delivery = consumer.deliveries[settled++];
                    const auto text = text_of(*delivery.message);
                    const bool is_accepted = run.below(2) == 0;
                    if (is_accepted) CPPUNIT_ASSERT_MESSAGE(text + " was delivered twice", accepted.insert(text).second);
                    broker.core->settle(consumer.id, delivery.position, is_accepted ? Outcome(Accepted{}) : Outcome(Released{}), {});
                    break;
                }
                case 4: {
                    const auto first = Position{1 + run.below(150)};
                    broker.core->hold(named.taker->id, {first, Position{first.value + 5}}, [&named, &run, first](auto) {
                        named.stage(Kind::move, {first, Position{first.value + 5}}, run.other);
                    });
                    break;
                }
                default: run.let_happen();
            }
        }
        broker.doors->refuse_all = false;
        broker.run();
        broker.tick();
        broker.run();
        if (run.below(2) == 0) {
            broker.crash();
        } else {
            for (Hand* const hand : {&plain, &choosy, &named}) hand->taker->close();
            consumer.close();
        }
        std::vector<std::string> all(accepted.begin(), accepted.end());
        for (const auto* const name : {"q", "other"}) {
            for (const auto& item : look(broker, broker.queue(name)).items) all.push_back(text_of(*item.stored.message));
            CPPUNIT_ASSERT_EQUAL(look(broker, broker.queue(name)).items.size(),
                                 static_cast<std::size_t>(broker.view(broker.queue(name)).messages));
        }
        std::sort(all.begin(), all.end());
        const auto seed_text = "seed " + std::to_string(seed);
        CPPUNIT_ASSERT_MESSAGE(seed_text + ": doubled", std::adjacent_find(all.begin(), all.end()) == all.end());
        CPPUNIT_ASSERT_EQUAL_MESSAGE(seed_text, std::size_t{120}, all.size());
        return look(broker, broker.queue("other")).items.size();
    }

    static void set(Broker& broker, DestinationId queue, const std::function<void(DestinationSettings&)>& change) {
        auto settings = broker.view(queue).settings;
        change(settings);
        Answer<void> answer;
        broker.core->change_queue(queue, settings, answer.callback());
        broker.run();
        CPPUNIT_ASSERT(answer.ok());
    }
    static void pause_receiving(Broker& broker, DestinationId queue, bool is_paused) {
        set(broker, queue, [&](auto& settings) { settings.is_receiving_paused = is_paused; });
    }

    void a_paused_queue_gives_nothing_until_it_goes_on() {
        SelectingBroker broker;
        const auto queue = broker.make_coloured_queue(10);
        pause_receiving(broker, queue, true);
        Taker& taker = broker.take_now(queue, 3);
        Taker& reds = broker.take_selected_now(queue, red, 3);
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts() + reds.texts());
        CPPUNIT_ASSERT_EQUAL(std::size_t{10}, broker.browse(queue, 100).deliveries.size());
        pause_receiving(broker, queue, false);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, taker.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, reds.deliveries.size());
        pause_receiving(broker, queue, true);
        taker.credit(10);
        taker.accept(text_of(*taker.deliveries[0].message));
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, taker.deliveries.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{9}, broker.view(queue).messages);
    }

    void a_paused_queue_answers_drains() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        pause_receiving(broker, queue, true);
        Taker& taker = broker.take(queue, 0);
        taker.drain(10);
        broker.run();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, taker.drained_after.size());
        CPPUNIT_ASSERT_EQUAL(""s, taker.texts());
    }

    void a_paused_queue_refuses_sends() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        set(broker, queue, [](auto& settings) { settings.is_sending_paused = true; });
        CPPUNIT_ASSERT(broker.send(queue, "a")->refused_with(core::errc::not_allowed));
        set(broker, queue, [](auto& settings) { settings.is_sending_paused = false; });
        CPPUNIT_ASSERT(broker.send(queue, "b")->accepted());
        CPPUNIT_ASSERT_EQUAL("b"s, broker.drain_all(queue));
    }

    void a_pause_outlives_a_restart() {
        Broker broker;
        const auto queue = broker.make_filled_queue(1);
        pause_receiving(broker, queue, true);
        broker.crash();
        CPPUNIT_ASSERT(broker.view(broker.queue("q")).settings.is_receiving_paused);
        CPPUNIT_ASSERT_EQUAL(""s, broker.take_now(broker.queue("q"), 5).texts());
    }

    void changed_settings_count_only_when_they_are_durable() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        auto settings = broker.view(queue).settings;
        settings.max_messages = 1;
        Answer<void> answer;
        Answer<void> second;
        broker.core->change_queue(queue, settings, answer.callback());
        broker.core->change_queue(queue, settings, second.callback());
        CPPUNIT_ASSERT(second.given() && second.result->error().is(core::errc::not_ready));
        CPPUNIT_ASSERT(!answer.given());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.view(queue).settings.max_messages);
        broker.run();
        CPPUNIT_ASSERT(answer.ok());
        broker.doors->refuse_all = true;
        settings.max_messages = 2;
        Answer<void> refused;
        broker.core->change_queue(queue, settings, refused.callback());
        broker.run();
        CPPUNIT_ASSERT(refused.given() && !refused.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.view(queue).settings.max_messages);
    }

    void queues_are_listed_by_depth_page_by_page() {
        Broker broker;
        for (int number = 1; number <= 5; ++number) {
            broker.send_many(broker.make_queue("Pay." + std::to_string(number)), "m", number == 4 ? 2 : number);
        }
        core::QueueQuery query;
        query.order = core::QueueQuery::Order::messages;
        query.is_descending = true;
        query.name_part = "pay.";
        query.limit = 2;
        Texts names;
        for (bool more = true; more;) {
            const auto list = broker.core->list_queues(query);
            for (const auto& view : list.items) names.push_back(view.settings.name);
            query.after_name = list.items.back().settings.name;
            query.after_value = list.last_value;
            more = list.more;
        }
        CPPUNIT_ASSERT_EQUAL("Pay.5 Pay.3 Pay.2 Pay.4 Pay.1"s, join(names));
        query = {};
        query.is_descending = true;
        CPPUNIT_ASSERT_EQUAL("Pay.5"s, broker.core->list_queues(query).items[0].settings.name);
        query.is_paused = true;
        CPPUNIT_ASSERT(broker.core->list_queues(query).items.empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreChangeTest);

}  // namespace giromq::test
