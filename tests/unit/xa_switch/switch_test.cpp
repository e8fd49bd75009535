#include <cppunit/extensions/HelperMacros.h>

#include <cstring>
#include <thread>

#include "giromq-xa/giromq_xa.h"
#include "unit/client/rig.hpp"
#include "xa/constants.h"

namespace {

/// What the transaction manager of these tests answers to ax_reg.
int register_code = TM_OK;
XID register_xid;
int registered = 0;
int unregistered = 0;

}  // namespace

int ax_reg(int /*rmid*/, XID* xid, long /*flags*/) {
    ++registered;
    *xid = register_xid;
    return register_code;
}

int ax_unreg(int /*rmid*/, long /*flags*/) {
    ++unregistered;
    return TM_OK;
}

namespace giromq::test {
namespace {

#define GIROMQ_SAME(name, standard, value, text) static_assert((standard) == (value));
GIROMQ_XA_RETURN_CODES(GIROMQ_SAME)
GIROMQ_XA_CALL_FLAGS(GIROMQ_SAME)
GIROMQ_XA_SWITCH_FLAGS(GIROMQ_SAME)
#undef GIROMQ_SAME
static_assert(XIDDATASIZE == GIROMQ_XA_XID_DATA_BYTES && sizeof(XID) == 3 * sizeof(long) + XIDDATASIZE);

XID xid(int number) {
    XID made{};
    made.formatID = 7;
    made.gtrid_length = 2;
    made.bqual_length = 1;
    const char data[3] = {'\0', static_cast<char>(number), 'b'};
    std::memcpy(made.data, data, sizeof data);
    return made;
}

/// A resource manager open in this thread.
struct SwitchRig {
    explicit SwitchRig(xa_switch_t& which, const std::string& more = {}) : rm(which), info("url=" + broker.uri() + more) {
        CPPUNIT_ASSERT_EQUAL_MESSAGE(giromq_xa_last_error(), XA_OK, rm.xa_open_entry(info.data(), 1, TMNOFLAGS));
    }
    ~SwitchRig() {
        XID any = xid(1);
        rm.xa_end_entry(&any, 1, TMFAIL);
        rm.xa_close_entry(info.data(), 1, TMNOFLAGS);
    }

    TestBroker broker;
    xa_switch_t& rm;
    std::string info;
};

class SwitchTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SwitchTest);
    CPPUNIT_TEST(a_branch_goes_through_two_phases);
    CPPUNIT_TEST(one_phase_and_rollback);
    CPPUNIT_TEST(the_switches_say_what_they_are);
    CPPUNIT_TEST(open_strings_are_checked);
    CPPUNIT_TEST(open_and_close_may_be_repeated);
    CPPUNIT_TEST(arguments_are_checked);
    CPPUNIT_TEST(a_thread_sees_only_its_own);
    CPPUNIT_TEST(recovery_gives_at_most_what_there_is_room_for);
    CPPUNIT_TEST(a_suspended_association_does_not_migrate);
    CPPUNIT_TEST(a_lost_link_is_rm_fail);
    CPPUNIT_TEST(the_dynamic_switch_registers_with_the_first_work);
    CPPUNIT_TEST(the_dynamic_switch_does_no_work_outside_of_a_transaction);
    CPPUNIT_TEST(an_application_in_c_receives);
    CPPUNIT_TEST_SUITE_END();

