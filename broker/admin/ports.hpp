#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/unique_function.hpp"
#include "model/ids.hpp"
#include "store/commit_queue.hpp"
#include "store/store.hpp"
#include "xa/journal.hpp"
#include "xa/return_code.hpp"
#include "xa/xid.hpp"

/// What administration asks of parts that are above it or that it must not own; implemented in main/.
namespace giromq::admin {

struct SessionView {
    std::uint32_t number = 0;
    std::uint32_t consumers = 0;
    std::uint32_t producers = 0;
    std::uint32_t control_links = 0;
    std::uint32_t transactions = 0;
    std::uint64_t unsettled_in = 0;
    std::uint64_t unsettled_out = 0;
    std::uint64_t bytes_unread = 0;
    std::uint64_t bytes_unwritten = 0;
};

struct ConnectionView {
    ConnectionId id;
    std::string peer;  // "127.0.0.1:53412"
    bool is_encrypted = false;
    std::string container_id;
    std::string user;
    std::vector<SessionView> sessions;
    std::uint32_t consumers = 0;
    std::uint32_t producers = 0;
    std::uint64_t messages_in = 0;
    std::uint64_t messages_out = 0;
};

/// Threads: any; `done` runs on any thread.
class ConnectionsPort {
public:
    virtual ~ConnectionsPort() = default;
    virtual std::size_t count() const = 0;
    virtual std::uint64_t accepted() const = 0;  // since the start
    /// Ends it; `why` is told to its client. False if there is no such connection.
    virtual bool close(ConnectionId id, const std::string& why) = 0;
    /// Ends every connection that was let in as this user; `why` is told to its client.
    virtual void close_user(const std::string& user, const std::string& why) = 0;
    /// Permissions have changed: what they do not allow any more ends.
    virtual void review_permissions() = 0;
    virtual void list(ConnectionId after, std::size_t limit, UniqueFunction<void(std::vector<ConnectionView>)> done) const = 0;
};

/// A certificate that the broker shows.
struct CertificateView {
    std::string listener;  // who shows it: "amqps, https"
    std::string subject;
    std::string issuer;
    Timestamp not_after;
};

/// A list of certificates of clients that an authority has withdrawn.
struct RevocationListView {
    std::string object;     // whose it is
    Timestamp valid_until;  // not set if what it stands for could not be read again; then `object` is the file
};

/// Threads: any.
class CertificatesPort {
public:
    virtual ~CertificatesPort() = default;
    virtual std::vector<RevocationListView> revocation_lists() const = 0;
    virtual std::vector<CertificateView> list() const = 0;
};

/// What reading the configuration again has come to.
struct Reloaded {
    std::vector<std::string> applied;        // what has changed and holds now
    std::vector<std::string> needs_restart;  // the sections that have changed and wait for the next start
};

/// Threads: any; reads files, so not on the core's executor or a connection's strand.
class ReloadPort {
public:
    virtual ~ReloadPort() = default;
    virtual Result<Reloaded> reload() = 0;
};

/// Threads: any; `done` runs on the store thread and must only hand over.
class StoreAdminPort {
public:
    virtual ~StoreAdminPort() = default;
    virtual store::Health health() const = 0;
    virtual store::CommitQueue::Statistics statistics() const = 0;
    /// A consistent copy of the store as it is now, while it is in use.
    virtual void backup(std::string path, UniqueFunction<void(Result<void>)> done) = 0;
};

/// A transaction branch that is in doubt: prepared, or completed by an administrator's decision of which its manager has not heard.
struct TransactionView {
    /// What it has put into and got from one destination.
    struct Destination {
        std::string name;
        std::uint64_t puts = 0;
        std::uint64_t gets = 0;
    };

    xa::Xid xid;
    std::string owner;  // the user who began it
    Timestamp prepared_at;
    xa::Work work;
    std::vector<Destination> destinations;  // in order of name; empty when it has been completed
    std::optional<xa::Outcome> decided;     // by an administrator, then with the next two
    Timestamp decided_at;
    xa::Decision decision;
};

/// A message that a branch in doubt has put or got.
struct TransactionMessage {
    bool is_put = false;
    std::string destination;
    std::string message_id;  // as JMS clients see it; empty for none, or if the message cannot be read
    std::string type;
    Timestamp arrived_at;
    std::uint64_t bytes = 0;
};

struct TransactionCounts {
    std::uint64_t in_doubt = 0;
    Timestamp oldest_prepared_at;  // not set if there is none
    std::uint64_t alarms = 0;      // raised since the start because a branch was in doubt for long
};

/// The transaction branches of the broker, for administrators; core_transactions.hpp has them of the core. Threads: everything is called on
/// the core's executor, and answers there or on the reading thread; `done` must only hand over.
class TransactionsPort {
public:
    virtual ~TransactionsPort() = default;
    virtual TransactionCounts counts() const = 0;
    /// In the order of the XIDs, from the first behind `after`, which need not exist any more.
    virtual std::vector<TransactionView> list(const std::optional<xa::Xid>& after, std::size_t limit) const = 0;
    virtual std::optional<TransactionView> find(const xa::Xid& xid) const = 0;
    /// Puts first, then gets, each in their order, from the one with the number `first`, counted from 0.
    virtual void messages(const xa::Xid& xid, std::uint64_t first, std::size_t limit,
                          UniqueFunction<void(Result<std::vector<TransactionMessage>>)> done) = 0;
    /// A heuristic decision (xa::Registry::resolve); durable, with its line in the audit, before it is answered with XA_OK.
    virtual void resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) = 0;
    /// In place of the manager's xa_forget; with its line in the audit too.
    virtual void forget(const xa::Xid& xid, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) = 0;
};

}  // namespace giromq::admin
