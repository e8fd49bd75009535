#include <atomic>
#include <future>
#include <thread>

#include "rig.hpp"

namespace giromq::test {
namespace {

using namespace std::chrono_literals;

Xid xid(int number) { return {131077, "global" + std::to_string(number), "branch"}; }

/// Runs `action`, which must throw an XAException, and returns its code.
int code(const std::function<void()>& action) { return thrown<XAException>(action).error_code(); }

struct XaRig {
    explicit XaRig(const std::string& options = {}, TestBroker::Options broker_options = {})
        : broker(std::move(broker_options)), factory(broker.uri(options)), connection(factory.create_xa_connection()) {
        connection->start();
        session = connection->create_xa_session();
        resource = session->xa_resource();
        queue = session->create_queue("q");
    }
    void send(const std::string& text) {
        if (producer == nullptr) producer = session->create_producer(queue);
        producer->send(session->create_text_message(text));
    }
    void put(int count) {
        for (int index = 1; index <= count; ++index) broker.put("q", encoded_text(std::to_string(index)));
    }
    /// One message in a branch that has ended.
    void work(int number) {
        resource->start(xid(number), XAFlags::no_flags);
        send(std::to_string(number));
        resource->end(xid(number), XAFlags::success);
    }

    TestBroker broker;
    XAConnectionFactory factory;
    std::shared_ptr<XAConnection> connection;
    std::shared_ptr<XASession> session;
    std::shared_ptr<XAResource> resource;
    std::shared_ptr<Queue> queue;
    std::shared_ptr<MessageProducer> producer;
};

class XaTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(XaTest);
    CPPUNIT_TEST(two_phases_commit_what_was_sent_and_received);
    CPPUNIT_TEST(one_phase_commits_at_once);
    CPPUNIT_TEST(a_rollback_gives_everything_back_in_order);
    CPPUNIT_TEST(a_branch_without_work_is_read_only);
    CPPUNIT_TEST(end_and_prepare_travel_together);
    CPPUNIT_TEST(end_waits_where_it_is_told_to);
    CPPUNIT_TEST(a_refused_message_is_told_by_end_and_rolls_back);
    CPPUNIT_TEST(a_failed_end_rolls_the_branch_back);
    CPPUNIT_TEST(work_outside_of_a_branch_is_refused);
    CPPUNIT_TEST(the_application_cannot_end_the_transaction_of_the_manager);
    CPPUNIT_TEST(a_suspended_branch_goes_on_where_it_was);
    CPPUNIT_TEST(a_suspended_branch_can_be_ended);
    CPPUNIT_TEST(another_session_joins_a_branch);
    CPPUNIT_TEST(a_prepare_over_another_link_waits_for_the_end);
    CPPUNIT_TEST(any_resource_resolves_a_branch);
    CPPUNIT_TEST(recovery_gives_every_branch_once);
    CPPUNIT_TEST(recovery_follows_the_flags_of_the_scan);
    CPPUNIT_TEST(the_codes_of_the_broker_are_thrown);
    CPPUNIT_TEST(calls_that_do_not_fit_are_refused_here);
    CPPUNIT_TEST(a_lost_link_is_always_rm_fail);
    CPPUNIT_TEST(a_loss_before_end_is_rm_fail_and_the_work_is_gone);
    CPPUNIT_TEST(without_a_connection_every_call_is_rm_fail);
    CPPUNIT_TEST(no_answer_is_rm_fail);
    CPPUNIT_TEST(a_prepared_branch_survives_the_connection);
    CPPUNIT_TEST(the_same_store_is_the_same_resource_manager);
    CPPUNIT_TEST(a_timeout_goes_to_the_broker);
    CPPUNIT_TEST(the_hook_before_work_starts_a_branch);
    CPPUNIT_TEST(other_sessions_of_the_connection_are_as_ever);
    CPPUNIT_TEST(a_broker_without_xa_is_told_at_once);
    CPPUNIT_TEST(listeners_are_refused);
    CPPUNIT_TEST(closing_the_session_gives_up_the_active_branch);
    CPPUNIT_TEST_SUITE_END();

