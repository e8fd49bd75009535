#include "temporary_node.hpp"

#include <proton/codec.h>
#include <proton/link.h>
#include <proton/terminus.h>

#include <cstring>

#include "giromq/exceptions.hpp"
#include "session_core.hpp"

namespace giromq::detail {
namespace {

constexpr std::uint64_t delete_on_close = 0x2b;  // lifetime policy (AMQP 1.0 §3.5.10)

void ask_for_temporary_queue(pn_terminus_t* target) {
    pn_terminus_set_dynamic(target, true);
    pn_data_t* const properties = pn_terminus_properties(target);
    constexpr const char* lifetime = "lifetime-policy";
    pn_data_put_map(properties);
    pn_data_enter(properties);
    pn_data_put_symbol(properties, pn_bytes(std::strlen(lifetime), lifetime));
    pn_data_put_described(properties);
    pn_data_enter(properties);
    pn_data_put_ulong(properties, delete_on_close);
    pn_data_put_list(properties);
    pn_data_exit(properties);
    pn_data_exit(properties);
    constexpr const char* capability = "temporary-queue";
    pn_data_t* const capabilities = pn_terminus_capabilities(target);
    pn_data_put_array(capabilities, false, PN_SYMBOL);
    pn_data_enter(capabilities);
    pn_data_put_symbol(capabilities, pn_bytes(std::strlen(capability), capability));
    pn_data_exit(capabilities);
}

}  // namespace

pn_link_t* TemporaryNode::make_link() {
    pn_session_t* const session = connection_.own_session();
    if (session == nullptr) return nullptr;
    const std::string name = "temporary-queue-" + std::to_string(connection_.next_number());
    pn_link_t* const link = pn_sender(session, name.c_str());
    pn_terminus_set_address(pn_link_source(link), connection_.id().c_str());
    ask_for_temporary_queue(pn_link_target(link));
    return link;
}

bool TemporaryNode::accepted_by_remote() const { return pn_terminus_get_type(pn_link_remote_target(link())) == PN_TARGET; }

std::optional<Failure> TemporaryNode::on_attached() {
    const char* const address = pn_terminus_get_address(pn_link_remote_target(link()));
    if (address == nullptr || *address == '\0') return Failure{FailureKind::general, "", "The broker gave the temporary queue no name."};
    {
        const std::lock_guard lock(address_mutex_);
        address_ = address;
    }
    connection_.attach_dependents();
    return std::nullopt;
}

void TemporaryNode::on_detached(const Failure* failure) {
    if (failure != nullptr && state() == State::failed) connection_.report(*failure);
}

std::string TemporaryNode::name() const {
    const std::lock_guard lock(address_mutex_);
    return address_;
}

void TemporaryNode::delete_queue() {
    std::unique_lock lock(connection_.mutex());
    if (connection_.has_consumer(*this))
        throw IllegalStateException("A temporary queue cannot be deleted while a consumer of it is open; close the consumer first.");
    close_link();
    connection_.pump();
    wait_until(changed_, lock, deadline_after(connection_.settings().close_timeout),
               [&] { return state() == State::closed || state() == State::failed; });
    abandon();
    connection_.forget_node(*this);
}

TemporaryNode* node_of(const DestinationPtr& destination) {
    const auto* const queue = dynamic_cast<const TemporaryQueue*>(destination.get());
    return queue == nullptr ? nullptr : queue->node().get();
}

bool is_attachable(const ConnectionCore& connection, const DestinationPtr& destination) {
    const TemporaryNode* const node = node_of(destination);
    return node == nullptr || &node->connection() != &connection || node->state() == LinkCore::State::attached;
}

}  // namespace giromq::detail
