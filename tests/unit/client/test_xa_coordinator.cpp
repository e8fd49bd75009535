#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>

#include <algorithm>

#include "test_broker.hpp"
#include "test_broker_parts.hpp"
#include "wire_reader.hpp"

// The part of TestBroker that speaks giromq:xa (docs/protocol-xa.md): just enough of the states to tell a right client from a wrong one.
namespace giromq::test {

using detail::WireReader;
using detail::WireValue;

namespace {

constexpr int rb_comm_fail = 101;
constexpr int read_only = 3;
constexpr int unknown_xid = -4;
constexpr int protocol_error = -6;
constexpr int duplicate_xid = -8;

pn_bytes_t bytes_of(std::string_view text) { return pn_bytes(text.size(), text.data()); }

/// A composite type whose descriptor is a symbol of up to 255 bytes.
struct Composite {
    std::string type;
    std::string fields;
};

Composite composite(std::string_view bytes) {
    if (bytes.size() < 3 || bytes[0] != '\0' || static_cast<unsigned char>(bytes[1]) != 0xa3) return {};
    const std::size_t size = static_cast<unsigned char>(bytes[2]);
    WireReader value(bytes.substr(3 + size));
    return {std::string(bytes.substr(3, size)), std::string(value.next().bytes)};
}

/// Fields that make up an XID, in a form that is a key.
std::string key_of(std::string_view xid) { return composite(xid).fields; }

void put_xid(pn_data_t* data, const std::string& key) {
    WireReader fields(key);
    pn_data_put_described(data);
    pn_data_enter(data);
    pn_data_put_symbol(data, bytes_of("giromq:xid:list"));
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_int(data, static_cast<std::int32_t>(fields.next().as_signed()));
    pn_data_put_binary(data, bytes_of(fields.next().bytes));
    pn_data_put_binary(data, bytes_of(fields.next().bytes));
    pn_data_exit(data);
    pn_data_exit(data);
}

void accept(pn_delivery_t* delivery) {
    pn_delivery_update(delivery, PN_ACCEPTED);
    pn_delivery_settle(delivery);
}

void result(pn_delivery_t* delivery, int code) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_int(data, code);
    pn_data_exit(data);
    pn_delivery_update(delivery, 0x00007ED900000001);
    pn_delivery_settle(delivery);
}

void refuse_with(pn_delivery_t* delivery, int code) {
    pn_condition_t* const condition = pn_disposition_condition(pn_delivery_local(delivery));
    pn_condition_set_name(condition, "amqp:illegal-state");
    pn_condition_set_description(condition, "refused by the test");
    pn_data_t* const info = pn_condition_info(condition);
    pn_data_put_map(info);
    pn_data_enter(info);
    pn_data_put_symbol(info, bytes_of("giromq:xa-code"));
    pn_data_put_int(info, code);
    pn_data_exit(info);
    pn_delivery_update(delivery, PN_REJECTED);
    pn_delivery_settle(delivery);
}

}  // namespace

// Orders and state -------------------------------------------------------------------------------------------------------------------

void TestBroker::cut_at_xa(const std::string& call, bool apply) {
    const std::lock_guard lock(mutex_);
    cut_xa_ = call;
    cut_xa_apply_ = apply;
}

void TestBroker::refuse_xa(const std::string& call, int code) {
    const std::lock_guard lock(mutex_);
    refused_xa_[call] = code;
}

std::vector<std::string> TestBroker::xa_calls() {
    const std::lock_guard lock(mutex_);
    return xa_calls_;
}

std::size_t TestBroker::branches() {
    const std::lock_guard lock(mutex_);
    return branches_.size();
}

// Associations -----------------------------------------------------------------------------------------------------------------------

void TestBroker::end_association(Peer& peer, const std::string& id, const std::string& state) {
    const auto work = peer.transactions.find(id);
    Branch& branch = branches_[peer.branch_of[id]];
    if (work != peer.transactions.end()) {
        branch.work.puts.insert(branch.work.puts.end(), work->second.puts.begin(), work->second.puts.end());
        branch.work.gets.insert(branch.work.gets.end(), work->second.gets.begin(), work->second.gets.end());
        peer.transactions.erase(work);
    }
    branch.state = state;
    if (state != "suspended") peer.branch_of.erase(id);
    if (state != "rolled back") return;
    roll_back(branch.work);
    branch.work = {};
}

void TestBroker::lose_associations(Peer& peer) {
    const auto all = peer.branch_of;
    for (const auto& [id, key] : all) {
        end_association(peer, id, "rolled back");
        branches_[key].code = rb_comm_fail;
    }
}

bool TestBroker::discharge_branch(Peer& peer, pn_delivery_t* delivery, const std::string& id, bool fail) {
    if (!peer.branch_of.contains(id)) return false;
    if (answers_otherwise(peer, delivery, "end")) return true;
    end_association(peer, id, fail ? "rolled back" : "idle");
    dispatch_all();
    if (cut_if_told(peer, "end")) return true;
    accept(delivery);
    return true;
}

