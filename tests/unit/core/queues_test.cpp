#include <algorithm>

#include "unit/core/broker.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// How queues and users come and go, and the end of the broker.
class CoreQueuesTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreQueuesTest);
    CPPUNIT_TEST(the_dead_letter_queue_is_there_from_the_start);
    CPPUNIT_TEST(a_queue_is_created_when_it_is_durable);
    CPPUNIT_TEST(a_queue_survives_a_crash_with_its_settings);
    CPPUNIT_TEST(configured_queues_are_created_and_updated);
    CPPUNIT_TEST(a_name_is_taken_once);
    CPPUNIT_TEST(bad_names_are_refused);
    CPPUNIT_TEST(queues_are_created_on_first_use_only_where_allowed);
    CPPUNIT_TEST(everybody_who_opens_a_new_queue_is_answered);
    CPPUNIT_TEST(everybody_who_opens_a_refused_queue_is_answered);
    CPPUNIT_TEST(a_queue_under_creation_is_not_found);
    CPPUNIT_TEST(a_refused_queue_can_be_created_again);
    CPPUNIT_TEST(a_dead_letter_queue_in_use_survives_the_refusal_of_the_queue_it_came_with);
    CPPUNIT_TEST(a_dead_letter_queue_that_came_with_a_refused_queue_keeps_its_messages);
    CPPUNIT_TEST(a_message_may_die_into_a_queue_under_creation);
    CPPUNIT_TEST(the_number_of_queues_is_bounded);
    CPPUNIT_TEST(a_deleted_queue_ends_everybody);
    CPPUNIT_TEST(a_deleted_queue_can_be_used_no_more_without_harm);
    CPPUNIT_TEST(a_used_queue_is_deleted_only_on_demand);
    CPPUNIT_TEST(a_deleted_queue_does_not_come_back);
    CPPUNIT_TEST(a_deletion_in_doubt_is_all_or_nothing);
    CPPUNIT_TEST(a_deletion_is_finished_at_the_next_start);
    CPPUNIT_TEST(a_refused_deletion_is_finished_later);
    CPPUNIT_TEST(a_large_queue_is_deleted_in_steps);
    CPPUNIT_TEST(a_send_under_way_to_a_deleted_queue_is_answered);
    CPPUNIT_TEST(a_deleted_name_can_be_used_again);
    CPPUNIT_TEST(a_temporary_queue_belongs_to_its_connection);
    CPPUNIT_TEST(a_temporary_queue_ends_with_its_connection);
    CPPUNIT_TEST(a_temporary_queue_spills_and_leaves_nothing);
    CPPUNIT_TEST(a_temporary_queue_can_be_deleted);
    CPPUNIT_TEST(queues_are_listed_by_name);
    CPPUNIT_TEST(counters_are_right);
    CPPUNIT_TEST(the_oldest_message_is_the_one_at_the_head);
    CPPUNIT_TEST(the_oldest_message_is_known_after_a_crash);
    CPPUNIT_TEST(few_heads_are_read_at_once);
    CPPUNIT_TEST(users_survive_a_crash);
    CPPUNIT_TEST(named_selectors_survive_a_crash);
    CPPUNIT_TEST(a_refused_user_is_told);
    CPPUNIT_TEST(stop_ends_everybody_and_refuses_new_work);
    CPPUNIT_TEST(stop_waits_for_what_is_under_way);
    CPPUNIT_TEST(stop_waits_for_retries);
    CPPUNIT_TEST(stop_returns_what_consumers_hold);
    CPPUNIT_TEST(stop_gives_nothing_to_others);
    CPPUNIT_TEST_SUITE_END();

    void the_dead_letter_queue_is_there_from_the_start() {
        Broker broker;
        CPPUNIT_ASSERT(broker.core->find_destination("DLQ").has_value());
        broker.crash();
        CPPUNIT_ASSERT(broker.core->find_destination("DLQ").has_value());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().queues);
    }

    void a_queue_is_created_when_it_is_durable() {
        Broker broker;
        DestinationSettings settings;
        settings.name = "q";
        Answer<DestinationId> answer;
        broker.core->create_queue(settings, answer.callback());
        CPPUNIT_ASSERT(!answer.given());
        broker.doors->write();
        CPPUNIT_ASSERT(!answer.given());
        broker.doors->complete();
        CPPUNIT_ASSERT(answer.ok());
        CPPUNIT_ASSERT(answer.result->value() == broker.queue("q"));
    }

    void a_queue_survives_a_crash_with_its_settings() {
        Broker broker;
        broker.make_queue("q", [](auto& settings) {
            settings.max_deliveries = 7;
            settings.max_bytes = 1234;
        });
        const auto before = broker.view(broker.queue("q"));
        broker.crash();
        const auto after = broker.view(broker.queue("q"));
        CPPUNIT_ASSERT(before.settings == after.settings);
        CPPUNIT_ASSERT(before.created_at == after.created_at);
        CPPUNIT_ASSERT(before.id == after.id);
    }

    void configured_queues_are_created_and_updated() {
        Broker broker;
        broker.make_queue("old");
        broker.send(broker.queue("old"), "a");
        DestinationSettings fresh;
        fresh.name = "fresh";
        DestinationSettings old;
        old.name = "old";
        old.max_messages = 5;
        Answer<void> started;
        broker.core->start({fresh, old}, started.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(started.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, broker.view(broker.queue("old")).settings.max_messages);
        broker.crash();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, broker.view(broker.queue("old")).settings.max_messages);
        CPPUNIT_ASSERT(broker.view(broker.queue("fresh")).settings.origin == DestinationOrigin::configured);
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("old")));
    }

    void a_name_is_taken_once() {
        Broker broker;
        broker.make_queue("q");
        DestinationSettings settings;
        settings.name = "q";
        Answer<DestinationId> answer;
        broker.core->create_queue(settings, answer.callback());
        CPPUNIT_ASSERT(answer.given() && answer.result->error().is(core::errc::already_exists));
    }

    void bad_names_are_refused() {
        Broker broker;
        for (const auto& name : {""s, "a\nb"s, "\xff"s, "a\x7f"s, "\xc2\x85"s, "\xc0\xaf"s, "\xed\xa0\x80"s, std::string(256, 'a')}) {
            DestinationSettings settings;
            settings.name = name;
            Answer<DestinationId> answer;
            broker.core->create_queue(settings, answer.callback());
            CPPUNIT_ASSERT(answer.given() && answer.result->error().is(core::errc::invalid_name));
        }
        for (const auto& name : {"a"s, "Zürich"s, "支付"s, std::string(255, 'a')}) broker.make_queue(name);
    }

    void queues_are_created_on_first_use_only_where_allowed() {
        for (int choice = 0; choice < 4; ++choice) {
            core::CoreSettings settings;
            settings.create_queues = (choice & 1) != 0;
            Broker broker(settings);
            Answer<DestinationId> answer;
            broker.core->open_destination("q", (choice & 2) != 0, answer.callback());
            broker.doors->run();
            CPPUNIT_ASSERT(answer.given());
            CPPUNIT_ASSERT_EQUAL(choice == 3, answer.ok());
            if (choice != 3) CPPUNIT_ASSERT(answer.result->error().is(core::errc::not_found));
        }
    }

    void everybody_who_opens_a_new_queue_is_answered() {
        core::CoreSettings settings;
        settings.create_queues = true;
        Broker broker(settings);
        Answer<DestinationId> first;
        Answer<DestinationId> second;
        broker.core->open_destination("q", true, first.callback());
        broker.core->open_destination("q", false, second.callback());
        CPPUNIT_ASSERT(!first.given() && !second.given());
        broker.doors->run();
        CPPUNIT_ASSERT(first.ok() && second.ok());
        CPPUNIT_ASSERT(first.result->value() == second.result->value());
    }

    void everybody_who_opens_a_refused_queue_is_answered() {
        core::CoreSettings settings;
        settings.create_queues = true;
        Broker broker(settings);
        Answer<DestinationId> first;
        Answer<DestinationId> second;
        Answer<DestinationId> again;
        broker.core->open_destination("q", true, [&](Result<DestinationId> answer) {
            first.result = std::move(answer);
            broker.core->open_destination("q", true, again.callback());
        });
        broker.core->open_destination("q", true, second.callback());
        broker.doors->disk_full = true;
        broker.doors->run();
        CPPUNIT_ASSERT(first.given() && !first.ok() && second.given() && !second.ok() && again.given() && !again.ok());
        CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
    }

    void a_queue_under_creation_is_not_found() {
        Broker broker;
        DestinationSettings settings;
        settings.name = "q";
        broker.core->create_queue(settings, [](const Result<DestinationId>&) {});
        CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.core->list_queues("", 10).size());
        broker.doors->run();
        CPPUNIT_ASSERT(broker.core->find_destination("q").has_value());
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, broker.core->list_queues("", 10).size());
    }

    void a_refused_queue_can_be_created_again() {
        Broker broker;
        broker.doors->disk_full = true;
        DestinationSettings settings;
        settings.name = "q";
        Answer<DestinationId> answer;
        broker.core->create_queue(settings, answer.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(answer.result->error().is(core::errc::resource_limit));
        broker.doors->disk_full = false;
        broker.tick(2s);
        broker.send(broker.make_queue("q"), "a");
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("q")));
    }

    void a_dead_letter_queue_in_use_survives_the_refusal_of_the_queue_it_came_with() {
        core::CoreSettings core_settings;
        core_settings.create_queues = true;
        Broker broker(core_settings);
        DestinationSettings settings;
        settings.name = "q";
        settings.dead_letter_queue = "q.dead";
        Answer<DestinationId> answer;
        broker.core->create_queue(settings, answer.callback());
        Answer<DestinationId> dead;
        broker.core->open_destination("q.dead", true, dead.callback());
        Taker* taker = nullptr;
        Sender* sender = nullptr;
        if (dead.given()) {
            taker = &broker.take(dead.result->value(), 10);
            sender = &broker.open_sender(dead.result->value());
        }
        broker.doors->disk_full = true;
        broker.doors->run();
        CPPUNIT_ASSERT(answer.given() && !answer.ok());
        broker.doors->disk_full = false;
        broker.tick(2s);
        if (taker != nullptr) {
            taker->credit(1);
            const auto id = broker.core->find_destination("q.dead");
            if (id) CPPUNIT_ASSERT(broker.send(*id, "a", {.producer = sender->id})->accepted());
            if (id) CPPUNIT_ASSERT_EQUAL("a"s, taker->texts());
            broker.core->close_producer(sender->id);
            taker->close();
        }
        broker.doors->run();
        broker.crash();
        if (taker != nullptr) CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("q.dead")));
    }

    void a_dead_letter_queue_that_came_with_a_refused_queue_keeps_its_messages() {
        Broker broker;
        const auto first = broker.make_queue("first", [](auto& settings) { settings.dead_letter_queue = "dead"; });
        Answer<void> deleted;
        broker.core->delete_queue(broker.queue("dead"), false, deleted.callback());
        broker.doors->run();
        broker.send(first, "a");
        Taker& taker = broker.take_now(first, 1);
        DestinationSettings settings;
        settings.name = "second";
        settings.dead_letter_queue = "dead";
        Answer<DestinationId> answer;
        broker.core->create_queue(settings, answer.callback());
        taker.reject("a");
        broker.doors->disk_full = true;
        broker.doors->run();
        CPPUNIT_ASSERT(!answer.ok());
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("dead")));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
    }

    void a_message_may_die_into_a_queue_under_creation() {
        for (const bool refused : {true, false}) {
            Broker broker;
            const auto first = broker.make_queue("first", [](auto& settings) { settings.dead_letter_queue = "second"; });
            Answer<void> deleted;
            broker.core->delete_queue(broker.queue("second"), false, deleted.callback());
            broker.doors->run();
            broker.send(first, "a");
            Taker& taker = broker.take_now(first, 1);
            DestinationSettings settings;
            settings.name = "second";
            Answer<DestinationId> answer;
            broker.core->create_queue(settings, answer.callback());
            taker.reject("a");
            broker.doors->disk_full = refused;
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL(!refused, answer.ok());
            broker.crash();
            CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("second")));
        }
    }

    void the_number_of_queues_is_bounded() {
        core::CoreSettings core_settings;
        core_settings.destinations_max = 3;
        Broker broker(core_settings);
        broker.make_queue("q1");
        CPPUNIT_ASSERT(broker.core->create_temporary_queue(broker.new_connection()).ok());
        DestinationSettings settings;
        settings.name = "q2";
        Answer<DestinationId> answer;
        broker.core->create_queue(settings, answer.callback());
        CPPUNIT_ASSERT(answer.result->error().is(core::errc::resource_limit));
        CPPUNIT_ASSERT(!broker.core->create_temporary_queue(broker.new_connection()).ok());
    }

    void a_deleted_queue_ends_everybody() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take(queue, 5);
        Taker& browser = broker.browse(queue, 5);
        Sender& sender = broker.open_sender(queue);
        broker.doors->run();
        Answer<void> deleted;
        broker.core->delete_queue(queue, true, deleted.callback());
        CPPUNIT_ASSERT(taker.has_ended() && browser.has_ended());
        CPPUNIT_ASSERT(taker.end_reason->is(core::errc::deleted));
        CPPUNIT_ASSERT(sender.end_reason && sender.end_reason->is(core::errc::deleted));
        CPPUNIT_ASSERT(!deleted.given());
        CPPUNIT_ASSERT(broker.send(queue, "b")->refused_with(core::errc::deleted));
        CPPUNIT_ASSERT(deleted.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().consumers);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().producers);
    }

    /// The other side may not have heard yet that its consumer has ended.
    void a_deleted_queue_can_be_used_no_more_without_harm() {
        for (const bool gone : {true, false}) {
            Broker broker;
            const auto queue = broker.make_filled_queue(3);
            Taker& taker = broker.take(queue, 2);
            Taker& browser = broker.browse(queue, 2);
            Sender& sender = broker.open_sender(queue);
            broker.doors->run();
            Answer<void> deleted;
            broker.core->delete_queue(queue, true, deleted.callback());
            if (gone) broker.doors->run();
            CPPUNIT_ASSERT(taker.accept("m1").given());
            taker.credit(5);
            browser.drain(5);
            broker.core->close_producer(sender.id);
            browser.close();
            broker.core->close_connection(taker.connection(), core::CloseReason::lost);
            broker.doors->run();
            broker.tick();
            CPPUNIT_ASSERT(deleted.ok());
            CPPUNIT_ASSERT_EQUAL("m1 m2"s, taker.texts());
        }
    }

    void a_used_queue_is_deleted_only_on_demand() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 5);
        Answer<void> deleted;
        broker.core->delete_queue(queue, false, deleted.callback());
        CPPUNIT_ASSERT(deleted.result->error().is(core::errc::in_use));
        CPPUNIT_ASSERT(!taker.has_ended());
        CPPUNIT_ASSERT(broker.send(queue, "a")->accepted());
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
    }

    void a_deleted_queue_does_not_come_back() {
        Broker broker;
        const auto queue = broker.make_filled_queue(10);
        Answer<void> deleted;
        broker.core->delete_queue(queue, false, deleted.callback());
        broker.doors->run();
        Answer<void> twice;
        broker.core->delete_queue(queue, false, twice.callback());
        CPPUNIT_ASSERT(twice.result->error().is(core::errc::not_found));
        broker.crash();
        CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
        CPPUNIT_ASSERT(broker.core->create_temporary_queue(broker.new_connection()).value() != queue);
    }

    void a_deletion_in_doubt_is_all_or_nothing() {
        for (std::size_t units = 0; units < 4; ++units) {
            Broker broker;
            const auto queue = broker.make_filled_queue(10);
            Answer<void> deleted;
            broker.core->delete_queue(queue, false, deleted.callback());
            for (std::size_t unit = 0; unit < units; ++unit) {
                broker.doors->write(1);
                broker.doors->complete();
            }
            broker.doors->write(0);
            const bool promised = deleted.ok();
            broker.crash();
            const auto found = broker.core->find_destination("q");
            CPPUNIT_ASSERT(!(promised && found));
            if (found) CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6 m7 m8 m9 m10"s, broker.drain_all(*found));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
        }
    }

    void a_deletion_is_finished_at_the_next_start() {
        Broker broker;
        const auto queue = broker.make_filled_queue(2500);
        Answer<void> deleted;
        broker.core->delete_queue(queue, false, deleted.callback());
        broker.doors->write(1);
        broker.doors->complete();
        CPPUNIT_ASSERT(deleted.ok());
        broker.crash();
        CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().queues);
        broker.send(broker.make_queue("q"), "x");
        broker.crash();
        CPPUNIT_ASSERT_EQUAL("x"s, broker.drain_all(broker.queue("q")));
    }

    void a_refused_deletion_is_finished_later() {
        for (std::size_t units = 0; units < 4; ++units) {
            Broker broker;
            const auto queue = broker.make_filled_queue(10);
            Answer<void> deleted;
            broker.core->delete_queue(queue, false, deleted.callback());
            for (std::size_t unit = 0; unit < units; ++unit) {
                broker.doors->write(1);
                broker.doors->complete();
            }
            broker.doors->refuse_all = true;
            for (int ticks = 0; ticks < 3; ++ticks) {
                broker.doors->run();
                broker.tick();
            }
            broker.doors->run();
            broker.doors->refuse_all = false;
            broker.tick(2s);
            broker.doors->run();
            CPPUNIT_ASSERT(deleted.given());
            if (deleted.ok()) {
                CPPUNIT_ASSERT(!broker.core->find_destination("q").has_value());
                CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
                broker.make_queue("q");
            } else {
                CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6 m7 m8 m9 m10"s, broker.drain_all(broker.queue("q")));
            }
        }
    }

    void a_large_queue_is_deleted_in_steps() {
        Broker broker(tiny_windows());
        const auto queue = broker.make_filled_queue(2500);
        Answer<void> deleted;
        broker.core->delete_queue(queue, false, deleted.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(deleted.ok());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().queues);
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void a_send_under_way_to_a_deleted_queue_is_answered() {
        for (const bool refused : {true, false}) {
            Broker broker;
            const auto queue = broker.make_queue("q");
            const auto answer = broker.stage(queue, "a", {.sequence = core::ProducerSequence{"p", 1}, .duplicate_id = "x"});
            Answer<void> deleted;
            broker.core->delete_queue(queue, false, deleted.callback());
            broker.doors->disk_full = refused;
            broker.doors->run();
            CPPUNIT_ASSERT(answer->given());
            CPPUNIT_ASSERT(deleted.ok());
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().messages);
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
            CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
        }
    }

    void a_deleted_name_can_be_used_again() {
        Broker broker;
        const auto first = broker.make_queue("q");
        broker.send(first, "a", {.duplicate_id = "x"});
        Answer<void> deleted;
        broker.core->delete_queue(first, false, deleted.callback());
        broker.doors->run();
        const auto second = broker.make_queue("q");
        CPPUNIT_ASSERT(first != second);
        CPPUNIT_ASSERT(!broker.send(second, "b", {.duplicate_id = "x"})->duplicate());
        CPPUNIT_ASSERT_EQUAL("b"s, broker.drain_all(second));
    }

    void a_temporary_queue_belongs_to_its_connection() {
        Broker broker;
        const auto connection = broker.new_connection();
        const auto queue = broker.core->create_temporary_queue(connection).value();
        CPPUNIT_ASSERT_EQUAL("temp-"s, broker.core->name_of(queue).substr(0, 5));
        Taker& taker = broker.take_with(connection, queue, 5);
        core::ConsumerCommand stranger;
        stranger.connection = broker.new_connection();
        stranger.destination = queue;
        stranger.port = &taker;
        CPPUNIT_ASSERT(broker.core->open_consumer(std::move(stranger)).error().is(core::errc::not_allowed));
        CPPUNIT_ASSERT(broker.send(queue, "a")->accepted());
        CPPUNIT_ASSERT_EQUAL("a"s, taker.texts());
        CPPUNIT_ASSERT(broker.doors->batches <= 1);  // nothing of it is in the store
    }

    void a_temporary_queue_ends_with_its_connection() {
        Broker broker;
        const auto connection = broker.new_connection();
        const auto queue = broker.core->create_temporary_queue(connection).value();
        Sender& sender = broker.open_sender(queue);
        broker.send(queue, "a");
        broker.core->close_connection(connection, core::CloseReason::lost);
        broker.doors->run();
        CPPUNIT_ASSERT(sender.end_reason.has_value());
        CPPUNIT_ASSERT(broker.send(queue, "b")->refused_with(core::errc::deleted));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().queues);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, broker.core->view().memory_bytes);
    }

    void a_temporary_queue_spills_and_leaves_nothing() {
        for (const bool crash : {true, false}) {
            Broker broker(tiny_windows());
            const auto connection = broker.new_connection();
            const auto queue = broker.core->create_temporary_queue(connection).value();
            broker.send_many(queue, "m", 20);
            CPPUNIT_ASSERT(broker.view(queue).window_messages <= 4);
            Taker& taker = broker.take_with(connection, queue, 12);
            broker.doors->run();
            CPPUNIT_ASSERT_EQUAL("m1 m2 m3 m4 m5 m6 m7 m8 m9 m10 m11 m12"s, taker.texts());
            taker.accept("m5");
            taker.accept("m1");
            if (crash) {
                broker.crash();
            } else {
                broker.core->close_connection(connection, core::CloseReason::lost);
                broker.doors->run();
            }
            CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().queues);
        }
    }

    void a_temporary_queue_can_be_deleted() {
        Broker broker;
        const auto connection = broker.new_connection();
        const auto queue = broker.core->create_temporary_queue(connection).value();
        broker.send(queue, "a");
        Answer<void> deleted;
        broker.core->delete_queue(queue, false, deleted.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(deleted.ok());
        broker.core->close_connection(connection, core::CloseReason::orderly);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, broker.core->view().queues);
    }

    void queues_are_listed_by_name() {
        Broker broker;
        for (const char* name : {"c", "a", "b"}) broker.make_queue(name);
        Texts names;
        for (const auto& view : broker.core->list_queues("", 10)) names.push_back(view.settings.name);
        CPPUNIT_ASSERT_EQUAL("DLQ a b c"s, join(names));
        CPPUNIT_ASSERT_EQUAL("b"s, broker.core->list_queues("a", 1).at(0).settings.name);
        CPPUNIT_ASSERT(broker.core->list_queues("c", 10).empty());
    }

    void the_oldest_message_is_the_one_at_the_head() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        CPPUNIT_ASSERT(!broker.view(queue).oldest_arrived_at);
        const auto begun = broker.clock.wall_now();
        broker.stage(queue, "a");
        CPPUNIT_ASSERT_MESSAGE("not before it is durable", !broker.view(queue).oldest_arrived_at);
        broker.doors->run();
        broker.clock.advance(10s);
        broker.send(queue, "b");
        CPPUNIT_ASSERT(broker.view(queue).oldest_arrived_at == begun);
        Taker& taker = broker.take(queue, 1);
        broker.doors->run();
        CPPUNIT_ASSERT_MESSAGE("a locked message is still there", broker.view(queue).oldest_arrived_at == begun);
        taker.settle("a", Accepted{});
        broker.doors->run();
        CPPUNIT_ASSERT(broker.view(queue).oldest_arrived_at == broker.clock.wall_now());
        taker.credit(1);
        broker.doors->run();
        taker.settle("b", Accepted{});
        broker.doors->run();
        CPPUNIT_ASSERT(!broker.view(queue).oldest_arrived_at);
    }

    void the_oldest_message_is_known_after_a_crash() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto begun = broker.clock.wall_now();
        broker.send(queue, "a");
        broker.clock.advance(10s);
        broker.send(queue, "b");
        broker.crash();
        broker.tick(1s);
        broker.doors->run();
        CPPUNIT_ASSERT_MESSAGE("a start reads no messages", !broker.view(queue).oldest_arrived_at);
        broker.tick(1s);
        broker.doors->run();
        CPPUNIT_ASSERT(broker.view(queue).oldest_arrived_at == begun);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("nor does this keep any", std::uint64_t{0}, broker.view(queue).window_messages);
        CPPUNIT_ASSERT_EQUAL("a b"s, broker.drain_all(queue));
        CPPUNIT_ASSERT(!broker.view(queue).oldest_arrived_at);
    }

    void few_heads_are_read_at_once() {
        Broker broker;
        for (int number = 0; number < 40; ++number) broker.send(broker.make_queue("q" + std::to_string(number)), "a");
        broker.crash();
        const auto known = [&] {
            const auto views = broker.core->list_queues("", 100);
            return std::count_if(views.begin(), views.end(), [](const auto& view) { return view.oldest_arrived_at.has_value(); });
        };
        for (int seconds = 0; seconds < 2; ++seconds) {
            broker.tick(1s);
            broker.doors->run();
        }
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{16}, known());
        for (int seconds = 0; seconds < 2; ++seconds) {
            broker.tick(1s);
            broker.doors->run();
        }
        CPPUNIT_ASSERT_EQUAL(std::ptrdiff_t{40}, known());
    }

    void counters_are_right() {
        Broker broker;
        const auto queue = broker.make_filled_queue(5);
        Taker& taker = broker.take(queue, 3);
        broker.browse(queue, 5);
        Sender& sender = broker.open_sender(queue);
        broker.doors->run();
        taker.accept("m1");
        taker.release("m2");
        broker.doors->run();
        const auto view = broker.view(queue);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, view.messages);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{8}, view.bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, view.delivering);
        CPPUNIT_ASSERT_EQUAL(2u, view.consumers);
        CPPUNIT_ASSERT_EQUAL(1u, view.producers);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5}, view.enqueued);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, view.delivered);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, view.acknowledged);
        broker.core->close_producer(sender.id);
        broker.core->close_producer(sender.id);
        CPPUNIT_ASSERT_EQUAL(0u, broker.view(queue).producers);
    }

    void users_survive_a_crash() {
        Broker broker;
        for (const char* name : {"anna", "bruno"}) {
            User user;
            user.name = name;
            user.role = Role::administrator;
            Answer<void> put;
            broker.core->put_user(user, put.callback());
            CPPUNIT_ASSERT(!put.given());
            broker.doors->run();
            CPPUNIT_ASSERT(put.ok());
        }
        Answer<void> removed;
        broker.core->remove_user("anna", removed.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(removed.ok());
        broker.crash();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.core->recovered_users().size());
        CPPUNIT_ASSERT_EQUAL("bruno"s, broker.core->recovered_users()[0].name);
        CPPUNIT_ASSERT(broker.core->recovered_users()[0].role == Role::administrator);
    }

    void named_selectors_survive_a_crash() {
        Broker broker;
        Answer<void> put;
        broker.core->put_selector({"large", "amount > 1", Timestamp{5}}, put.callback());
        CPPUNIT_ASSERT(!put.given());
        broker.doors->run();
        CPPUNIT_ASSERT(put.ok());
        Answer<void> lost;
        broker.core->put_selector({"lost", "amount > 1", Timestamp{5}}, lost.callback());
        broker.crash();
        CPPUNIT_ASSERT(!lost.given());
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, broker.core->recovered_selectors().size());
        CPPUNIT_ASSERT_EQUAL("amount > 1"s, broker.core->recovered_selectors()[0].text);
        Answer<void> removed;
        broker.core->remove_selector("large", removed.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(removed.ok());
        broker.crash();
        CPPUNIT_ASSERT(broker.core->recovered_selectors().empty());
    }

    void a_refused_user_is_told() {
        Broker broker;
        broker.doors->refuse_all = true;
        Answer<void> put;
        broker.core->put_user(User{}, put.callback());
        broker.doors->run();
        CPPUNIT_ASSERT(put.given() && !put.ok());
    }

    void stop_ends_everybody_and_refuses_new_work() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        Taker& taker = broker.take(queue, 5);
        Sender& sender = broker.open_sender(queue);
        bool stopped = false;
        broker.core->stop([&] { stopped = true; });
        CPPUNIT_ASSERT(stopped);
        CPPUNIT_ASSERT(taker.has_ended() && taker.end_reason->is(core::errc::not_ready));
        CPPUNIT_ASSERT(sender.end_reason.has_value());
        CPPUNIT_ASSERT(broker.send(queue, "a")->refused_with(core::errc::not_ready));
        CPPUNIT_ASSERT(!broker.core->open_producer(ConnectionId{1}, queue, &sender).ok());
        core::ConsumerCommand command;
        command.destination = queue;
        command.port = &taker;
        CPPUNIT_ASSERT(!broker.core->open_consumer(std::move(command)).ok());
        Answer<DestinationId> created;
        DestinationSettings settings;
        settings.name = "later";
        broker.core->create_queue(settings, created.callback());
        CPPUNIT_ASSERT(created.given() && created.result->error().is(core::errc::not_ready));
        Answer<void> deleted;
        broker.core->delete_queue(queue, true, deleted.callback());
        CPPUNIT_ASSERT(deleted.given() && !deleted.ok());
        Answer<std::uint64_t> purged;
        broker.core->purge_queue(queue, purged.callback());
        CPPUNIT_ASSERT(purged.given() && !purged.ok());
        CPPUNIT_ASSERT(!broker.core->create_temporary_queue(ConnectionId{1}).ok());
        CPPUNIT_ASSERT(broker.doors->idle());
        taker.credit(1);
        taker.close();
        broker.core->close_connection(taker.connection(), core::CloseReason::lost);
        broker.tick();
    }

    void stop_waits_for_what_is_under_way() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        const auto answer = broker.stage(queue, "a");
        bool stopped = false;
        broker.core->stop([&] { stopped = true; });
        CPPUNIT_ASSERT(!stopped);
        broker.doors->write();
        CPPUNIT_ASSERT(!stopped);
        broker.doors->complete();
        CPPUNIT_ASSERT(stopped && answer->accepted());
    }

    void stop_waits_for_retries() {
        Broker broker;
        const auto queue = broker.make_queue("q");
        broker.send(queue, "a");
        Taker& taker = broker.take_now(queue, 1);
        taker.accept("a");
        broker.doors->refuse_all = true;
        broker.doors->run();
        bool stopped = false;
        broker.core->stop([&] { stopped = true; });
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(!stopped);
        broker.doors->refuse_all = false;
        broker.tick();
        broker.doors->run();
        CPPUNIT_ASSERT(stopped);
        CPPUNIT_ASSERT_EQUAL(""s, broker.stored(queue));
    }

    void stop_returns_what_consumers_hold() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        Taker& taker = broker.take_now(queue, 3);
        taker.accept("m1");
        broker.restart();
        Taker& after = broker.take_now(broker.queue("q"), 5);
        CPPUNIT_ASSERT_EQUAL("m2 m3"s, after.texts());
    }

    void stop_gives_nothing_to_others() {
        Broker broker;
        const auto queue = broker.make_filled_queue(3);
        broker.take_now(queue, 3);
        Taker& other = broker.take(queue, 3);
        broker.core->stop([] {});
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CoreQueuesTest);

}  // namespace giromq::test
