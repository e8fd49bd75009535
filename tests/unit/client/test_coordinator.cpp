#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/terminus.h>

#include "proton_text.hpp"
#include "test_broker.hpp"
#include "test_broker_parts.hpp"
#include "wire_reader.hpp"

// The part of TestBroker that is a coordinator (AMQP 1.0 part 4).
namespace giromq::test {

using detail::bytes_of;
using detail::WireReader;
using detail::WireValue;

namespace {

constexpr std::uint64_t declare = 0x31;
constexpr std::uint64_t discharge = 0x32;
constexpr std::uint64_t declared = 0x33;
constexpr std::uint64_t transactional_state = 0x34;

void reject(pn_delivery_t* delivery, const std::string& condition) {
    pn_condition_set_name(pn_disposition_condition(pn_delivery_local(delivery)), condition.c_str());
    pn_condition_set_description(pn_disposition_condition(pn_delivery_local(delivery)), "rejected by the test");
    pn_delivery_update(delivery, PN_REJECTED);
    pn_delivery_settle(delivery);
}

/// The id in the transactional-state of a delivery; empty if it has none.
std::string transaction_of(pn_delivery_t* delivery) {
    if (pn_delivery_remote_state(delivery) != transactional_state) return {};
    pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
    pn_data_rewind(data);
    if (!pn_data_next(data) || pn_data_type(data) != PN_LIST || !pn_data_enter(data) || !pn_data_next(data)) return {};
    const pn_bytes_t id = pn_data_get_binary(data);
    return std::string(id.start, id.size);
}

void answer(pn_delivery_t* delivery, const std::string& id, const std::string& rejection) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_binary(data, bytes_of(id));
    pn_data_put_described(data);
    pn_data_enter(data);
    pn_data_put_ulong(data, rejection.empty() ? PN_ACCEPTED : PN_REJECTED);
    pn_data_put_list(data);
    if (!rejection.empty()) {
        pn_data_enter(data);
        pn_data_put_described(data);
        pn_data_enter(data);
        pn_data_put_ulong(data, 0x1d);
        pn_data_put_list(data);
        pn_data_enter(data);
        pn_data_put_symbol(data, bytes_of(rejection));
        pn_data_put_string(data, bytes_of("rejected by the test"));
        pn_data_exit(data);
        pn_data_exit(data);
        pn_data_exit(data);
    }
    pn_data_exit(data);
    pn_data_exit(data);
    pn_delivery_update(delivery, transactional_state);
    pn_delivery_settle(delivery);
}

}  // namespace

// Orders -----------------------------------------------------------------------------------------------------------------------------

void TestBroker::hold_discharges(bool hold) {
    const std::lock_guard lock(mutex_);
    hold_discharges_ = hold;
    if (!hold) {
        for (const auto& peer : peers_) {
            for (const auto& [delivery, id] : std::exchange(peer->held_commits, {})) on_discharge(*peer, delivery, id, false);
        }
    }
    wake();
}

void TestBroker::reject_declares(const std::string& condition) {
    const std::lock_guard lock(mutex_);
    reject_declares_ = condition;
}

void TestBroker::reject_discharges(const std::string& condition) {
    const std::lock_guard lock(mutex_);
    reject_discharges_ = condition;
}

void TestBroker::cut_at_commit(bool apply) {
    const std::lock_guard lock(mutex_);
    cut_at_commit_ = true;
    cut_commit_apply_ = apply;
}

void TestBroker::end_control_links(const std::string& condition) {
    const std::lock_guard lock(mutex_);
    for (const auto& peer : peers_) {
        for (pn_link_t* link : peer->links) {
            if (pn_terminus_get_type(pn_link_target(link)) != PN_COORDINATOR) continue;
            pn_condition_set_name(pn_link_condition(link), condition.c_str());
            pn_link_close(link);
        }
        for (auto& [id, transaction] : peer->transactions) roll_back(transaction);
        peer->transactions.clear();
    }
    wake();
}

TestBroker::Calls TestBroker::calls() {
    const std::lock_guard lock(mutex_);
    return calls_;
}

int TestBroker::open_transactions() {
    const std::lock_guard lock(mutex_);
    std::size_t count = 0;
    for (const auto& peer : peers_) count += peer->transactions.size();
    return static_cast<int>(count);
}

// The control link -------------------------------------------------------------------------------------------------------------------