    static void a_branch_goes_through_two_phases() {
        SwitchRig rig(giromq_xa_switch);
        XID one = xid(1);
        CPPUNIT_ASSERT_EQUAL(XAER_OUTSIDE, giromq_xa_send_text(1, "q", "too early"));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_start_entry(&one, 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(XAER_PROTO, rig.rm.xa_close_entry(rig.info.data(), 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(XA_OK, giromq_xa_send_text(1, "q", "from C"));
        const auto session = xa_session(1);
        session->create_producer(session->create_queue("q"))->send(session->create_text_message("from C++"));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_end_entry(&one, 1, TMSUCCESS));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_prepare_entry(&one, 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_commit_entry(&one, 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(XAER_NOTA, rig.rm.xa_forget_entry(&one, 1, TMNOFLAGS));
        CPPUNIT_ASSERT(std::string(giromq_xa_last_error()).find("XAER_NOTA") == 0);
    }

    static void one_phase_and_rollback() {
        SwitchRig rig(giromq_xa_switch, ",branch_timeout=5,pipeline=yes");
        for (int number = 1; number <= 2; ++number) {
            XID one = xid(number);
            CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_start_entry(&one, 1, TMNOFLAGS));
            CPPUNIT_ASSERT_EQUAL(XA_OK, giromq_xa_send_text(1, "q", "message"));
            CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_end_entry(&one, 1, TMSUCCESS));
            CPPUNIT_ASSERT_EQUAL(XA_OK,
                                 number == 1 ? rig.rm.xa_commit_entry(&one, 1, TMONEPHASE) : rig.rm.xa_rollback_entry(&one, 1, TMNOFLAGS));
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{5000}, rig.broker.xa_timeout_ms());
    }

    static void the_switches_say_what_they_are() {
        CPPUNIT_ASSERT_EQUAL(std::string("GiroMQ"), std::string(giromq_xa_switch.name));
        CPPUNIT_ASSERT_EQUAL(TMNOMIGRATE, giromq_xa_switch.flags);
        CPPUNIT_ASSERT_EQUAL(TMREGISTER | TMNOMIGRATE, giromq_xa_switch_dynamic.flags);
        CPPUNIT_ASSERT_EQUAL(0L, giromq_xa_switch.version);
        int handle = 0;
        int value = 0;
        CPPUNIT_ASSERT_EQUAL(XAER_PROTO, giromq_xa_switch.xa_complete_entry(&handle, &value, 1, TMNOFLAGS));
    }

    static void open_strings_are_checked() {
        for (std::string text : {"", "url", "url=amqp://127.0.0.1:1,nothing=1", "user=a", "url=amqp://127.0.0.1:1,user=a",
                                 "url=amqp://127.0.0.1:1,branch_timeout=x", "url=amqp://127.0.0.1:1,pipeline=perhaps"}) {
            CPPUNIT_ASSERT_EQUAL_MESSAGE(text, XAER_INVAL, giromq_xa_switch.xa_open_entry(text.data(), 1, TMNOFLAGS));
        }
        std::string nobody = "url=amqp://127.0.0.1:1";
        CPPUNIT_ASSERT_EQUAL(XAER_RMERR, giromq_xa_switch.xa_open_entry(nobody.data(), 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, giromq_xa_switch.xa_open_entry(nullptr, 1, TMNOFLAGS));
    }

    static void open_and_close_may_be_repeated() {
        SwitchRig rig(giromq_xa_switch);
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_open_entry(rig.info.data(), 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(1, rig.broker.connections_made());
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_close_entry(rig.info.data(), 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_close_entry(rig.info.data(), 1, TMNOFLAGS));
        XID one = xid(1);
        CPPUNIT_ASSERT_EQUAL(XAER_PROTO, rig.rm.xa_start_entry(&one, 1, TMNOFLAGS));
        CPPUNIT_ASSERT(xa_session(1) == nullptr);
    }

    static void arguments_are_checked() {
        SwitchRig rig(giromq_xa_switch);
        XID one = xid(1);
        CPPUNIT_ASSERT_EQUAL(XAER_ASYNC, rig.rm.xa_start_entry(&one, 1, TMASYNC));
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_start_entry(&one, 1, TMSUCCESS));
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_start_entry(nullptr, 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_prepare_entry(&one, 1, TMONEPHASE));
        CPPUNIT_ASSERT_EQUAL(XAER_PROTO, rig.rm.xa_start_entry(&one, 2, TMNOFLAGS));
        one.gtrid_length = 65;
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_start_entry(&one, 1, TMNOFLAGS));
        one.formatID = -1;
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_commit_entry(&one, 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_recover_entry(nullptr, 1, 1, TMSTARTRSCAN));
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_recover_entry(nullptr, -1, 1, TMSTARTRSCAN));
    }

    static void a_thread_sees_only_its_own() {
        SwitchRig rig(giromq_xa_switch);
        std::thread([&] {
            XID one = xid(1);
            CPPUNIT_ASSERT_EQUAL(XAER_PROTO, rig.rm.xa_start_entry(&one, 1, TMNOFLAGS));
            CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_open_entry(rig.info.data(), 1, TMNOFLAGS));
            CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_close_entry(rig.info.data(), 1, TMNOFLAGS));
        }).join();
        CPPUNIT_ASSERT_EQUAL(2, rig.broker.connections_made());
    }

    static void recovery_gives_at_most_what_there_is_room_for() {
        SwitchRig rig(giromq_xa_switch);
        for (int number = 1; number <= 3; ++number) {
            XID one = xid(number);
            rig.rm.xa_start_entry(&one, 1, TMNOFLAGS);
            giromq_xa_send_text(1, "q", "message");
            rig.rm.xa_end_entry(&one, 1, TMSUCCESS);
            CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_prepare_entry(&one, 1, TMNOFLAGS));
        }
        XID found[2];
        CPPUNIT_ASSERT_EQUAL(2, rig.rm.xa_recover_entry(found, 2, 1, TMSTARTRSCAN));
        const XID first = xid(1);
        CPPUNIT_ASSERT_EQUAL(0, std::memcmp(&first, &found[0], sizeof first));
        CPPUNIT_ASSERT_EQUAL(1, rig.rm.xa_recover_entry(found, 2, 1, TMNOFLAGS));
        CPPUNIT_ASSERT_EQUAL(0, rig.rm.xa_recover_entry(nullptr, 0, 1, TMENDRSCAN));
        CPPUNIT_ASSERT_EQUAL(XAER_INVAL, rig.rm.xa_recover_entry(found, 2, 1, TMNOFLAGS));
    }

    static void a_suspended_association_does_not_migrate() {
        SwitchRig rig(giromq_xa_switch);
        XID one = xid(1);
        rig.rm.xa_start_entry(&one, 1, TMNOFLAGS);
        CPPUNIT_ASSERT_EQUAL(XA_NOMIGRATE, rig.rm.xa_end_entry(&one, 1, TMSUSPEND | TMMIGRATE));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_start_entry(&one, 1, TMRESUME));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_end_entry(&one, 1, TMSUCCESS));
        CPPUNIT_ASSERT_EQUAL(XA_RDONLY, rig.rm.xa_prepare_entry(&one, 1, TMNOFLAGS));
    }

    static void a_lost_link_is_rm_fail() {
        SwitchRig rig(giromq_xa_switch);
        XID one = xid(1);
        rig.rm.xa_start_entry(&one, 1, TMNOFLAGS);
        giromq_xa_send_text(1, "q", "message");
        rig.rm.xa_end_entry(&one, 1, TMSUCCESS);
        rig.broker.cut_at_xa("prepare", true);
        CPPUNIT_ASSERT_EQUAL(XAER_RMFAIL, rig.rm.xa_prepare_entry(&one, 1, TMNOFLAGS));
        CPPUNIT_ASSERT(rig.broker.wait([&] { return rig.rm.xa_commit_entry(&one, 1, TMNOFLAGS) == XA_OK; }));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.broker.depth("q"));
    }

    static void the_dynamic_switch_registers_with_the_first_work() {
        SwitchRig rig(giromq_xa_switch_dynamic);
        registered = 0;
        register_code = TM_OK;
        register_xid = xid(1);
        XID one = xid(1);
        CPPUNIT_ASSERT_EQUAL(XA_OK, giromq_xa_send_text(1, "q", "1"));
        CPPUNIT_ASSERT_EQUAL(XA_OK, giromq_xa_send_text(1, "q", "2"));
        CPPUNIT_ASSERT_EQUAL(1, registered);
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_end_entry(&one, 1, TMSUCCESS));
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_commit_entry(&one, 1, TMONEPHASE));
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, rig.broker.depth("q"));
    }

    static void the_dynamic_switch_does_no_work_outside_of_a_transaction() {
        SwitchRig rig(giromq_xa_switch_dynamic);
        unregistered = 0;
        register_code = TM_OK;
        register_xid.formatID = -1;
        CPPUNIT_ASSERT_EQUAL(XAER_RMERR, giromq_xa_send_text(1, "q", "1"));
        CPPUNIT_ASSERT_EQUAL(1, unregistered);
        register_code = TMER_TMERR;
        CPPUNIT_ASSERT_EQUAL(XAER_RMERR, giromq_xa_send_text(1, "q", "1"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }

    static void an_application_in_c_receives() {
        SwitchRig rig(giromq_xa_switch);
        rig.broker.put("q", encoded_text("a message"));
        XID one = xid(1);
        char text[32];
        long length = 0;
        rig.rm.xa_start_entry(&one, 1, TMNOFLAGS);
        CPPUNIT_ASSERT_EQUAL(XA_OK, giromq_xa_receive_text(1, "q", 5000, text, sizeof text, &length));
        CPPUNIT_ASSERT_EQUAL(9L, length);
        CPPUNIT_ASSERT_EQUAL(std::string("a message"), std::string(text));
        CPPUNIT_ASSERT_EQUAL(XA_OK, giromq_xa_receive_text(1, "q", 0, text, sizeof text, &length));
        CPPUNIT_ASSERT_EQUAL(-1L, length);
        rig.rm.xa_end_entry(&one, 1, TMSUCCESS);
        CPPUNIT_ASSERT_EQUAL(XA_OK, rig.rm.xa_commit_entry(&one, 1, TMONEPHASE));
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, rig.broker.depth("q"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SwitchTest);

}  // namespace
}  // namespace giromq::test
