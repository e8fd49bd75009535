#include <string>
#include <vector>

#include "unit/core/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// Queues of a configuration that is read again: all of it, or nothing.
class CoreConfigureTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CoreConfigureTest);
    CPPUNIT_TEST(queues_are_made_and_changed_and_none_is_deleted);
    CPPUNIT_TEST(what_is_as_it_should_be_costs_nothing);
    CPPUNIT_TEST(what_is_paused_stays_paused);
    CPPUNIT_TEST(dead_letter_queues_come_with_it);
    CPPUNIT_TEST(nobody_sees_it_before_it_is_durable);
    CPPUNIT_TEST(a_crash_before_the_commit_leaves_all_as_it_was);
    CPPUNIT_TEST(what_the_store_refuses_leaves_all_as_it_was);
    CPPUNIT_TEST(one_wrong_queue_leaves_all_as_they_were);
    CPPUNIT_TEST(a_queue_that_is_being_changed_is_waited_for);
    CPPUNIT_TEST_SUITE_END();

    static DestinationSettings queue(const std::string& name, std::uint64_t max_messages, const std::string& dead_letters = "DLQ") {
        DestinationSettings settings;
        settings.name = name;
        settings.max_messages = max_messages;
        settings.dead_letter_queue = dead_letters;
        return settings;
    }
    static std::uint64_t limit_of(const Broker& broker, const std::string& name) {
        return broker.core->view_queue(broker.queue(name))->settings.max_messages;
    }
    static bool is_there(const Broker& broker, const std::string& name) { return broker.core->find_destination(name).has_value(); }

    struct Asked {
        Asked(Broker& broker, std::vector<DestinationSettings> queues) {
            broker.core->configure_queues(std::move(queues), answer.callback());
        }
        Answer<std::size_t> answer;
    };