    static void two_phases_commit_what_was_sent_and_received() {
        XaRig rig;
        rig.put(1);
        const auto consumer = rig.session->create_consumer(rig.queue);
        const auto answers = rig.session->create_producer(rig.session->create_queue("answers"));
        rig.resource->start(xid(1), XAFlags::no_flags);
        answers->send(rig.session->create_text_message("re " + text_of(consumer->receive(5s))));
        rig.resource->end(xid(1), XAFlags::success);
        CPPUNIT_ASSERT_EQUAL(XACode::ok, rig.resource->prepare(xid(1)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("answers"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        rig.resource->commit(xid(1), false);
        CPPUNIT_ASSERT_EQUAL(std::string("re 1"), decoded_text(rig.broker.contents("answers").at(0)));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.branches());
    }

    static void one_phase_commits_at_once() {
        XaRig rig;
        rig.work(1);
        rig.resource->commit(xid(1), true);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT(rig.broker.xa_calls() == (std::vector<std::string>{"start new", "end", "commit"}));
    }

    static void a_rollback_gives_everything_back_in_order() {
        for (const bool prepares : {false, true}) {
            XaRig rig;
            rig.put(5);
            const auto consumer = rig.session->create_consumer(rig.queue);
            rig.resource->start(xid(1), XAFlags::no_flags);
            CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
            CPPUNIT_ASSERT_EQUAL(std::string("2"), text_of(consumer->receive(5s)));
            rig.resource->end(xid(1), XAFlags::success);
            if (prepares) rig.resource->prepare(xid(1));
            rig.resource->rollback(xid(1));
            rig.resource->start(xid(2), XAFlags::no_flags);
            for (int index = 1; index <= 5; ++index) {
                const auto message = consumer->receive(5s);
                CPPUNIT_ASSERT_EQUAL(std::to_string(index), text_of(message));
                CPPUNIT_ASSERT_EQUAL(index <= 2 ? 2 : 1, message->int_property("JMSXDeliveryCount"));
            }
            rig.resource->end(xid(2), XAFlags::success);
            rig.resource->commit(xid(2), true);
            CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        }
    }

    static void a_branch_without_work_is_read_only() {
        XaRig rig;
        rig.resource->start(xid(1), XAFlags::no_flags);
        rig.resource->end(xid(1), XAFlags::success);
        CPPUNIT_ASSERT_EQUAL(XACode::read_only, rig.resource->prepare(xid(1)));
        CPPUNIT_ASSERT_EQUAL(XACode::unknown_xid, code([&] { rig.resource->commit(xid(1), false); }));
    }

    static void end_and_prepare_travel_together() {
        XaRig rig;
        rig.resource->start(xid(1), XAFlags::no_flags);
        rig.broker.silence();
        rig.resource->end(xid(1), XAFlags::success);  // does not wait for an answer
    }

    static void end_waits_where_it_is_told_to() {
        XaRig rig("xa-pipeline=false&request-timeout-ms=100");
        rig.resource->start(xid(1), XAFlags::no_flags);
        rig.broker.silence();
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->end(xid(1), XAFlags::success); }));
    }

