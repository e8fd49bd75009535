#pragma once

#include <memory>
#include <string>

#include "link_core.hpp"

namespace giromq::detail {

/// The link that a temporary queue lives by: a sender to a dynamic target (AMQP 1.0 §3.5.4), closed to delete the queue. With the
/// connection's mutex held, except for name() and delete_queue().
struct TemporaryNode final : public LinkCore {
    explicit TemporaryNode(const std::shared_ptr<ConnectionCore>& connection) : LinkCore(*connection), owner_(connection) {}

    /// The address that the broker gave; it changes when the connection is made anew. With or without the connection's mutex.
    std::string name() const;
    void delete_queue();

    const ConnectionCore& connection() const { return connection_; }
    std::condition_variable& changed() { return changed_; }

private:
    pn_link_t* make_link() override;
    bool accepted_by_remote() const override;
    std::optional<Failure> on_attached() override;
    void on_detached(const Failure* failure) override;
    void notify() override { changed_.notify_all(); }
    std::string describe() const override { return "the temporary queue"; }

    const std::shared_ptr<ConnectionCore> owner_;
    std::condition_variable changed_;
    mutable std::mutex address_mutex_;
    std::string address_;
};

/// False for a temporary queue of the connection that is not (yet again) there; the connection's mutex is held.
bool is_attachable(const ConnectionCore& connection, const DestinationPtr& destination);

/// The node of a temporary queue made by this library, else null.
TemporaryNode* node_of(const DestinationPtr& destination);

}  // namespace giromq::detail