public:
    void queues_are_made_and_changed_and_none_is_deleted() {
        Broker broker;
        broker.make_queue("old");
        broker.make_queue("other");
        broker.send(broker.queue("old"), "a");
        Asked asked(broker, {queue("fresh", 3), queue("old", 5)});
        broker.doors->run();
        CPPUNIT_ASSERT(asked.answer.ok() && asked.answer.result->value() == 2);
        for (int start = 0; start < 2; ++start) {
            CPPUNIT_ASSERT(limit_of(broker, "fresh") == 3 && limit_of(broker, "old") == 5 && is_there(broker, "other"));
            CPPUNIT_ASSERT(broker.core->view_queue(broker.queue("old"))->settings.origin == DestinationOrigin::configured);
            broker.crash();
        }
        CPPUNIT_ASSERT_EQUAL("a"s, broker.drain_all(broker.queue("old")));
    }

    void what_is_as_it_should_be_costs_nothing() {
        Broker broker;
        Asked first(broker, {queue("q", 3)});
        broker.doors->run();
        const auto batches = broker.doors->batches;
        Asked again(broker, {queue("q", 3)});
        CPPUNIT_ASSERT_MESSAGE("at once", again.answer.ok() && again.answer.result->value() == 0);
        broker.doors->run();
        CPPUNIT_ASSERT_EQUAL(batches, broker.doors->batches);
    }

    void what_is_paused_stays_paused() {
        Broker broker;
        broker.make_queue("q", [](DestinationSettings& settings) { settings.is_sending_paused = true; });
        Asked asked(broker, {queue("q", 3)});
        broker.doors->run();
        CPPUNIT_ASSERT(asked.answer.ok() && limit_of(broker, "q") == 3);
        CPPUNIT_ASSERT(broker.core->view_queue(broker.queue("q"))->settings.is_sending_paused);
    }

    void dead_letter_queues_come_with_it() {
        Broker broker;
        broker.make_queue("old");
        Asked asked(broker, {queue("q", 3, "dead"), queue("old", 3, "gone"), queue("dead", 7, "dead")});
        broker.doors->run();
        CPPUNIT_ASSERT(asked.answer.ok());
        broker.crash();
        CPPUNIT_ASSERT(limit_of(broker, "dead") == 7 && limit_of(broker, "gone") == 0);
    }

    void nobody_sees_it_before_it_is_durable() {
        Broker broker;
        broker.make_queue("old");
        Asked asked(broker, {queue("fresh", 3), queue("old", 5)});
        CPPUNIT_ASSERT(!is_there(broker, "fresh") && limit_of(broker, "old") == 0 && !asked.answer.given());
        Answer<DestinationId> opened;
        broker.core->open_destination("fresh", false, opened.callback());
        broker.doors->write();
        CPPUNIT_ASSERT_MESSAGE("the core does not know yet", !opened.given() && limit_of(broker, "old") == 0);
        broker.doors->run();
        CPPUNIT_ASSERT(opened.ok() && opened.result->value() == broker.queue("fresh"));
    }

    void a_crash_before_the_commit_leaves_all_as_it_was() {
        Broker broker;
        broker.make_queue("old");
        Asked asked(broker, {queue("fresh", 3), queue("old", 5)});
        broker.crash();
        CPPUNIT_ASSERT(!is_there(broker, "fresh") && limit_of(broker, "old") == 0);
    }

    void what_the_store_refuses_leaves_all_as_it_was() {
        Broker broker;
        broker.make_queue("old");
        Asked asked(broker, {queue("fresh", 3, "dead"), queue("old", 5)});
        Answer<DestinationId> opened;
        broker.core->open_destination("fresh", false, opened.callback());
        broker.doors->refuse_all = true;
        broker.doors->run();
        CPPUNIT_ASSERT(asked.answer.given() && asked.answer.result->error().is(core::errc::not_ready));
        CPPUNIT_ASSERT(opened.given() && !opened.ok());
        CPPUNIT_ASSERT(!is_there(broker, "fresh") && !is_there(broker, "dead") && limit_of(broker, "old") == 0);
        broker.doors->refuse_all = false;
        broker.tick(std::chrono::seconds(2));
        Asked again(broker, {queue("fresh", 3, "dead"), queue("old", 5)});
        broker.doors->run();
        CPPUNIT_ASSERT(again.answer.ok() && limit_of(broker, "fresh") == 3 && limit_of(broker, "old") == 5);
    }

    void one_wrong_queue_leaves_all_as_they_were() {
        core::CoreSettings settings;
        settings.destinations_max = 3;
        Broker broker(settings);
        broker.make_queue("old");
        const std::vector<std::vector<DestinationSettings>> wrong{{queue("old", 5), queue("temp-x", 1)},
                                                                  {queue("old", 5), queue("x", 1, "temp-x")},
                                                                  {queue("old", 5), queue("x", 1), queue("x", 2)},
                                                                  {queue("old", 5), queue("x", 1), queue("y", 1)}};
        for (const auto& queues : wrong) {
            Asked asked(broker, queues);
            CPPUNIT_ASSERT(asked.answer.given() && !asked.answer.ok());
            broker.doors->run();
            CPPUNIT_ASSERT(!is_there(broker, "x") && limit_of(broker, "old") == 0);
        }
    }

    void a_queue_that_is_being_changed_is_waited_for() {
        Broker broker;
        broker.make_queue("old");
        Answer<void> changed;
        broker.core->change_queue(broker.queue("old"), queue("old", 9), changed.callback());
        Asked early(broker, {queue("fresh", 3), queue("old", 5)});
        CPPUNIT_ASSERT(early.answer.given() && early.answer.result->error().is(core::errc::not_ready));
        broker.doors->run();
        CPPUNIT_ASSERT(!is_there(broker, "fresh") && limit_of(broker, "old") == 9);
        Asked asked(broker, {queue("fresh", 3), queue("old", 5)});
        broker.core->change_queue(broker.queue("old"), queue("old", 7), changed.callback());
        CPPUNIT_ASSERT(changed.given() && !changed.ok());
        broker.doors->run();
        CPPUNIT_ASSERT(asked.answer.ok() && limit_of(broker, "old") == 5);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(CoreConfigureTest);

}  // namespace giromq::test
