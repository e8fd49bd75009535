#pragma once

#include <proton/event.h>
#include <proton/types.h>

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace giromq::test {

/// An AMQP 1.0 broker of a few hundred lines in a thread of its own, made to misbehave on demand: it withholds outcomes, refuses, cuts
/// connections at chosen moments, and remembers what it was sent. Queues are made on first use and live in memory.
class TestBroker {
public:
    struct Options {
        std::string product = "GiroMQ";
        std::string mechanisms = "ANONYMOUS";
        bool offers_relay = true;
        bool echoes_filters = false;
        bool modifies = true;              // else it does not offer the outcome `modified`
        bool browses = true;               // else it ignores the distribution mode, as some brokers do,
        bool says_that_it_browses = true;  // and says so or not
        int credit = 100;
        bool has_transactions = true;
        bool has_xa = true;
        std::string rm_id = "rm";
    };

    /// One transfer as it arrived, duplicates included.
    struct Received {
        std::string address;  // of the link, or `to` for the relay
        std::string producer_id;
        std::uint64_t sequence = 0;
        bool durable = false;
        std::string bytes;  // without header and delivery annotations
    };

    explicit TestBroker(Options options);
    TestBroker();
    ~TestBroker();
    TestBroker(const TestBroker&) = delete;
    TestBroker& operator=(const TestBroker&) = delete;

    std::uint16_t port() const { return port_; }
    /// "amqp://127.0.0.1:PORT?" with short pauses between attempts, for options to follow.
    std::string uri(const std::string& options = {}) const;

    /// What the control links were told.
    struct Calls {
        int declared = 0;
        int committed = 0;
        int rolled_back = 0;  // by a discharge
    };

    // What it does; each can be called at any time.
    void hold_outcomes(bool hold);       // of sends
    void hold_confirmations(bool hold);  // of acknowledgements
    void hold_drains(bool hold);         // do not answer drain
    void grant_credit(int credit);       // to links attached from now on
    void add_credit(int credit);         // to the links there are
    void reject_next(int count, const std::string& condition);
    void refuse(const std::string& address, const std::string& condition);
    void refuse_client_id(const std::string& id);
    /// Cuts the connection when so many more transfers have come in; `store`: whether the last of them was stored, never settled.
    void cut_after_transfers(int count, bool store);
    /// Cuts after so many more acknowledgements; `apply`: whether the last of them counts.
    void cut_after_acknowledgements(int count, bool apply);
    /// Closes so many connections as soon as they are made.
    void drop_next_connections(int count);
    void cut_connections();
    void close_connections(const std::string& condition);
    void detach_links(const std::string& condition);
    /// From now on nothing is read and nothing answered.
    void silence();
    void hold_discharges(bool hold);
    void reject_declares(const std::string& condition);    // all; empty: none
    void reject_discharges(const std::string& condition);  // all commits; empty: none
    /// Cuts the connection when the next commit comes; `apply`: whether it is carried out.
    void cut_at_commit(bool apply);
    void end_control_links(const std::string& condition);
    /// Cuts the connection at the next such call ("start new", "end", "prepare", ...); `apply`: whether it is carried out.
    void cut_at_xa(const std::string& call, bool apply);
    void refuse_xa(const std::string& call, int code);  // the next one
    void stop_listening();
    void listen_again();

    // What there is.
    void put(const std::string& queue, const std::string& encoded_message);
    std::size_t depth(const std::string& queue);
    std::size_t locked(const std::string& queue);
    std::vector<std::string> contents(const std::string& queue);
    std::vector<std::uint32_t> delivery_counts(const std::string& queue);
    std::vector<Received> received();
    Calls calls();
    int open_transactions();
    std::vector<std::string> xa_calls();
    std::size_t branches();  // that have not ended
    std::uint64_t xa_timeout_ms() { return xa_timeout_ms_; }
    int connections_made();
    int connections();
    int consumers(const std::string& queue);
    int producers(const std::string& queue);
    /// Drains that wait because of hold_drains().
    int drains_waiting();
    /// Waits until the condition holds, at most 10 s; the broker's state is stable while it runs.
    bool wait(const std::function<bool()>& condition);

private:
    struct Entry {
        std::string bytes;
        std::uint32_t delivery_count = 0;
        bool locked = false;
    };
    struct Queue {
        std::map<std::uint64_t, Entry> entries;
    };
    struct Peer;
    struct Delivered;
    struct Transaction;
    struct Branch;

    int links(const std::string& queue, bool from_client);
    void run();
    void wake();
    void open_listener();
    void accept_one();
    void service(Peer& peer);
    void handle_event(Peer& peer, pn_event_t* event);
    void open_connection(Peer& peer);
    void open_link(Peer& peer, pn_link_t* link);
    void on_transfer(Peer& peer, pn_link_t* link, pn_delivery_t* delivery);
    void take_in(Peer& peer, pn_link_t* link, pn_delivery_t* delivery, const std::string& bytes);
    void on_outcome(Peer& peer, pn_delivery_t* delivery);
    // test_coordinator.cpp
    void open_control_link(Peer& peer, pn_link_t* link);
    void on_control(Peer& peer, pn_delivery_t* delivery, const std::string& bytes);
    void on_declare(Peer& peer, pn_delivery_t* delivery);
    void on_discharge(Peer& peer, pn_delivery_t* delivery, const std::string& id, bool fail);
    void apply(const Transaction& transaction);
    void roll_back(const Transaction& transaction);
    /// True if the transfer has named a transaction: then it has been dealt with.
    bool put_in_transaction(Peer& peer, pn_delivery_t* delivery, const Received& received);
    bool accept_in_transaction(Peer& peer, pn_delivery_t* delivery);
    // test_xa_coordinator.cpp
    void end_association(Peer& peer, const std::string& id, const std::string& state);
    void lose_associations(Peer& peer);
    bool discharge_branch(Peer& peer, pn_delivery_t* delivery, const std::string& id, bool fail);
    void on_xa_start(Peer& peer, pn_delivery_t* delivery, std::string_view global_id);
    void on_xa_call(Peer& peer, pn_delivery_t* delivery, std::string_view bytes);
    bool cut_if_told(Peer& peer, const std::string& call);
    bool answers_otherwise(Peer& peer, pn_delivery_t* delivery, const std::string& call);
    int resolve_branch(const std::string& key, const std::string& call, bool one_phase);
    void recover_branches(Peer& peer, pn_delivery_t* delivery, std::string_view bytes);
    void dispatch_all();
    void dispatch(pn_link_t* link);
    void drop(Peer& peer);
    void give_back(Peer& peer, pn_link_t* link);

    Options options_;
    std::uint16_t port_ = 0;
    int listener_ = -1;
    int wake_pipe_[2] = {-1, -1};
    std::thread thread_;
    std::mutex mutex_;
    std::condition_variable changed_;
    bool stopping_ = false;
    bool silent_ = false;
    int drop_connections_ = 0;
    bool listening_wanted_ = true;

    std::vector<std::unique_ptr<Peer>> peers_;
    std::map<std::string, Queue> queues_;
    std::uint64_t positions_ = 0;
    std::uint64_t temporary_ = 0;
    std::set<std::pair<std::string, std::uint64_t>> seen_;
    std::vector<Received> received_;
    int connections_made_ = 0;

    bool hold_outcomes_ = false;
    bool hold_confirmations_ = false;
    bool hold_drains_ = false;
    int credit_ = 100;
    int reject_ = 0;
    std::string reject_condition_;
    std::map<std::string, std::string> refused_;
    std::string refused_client_id_;
    int cut_transfers_ = -1;
    bool cut_store_ = false;
    int cut_acknowledgements_ = -1;
    bool cut_apply_ = false;

    Calls calls_;
    std::uint64_t transactions_ = 0;
    bool hold_discharges_ = false;
    std::string reject_declares_;
    std::string reject_discharges_;
    bool cut_at_commit_ = false;
    bool cut_commit_apply_ = false;

    std::map<std::string, Branch> branches_;
    std::vector<std::string> xa_calls_;
    std::string cut_xa_;
    bool cut_xa_apply_ = false;
    std::map<std::string, int> refused_xa_;
    std::atomic<std::uint64_t> xa_timeout_ms_{0};
    std::size_t xa_page_ = 2;
};

}  // namespace giromq::test
