#include "net/acceptor.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/read.hpp>
#include <vector>

#include "net/admission.hpp"

namespace giromq::test {

using boost::asio::ip::tcp;
using net::Accepted;
using net::Acceptor;
using net::Admission;

/// Who is let in, and who is not.
class AcceptorTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AcceptorTest);
    CPPUNIT_TEST(admission_is_bounded_in_all);
    CPPUNIT_TEST(admission_is_bounded_for_each_address);
    CPPUNIT_TEST(a_ticket_may_outlive_admission);
    CPPUNIT_TEST(a_client_is_handed_over_with_its_address);
    CPPUNIT_TEST(a_client_too_many_is_closed_and_others_come_in_later);
    CPPUNIT_TEST(a_taken_address_is_refused);
    CPPUNIT_TEST(a_nonsensical_host_is_refused);
    CPPUNIT_TEST(nobody_is_let_in_after_the_stop);
    CPPUNIT_TEST_SUITE_END();

public:
    void admission_is_bounded_in_all() {
        Admission admission({2, 10});
        auto first = admission.admit("a");
        const auto second = admission.admit("b");
        CPPUNIT_ASSERT(first && second);
        CPPUNIT_ASSERT(!admission.admit("c"));
        first.reset();
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{1}, admission.count());
        CPPUNIT_ASSERT(admission.admit("c"));
    }

    void admission_is_bounded_for_each_address() {
        Admission admission({10, 2});
        auto first = admission.admit("a");
        const auto second = admission.admit("a");
        CPPUNIT_ASSERT(!admission.admit("a"));
        CPPUNIT_ASSERT(admission.admit("b"));
        first.reset();
        CPPUNIT_ASSERT(admission.admit("a"));
    }

    void a_ticket_may_outlive_admission() {
        Admission::Ticket ticket;
        {
            Admission admission({1, 1});
            ticket = admission.admit("a");
        }
        CPPUNIT_ASSERT(ticket);
        ticket.reset();
    }

    void a_client_is_handed_over_with_its_address() {
        Rig rig({10, 10});
        const auto client = rig.connect();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.accepted.size());
        CPPUNIT_ASSERT_EQUAL(std::string("127.0.0.1"), rig.accepted[0].host);
        CPPUNIT_ASSERT_EQUAL(client.local_endpoint().port(), rig.accepted[0].port);
        CPPUNIT_ASSERT(rig.accepted[0].is_loopback);
        CPPUNIT_ASSERT(rig.accepted[0].socket.non_blocking());
    }

    void a_client_too_many_is_closed_and_others_come_in_later() {
        Rig rig({1, 1});
        const auto first = rig.connect();
        auto second = rig.connect();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.accepted.size());
        char byte = 0;
        boost::system::error_code error;
        boost::asio::read(second, boost::asio::buffer(&byte, 1), error);
        CPPUNIT_ASSERT(error);
        rig.accepted.clear();
        const auto third = rig.connect();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig.accepted.size());
    }

    void a_taken_address_is_refused() {
        Rig rig({1, 1});
        const auto other = Acceptor::listen(rig.io, "127.0.0.1", rig.port(), Admission({1, 1}), [](Accepted) {});
        CPPUNIT_ASSERT(!other.ok() && other.error().is(net::errc::listen_failed));
    }

    void a_nonsensical_host_is_refused() {
        boost::asio::io_context io;
        const auto refused = Acceptor::listen(io, "no such host.invalid", 0, Admission({1, 1}), [](Accepted) {});
        CPPUNIT_ASSERT(!refused.ok() && refused.error().is(net::errc::invalid_address));
    }

    void nobody_is_let_in_after_the_stop() {
        Rig rig({10, 10});
        rig.acceptor->stop();
        rig.io.run();
        tcp::socket client(rig.io);
        boost::system::error_code error;
        client.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), rig.bound), error);
        CPPUNIT_ASSERT(error);
    }

private:
    struct Rig {
        explicit Rig(Admission::Limits limits) {
            auto opened =
                Acceptor::listen(io, "127.0.0.1", 0, Admission(limits), [this](Accepted client) { accepted.push_back(std::move(client)); });
            CPPUNIT_ASSERT(opened.ok());
            acceptor = std::move(*opened);
            bound = port();
            acceptor->start();
            io.poll();
        }

        std::uint16_t port() const {
            const auto address = acceptor->address();
            return static_cast<std::uint16_t>(std::stoi(address.substr(address.rfind(':') + 1)));
        }

        tcp::socket connect() {
            tcp::socket client(io);
            client.connect(tcp::endpoint(boost::asio::ip::address_v4::loopback(), bound));
            // Loopback: the connection is there when connect() returns.
            io.poll();
            return client;
        }

        boost::asio::io_context io;
        std::vector<Accepted> accepted;
        std::unique_ptr<Acceptor> acceptor;
        std::uint16_t bound = 0;
    };
};
CPPUNIT_TEST_SUITE_REGISTRATION(AcceptorTest);

}  // namespace giromq::test
