#include "sasl_client.hpp"

#include <cppunit/extensions/HelperMacros.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/sasl.h>
#include <proton/sasl_plugin.h>
#include <proton/transport.h>

#include <algorithm>
#include <cstring>
#include <string>

namespace giromq::test {
namespace {

/// A server that challenges by SCRAM and notes the answer.
struct Server {
    std::string challenge;
    std::string answer;
};

Server& server_of(pn_transport_t* transport) { return *static_cast<Server*>(pnx_sasl_get_context(transport)); }

void process_init(pn_transport_t* transport, const char*, const pn_bytes_t* bytes) {
    const std::string first(bytes->start, bytes->size);
    Server& server = server_of(transport);
    server.challenge = first.substr(first.find("r=")) + "server,s=QSXCR+Q6sek8bf92,i=4096";
    pnx_sasl_set_bytes_out(transport, pn_bytes(server.challenge.size(), server.challenge.data()));
    pnx_sasl_set_desired_state(transport, SASL_POSTED_CHALLENGE);
}

void process_response(pn_transport_t* transport, const pn_bytes_t* bytes) {
    server_of(transport).answer.assign(bytes->start, bytes->size);
    pnx_sasl_set_failed(transport);
    pnx_sasl_set_desired_state(transport, SASL_POSTED_OUTCOME);
}

const pnx_sasl_implementation server_implementation = {
    [](pn_transport_t*) {},
    [](pn_transport_t*) { return "SCRAM-SHA-256"; },
    [](pn_transport_t* transport) {
        pnx_sasl_set_desired_state(transport, SASL_POSTED_MECHANISMS);
        return true;
    },
    [](pn_transport_t*) { return false; },
    [](pn_transport_t*) {},
    process_init,
    process_response,
    [](pn_transport_t*, const char*) { return false; },
    [](pn_transport_t*, const pn_bytes_t*) {},
    [](pn_transport_t*, const pn_bytes_t*) {},
    [](pn_transport_t*) { return false; },
    [](pn_transport_t*) -> ssize_t { return 0; },
    [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) -> ssize_t { return 0; },
    [](pn_transport_t*, pn_bytes_t, pn_bytes_t*) -> ssize_t { return 0; },
};

/// One end of a connection.
struct End {
    End() { pn_connection_driver_init(&driver, nullptr, nullptr); }
    ~End() { pn_connection_driver_destroy(&driver); }
    End(const End&) = delete;
    End& operator=(const End&) = delete;

    void begin() {
        pn_connection_driver_bind(&driver);
        pn_connection_open(driver.connection);
    }

    pn_connection_driver_t driver{};
};

/// Moves what one has to say to the other; true if there was anything.
bool carry(End& from, End& to) {
    while (pn_connection_driver_next_event(&from.driver) != nullptr) {
    }
    const pn_bytes_t bytes = pn_connection_driver_write_buffer(&from.driver);
    const pn_rwbytes_t space = pn_connection_driver_read_buffer(&to.driver);
    const std::size_t size = std::min(bytes.size, space.size);
    if (size == 0) return false;
    std::memcpy(space.start, bytes.start, size);
    pn_connection_driver_read_done(&to.driver, size);
    pn_connection_driver_write_done(&from.driver, size);
    while (pn_connection_driver_next_event(&to.driver) != nullptr) {
    }
    return true;
}

class SaslClientTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(SaslClientTest);
    CPPUNIT_TEST(the_key_is_derived_by_the_caller_and_not_while_reading);
    CPPUNIT_TEST_SUITE_END();

    static void the_key_is_derived_by_the_caller_and_not_while_reading() {
        End here;
        End there;
        detail::SaslClient client(
            here.driver.transport,
            {.user = "alice", .password = "secret password", .has_certificate = false, .plain_is_safe = false, .allowed = {}});
        Server server;
        pn_transport_set_server(there.driver.transport);
        pn_sasl(there.driver.transport);
        pnx_sasl_set_implementation(there.driver.transport, &server_implementation, &server);
        pn_transport_require_auth(there.driver.transport, true);
        here.begin();
        there.begin();
        const auto talk = [&] {
            while (carry(here, there) || carry(there, here)) {
            }
        };
        talk();
        CPPUNIT_ASSERT(!server.challenge.empty());
        CPPUNIT_ASSERT(server.answer.empty());
        const auto work = client.take_work();
        CPPUNIT_ASSERT(work);
        CPPUNIT_ASSERT(!client.take_work());
        talk();
        CPPUNIT_ASSERT(server.answer.empty());
        client.answer(work());
        talk();
        CPPUNIT_ASSERT(server.answer.find(",p=") != std::string::npos);
        CPPUNIT_ASSERT(client.error().empty());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(SaslClientTest);

}  // namespace
}  // namespace giromq::test