void TestBroker::open_control_link(Peer& peer, pn_link_t* link) {
    if (!options_.has_transactions) {
        pn_terminus_set_type(pn_link_target(link), PN_UNSPECIFIED);
        pn_link_open(link);
        pn_condition_set_name(pn_link_condition(link), "amqp:not-implemented");
        pn_link_close(link);
        return;
    }
    pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
    pn_terminus_copy(pn_link_target(link), pn_link_remote_target(link));
    if (!options_.has_xa) pn_data_clear(pn_terminus_capabilities(pn_link_target(link)));
    peer.links.push_back(link);
    pn_link_open(link);
    pn_link_flow(link, credit_);
}

void TestBroker::on_control(Peer& peer, pn_delivery_t* delivery, const std::string& bytes) {
    WireReader value(std::string_view(bytes).substr(3));  // behind the descriptor of amqp-value
    const WireValue call = value.next();
    if (call.descriptor == declare && call.count > 0) return on_xa_start(peer, delivery, call.bytes);
    if (call.descriptor == declare) return on_declare(peer, delivery);
    if (call.descriptor != discharge) return on_xa_call(peer, delivery, std::string_view(bytes).substr(3));
    WireReader fields(call.bytes);
    const std::string id(fields.next().bytes);
    const bool fail = call.count > 1 && fields.next().bits != 0;
    if (discharge_branch(peer, delivery, id, fail)) return;
    if (!fail && hold_discharges_) {
        peer.held_commits.emplace_back(delivery, id);
        return;
    }
    on_discharge(peer, delivery, id, fail);
}

void TestBroker::on_declare(Peer& peer, pn_delivery_t* delivery) {
    if (!reject_declares_.empty()) return reject(delivery, reject_declares_);
    ++calls_.declared;
    const std::string id = "tx-" + std::to_string(++transactions_);
    peer.transactions[id];
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_binary(data, bytes_of(id));
    pn_data_exit(data);
    pn_delivery_update(delivery, declared);
    pn_delivery_settle(delivery);
}

void TestBroker::on_discharge(Peer& peer, pn_delivery_t* delivery, const std::string& id, bool fail) {
    const auto found = peer.transactions.find(id);
    if (found == peer.transactions.end()) return reject(delivery, "amqp:transaction:unknown-id");
    const Transaction transaction = std::move(found->second);
    peer.transactions.erase(found);
    const bool cut = !fail && std::exchange(cut_at_commit_, false);
    const bool refused = fail || !reject_discharges_.empty() || (cut && !cut_commit_apply_);
    refused ? roll_back(transaction) : apply(transaction);
    if (fail) ++calls_.rolled_back;
    if (!refused) ++calls_.committed;
    dispatch_all();
    if (cut) return drop(peer);
    if (!fail && refused) return reject(delivery, reject_discharges_);
    pn_delivery_update(delivery, PN_ACCEPTED);
    pn_delivery_settle(delivery);
}

// The work ---------------------------------------------------------------------------------------------------------------------------

void TestBroker::apply(const Transaction& transaction) {
    for (const Received& put : transaction.puts) queues_[put.address].entries[++positions_].bytes = put.bytes;
    for (const Delivered& get : transaction.gets) queues_[get.queue].entries.erase(get.position);
}

void TestBroker::roll_back(const Transaction& transaction) {
    for (const Delivered& get : transaction.gets) {
        auto& entries = queues_[get.queue].entries;
        const auto found = entries.find(get.position);
        if (found == entries.end()) continue;
        found->second.locked = false;
        ++found->second.delivery_count;
    }
}

bool TestBroker::put_in_transaction(Peer& peer, pn_delivery_t* delivery, const Received& received) {
    const std::string id = transaction_of(delivery);
    if (id.empty()) return false;
    const auto found = peer.transactions.find(id);
    if (found == peer.transactions.end()) {
        answer(delivery, id, "amqp:transaction:unknown-id");
        return true;
    }
    if (reject_ > 0) {
        --reject_;
        answer(delivery, id, reject_condition_);
        return true;
    }
    found->second.puts.push_back(received);
    if (hold_outcomes_) {
        peer.held.push_back(delivery);
        return true;
    }
    answer(delivery, id, {});
    return true;
}

bool TestBroker::accept_in_transaction(Peer& peer, pn_delivery_t* delivery) {
    const std::string id = transaction_of(delivery);
    if (id.empty()) return false;
    const auto found = peer.delivered.find(delivery);
    if (const auto transaction = peer.transactions.find(id); transaction != peer.transactions.end()) {
        transaction->second.gets.push_back(found->second);
    }
    peer.delivered.erase(found);
    pn_delivery_settle(delivery);
    return true;
}

}  // namespace giromq::test
