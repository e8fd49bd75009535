#include "security/user_directory.hpp"
#include "unit/amqp/branch_manager.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// What calls of giromq:xa are refused with, who may make them, and how recovery lists branches.
class AmqpBranchCallsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpBranchCallsTest);
    CPPUNIT_TEST(refusals_have_their_condition_and_code);
    CPPUNIT_TEST(wrong_arguments_are_invalid);
    CPPUNIT_TEST(what_is_no_call_is_a_decode_error);
    CPPUNIT_TEST(recovery_goes_by_pages);
    CPPUNIT_TEST(recovery_fits_into_the_frames_of_the_peer);
    CPPUNIT_TEST(the_longest_page_is_one_outcome);
    CPPUNIT_TEST(recovery_may_continue_behind_a_branch_that_is_gone);
    CPPUNIT_TEST(who_may_not_resolve_a_branch_does_not_see_it);
    CPPUNIT_TEST(too_many_associations_are_refused);
    CPPUNIT_TEST(too_many_branches_of_one_user_are_refused);
    CPPUNIT_TEST(thousands_of_branches_of_one_link_hold_up_nobody);
    CPPUNIT_TEST(a_partial_delivery_keeps_from_suspending);
    CPPUNIT_TEST(a_source_without_rejected_is_answered_by_a_detach);
    CPPUNIT_TEST(a_heuristic_outcome_is_told_until_it_is_forgotten);
    CPPUNIT_TEST_SUITE_END();

    void refusals_have_their_condition_and_code() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        const auto prepare_of = [](std::string_view gtrid) { return BranchManager::xid_call("giromq:xa-prepare:list", gtrid); };
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA amqp:transaction:unknown-id"s, refusal_of(manager, prepare_of("nobody")));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA amqp:transaction:unknown-id"s, refusal_of(manager, BranchManager::start_call("nobody", "join")));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA amqp:transaction:unknown-id"s, refusal_of(manager, Controller::discharge_call("unknown!", false)));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA amqp:transaction:unknown-id"s, refusal_of(manager, BranchManager::suspend_call("unknown!", false)));
        make_active(client, manager, "x");
        CPPUNIT_ASSERT_EQUAL("XAER_PROTO amqp:illegal-state"s, refusal_of(manager, prepare_of("x")));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end(true));
        CPPUNIT_ASSERT_EQUAL("XA_RBROLLBACK amqp:transaction:rollback"s, refusal_of(manager, prepare_of("x")));
        make_idle(client, manager, "y");
        CPPUNIT_ASSERT_EQUAL("XAER_DUPID giromq:duplicate-xid"s, refusal_of(manager, BranchManager::start_call("y", "new")));
        CPPUNIT_ASSERT_EQUAL("XAER_PROTO amqp:illegal-state"s, refusal_of(manager, BranchManager::commit_call("y", false, false)));
        CPPUNIT_ASSERT_EQUAL("XAER_PROTO amqp:illegal-state"s, refusal_of(manager, BranchManager::xid_call("giromq:xa-forget:list", "y")));
        // An id that was used is used up.
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA amqp:transaction:unknown-id"s,
                             refusal_of(manager, Controller::discharge_call(manager.transaction, false)));
        CPPUNIT_ASSERT(AmqpPeer::is_attached(manager.controller.link));
    }

    void a_heuristic_outcome_is_told_until_it_is_forgotten() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        make_prepared(client, manager, "x");
        const auto xid = xa::Xid::make(131077, "x", "b").value();
        broker.core->xa_resolve(xid, xa::Outcome::rolled_back, {"anna", "the manager's log is lost"}, [](xa::ReturnCode) {});
        client.pump();
        CPPUNIT_ASSERT_EQUAL("x:heuristic"s, manager.recover());
        CPPUNIT_ASSERT_EQUAL("XA_HEURRB giromq:heuristic"s, refusal_of(manager, BranchManager::commit_call("x", false, false)));
        CPPUNIT_ASSERT_EQUAL("XA_HEURRB"s, manager.commit("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.forget("x"));
        CPPUNIT_ASSERT_EQUAL("XAER_NOTA"s, manager.forget("x"));
        CPPUNIT_ASSERT_EQUAL(""s, manager.recover());
    }

    template <typename Fill>
    static std::string call_of(std::string_view type, Fill fill) {
        return Controller::value([&](codec::Writer& writer) { BranchManager::composite(writer, type, [&] { return fill(writer); }); });
    }

    template <typename Fill>
    static std::string start_of(Fill fill) {
        return Controller::value([&](codec::Writer& writer) {
            writer.descriptor(0x31);
            const auto declare = writer.begin_list();
            BranchManager::composite(writer, "giromq:xa-branch:list", [&] { return fill(writer); });
            writer.end(declare, 1);
        });
    }

    void wrong_arguments_are_invalid() {
        using codec::Writer;
        const auto prepare = "giromq:xa-prepare:list";
        const std::string too_long(65, 'x');
        const std::vector<std::string> calls{
            call_of(prepare, [](Writer&) { return 0U; }),
            call_of(prepare, [](Writer& writer) { return writer.null(), 1U; }),
            call_of(prepare, [](Writer& writer) { return writer.binary(as_bytes("x")), 1U; }),
            call_of(prepare, [](Writer& writer) { return BranchManager::xid(writer, "x", -1), 1U; }),
            call_of(prepare, [](Writer& writer) { return BranchManager::xid(writer, ""), 1U; }),
            call_of(prepare, [&](Writer& writer) { return BranchManager::xid(writer, too_long), 1U; }),
            call_of(prepare, [&](Writer& writer) { return BranchManager::xid(writer, "x", 1, too_long), 1U; }),
            call_of(prepare, [](Writer& writer) { return BranchManager::xid(writer, "x"), writer.null(), 2U; }),
            call_of(prepare,
                    [](Writer& writer) {
                        BranchManager::composite(writer, "giromq:xid:list", [&] {
                            writer.uint32(7);  // an int is wanted
                            writer.binary(as_bytes("x"));
                            writer.binary(as_bytes("b"));
                            return 3U;
                        });
                        return 1U;
                    }),
            call_of(prepare,
                    [](Writer& writer) {
                        BranchManager::composite(writer, "giromq:xid:list", [&] {
                            BranchManager::int32(writer, 7);
                            writer.binary(as_bytes("x"));
                            return 2U;
                        });
                        return 1U;
                    }),
            call_of("giromq:xa-commit:list", [](Writer& writer) { return BranchManager::xid(writer, "x"), writer.symbol("yes"), 2U; }),
            call_of("giromq:xa-suspend:list", [](Writer&) { return 0U; }),
            call_of("giromq:xa-suspend:list", [](Writer& writer) { return writer.string("x"), 1U; }),
            call_of("giromq:xa-recover:list", [](Writer& writer) { return writer.null(), writer.uint32(0), 2U; }),
            call_of("giromq:xa-recover:list", [](Writer& writer) { return writer.string("x"), 1U; }),
            call_of("giromq:xa-timeout:list", [](Writer& writer) { return BranchManager::xid(writer, "x"), 1U; }),
            call_of("giromq:xa-timeout:list", [](Writer& writer) { return BranchManager::xid(writer, "x"), writer.uint32(0), 2U; }),
            start_of([](Writer& writer) { return BranchManager::xid(writer, "x"), 1U; }),
            start_of([](Writer& writer) { return BranchManager::xid(writer, "x"), writer.symbol("begin"), 2U; }),
            start_of([](Writer& writer) { return BranchManager::xid(writer, "x"), writer.symbol("join"), writer.uint32(1), 3U; }),
            start_of([](Writer& writer) { return BranchManager::xid(writer, "", 1), writer.symbol("new"), 2U; }),
        };
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        for (std::size_t index = 0; index < calls.size(); ++index) {
            CPPUNIT_ASSERT_EQUAL(std::to_string(index) + " XAER_INVAL amqp:invalid-field",
                                 std::to_string(index) + " " + refusal_of(manager, calls[index]));
        }
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
    }

    void what_is_no_call_is_a_decode_error() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        const std::vector<std::string> calls{
            call_of("giromq:xa-hello:list", [](codec::Writer&) { return 0U; }),
            BranchManager::xid_call("giromq:xa-prepare:list", "x").substr(0, 40),
            // A fail that is no boolean must not be taken for a commit.
            Controller::value([](codec::Writer& writer) {
                writer.descriptor(0x32);
                const auto list = writer.begin_list();
                writer.binary(as_bytes("12345678"));
                writer.symbol("true");
                writer.end(list, 2);
            }),
        };
        for (const auto& call : calls) CPPUNIT_ASSERT_EQUAL("amqp:decode-error"s, Controller::answer_of(manager.controller.call(call)));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
    }

    void recovery_goes_by_pages() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        for (const auto* const gtrid : {"e", "b", "d", "a", "c", "bb"}) make_prepared(client, manager, gtrid);
        make_idle(client, manager, "idle");
        CPPUNIT_ASSERT_EQUAL("a b bb c d e"s, manager.recover());
        CPPUNIT_ASSERT_EQUAL("a b ..."s, manager.recover({}, 2));
        CPPUNIT_ASSERT_EQUAL("bb c ..."s, manager.recover("b", 2));
        CPPUNIT_ASSERT_EQUAL("d e"s, manager.recover("c", 2));
        CPPUNIT_ASSERT_EQUAL(""s, manager.recover("e", 2));
        CPPUNIT_ASSERT_EQUAL("a b bb c d e"s, manager.recover({}, 100'000));
    }

    void recovery_fits_into_the_frames_of_the_peer() {
        Broker broker;
        Client client(broker);
        AmqpPeer::Options small;
        small.max_frame = 512;
        Client narrow(broker, small);
        BranchManager manager(client);
        BranchManager scanner(narrow);
        const std::string padding(60, 'x');
        std::string expected;
        for (int branch = 10; branch < 30; ++branch) {
            const auto gtrid = std::to_string(branch) + padding;
            make_prepared(client, manager, gtrid);
            expected += (expected.empty() ? "" : " ") + gtrid;
        }
        std::string found;
        std::string after;
        for (bool more = true; more;) {
            auto page = scanner.recover(after, 100);
            more = page.ends_with(" ...");
            if (more) page.resize(page.size() - 4);
            CPPUNIT_ASSERT(!page.empty());
            found += (found.empty() ? "" : " ") + page;
            after = page.substr(page.rfind(' ') + 1);
        }
        CPPUNIT_ASSERT_EQUAL(expected, found);
    }

    void the_longest_page_is_one_outcome() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        std::string expected;
        for (int branch = 1000; branch <= 2000; ++branch) {
            const auto gtrid = std::to_string(branch) + std::string(60, 'x');
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start(gtrid));
            manager.put(sender, "m");
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.end());
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.prepare(gtrid));
            expected += (branch == 2000 ? "..." : gtrid + " ");
        }
        CPPUNIT_ASSERT_EQUAL(expected, manager.recover({}, 5000));
    }

    void recovery_may_continue_behind_a_branch_that_is_gone() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        for (const auto* const gtrid : {"a", "b", "c"}) make_prepared(client, manager, gtrid);
        CPPUNIT_ASSERT_EQUAL("a b ..."s, manager.recover({}, 2));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.commit("b"));
        CPPUNIT_ASSERT_EQUAL("c"s, manager.recover("b", 2));
    }

    static AmqpPeer::Options login(const std::string& user) {
        AmqpPeer::Options options;
        options.user = user;
        options.password = "correct horse";
        return options;
    }

    void who_may_not_resolve_a_branch_does_not_see_it() {
        Broker broker;
        broker.options.mechanisms = {amqp::Mechanism::plain};
        for (const auto* const name : {"alice", "bob", "root"}) {
            const auto role = name == "root"s ? Role::administrator : Role::application;
            broker.users.put(security::make_user(name, role, "correct horse", security::iterations_min).value());
        }
        broker.users.permissions().put(
            {1, GranteeKind::role, "application", "#", {Action::send, Action::receive, Action::browse, Action::create}, {}, "test"});
        Client of_alice(broker, login("alice"));
        Client again(broker, login("alice"));
        Client of_bob(broker, login("bob"));
        Client of_root(broker, login("root"));
        BranchManager alice(of_alice);
        BranchManager alice_again(again);
        BranchManager bob(of_bob);
        BranchManager root(of_root);
        make_prepared(of_alice, alice, "x");
        make_idle(of_alice, alice, "y");
        CPPUNIT_ASSERT_EQUAL("x"s, alice_again.recover());
        CPPUNIT_ASSERT_EQUAL("x"s, root.recover());
        CPPUNIT_ASSERT_EQUAL(""s, bob.recover());
        for (const auto& call : {BranchManager::commit_call("x", false, false), BranchManager::xid_call("giromq:xa-rollback:list", "y"),
                                 BranchManager::start_call("y", "join"), BranchManager::timeout_call("y", 1)}) {
            CPPUNIT_ASSERT_EQUAL("XAER_RMERR amqp:unauthorized-access"s, refusal_of(bob, call));
        }
        broker.users.permissions().put({2, GranteeKind::user, "bob", "#", {Action::resolve_xa}, {}, "test"});
        CPPUNIT_ASSERT_EQUAL_MESSAGE("what it may complete it sees", "x"s, bob.recover());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, root.rollback("y"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, alice_again.commit("x"));
    }

    void too_many_associations_are_refused() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        for (int link = 1; link < 64; ++link) {
            BranchManager other(client);
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, other.start("x", "join"));
        }
        BranchManager other(client);
        CPPUNIT_ASSERT_EQUAL("XAER_RMERR amqp:resource-limit-exceeded"s, refusal_of(other, BranchManager::start_call("x", "join")));
    }

    void too_many_branches_of_one_user_are_refused() {
        core::CoreSettings settings;
        settings.branches_max = 2;
        Broker broker(settings);
        Client client(broker);
        BranchManager one(client);
        BranchManager two(client);
        BranchManager three(client);
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, one.start("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, two.start("y"));
        CPPUNIT_ASSERT_EQUAL("XAER_RMERR amqp:resource-limit-exceeded"s, refusal_of(three, BranchManager::start_call("z", "new")));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, one.end());
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, one.rollback("x"));
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, three.start("z"));
    }

    void thousands_of_branches_of_one_link_hold_up_nobody() {
        Broker broker;
        Client client(broker);
        Client other(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        constexpr int count = 10'000;
        for (int number = 0; number < count; ++number) {
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x" + std::to_string(number)));
            manager.put(sender, std::to_string(number));
            CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.suspend());
        }
        BranchManager elsewhere(other);
        make_prepared(other, elsewhere, "other");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, elsewhere.commit("other"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, other.queue("q").messages);
        pn_link_close(manager.controller.link);
        client.pump();
        CPPUNIT_ASSERT_EQUAL("XA_RBCOMMFAIL"s, elsewhere.prepare("x0"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, other.queue("q").messages);
    }

    void a_partial_delivery_keeps_from_suspending() {
        Broker broker;
        Client client(broker);
        BranchManager manager(client);
        pn_link_t* const sender = client.sender("q");
        CPPUNIT_ASSERT_EQUAL("XA_OK"s, manager.start("x"));
        manager.controller.begin_put(manager.transaction, sender);
        pn_link_send(sender, "\0Ss", 3);
        client.pump();
        manager.controller.call(BranchManager::suspend_call(manager.transaction, false));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:rollback"s, AmqpPeer::link_condition(manager.controller.link));
    }

    void a_source_without_rejected_is_answered_by_a_detach() {
        Broker broker;
        Client client(broker);
        Controller controller(client);
        pn_link_t* const control = controller.open({"amqp:accepted:list"});
        client.send(control, BranchManager::xid_call("giromq:xa-prepare:list", "nobody"));
        CPPUNIT_ASSERT(AmqpPeer::is_closed(control));
        CPPUNIT_ASSERT_EQUAL("amqp:transaction:unknown-id"s, AmqpPeer::link_condition(control));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpBranchCallsTest);

}  // namespace giromq::test