void TestBroker::on_xa_start(Peer& peer, pn_delivery_t* delivery, std::string_view global_id) {
    const Composite branch_id = composite(global_id);
    WireReader fields(branch_id.fields);
    // The XID is described by a symbol, which the reader skips: its length is what is left over.
    const std::string_view before = fields.rest();
    fields.next();
    const std::string key = key_of(before.substr(0, before.size() - fields.rest().size()));
    const std::string mode(fields.next().bytes);
    if (!fields.at_end()) xa_timeout_ms_ = fields.next().bits;
    if (answers_otherwise(peer, delivery, "start " + mode)) return;
    const auto found = branches_.find(key);
    if (mode == "new" && found != branches_.end()) return refuse_with(delivery, duplicate_xid);
    if (mode != "new" && found == branches_.end()) return refuse_with(delivery, unknown_xid);
    Branch& branch = branches_[key];
    if (mode != "new" && branch.state == "rolled back") return refuse_with(delivery, branch.code);
    if (mode == "resume" && branch.state != "suspended") return refuse_with(delivery, protocol_error);
    std::string id = "xa-" + std::to_string(++transactions_);
    for (const auto& [one, of] : peer.branch_of) {
        if (mode == "resume" && of == key) id = one;
    }
    branch.state = "active";
    peer.branch_of[id] = key;
    peer.transactions[id];
    if (cut_if_told(peer, "start " + mode)) return;
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_binary(data, bytes_of(id));
    pn_data_exit(data);
    pn_delivery_update(delivery, 0x33);
    pn_delivery_settle(delivery);
}

// Branches ---------------------------------------------------------------------------------------------------------------------------

bool TestBroker::cut_if_told(Peer& peer, const std::string& call) {
    if (cut_xa_ != call) return false;
    cut_xa_.clear();
    drop(peer);
    return true;
}

bool TestBroker::answers_otherwise(Peer& peer, pn_delivery_t* delivery, const std::string& call) {
    xa_calls_.push_back(call);
    if (!cut_xa_apply_ && cut_if_told(peer, call)) return true;
    const auto refused = refused_xa_.find(call);
    if (refused == refused_xa_.end()) return false;
    const int code = refused->second;
    refused_xa_.erase(refused);
    refuse_with(delivery, code);
    return true;
}

void TestBroker::on_xa_call(Peer& peer, pn_delivery_t* delivery, std::string_view bytes) {
    const Composite call = composite(bytes);
    const std::string name = call.type.size() > 15 ? call.type.substr(10, call.type.size() - 15) : call.type;  // giromq:xa-NAME:list
    WireReader fields(call.fields);
    if (name == "recover") return recover_branches(peer, delivery, call.fields);
    if (name == "suspend") {
        const std::string id(fields.next().bytes);
        if (answers_otherwise(peer, delivery, name)) return;
        if (!peer.branch_of.contains(id)) return refuse_with(delivery, protocol_error);
        end_association(peer, id, "suspended");
        return accept(delivery);
    }
    const std::string_view before = fields.rest();
    fields.next();
    const std::string key = key_of(before.substr(0, before.size() - fields.rest().size()));
    if (answers_otherwise(peer, delivery, name)) return;
    if (name == "timeout") {
        xa_timeout_ms_ = fields.next().bits;
        return accept(delivery);
    }
    const bool one_phase = name == "commit" && fields.next().bits != 0;
    const int code = resolve_branch(key, name, one_phase);
    dispatch_all();
    if (cut_if_told(peer, name)) return;
    code == 0 ? accept(delivery) : code == read_only ? result(delivery, code) : refuse_with(delivery, code);
}

int TestBroker::resolve_branch(const std::string& key, const std::string& call, bool one_phase) {
    const auto found = branches_.find(key);
    if (found == branches_.end()) return unknown_xid;
    Branch& branch = found->second;
    if (branch.state == "rolled back" && (call == "prepare" || one_phase)) {
        const int code = branch.code;
        branches_.erase(found);
        return code;
    }
    if (call == "prepare") {
        if (branch.state != "idle") return protocol_error;
        if (branch.work.puts.empty() && branch.work.gets.empty()) {
            branches_.erase(found);
            return read_only;
        }
        branch.state = "prepared";
        return 0;
    }
    if (call == "commit") {
        if (branch.state != (one_phase ? "idle" : "prepared")) return protocol_error;
        apply(branch.work);
    } else if (call == "rollback") {
        if (branch.state == "active") return protocol_error;
        roll_back(branch.work);
    } else if (branch.state != "heuristic") {
        return protocol_error;  // forget
    }
    branches_.erase(found);
    return 0;
}

void TestBroker::recover_branches(Peer& peer, pn_delivery_t* delivery, std::string_view bytes) {
    WireReader fields(bytes);
    const WireValue after = fields.next();
    const std::string_view first = bytes.substr(0, bytes.size() - fields.rest().size());
    const std::string from = after.kind == detail::WireKind::null ? std::string() : key_of(first);
    const std::size_t limit = std::min<std::size_t>(fields.next().bits, xa_page_);
    if (answers_otherwise(peer, delivery, "recover")) return;
    std::vector<std::string> keys;
    for (auto at = branches_.upper_bound(from); at != branches_.end(); ++at) {
        if (at->second.state == "prepared" || at->second.state == "heuristic") keys.push_back(at->first);
    }
    const bool more = keys.size() > limit;
    keys.resize(std::min(keys.size(), limit));
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    for (const std::string& key : keys) put_xid(data, key);
    pn_data_exit(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    for (const std::string& key : keys) pn_data_put_symbol(data, bytes_of(branches_[key].state));
    pn_data_exit(data);
    pn_data_put_bool(data, more);
    pn_data_exit(data);
    pn_delivery_update(delivery, 0x00007ED900000002);
    pn_delivery_settle(delivery);
}

}  // namespace giromq::test
