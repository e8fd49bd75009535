#include "unit/amqp/branch_manager.hpp"

using namespace std::string_literals;
using namespace std::chrono_literals;

namespace giromq::test {

/// Branches of global transactions on the wire (docs/protocol-xa.md).
class AmqpBranchTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpBranchTest);
    CPPUNIT_TEST(the_open_frame_names_the_resource_manager);
    CPPUNIT_TEST(a_branch_is_shown_after_its_commit);
    CPPUNIT_TEST(nothing_is_answered_before_it_is_durable);
    CPPUNIT_TEST(end_and_prepare_and_the_next_start_may_be_pipelined);
    CPPUNIT_TEST(calls_behind_an_end_that_waits_keep_their_order);
    CPPUNIT_TEST(a_branch_without_work_answers_read_only);
    CPPUNIT_TEST(one_phase_needs_no_prepare);
    CPPUNIT_TEST(a_rollback_returns_what_was_got_counted);
    CPPUNIT_TEST(a_failed_end_rolls_back);
    CPPUNIT_TEST(what_was_got_is_settled_with_the_prepare_and_stays_locked);
    CPPUNIT_TEST(several_links_work_in_a_branch);
    CPPUNIT_TEST(a_suspended_association_keeps_its_id);
    CPPUNIT_TEST(a_suspended_association_can_be_ended);
    CPPUNIT_TEST(a_migrating_association_is_resumed_elsewhere);
    CPPUNIT_TEST(any_connection_may_complete_a_branch);
    CPPUNIT_TEST(the_loss_of_the_link_rolls_back_what_is_active);
    CPPUNIT_TEST(the_loss_of_the_link_keeps_idle_branches_until_their_timeout);
    CPPUNIT_TEST(the_loss_of_the_link_keeps_what_migrates);
    CPPUNIT_TEST(the_timeout_of_a_branch_is_its_own);
    CPPUNIT_TEST(a_timeout_can_be_set_anew);
    CPPUNIT_TEST(no_timeout_touches_a_prepared_branch);
    CPPUNIT_TEST(a_repeated_call_hears_the_truth);
    CPPUNIT_TEST(no_wait_is_told_to_come_back);
    CPPUNIT_TEST(work_in_a_rolled_back_branch_is_refused_and_the_link_stays);
    CPPUNIT_TEST(the_id_of_a_branch_is_unknown_to_other_connections);
    CPPUNIT_TEST_SUITE_END();

    void the_open_frame_names_the_resource_manager() {
        Broker broker;
        broker.options.resource_manager_id = "11111111-2222-4333-8444-555555555555";
        Client client(broker);
        client.pump();
        pn_data_t* const properties = pn_connection_remote_properties(client.peer.connection());
        pn_data_rewind(properties);
        CPPUNIT_ASSERT(pn_data_next(properties));
        pn_data_enter(properties);
        std::string id;
        while (pn_data_next(properties)) {
            const pn_bytes_t key = pn_data_get_symbol(properties);
            const bool is_it = std::string_view(key.start, key.size) == "giromq:rm-id";
            CPPUNIT_ASSERT(pn_data_next(properties));
            if (!is_it) continue;
            const pn_bytes_t value = pn_data_get_string(properties);
            id = std::string(value.start, value.size);
        }
        CPPUNIT_ASSERT_EQUAL(broker.options.resource_manager_id, id);
    }

    void a_branch_is_shown_after_its_commit() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        client.receiver("q", 10);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        pn_delivery_t* const put = manager.put(sender, "a");
        CPPUNIT_ASSERT(Controller::state_of(put) == std::pair(manager.transaction, std::uint64_t{PN_ACCEPTED}));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL(""s, client.texts());
        CPPUNIT_ASSERT_EQUAL("x"s, manager.recover());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
        CPPUNIT_ASSERT_EQUAL(""s, manager.recover());
    }

    void nothing_is_answered_before_it_is_durable() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        broker.commits = false;
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        manager.put(sender, "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT(broker.doors->idle());
        pn_delivery_t* const prepare = manager.controller.call(BranchManager::xid_call("giromq:xa-prepare:list", "x"));
        broker.doors->write();
        client.pump();
        CPPUNIT_ASSERT_EQUAL("none"s, BranchManager::answer_of(prepare));
        CPPUNIT_ASSERT_EQUAL(""s, manager.recover());
        settle_store(broker, client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, BranchManager::answer_of(prepare));
        pn_delivery_t* const commit = manager.controller.call(BranchManager::commit_call("x", false, false));
        broker.doors->write();
        client.pump();
        CPPUNIT_ASSERT_EQUAL("none"s, BranchManager::answer_of(commit));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
        settle_store(broker, client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, BranchManager::answer_of(commit));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void end_and_prepare_and_the_next_start_may_be_pipelined() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("a"));
        manager.put(sender, "1");
        AmqpPeer& peer = client.peer;
        pn_link_t* const link = manager.controller.link;
        pn_delivery_t* const end = peer.send(link, Controller::discharge_call(manager.transaction, false));
        pn_delivery_t* const prepare = peer.send(link, BranchManager::xid_call("giromq:xa-prepare:list", "a"));
        pn_delivery_t* const start = peer.send(link, BranchManager::start_call("b", "new"));
        client.pump();
        for (pn_delivery_t* const call : {end, prepare, start}) {
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, BranchManager::answer_of(call));
            CPPUNIT_ASSERT(pn_delivery_settled(call));
        }
        CPPUNIT_ASSERT(Controller::id_of(start) != manager.transaction);
    }

    void calls_behind_an_end_that_waits_keep_their_order() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("a"));
        broker.commits = false;
        // Its chunks are on their way to the store while the calls come.
        manager.controller.begin_put(manager.transaction, sender);
        const auto large = durable_text(std::string(700'000, 'x'));
        pn_link_send(sender, large.data(), large.size());
        pn_link_advance(sender);
        AmqpPeer& peer = client.peer;
        pn_link_t* const link = manager.controller.link;
        std::vector<pn_delivery_t*> calls{
            peer.send(link, Controller::discharge_call(manager.transaction, false)),
            peer.send(link, BranchManager::timeout_call("a", 1000)),
            peer.send(link, BranchManager::xid_call("giromq:xa-prepare:list", "a")),
            peer.send(link, BranchManager::start_call("b", "new")),
            peer.send(link, BranchManager::recover_call({}, 10)),
        };
        client.pump();
        for (pn_delivery_t* const call : calls) CPPUNIT_ASSERT_EQUAL("none"s, BranchManager::answer_of(call));
        broker.commits = true;
        client.pump();
        const auto recovered = calls.back();
        calls.pop_back();
        for (pn_delivery_t* const call : calls) CPPUNIT_ASSERT_EQUAL("XA_OK"s, BranchManager::answer_of(call));
        // The prepare was being written when that was asked.
        CPPUNIT_ASSERT_EQUAL(""s, BranchManager::recovered_of(recovered));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("a"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_branch_without_work_answers_read_only() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_RDONLY"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, manager.commit("x"));
    }

    void one_phase_needs_no_prepare() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        manager.put(sender, "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x", true));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_rollback_returns_what_was_got_counted() {
        for (const bool is_prepared : {false, true}) {
            Broker broker;
            Client client(broker);
            BranchManager manager(client);
            pn_link_t* const sender = client.sender("q");
            client.send(sender, durable_text("a"));
            client.receiver("q", 2);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
            manager.controller.get(manager.transaction, client.peer.take_received().at(0), PN_ACCEPTED, true);
            manager.put(sender, "never");
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
            if (is_prepared) CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
            CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
            CPPUNIT_ASSERT_EQUAL(1U, delivery_count_of(client.peer.received.at(0).bytes));
        }
    }

    void a_failed_end_rolls_back() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        manager.put(sender, "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end(true));
        CPPUNIT_ASSERT_EQUAL("XA_RBROLLBACK"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, client.queue("q").messages);
    }

    void what_was_got_is_settled_with_the_prepare_and_stays_locked() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager manager(client);
        BranchManager rescuer(other);
        client.send(client.sender("q"), durable_text("a"));
        pn_link_t* const receiver = client.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        const auto received = client.peer.received.at(0);
        manager.controller.get(manager.transaction, received, PN_ACCEPTED, false);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT(!pn_delivery_settled(received.delivery));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT(pn_delivery_settled(received.delivery));
        pn_link_close(receiver);
        pn_link_close(manager.controller.link);
        client.pump();
        other.receiver("q", 1);
        CPPUNIT_ASSERT_EQUAL(""s, other.texts());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, other.queue("q").messages);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, rescuer.commit("x"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, other.queue("q").messages);
    }

    void several_links_work_in_a_branch() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager first(client);
        BranchManager second(other);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, first.start("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, second.start("x", "join"));
        CPPUNIT_ASSERT(first.transaction != second.transaction);
        first.put(client.sender("q"), "a");
        second.put(other.sender("q"), "b");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, first.end());
        CPPUNIT_ASSERT_EQUAL("XAER_PROTO"s, first.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, second.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, first.commit("x", true));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, client.queue("q").messages);
    }

    void a_suspended_association_keeps_its_id() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        const auto of_x = manager.transaction;
        manager.put(sender, "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.suspend());
        // Another branch meanwhile.
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("y"));
        CPPUNIT_ASSERT(manager.transaction != of_x);
        CPPUNIT_ASSERT_EQUAL("XAER_PROTO"s, manager.start("x", "resume"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x", "resume"));
        CPPUNIT_ASSERT(manager.transaction == of_x);
        manager.put(sender, "b");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x", true));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, client.queue("q").messages);
    }

    void a_suspended_association_can_be_ended() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        manager.put(client.sender("q"), "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.suspend());
        CPPUNIT_ASSERT_EQUAL("XAER_PROTO"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
    }

    void a_migrating_association_is_resumed_elsewhere() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager manager(client);
        BranchManager elsewhere(other);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        manager.put(client.sender("q"), "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.suspend(true));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.start("x", "resume"));
        elsewhere.put(other.sender("q"), "b");
        // The old id has moved away.
        CPPUNIT_ASSERT(BranchManager::answer_of(manager.controller.discharge(manager.transaction)) != "XA_OK");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.commit("x", true));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, client.queue("q").messages);
    }

    static void settle_store(Broker& broker, Client& client) {
        broker.commits = true;
        client.pump();
        broker.commits = false;
    }

    void any_connection_may_complete_a_branch() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager manager(client);
        BranchManager elsewhere(other);
        make_idle(client, manager, "x");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("x"s, elsewhere.recover());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.commit("x"));
        // While it is being worked in: the worker hears of it at its next call.
        make_active(client, manager, "y");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.rollback("y"));
        CPPUNIT_ASSERT_EQUAL("XA_RBROLLBACK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void the_loss_of_the_link_rolls_back_what_is_active() {
        for (const bool is_suspended : {false, true}) {
            Broker broker;
            Client client(broker);
            Client other(broker);
            BranchManager manager(client);
            BranchManager elsewhere(other);
            client.send(client.sender("q"), durable_text("a"));
            client.receiver("q", 2);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
            manager.controller.get(manager.transaction, client.peer.take_received().at(0), PN_ACCEPTED, true);
            if (is_suspended) CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.suspend());
            pn_link_close(manager.controller.link);
            client.pump();
            CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
            CPPUNIT_ASSERT_EQUAL("XA_RBCOMMFAIL"s, elsewhere.prepare("x"));
            CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, elsewhere.rollback("x"));
        }
    }

    void the_loss_of_the_link_keeps_idle_branches_until_their_timeout() {
        Broker broker;
        Client other(broker);
        BranchManager elsewhere(other);
        {
            Client client(broker);
            BranchManager manager(client);
            make_idle(client, manager, "x");
            make_idle(client, manager, "y");
        }
        other.pump();
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.commit("x", true));
        broker.clock.advance(6min);
        broker.core->tick();
        CPPUNIT_ASSERT_EQUAL("XA_RBTIMEOUT"s, elsewhere.prepare("y"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, other.queue("q").messages);
    }

    void the_loss_of_the_link_keeps_what_migrates() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager manager(client);
        BranchManager elsewhere(other);
        make_active(client, manager, "x");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.suspend(true));
        pn_link_close(manager.controller.link);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.start("x", "resume"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.commit("x", true));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, other.queue("q").messages);
    }

    void the_timeout_of_a_branch_is_its_own() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x", "new", 2000));
        manager.put(sender, "a");
        broker.clock.advance(3s);
        broker.core->tick();
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:timeout"s, Controller::answer_of(manager.put(sender, "b")));
        pn_delivery_t* const end = manager.controller.discharge(manager.transaction);
        CPPUNIT_ASSERT_EQUAL("XA_RBTIMEOUT"s, BranchManager::answer_of(end));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:timeout"s, BranchManager::condition_of(end));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("x"));
    }

    void a_timeout_can_be_set_anew() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x", "new", 2000));
        manager.put(client.sender("q"), "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.set_timeout("x", 10'000));
        broker.clock.advance(9s);
        broker.core->tick();
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        CPPUNIT_ASSERT_EQUAL("XAER_PROTO"s, manager.set_timeout("x", 10'000));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, manager.set_timeout("nobody", 10'000));
    }

    void no_timeout_touches_a_prepared_branch() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x", "new", 2000));
        manager.put(client.sender("q"), "a");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare("x"));
        broker.clock.advance(48h);
        broker.core->tick();
        client.pump();
        CPPUNIT_ASSERT_EQUAL("x"s, manager.recover());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void a_repeated_call_hears_the_truth() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        make_prepared(client, manager, "committed");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("committed"));
        make_prepared(client, manager, "rolled back");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("rolled back"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("committed"));
        CPPUNIT_ASSERT_EQUAL("XA_HEURCOM"s, manager.rollback("committed"));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, manager.commit("rolled back"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.rollback("rolled back"));
        CPPUNIT_ASSERT_EQUAL("XAER_DUPID"s, manager.start("committed"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }

    void no_wait_is_told_to_come_back() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        make_idle(client, manager, "x");
        broker.commits = false;
        pn_delivery_t* const prepare = manager.controller.call(BranchManager::xid_call("giromq:xa-prepare:list", "x"));
        CPPUNIT_ASSERT_EQUAL("XA_RETRY giromq:retry"s, refusal_of(manager, BranchManager::commit_call("x", false, true)));
        CPPUNIT_ASSERT_EQUAL("none"s, BranchManager::answer_of(prepare));
        settle_store(broker, client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, BranchManager::answer_of(prepare));
    }

    void work_in_a_rolled_back_branch_is_refused_and_the_link_stays() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager manager(client);
        BranchManager elsewhere(other);
        pn_link_t* const sender = client.sender("q");
        client.send(sender, durable_text("a"));
        pn_link_t* const receiver = client.receiver("q", 2);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.rollback("x"));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, Controller::answer_of(manager.put(sender, "b")));
        manager.controller.get(manager.transaction, client.peer.take_received().at(0), PN_ACCEPTED, true);
        CPPUNIT_ASSERT_EQUAL("a"s, client.texts());
        CPPUNIT_ASSERT(AmqpPeer::is_attached(sender) && AmqpPeer::is_attached(receiver));
        CPPUNIT_ASSERT_EQUAL("XA_RBROLLBACK"s, manager.end());
    }

    void the_id_of_a_branch_is_unknown_to_other_connections() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager manager(client);
        BranchManager thief(other);
        make_active(client, manager, "x");
        pn_link_t* const sender = other.sender("q");
        thief.transaction = manager.transaction;
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, Controller::answer_of(thief.put(sender, "b")));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, thief.end());
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, thief.suspend());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("x", true));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, client.queue("q").messages);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpBranchTest);

}  // namespace giromq::test
