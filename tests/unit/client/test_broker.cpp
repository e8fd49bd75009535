#include "test_broker.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/connection_driver.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/event.h>
#include <proton/link.h>
#include <proton/sasl.h>
#include <proton/session.h>
#include <proton/terminus.h>
#include <proton/transport.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <stdexcept>
#include <utility>

#include "proton_text.hpp"
#include "test_broker_parts.hpp"
#include "wire_reader.hpp"
#include "wire_writer.hpp"

namespace giromq::test {

using namespace std::chrono_literals;
using detail::WireReader;
using detail::WireValue;
using detail::WireWriter;
namespace wire = detail::wire;

using detail::bytes_of;

namespace {

std::string text_or_empty(const char* text) { return text == nullptr ? std::string() : std::string(text); }

/// Takes header and delivery annotations off; notes what they say.
void take_apart(std::string_view bytes, TestBroker::Received& received) {
    WireReader reader(bytes);
    std::string_view rest = bytes;
    while (!reader.at_end()) {
        rest = reader.rest();
        const WireValue section = reader.next();
        if (section.descriptor == wire::header) {
            WireReader fields(section.bytes);
            received.durable = section.count > 0 && fields.next().bits != 0;
        } else if (section.descriptor == wire::delivery_annotations) {
            WireReader entries(section.bytes);
            for (std::uint32_t index = 0; index < section.count; index += 2) {
                const WireValue key = entries.next();
                const WireValue value = entries.next();
                if (key.bytes == "giromq:producer-id") received.producer_id = value.bytes;
                if (key.bytes == "giromq:sequence") received.sequence = value.bits;
            }
        } else {
            break;
        }
        rest = reader.rest();
    }
    received.bytes = rest;
}

std::string to_field(std::string_view bytes) {
    WireReader reader(bytes);
    while (!reader.at_end()) {
        const WireValue section = reader.next();
        if (section.descriptor != wire::properties) continue;
        WireReader fields(section.bytes);
        for (int index = 0; index < 2; ++index) fields.next();
        return std::string(fields.next().bytes);
    }
    return {};
}

}  // namespace

TestBroker::TestBroker() : TestBroker(Options{}) {}

TestBroker::TestBroker(Options options) : options_(std::move(options)), credit_(options_.credit) {
    if (::pipe2(wake_pipe_, O_NONBLOCK | O_CLOEXEC) != 0) throw std::runtime_error("pipe");
    open_listener();
    thread_ = std::thread([this] { run(); });
}

TestBroker::~TestBroker() {
    {
        const std::lock_guard lock(mutex_);
        stopping_ = true;
        wake();
    }
    thread_.join();
    if (listener_ >= 0) ::close(listener_);
    ::close(wake_pipe_[0]);
    ::close(wake_pipe_[1]);
}

std::string TestBroker::uri(const std::string& options) const {
    return "amqp://127.0.0.1:" + std::to_string(port_) + "?reconnect.delay-ms=5&reconnect.max-delay-ms=20&request-timeout-ms=10000" +
           (options.empty() ? "" : "&" + options);
}

void TestBroker::open_listener() {
    listener_ = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    const int on = 1;
    ::setsockopt(listener_, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
    address.sin_port = ::htons(port_);
    if (::bind(listener_, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0 || ::listen(listener_, 64) != 0)
        throw std::runtime_error("bind");
    socklen_t size = sizeof address;
    ::getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ::ntohs(address.sin_port);
}

void TestBroker::wake() {
    const char byte = 0;
    [[maybe_unused]] const ssize_t written = ::write(wake_pipe_[1], &byte, 1);
}

// Orders -----------------------------------------------------------------------------------------------------------------------------

void TestBroker::hold_outcomes(bool hold) {
    const std::lock_guard lock(mutex_);
    hold_outcomes_ = hold;
    if (!hold) {
        for (const auto& peer : peers_) {
            for (pn_delivery_t* delivery : std::exchange(peer->held, {})) {
                pn_delivery_update(delivery, PN_ACCEPTED);
                pn_delivery_settle(delivery);
            }
        }
    }
    wake();
}

void TestBroker::hold_confirmations(bool hold) {
    const std::lock_guard lock(mutex_);
    hold_confirmations_ = hold;
    if (!hold) {
        for (const auto& peer : peers_) {
            for (pn_delivery_t* delivery : std::exchange(peer->unconfirmed, {})) pn_delivery_settle(delivery);
        }
    }
    wake();
}

void TestBroker::hold_drains(bool hold) {
    const std::lock_guard lock(mutex_);
    hold_drains_ = hold;
    dispatch_all();
    wake();
}

void TestBroker::grant_credit(int credit) {
    const std::lock_guard lock(mutex_);
    credit_ = credit;
}

void TestBroker::add_credit(int credit) {
    const std::lock_guard lock(mutex_);
    for (const auto& peer : peers_) {
        for (pn_link_t* link : peer->links) {
            if (pn_link_is_receiver(link)) pn_link_flow(link, credit);
        }
    }
    wake();
}

void TestBroker::reject_next(int count, const std::string& condition) {
    const std::lock_guard lock(mutex_);
    reject_ = count;
    reject_condition_ = condition;
}

void TestBroker::refuse(const std::string& address, const std::string& condition) {
    const std::lock_guard lock(mutex_);
    refused_[address] = condition;
}

void TestBroker::refuse_client_id(const std::string& id) {
    const std::lock_guard lock(mutex_);
    refused_client_id_ = id;
}

void TestBroker::cut_after_transfers(int count, bool store) {
    const std::lock_guard lock(mutex_);
    cut_transfers_ = count;
    cut_store_ = store;
}

void TestBroker::cut_after_acknowledgements(int count, bool apply) {
    const std::lock_guard lock(mutex_);
    cut_acknowledgements_ = count;
    cut_apply_ = apply;
}

void TestBroker::drop_next_connections(int count) {
    const std::lock_guard lock(mutex_);
    drop_connections_ = count;
}

void TestBroker::cut_connections() {
    const std::lock_guard lock(mutex_);
    for (const auto& peer : peers_) peer->cut = true;
    wake();
}

void TestBroker::close_connections(const std::string& condition) {
    const std::lock_guard lock(mutex_);
    for (const auto& peer : peers_) {
        pn_condition_set_name(pn_connection_condition(peer->driver.connection), condition.c_str());
        pn_condition_set_description(pn_connection_condition(peer->driver.connection), "closed by the test");
        pn_connection_close(peer->driver.connection);
    }
    wake();
}

void TestBroker::detach_links(const std::string& condition) {
    const std::lock_guard lock(mutex_);
    for (const auto& peer : peers_) {
        for (pn_link_t* link : peer->links) {
            pn_condition_set_name(pn_link_condition(link), condition.c_str());
            pn_condition_set_description(pn_link_condition(link), "detached by the test");
            pn_link_close(link);
        }
    }
    wake();
}

void TestBroker::silence() {
    const std::lock_guard lock(mutex_);
    silent_ = true;
}

void TestBroker::stop_listening() {
    std::unique_lock lock(mutex_);
    listening_wanted_ = false;
    wake();
    changed_.wait(lock, [&] { return listener_ < 0; });
}

void TestBroker::listen_again() {
    const std::lock_guard lock(mutex_);
    listening_wanted_ = true;
    wake();
}

// State ------------------------------------------------------------------------------------------------------------------------------

void TestBroker::put(const std::string& queue, const std::string& encoded_message) {
    const std::lock_guard lock(mutex_);
    queues_[queue].entries[++positions_].bytes = encoded_message;
    dispatch_all();
    wake();
}

std::size_t TestBroker::depth(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    return queues_[queue].entries.size();
}

std::size_t TestBroker::locked(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    const auto& entries = queues_[queue].entries;
    return static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(), [](const auto& one) { return one.second.locked; }));
}

std::vector<std::string> TestBroker::contents(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    std::vector<std::string> all;
    for (const auto& [position, entry] : queues_[queue].entries) all.push_back(entry.bytes);
    return all;
}

std::vector<std::uint32_t> TestBroker::delivery_counts(const std::string& queue) {
    const std::lock_guard lock(mutex_);
    std::vector<std::uint32_t> all;
    for (const auto& [position, entry] : queues_[queue].entries) all.push_back(entry.delivery_count);
    return all;
}

std::vector<TestBroker::Received> TestBroker::received() {
    const std::lock_guard lock(mutex_);
    return received_;
}

int TestBroker::connections_made() {
    const std::lock_guard lock(mutex_);
    return connections_made_;
}

int TestBroker::connections() {
    const std::lock_guard lock(mutex_);
    return static_cast<int>(peers_.size());
}

int TestBroker::consumers(const std::string& queue) { return links(queue, false); }
int TestBroker::producers(const std::string& queue) { return links(queue, true); }

int TestBroker::links(const std::string& queue, bool from_client) {
    const std::lock_guard lock(mutex_);
    int count = 0;
    for (const auto& peer : peers_) {
        for (pn_link_t* link : peer->links) count += pn_link_is_receiver(link) == from_client && peer->address[link] == queue ? 1 : 0;
    }
    return count;
}

int TestBroker::drains_waiting() {
    const std::lock_guard lock(mutex_);
    int count = 0;
    for (const auto& peer : peers_) {
        for (pn_link_t* link : peer->links) count += pn_link_is_sender(link) && pn_link_get_drain(link) && pn_link_credit(link) > 0 ? 1 : 0;
    }
    return count;
}

bool TestBroker::wait(const std::function<bool()>& condition) {
    const auto deadline = std::chrono::steady_clock::now() + 10s;
    while (!condition()) {
        std::unique_lock lock(mutex_);
        if (std::chrono::steady_clock::now() >= deadline) return false;
        changed_.wait_for(lock, 5ms);
    }
    return true;
}

// The thread -------------------------------------------------------------------------------------------------------------------------

void TestBroker::run() {
    for (;;) {
        std::vector<pollfd> descriptors;
        {
            const std::lock_guard lock(mutex_);
            if (stopping_) break;
            if (!listening_wanted_ && listener_ >= 0) {
                ::close(listener_);
                listener_ = -1;
            } else if (listening_wanted_ && listener_ < 0) {
                open_listener();
            }
            for (const auto& peer : peers_) {
                service(*peer);
                if (peer->cut || pn_connection_driver_finished(&peer->driver)) drop(*peer);
            }
            std::erase_if(peers_, [](const auto& peer) { return peer->cut; });
            descriptors.push_back({wake_pipe_[0], POLLIN, 0});
            descriptors.push_back({listener_, POLLIN, 0});
            for (const auto& peer : peers_) descriptors.push_back({peer->descriptor, POLLIN, 0});
            changed_.notify_all();
        }
        ::poll(descriptors.data(), descriptors.size(), 5);
        char sink[256];
        while (::read(wake_pipe_[0], sink, sizeof sink) > 0) {
        }
        const std::lock_guard lock(mutex_);
        if (listener_ >= 0) accept_one();
        changed_.notify_all();
    }
    const std::lock_guard lock(mutex_);
    peers_.clear();
}

void TestBroker::accept_one() {
    const int descriptor = ::accept4(listener_, nullptr, nullptr, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (descriptor < 0) return;
    if (drop_connections_ > 0) {
        --drop_connections_;
        ++connections_made_;
        ::close(descriptor);
        return;
    }
    auto peer = std::make_unique<Peer>(descriptor);
    pn_transport_set_server(peer->driver.transport);
    pn_sasl_allowed_mechs(pn_sasl(peer->driver.transport), options_.mechanisms.c_str());
    pn_transport_require_auth(peer->driver.transport, true);
    pn_connection_driver_bind(&peer->driver);
    ++connections_made_;
    peers_.push_back(std::move(peer));
}

void TestBroker::service(Peer& peer) {
    if (peer.cut || silent_) return;
    const auto events = [&] {
        while (pn_event_t* event = pn_connection_driver_next_event(&peer.driver)) {
            handle_event(peer, event);
            if (peer.cut) return;
        }
    };
    events();
    for (;;) {
        const pn_rwbytes_t buffer = pn_connection_driver_read_buffer(&peer.driver);
        if (buffer.size == 0 || peer.cut) break;
        const ssize_t size = ::recv(peer.descriptor, buffer.start, buffer.size, 0);
        if (size > 0) {
            pn_connection_driver_read_done(&peer.driver, static_cast<std::size_t>(size));
        } else {
            if (size == 0) pn_connection_driver_read_close(&peer.driver);
            events();
            break;
        }
        events();
    }
    for (;;) {
        if (peer.cut) return;
        const pn_bytes_t out = pn_connection_driver_write_buffer(&peer.driver);
        if (out.size == 0) break;
        const ssize_t size = ::send(peer.descriptor, out.start, out.size, MSG_NOSIGNAL);
        if (size < 0) {
            if (errno != EAGAIN) pn_connection_driver_write_close(&peer.driver);
            break;
        }
        pn_connection_driver_write_done(&peer.driver, static_cast<std::size_t>(size));
    }
    events();
}

void TestBroker::give_back(Peer& peer, pn_link_t* link) {
    for (auto at = peer.delivered.begin(); at != peer.delivered.end();) {
        if (link != nullptr && at->second.link != link) {
            ++at;
            continue;
        }
        auto& entries = queues_[at->second.queue].entries;
        if (const auto found = entries.find(at->second.position); found != entries.end()) {
            found->second.locked = false;
            if (link == nullptr) ++found->second.delivery_count;  // perhaps it was delivered
        }
        at = peer.delivered.erase(at);
    }
}

void TestBroker::drop(Peer& peer) {
    peer.cut = true;
    lose_associations(peer);
    for (auto& [id, transaction] : peer.transactions) roll_back(transaction);
    peer.transactions.clear();
    give_back(peer, nullptr);
    ::shutdown(peer.descriptor, SHUT_RDWR);
    dispatch_all();
}

void TestBroker::handle_event(Peer& peer, pn_event_t* event) {
    switch (pn_event_type(event)) {
        case PN_CONNECTION_REMOTE_OPEN: return open_connection(peer);
        case PN_CONNECTION_REMOTE_CLOSE: pn_connection_close(peer.driver.connection); return;
        case PN_SESSION_REMOTE_OPEN: pn_session_open(pn_event_session(event)); return;
        case PN_SESSION_REMOTE_CLOSE: pn_session_close(pn_event_session(event)); return;
        case PN_LINK_REMOTE_OPEN: return open_link(peer, pn_event_link(event));
        case PN_LINK_REMOTE_CLOSE: {
            pn_link_t* const link = pn_event_link(event);
            give_back(peer, link);
            if (pn_terminus_get_type(pn_link_target(link)) == PN_COORDINATOR) {
                lose_associations(peer);
                for (auto& [id, transaction] : peer.transactions) roll_back(transaction);
                peer.transactions.clear();
            }
            std::erase(peer.links, link);
            pn_link_close(link);
            return dispatch_all();
        }
        case PN_LINK_FLOW: return dispatch(pn_event_link(event));
        case PN_DELIVERY: {
            pn_link_t* const link = pn_event_link(event);
            return pn_link_is_receiver(link) ? on_transfer(peer, link, pn_event_delivery(event))
                                             : on_outcome(peer, pn_event_delivery(event));
        }
        default: return;
    }
}

void TestBroker::open_connection(Peer& peer) {
    pn_connection_t* const connection = peer.driver.connection;
    pn_connection_set_container(connection, "test-broker");
    const bool refused = !refused_client_id_.empty() && text_or_empty(pn_connection_remote_container(connection)) == refused_client_id_;
    pn_data_t* const properties = pn_connection_properties(connection);
    pn_data_put_map(properties);
    pn_data_enter(properties);
    pn_data_put_symbol(properties, bytes_of("product"));
    pn_data_put_string(properties, bytes_of(options_.product));
    pn_data_put_symbol(properties, bytes_of("giromq:rm-id"));
    pn_data_put_string(properties, bytes_of(options_.rm_id));
    if (refused) {
        pn_data_put_symbol(properties, bytes_of("amqp:connection-establishment-failed"));
        pn_data_put_bool(properties, true);
    }
    pn_data_exit(properties);
    if (options_.offers_relay) {
        pn_data_t* const capabilities = pn_connection_offered_capabilities(connection);
        pn_data_put_array(capabilities, false, PN_SYMBOL);
        pn_data_enter(capabilities);
        pn_data_put_symbol(capabilities, bytes_of("ANONYMOUS-RELAY"));
        pn_data_exit(capabilities);
    }
    pn_connection_open(connection);
    if (!refused) return;
    pn_condition_t* const condition = pn_connection_condition(connection);
    pn_condition_set_name(condition, "amqp:invalid-field");
    pn_data_t* const info = pn_condition_info(condition);
    pn_data_put_map(info);
    pn_data_enter(info);
    pn_data_put_symbol(info, bytes_of("invalid-field"));
    pn_data_put_symbol(info, bytes_of("container-id"));
    pn_data_exit(info);
    pn_connection_close(connection);
}

void TestBroker::open_link(Peer& peer, pn_link_t* link) {
    if (pn_terminus_get_type(pn_link_remote_target(link)) == PN_COORDINATOR) return open_control_link(peer, link);
    const bool from_client = pn_link_is_receiver(link);
    pn_terminus_t* const remote = from_client ? pn_link_remote_target(link) : pn_link_remote_source(link);
    std::string address = text_or_empty(pn_terminus_get_address(remote));
    if (const auto refused = refused_.find(address); refused != refused_.end()) {
        pn_terminus_set_type(from_client ? pn_link_target(link) : pn_link_source(link), PN_UNSPECIFIED);
        pn_link_open(link);
        pn_condition_set_name(pn_link_condition(link), refused->second.c_str());
        pn_condition_set_description(pn_link_condition(link), "refused by the test");
        pn_link_close(link);
        return;
    }
    pn_terminus_copy(pn_link_source(link), pn_link_remote_source(link));
    pn_terminus_copy(pn_link_target(link), pn_link_remote_target(link));
    if (pn_terminus_is_dynamic(remote)) {
        address = "temp-" + std::to_string(++temporary_);
        pn_terminus_set_address(pn_link_target(link), address.c_str());
    }
    if (!from_client && !options_.modifies) {
        pn_data_t* const outcomes = pn_terminus_outcomes(pn_link_source(link));
        pn_data_clear(outcomes);
        pn_data_put_array(outcomes, false, PN_SYMBOL);
        pn_data_enter(outcomes);
        for (const char* const name : {"amqp:accepted:list", "amqp:rejected:list", "amqp:released:list"})
            pn_data_put_symbol(outcomes, bytes_of(name));
        pn_data_exit(outcomes);
    }
    if (!from_client && !options_.says_that_it_browses) pn_terminus_set_distribution_mode(pn_link_source(link), PN_DIST_MODE_UNSPECIFIED);
    if (!from_client && !options_.echoes_filters) pn_data_clear(pn_terminus_filter(pn_link_source(link)));
    peer.address[link] = address;
    peer.links.push_back(link);
    pn_link_open(link);
    if (from_client) pn_link_flow(link, credit_);
}

void TestBroker::on_transfer(Peer& peer, pn_link_t* link, pn_delivery_t* delivery) {
    if (!pn_delivery_readable(delivery)) {
        if (pn_delivery_settled(delivery)) pn_delivery_settle(delivery);
        return;
    }
    std::string& bytes = peer.partial[delivery];
    const std::size_t pending = pn_delivery_pending(delivery);
    const std::size_t before = bytes.size();
    bytes.resize(before + pending);
    pn_link_recv(link, bytes.data() + before, pending);
    if (pn_delivery_partial(delivery)) return;
    const std::string whole = std::move(bytes);
    peer.partial.erase(delivery);
    pn_link_advance(link);
    pn_link_flow(link, 1);
    if (pn_terminus_get_type(pn_link_target(link)) == PN_COORDINATOR) return on_control(peer, delivery, whole);
    take_in(peer, link, delivery, whole);
}

void TestBroker::take_in(Peer& peer, pn_link_t* link, pn_delivery_t* delivery, const std::string& bytes) {
    Received received;
    take_apart(bytes, received);
    received.address = peer.address[link].empty() ? to_field(received.bytes) : peer.address[link];
    received_.push_back(received);
    const bool cut = cut_transfers_ > 0 && --cut_transfers_ == 0;
    if (!cut && put_in_transaction(peer, delivery, received)) return;
    if (reject_ > 0) {
        --reject_;
        pn_condition_set_name(pn_disposition_condition(pn_delivery_local(delivery)), reject_condition_.c_str());
        pn_condition_set_description(pn_disposition_condition(pn_delivery_local(delivery)), "rejected by the test");
        pn_delivery_update(delivery, PN_REJECTED);
        pn_delivery_settle(delivery);
        return;
    }
    const bool known = received.sequence != 0 && seen_.contains({received.producer_id, received.sequence});
    if (!known && (!cut || cut_store_)) {
        if (received.sequence != 0) seen_.emplace(received.producer_id, received.sequence);
        queues_[received.address].entries[++positions_].bytes = received.bytes;
        dispatch_all();
    }
    if (cut) {
        peer.cut = true;
        return drop(peer);
    }
    if (hold_outcomes_) {
        peer.held.push_back(delivery);
        return;
    }
    pn_delivery_update(delivery, PN_ACCEPTED);
    pn_delivery_settle(delivery);
}

void TestBroker::on_outcome(Peer& peer, pn_delivery_t* delivery) {
    const auto found = peer.delivered.find(delivery);
    if (found == peer.delivered.end() || !pn_delivery_updated(delivery)) return;
    const std::uint64_t outcome = pn_delivery_remote_state(delivery);
    const bool settled = pn_delivery_settled(delivery);
    if (outcome == 0 && !settled) return;
    if (accept_in_transaction(peer, delivery)) return;
    auto& entries = queues_[found->second.queue].entries;
    if (outcome == PN_MODIFIED && !options_.modifies) return drop(peer);
    const bool cut = outcome == PN_ACCEPTED && cut_acknowledgements_ > 0 && --cut_acknowledgements_ == 0;
    if (outcome == PN_ACCEPTED || outcome == PN_REJECTED) {
        if (!cut || cut_apply_) entries.erase(found->second.position);
    } else if (const auto entry = entries.find(found->second.position); entry != entries.end()) {
        entry->second.locked = false;
        if (outcome == PN_MODIFIED && pn_disposition_is_failed(pn_delivery_remote(delivery))) ++entry->second.delivery_count;
    }
    if (cut) return drop(peer);
    peer.delivered.erase(found);
    if (hold_confirmations_ && !settled) {
        peer.unconfirmed.push_back(delivery);
    } else {
        pn_delivery_settle(delivery);
    }
    dispatch_all();
}

void TestBroker::dispatch_all() {
    for (const auto& peer : peers_) {
        if (peer->cut) continue;
        for (pn_link_t* link : peer->links) dispatch(link);
    }
}

void TestBroker::dispatch(pn_link_t* link) {
    if (!pn_link_is_sender(link)) return;
    Peer* peer = nullptr;
    for (const auto& one : peers_) {
        if (one->driver.connection == pn_session_connection(pn_link_session(link))) peer = one.get();
    }
    if (peer == nullptr || peer->cut || std::find(peer->links.begin(), peer->links.end(), link) == peer->links.end()) return;
    const std::string& name = peer->address[link];
    const bool browse = options_.browses && pn_terminus_get_distribution_mode(pn_link_source(link)) == PN_DIST_MODE_COPY;
    for (auto& [position, entry] : queues_[name].entries) {
        if (pn_link_credit(link) <= 0) break;
        if (browse ? position <= peer->cursor[link] : entry.locked) continue;
        std::string header;
        WireWriter writer(header);
        writer.section(wire::header);
        const std::size_t mark = writer.begin_list();
        writer.boolean(true);
        writer.ubyte(4);
        writer.null();
        writer.null();
        writer.uint32(entry.delivery_count);
        writer.end_list(mark, 5);
        const std::uint64_t tag = ++positions_;
        pn_delivery_t* const delivery = pn_delivery(link, pn_dtag(reinterpret_cast<const char*>(&tag), sizeof tag));
        pn_link_send(link, header.data(), header.size());
        pn_link_send(link, entry.bytes.data(), entry.bytes.size());
        pn_link_advance(link);
        if (browse) {
            peer->cursor[link] = position;
            pn_delivery_settle(delivery);
        } else {
            entry.locked = true;
            peer->delivered[delivery] = {name, position, link};
        }
    }
    if (pn_link_get_drain(link) && pn_link_credit(link) > 0 && !hold_drains_) pn_link_drained(link);
}

}  // namespace giromq::test