    static void a_refused_message_is_told_by_end_and_rolls_back() {
        XaRig rig;
        rig.put(1);
        const auto consumer = rig.session->create_consumer(rig.queue);
        const auto answers = rig.session->create_producer(rig.session->create_queue("answers"));
        rig.resource->start(xid(1), XAFlags::no_flags);
        CPPUNIT_ASSERT(consumer->receive(5s) != nullptr);
        rig.broker.reject_next(1, "amqp:resource-limit-exceeded");
        answers->send(rig.session->create_text_message("refused"));
        answers->send(rig.session->create_text_message("taken"));
        const auto exception = thrown<XAException>([&] { rig.resource->end(xid(1), XAFlags::success); });
        CPPUNIT_ASSERT_EQUAL(XACode::rollback, exception.error_code());
        CPPUNIT_ASSERT(std::string(exception.what()).find("rejected by the test") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(XACode::rollback, code([&] { rig.resource->prepare(xid(1)); }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("answers"));
        rig.resource->start(xid(2), XAFlags::no_flags);
        CPPUNIT_ASSERT_EQUAL(2, consumer->receive(5s)->int_property("JMSXDeliveryCount"));
    }

    static void a_failed_end_rolls_the_branch_back() {
        XaRig rig;
        rig.resource->start(xid(1), XAFlags::no_flags);
        rig.send("1");
        rig.resource->end(xid(1), XAFlags::fail);
        CPPUNIT_ASSERT_EQUAL(XACode::rollback, code([&] { rig.resource->prepare(xid(1)); }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void work_outside_of_a_branch_is_refused() {
        XaRig rig;
        rig.put(1);
        const auto consumer = rig.session->create_consumer(rig.queue);
        CPPUNIT_ASSERT_THROW(rig.send("1"), IllegalStateException);
        CPPUNIT_ASSERT_THROW(consumer->receive_no_wait(), IllegalStateException);
        rig.work(1);
        CPPUNIT_ASSERT_THROW(rig.send("1"), IllegalStateException);
    }

    static void the_application_cannot_end_the_transaction_of_the_manager() {
        XaRig rig;
        CPPUNIT_ASSERT(rig.session->transacted());
        CPPUNIT_ASSERT_THROW(rig.session->session()->commit(), TransactionInProgressException);
        CPPUNIT_ASSERT_THROW(rig.session->session()->rollback(), TransactionInProgressException);
        CPPUNIT_ASSERT_THROW(rig.session->recover(), IllegalStateException);
    }

    static void a_suspended_branch_goes_on_where_it_was() {
        XaRig rig;
        rig.resource->start(xid(1), XAFlags::no_flags);
        rig.send("1");
        rig.resource->end(xid(1), XAFlags::suspend);
        rig.resource->start(xid(2), XAFlags::no_flags);
        rig.send("2");
        rig.resource->end(xid(2), XAFlags::success);
        rig.resource->rollback(xid(2));
        rig.resource->start(xid(1), XAFlags::resume);
        rig.send("3");
        rig.resource->end(xid(1), XAFlags::success);
        rig.resource->commit(xid(1), true);
        const auto contents = rig.broker.contents("q");
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, contents.size());
        CPPUNIT_ASSERT_EQUAL(std::string("1"), decoded_text(contents[0]));
        CPPUNIT_ASSERT_EQUAL(std::string("3"), decoded_text(contents[1]));
    }

    static void a_suspended_branch_can_be_ended() {
        XaRig rig;
        rig.resource->start(xid(1), XAFlags::no_flags);
        rig.send("1");
        rig.resource->end(xid(1), XAFlags::suspend | XAFlags::migrate);
        rig.resource->end(xid(1), XAFlags::success);
        rig.resource->commit(xid(1), true);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(XACode::unknown_xid, code([&] { rig.resource->end(xid(1), XAFlags::success); }));
    }

    static void another_session_joins_a_branch() {
        XaRig rig;
        rig.work(1);
        const auto other = rig.connection->create_xa_session();
        other->xa_resource()->start(xid(1), XAFlags::join);
        other->create_producer(rig.queue)->send(other->create_text_message("joined"));
        other->xa_resource()->end(xid(1), XAFlags::success);
        CPPUNIT_ASSERT_EQUAL(XACode::ok, rig.resource->prepare(xid(1)));
        rig.resource->commit(xid(1), false);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void a_prepare_over_another_link_waits_for_the_end() {
        XaRig rig;
        const auto connection = rig.factory.create_xa_connection();
        const auto other = connection->create_xa_session();
        for (int number = 1; number <= 50; ++number) {
            rig.work(number);
            CPPUNIT_ASSERT_EQUAL(XACode::ok, other->xa_resource()->prepare(xid(number)));
            other->xa_resource()->commit(xid(number), false);
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{50}, rig.broker.depth("q"));
    }

    static void any_resource_resolves_a_branch() {
        XaRig rig;
        const auto connection = rig.factory.create_xa_connection();
        const auto other = connection->create_xa_session();
        rig.work(1);
        rig.resource->prepare(xid(1));
        rig.work(2);
        rig.resource->prepare(xid(2));
        other->xa_resource()->commit(xid(1), false);
        other->xa_resource()->rollback(xid(2));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(XACode::unknown_xid, code([&] { rig.resource->rollback(xid(2)); }));
    }

    static void recovery_gives_every_branch_once() {
        XaRig rig;
        for (int number = 1; number <= 7; ++number) {
            rig.work(number);
            rig.resource->prepare(xid(number));
        }
        rig.work(8);  // is not prepared
        const auto connection = rig.factory.create_xa_connection();
        const auto other = connection->create_xa_session();
        const auto found = other->xa_resource()->recover(XAFlags::start_scan | XAFlags::end_scan);
        CPPUNIT_ASSERT_EQUAL(std::size_t{7}, found.size());
        for (int number = 1; number <= 7; ++number) {
            CPPUNIT_ASSERT(found[static_cast<std::size_t>(number - 1)] == xid(number));
            other->xa_resource()->commit(found[static_cast<std::size_t>(number - 1)], false);
        }
        CPPUNIT_ASSERT(other->xa_resource()->recover(XAFlags::start_scan | XAFlags::end_scan).empty());
        CPPUNIT_ASSERT_EQUAL(std::size_t{7}, rig.broker.depth("q"));
    }

    static void recovery_follows_the_flags_of_the_scan() {
        XaRig rig;
        for (int number = 1; number <= 5; ++number) {
            rig.work(number);
            rig.resource->prepare(xid(number));
        }
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->recover(XAFlags::no_flags); }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, rig.resource->recover(XAFlags::start_scan, 3).size());
        const auto rest = rig.resource->recover(XAFlags::no_flags, 3);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rest.size());
        CPPUNIT_ASSERT(rest[0] == xid(4) && rest[1] == xid(5));
        CPPUNIT_ASSERT(rig.resource->recover(XAFlags::end_scan).empty());
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->recover(XAFlags::end_scan); }));
    }

    static void the_codes_of_the_broker_are_thrown() {
        XaRig rig;
        rig.work(1);
        CPPUNIT_ASSERT_EQUAL(XACode::duplicate_xid, code([&] { rig.resource->start(xid(1), XAFlags::no_flags); }));
        CPPUNIT_ASSERT_EQUAL(XACode::protocol, code([&] { rig.resource->commit(xid(1), false); }));
        CPPUNIT_ASSERT_EQUAL(XACode::protocol, code([&] { rig.resource->forget(xid(1)); }));
        CPPUNIT_ASSERT_EQUAL(XACode::unknown_xid, code([&] { rig.resource->start(xid(9), XAFlags::join); }));
        for (const int one :
             {XACode::heuristic_commit, XACode::heuristic_mixed, XACode::retry, XACode::rm_error, XACode::rollback_timeout}) {
            rig.broker.refuse_xa("commit", one);
            const auto exception = thrown<XAException>([&] { rig.resource->commit(xid(1), true); });
            CPPUNIT_ASSERT_EQUAL(one, exception.error_code());
            CPPUNIT_ASSERT(std::string(exception.what()).find("XA") == 0);
        }
        rig.resource->commit(xid(1), true);
    }

    static void calls_that_do_not_fit_are_refused_here() {
        XaRig rig;
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->start({-1, "g", "b"}, XAFlags::no_flags); }));
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->start({1, "", "b"}, XAFlags::no_flags); }));
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->prepare({1, "g", std::string(65, 'b')}); }));
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->start(xid(1), XAFlags::join | XAFlags::resume); }));
        rig.resource->start(xid(1), XAFlags::no_flags);
        CPPUNIT_ASSERT_EQUAL(XACode::protocol, code([&] { rig.resource->start(xid(2), XAFlags::no_flags); }));
        CPPUNIT_ASSERT_EQUAL(XACode::protocol, code([&] { rig.resource->end(xid(2), XAFlags::suspend); }));
        CPPUNIT_ASSERT_EQUAL(XACode::unknown_xid, code([&] { rig.resource->end(xid(2), XAFlags::success); }));
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->end(xid(1), XAFlags::success | XAFlags::fail); }));
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->end(xid(1), XAFlags::no_flags); }));
        rig.resource->end(xid(1), XAFlags::success);
    }

    static void a_lost_link_is_always_rm_fail() {
        for (const bool applied : {false, true}) {
            for (const std::string call : {"start new", "prepare", "commit", "rollback"}) {
                XaRig rig;
                const auto producer = rig.session->create_producer(rig.queue);
                rig.broker.cut_at_xa(call, applied);
                const int got = code([&] {
                    rig.work(1);
                    rig.resource->prepare(xid(1));
                    if (call == "commit") rig.resource->commit(xid(1), false);
                    rig.resource->rollback(xid(1));
                });
                CPPUNIT_ASSERT_EQUAL_MESSAGE(call, XACode::rm_fail, got);
            }
        }
    }

    static void a_loss_before_end_is_rm_fail_and_the_work_is_gone() {
        XaRig rig;
        rig.put(2);
        const auto consumer = rig.session->create_consumer(rig.queue);
        rig.resource->start(xid(1), XAFlags::no_flags);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections_made() == 2 && rig.broker.consumers("q") == 1; }));
        rig.send("in the lost branch");
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->end(xid(1), XAFlags::success); }));
        CPPUNIT_ASSERT_EQUAL(XACode::rollback_lost, code([&] { rig.resource->prepare(xid(1)); }));
        rig.resource->start(xid(2), XAFlags::no_flags);
        CPPUNIT_ASSERT_EQUAL(std::string("1"), text_of(consumer->receive(5s)));
        rig.send("next");
        rig.resource->end(xid(2), XAFlags::success);
        rig.resource->commit(xid(2), true);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::string("next"), decoded_text(rig.broker.contents("q").at(1)));
    }

    static void without_a_connection_every_call_is_rm_fail() {
        XaRig rig;
        rig.broker.stop_listening();
        rig.broker.cut_connections();
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.broker.connections() == 0; }));
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->start(xid(1), XAFlags::no_flags); }));
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->prepare(xid(1)); }));
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->commit(xid(1), false); }));
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->rollback(xid(1)); }));
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->forget(xid(1)); }));
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->recover(XAFlags::start_scan); }));
        rig.broker.listen_again();
    }

    static void no_answer_is_rm_fail() {
        XaRig rig("request-timeout-ms=50");
        rig.work(1);
        rig.broker.silence();
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->prepare(xid(1)); }));
    }

    static void a_prepared_branch_survives_the_connection() {
        XaRig rig;
        rig.work(1);
        rig.resource->prepare(xid(1));
        rig.broker.cut_at_xa("commit", true);
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->commit(xid(1), false); }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        // The library connects again by itself.
        CPPUNIT_ASSERT(rig.broker.wait([&] { return code([&] { rig.resource->commit(xid(1), false); }) == XACode::unknown_xid; }));
    }

    static void the_same_store_is_the_same_resource_manager() {
        XaRig rig;
        const auto connection = rig.factory.create_xa_connection();
        const auto other = connection->create_xa_session();
        CPPUNIT_ASSERT(rig.resource->is_same_rm(*other->xa_resource()));
        TestBroker::Options options;
        options.rm_id = "another";
        XaRig third({}, options);
        CPPUNIT_ASSERT(!rig.resource->is_same_rm(*third.resource));
        options.rm_id = {};
        XaRig fourth({}, options);
        XaRig fifth({}, options);
        CPPUNIT_ASSERT(!fourth.resource->is_same_rm(*fifth.resource));
        CPPUNIT_ASSERT(fourth.resource->is_same_rm(*fourth.resource));
    }

    static void a_timeout_goes_to_the_broker() {
        XaRig rig;
        CPPUNIT_ASSERT(rig.resource->transaction_timeout() == 0s);
        rig.resource->set_transaction_timeout(7s);
        rig.work(1);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{7000}, rig.broker.xa_timeout_ms());
        rig.resource->rollback(xid(1));
        rig.resource->start(xid(2), XAFlags::no_flags);
        rig.resource->set_transaction_timeout(9s);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{9000}, rig.broker.xa_timeout_ms());
        CPPUNIT_ASSERT(rig.resource->transaction_timeout() == 9s);
        CPPUNIT_ASSERT_EQUAL(XACode::invalid, code([&] { rig.resource->set_transaction_timeout(-1s); }));
    }

    static void the_hook_before_work_starts_a_branch() {
        XaRig rig;
        int calls = 0;
        rig.session->set_before_work([&] {
            ++calls;
            rig.resource->start(xid(calls), XAFlags::no_flags);
        });
        rig.send("1");
        rig.send("2");
        CPPUNIT_ASSERT_EQUAL(1, calls);
        rig.resource->end(xid(1), XAFlags::success);
        rig.send("3");
        CPPUNIT_ASSERT_EQUAL(2, calls);
        rig.resource->end(xid(2), XAFlags::success);
        rig.resource->commit(xid(1), true);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void other_sessions_of_the_connection_are_as_ever() {
        XaRig rig;
        const auto local = rig.connection->create_session(AcknowledgeMode::session_transacted);
        const auto plain = rig.connection->create_session();
        local->create_producer(rig.queue)->send(local->create_text_message("local"));
        local->commit();
        plain->create_producer(rig.queue)->send(plain->create_text_message("plain"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void a_broker_without_xa_is_told_at_once() {
        TestBroker::Options options;
        options.has_xa = false;
        TestBroker broker(options);
        const auto connection = XAConnectionFactory(broker.uri()).create_xa_connection();
        CPPUNIT_ASSERT_EQUAL(std::string("amqp:not-implemented"),
                             thrown<JMSException>([&] { connection->create_xa_session(); }).error_code());
        connection->create_session(AcknowledgeMode::session_transacted);
    }

    static void listeners_are_refused() {
        XaRig rig;
        const auto consumer = rig.session->create_consumer(rig.queue);
        CPPUNIT_ASSERT_THROW(consumer->set_message_listener([](const MessagePtr&) {}), IllegalStateException);
    }

    static void closing_the_session_gives_up_the_active_branch() {
        XaRig rig;
        rig.resource->start(xid(1), XAFlags::no_flags);
        rig.send("1");
        rig.session->close();
        CPPUNIT_ASSERT_EQUAL(XACode::rm_fail, code([&] { rig.resource->commit(xid(1), true); }));
        const auto other = rig.connection->create_xa_session();
        CPPUNIT_ASSERT_EQUAL(XACode::rollback_lost, code([&] { other->xa_resource()->commit(xid(1), true); }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(XaTest);

}  // namespace
}  // namespace giromq::test
