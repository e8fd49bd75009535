#pragma once

#include <proton/connection_driver.h>
#include <unistd.h>

#include <utility>

#include "test_broker.hpp"

/// What TestBroker keeps for each connection; for its own source files.
namespace giromq::test {

/// A message on its way to a consumer.
struct TestBroker::Delivered {
    std::string queue;
    std::uint64_t position = 0;
    pn_link_t* link = nullptr;
};

/// What was done under an id and takes effect with its discharge.
struct TestBroker::Transaction {
    std::vector<Received> puts;
    std::vector<Delivered> gets;
};

struct TestBroker::Branch {
    std::string state;
    int code = 100;  // why it is rolled back
    Transaction work;
};

struct TestBroker::Peer {
    explicit Peer(int socket) : descriptor(socket) { pn_connection_driver_init(&driver, nullptr, nullptr); }
    ~Peer() {
        pn_connection_driver_destroy(&driver);
        ::close(descriptor);
    }
    Peer(const Peer&) = delete;
    Peer& operator=(const Peer&) = delete;

    int descriptor;
    pn_connection_driver_t driver{};
    bool cut = false;
    std::vector<pn_link_t*> links;
    std::map<pn_delivery_t*, Delivered> delivered;
    std::vector<pn_delivery_t*> held;            // sends without an outcome yet
    std::vector<pn_delivery_t*> unconfirmed;     // acknowledgements not confirmed yet
    std::map<pn_link_t*, std::uint64_t> cursor;  // of browsers
    std::map<pn_link_t*, std::string> address;
    std::map<pn_delivery_t*, std::string> partial;
    std::map<std::string, Transaction> transactions;
    std::map<std::string, std::string> branch_of;  // ids of associations and the keys of their branches
    std::vector<std::pair<pn_delivery_t*, std::string>> held_commits;
};

}  // namespace giromq::test
