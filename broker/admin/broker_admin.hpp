#pragma once

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "admin/audit_entry.hpp"
#include "admin/definitions.hpp"
#include "admin/errc.hpp"
#include "admin/first_login.hpp"
#include "admin/login_audit.hpp"
#include "admin/messages.hpp"
#include "admin/monitor.hpp"
#include "admin/operations.hpp"
#include "admin/overview.hpp"
#include "admin/ports.hpp"
#include "admin/readiness.hpp"
#include "base/clock.hpp"
#include "base/executor.hpp"
#include "core/core.hpp"
#include "security/audit_chain.hpp"
#include "security/authorisation.hpp"
#include "security/user_directory.hpp"
#include "selector/selector_directory.hpp"

namespace giromq::admin {

struct SecurityPlan;

struct AdminSettings {
    std::string version;
    std::string name;               // the AMQP container id
    std::string backups_directory;  // the only place for backups; made when first needed, mode 0700
    DestinationSettings queue_defaults;
    AlarmSettings alarms{};
};

struct UserView {
    std::string name;
    Role role = Role::application;
};

/// Everything that an administrator can see and do, for REST, the console and the metrics. The one choke point: each command asks
/// security::authorise() before it does anything, and is logged with who gave it.
///
/// Threads: any method from any thread; `done` runs once, on the core's executor, a worker, or the store thread, and must only hand
/// over. A command that has been taken is carried out even if nobody waits for the answer any more.
class BrokerAdmin {
public:
    struct Parts {
        core::Core& core;
        Executor& core_executor;
        Executor& workers;
        security::UserDirectory& users;
        selector::SelectorDirectory& selectors;
        const Clock& clock;
        ConnectionsPort& connections;
        StoreAdminPort& store;
        const Readiness& readiness;
        TransactionsPort* transactions = nullptr;        // null: there are none, so none is in doubt
        const CertificatesPort* certificates = nullptr;  // null: there are none
        ReloadPort* configuration = nullptr;             // null: there is none to be read again
    };
    using Identity = security::Identity;
    using Action = security::Action;
    template <typename T>
    using Done = UniqueFunction<void(Result<T>)>;
    /// Asked about what is to be changed or deleted, in the very task on the core's executor that does it: whether it is still what
    /// somebody has seen. If it is not, or not there, nothing is done: errc::precondition. An empty one asks nothing.
    template <typename T>
    using StillSo = std::function<bool(const T&)>;

    BrokerAdmin(Parts parts, AdminSettings settings);

    const DestinationSettings& queue_defaults() const { return settings_.queue_defaults; }
    Readiness::View readiness() const { return parts_.readiness.view(); }
    store::Health store_health() const { return parts_.store.health(); }
    const Clock& clock() const { return parts_.clock; }
    Timestamp now() const { return parts_.clock.wall_now(); }

    // Queues

    struct QueuePage {
        std::vector<core::QueueView> items;
        bool more = false;
    };
    /// In order of name, from the first after `after`; `limit` from 1.
    void list_queues(const Identity& who, std::string after, std::size_t limit, Done<QueuePage> done);
    void view_queue(const Identity& who, std::string name, Done<core::QueueView> done);

    enum class Put : std::uint8_t { created, unchanged };
    /// Creates the queue, or finds it with the same settings; with others: errc::different.
    void put_queue(const Identity& who, DestinationSettings settings, Done<Put> done);
    void delete_queue(const Identity& who, std::string name, bool even_if_used, Done<void> done, StillSo<core::QueueView> still_so = {});
    void purge_queue(const Identity& who, std::string name, Done<std::uint64_t> done);
    void list_queues(const Identity& who, core::QueueQuery query, Done<core::QueueList> done);
    /// `change` gets the settings as they are; what it returns is what they become. An error of it is the answer. Refused for a configured
    /// queue, whose settings are changed in the configuration.
    using ChangeSettings = UniqueFunction<Result<DestinationSettings>(DestinationSettings settings)>;
    void change_queue(const Identity& who, std::string name, ChangeSettings change, Done<core::QueueView> done,
                      StillSo<core::QueueView> still_so = {});
    /// What is not given stays as it is.
    void pause_queue(const Identity& who, std::string name, std::optional<bool> sending, std::optional<bool> receiving,
                     Done<core::QueueView> done);

    // Messages, one by one and many at a time

    Messages& messages() { return messages_; }
    Operations& operations() { return operations_; }

    // Users

    Result<std::vector<UserView>> list_users(const Identity& who) const;
    Result<User> view_user(const Identity& who, const std::string& name) const;
    // Who was let in as a user that is changed or deleted is let out: connections end, and HTTP asks for the password each time.

    enum class PutUser : std::uint8_t { created, changed };
    /// Without a password only the role of an existing user is changed.
    void put_user(const Identity& who, std::string name, Role role, std::optional<std::string> password, Done<PutUser> done,
                  StillSo<User> still_so = {});
    void delete_user(const Identity& who, std::string name, Done<void> done, StillSo<User> still_so = {});
    /// Another password for `who`, whoever that is: it has just shown the one of now. `seen` is this user as it was before that password
    /// was looked at; if it has another one by now, that stays: security::errc::wrong_credentials. The answer is the user with the new
    /// password.
    void change_own_password(const Identity& who, User seen, std::string password, Done<User> done);

    /// The token that makes the first administrator.
    FirstLogin& first_login() { return first_login_; }
    /// Whoever shows the token becomes the administrator `name`. On a worker: it derives keys. Errors: security::errc::wrong_credentials
    /// (not the token, or used), invalid_name, weak_password; errc::different (there is such a user).
    void make_first_administrator(const std::string& peer, std::string token, std::string name, const std::string& password,
                                  Done<Identity> done);

    // Permissions. A change holds at once: links that are not allowed any more are detached.

    Result<std::vector<Permission>> list_permissions(const Identity& who) const;
    /// Stores it under a new id, with who and when. Refused with invalid_argument (no pattern, nothing or too much granted), not_found (no
    /// such user or role), different (the same is granted already).
    void add_permission(const Identity& who, Permission permission, Done<Permission> done);
    void delete_permission(const Identity& who, std::uint64_t id, Done<void> done);
    /// Whether a user may do something; asked by whom may see permissions, and by everybody for oneself.
    Result<security::Decision> check_permission(const Identity& who, const std::string& user, Action action,
                                                const std::string& destination) const;

    // The audit: what was changed, by whom, and who has logged in; in the same unit of the store as the change.

    void list_audit(const Identity& who, AuditQuery query, Done<AuditStretch> done);
    /// Reads all of it, in steps: some seconds for a million records.
    void verify_audit(const Identity& who, Done<security::AuditVerifier::Finding> done);
    /// A line for a command of `who`: to be given to core::Core::audited() with the command.
    AuditEntry audit_entry(const Identity& who, std::string action, std::string object, std::string detail = {}) const;
    /// A line for what changes nothing in the store.
    void record(AuditEntry entry);
    /// A line for what somebody was not allowed to do; a few a minute, as of failed logins.
    void record_refusal(const Identity& who, std::string what);

    // Selectors that clients name. Those of the configuration are shown, and changed only there. Consumers keep what they began with.

    using SelectorEntry = selector::SelectorDirectory::Entry;
    Result<std::vector<SelectorEntry>> list_selectors(const Identity& who) const;
    Result<SelectorEntry> view_selector(const Identity& who, const std::string& name) const;

    enum class PutSelector : std::uint8_t { created, changed };
    /// Refused with invalid_selector if the text is none; the detail says line, column and why.
    void put_selector(const Identity& who, std::string name, std::string text, Done<PutSelector> done,
                      StillSo<SelectorEntry> still_so = {});
    void delete_selector(const Identity& who, std::string name, Done<void> done, StillSo<SelectorEntry> still_so = {});

    // Transactions in doubt. A decision is for when the transaction manager will not come back: it breaks the promise of the two phases
    // if another resource manager was told otherwise.

    struct TransactionPage {
        std::vector<TransactionView> items;
        bool more = false;
    };
    void list_transactions(const Identity& who, std::optional<xa::Xid> after, std::size_t limit, Done<TransactionPage> done);
    void view_transaction(const Identity& who, const xa::Xid& xid, Done<TransactionView> done);
    struct TransactionMessages {
        std::vector<TransactionMessage> items;
        bool more = false;
    };
    void transaction_messages(const Identity& who, const xa::Xid& xid, std::uint64_t first, std::size_t limit,
                              Done<TransactionMessages> done);

    enum class Decide : std::uint8_t { commit, roll_back, forget };
    /// `reason` is a sentence of 1 to 1,024 bytes without control characters; it goes into the audit with who decided.
    void decide_transaction(const Identity& who, Decide decide, const xa::Xid& xid, std::string reason, Done<void> done);

    // Definitions: what is not in the configuration file, as one document (definitions.hpp).

    void export_definitions(const Identity& who, Done<Definitions> done);
    /// What apply_definitions() would do.
    void compare_definitions(const Identity& who, DefinitionsDocument wanted, bool prune, Done<std::vector<Change>> done);
    /// First queues and selectors are made and changed, each as by hand. Then users, roles and permissions, deletions included, in one unit
    /// of the store with their lines of the audit: all of it or, if any of it is refused, nothing. In the end selectors and queues are
    /// deleted, unless something was refused before. What is said to be made is durable; who applies the document again goes on from there.
    void apply_definitions(const Identity& who, DefinitionsDocument wanted, bool prune, Done<std::vector<Change>> done);

    /// Reads the configuration again, on a worker. Errors: invalid_argument, if it is wrong; nothing has changed then.
    void reload_configuration(const Identity& who, Done<Reloaded> done);

    // The broker

    void overview(const Identity& who, Done<Overview> done);
    Result<History::View> history(const Identity& who, History::Range range) const;
    Result<std::vector<Alarm>> alarms(const Identity& who) const;
    void set_alarms(AlarmSettings settings) { monitor_.set_alarms(settings); }

    /// The queues of these names that there are, a few at a time, for who has been found to be allowed to view the broker. `done` is called
    /// on the core's executor.
    using QueuesDone = UniqueFunction<void(std::vector<core::QueueView>, MonotonicTime)>;
    void view_queues(std::vector<std::string> names, QueuesDone done);

    /// Observes the broker, for history and alarms; to be called once a second. Does nothing while the one before is not through.
    void observe();
    /// What is called with each moment that was observed, on a worker. Set once, before the first.
    void on_moment(UniqueFunction<void(const Moment&)> told) { on_moment_ = std::move(told); }

    void list_connections(const Identity& who, ConnectionId after, std::size_t limit, Done<std::vector<ConnectionView>> done);

    // Links of clients. What is closed may come again: an administrator who wants it to stay away changes the user.

    struct ConnectionDetail {
        ConnectionView connection;
        std::vector<core::ConsumerView> consumers;
        std::vector<core::ProducerView> producers;
    };
    void view_connection(const Identity& who, ConnectionId id, Done<ConnectionDetail> done);
    /// `why` is told to the client; empty for a sentence of ours.
    void close_connection(const Identity& who, ConnectionId id, std::string why, Done<void> done);
    /// With the user of each link's connection, by connection.
    template <typename View>
    struct Links {
        std::vector<View> items;
        std::map<ConnectionId, std::string> users;
    };
    void list_consumers(const Identity& who, core::LinkQuery query, Done<Links<core::ConsumerView>> done);
    void list_producers(const Identity& who, core::LinkQuery query, Done<Links<core::ProducerView>> done);
    void close_consumer(const Identity& who, ConsumerId id, std::string why, Done<void> done);
    void close_producer(const Identity& who, ProducerId id, std::string why, Done<void> done);

    struct Backup {
        std::string path;
        std::uint64_t bytes = 0;
    };
    /// `file` is a plain file name in the backups directory, which must not exist yet; answered when the copy is complete.
    void backup(const Identity& who, std::string file, Done<Backup> done);

    /// In the text format of Prometheus: the broker as a whole; each queue after `after` up to `limit`.
    void metrics(UniqueFunction<void(std::string)> done);
    struct QueueMetrics {
        std::string text;
        std::string next;  // behind which queue it goes on; empty at the end
    };
    void queue_metrics(const Identity& who, std::string after, std::size_t limit, Done<QueueMetrics> done);

private:
    void store_settings(AuditEntry entry, DestinationId queue, DestinationSettings settings, const char* event, Done<core::QueueView> done);
    Overview overview_on_core() const;
    std::vector<CertificateView> certificates() const;
    std::vector<RevocationListView> revocation_lists() const;
    struct Inventory;
    struct Application;
    void take_inventory(const Identity& who, UniqueFunction<void(Inventory)> done);
    void take_queues(std::shared_ptr<Inventory> inventory);
    void go_on(std::shared_ptr<Application> application);
    void apply(const Identity& who, const Change& change, Done<void> done);
    void apply_queue(const Identity& who, const Change& change, Done<void> done);
    void apply_security(std::shared_ptr<Application> application, std::size_t first);
    void commit_security(std::shared_ptr<Application> application, std::size_t first, SecurityPlan plan);
    void security_ended(std::shared_ptr<Application> application, std::size_t first, bool is_made);
    void take_over(SecurityPlan plan, const std::string& by);
    struct Look;
    void continue_look(std::shared_ptr<Look> look);
    void verify_older(std::shared_ptr<security::AuditVerifier> verifier, std::uint64_t before, Done<security::AuditVerifier::Finding> done);
    std::optional<Error> refusal_of(const Permission& permission) const;
    void in_turn(Task change);
    void turn_ends();
    template <typename T>
    Done<T> ending_turn(Done<T> done);
    bool is_last_administrator(const std::string& name) const;
    using MakeUser = UniqueFunction<Result<User>(std::optional<User> existing)>;
    void store_user(const Identity& who, std::string name, MakeUser make, Done<PutUser> done);
    void take_over(User user, PutUser answer, const std::string& by);

    Parts parts_;
    const AdminSettings settings_;
    Messages messages_;
    Operations operations_;
    const Timestamp started_at_;
    std::atomic<bool> backup_runs_{false};
    std::atomic<bool> observes_{false};
    Monitor monitor_;
    UniqueFunction<void(const Moment&)> on_moment_;
    LoginAudit logins_;
    FirstLogin first_login_;
    // On the core's executor: changes of users, permissions and selectors, one at a time. So two of them cannot remove the last two
    // administrators, and nobody is told that nothing has changed while a change waits for its COMMIT.
    std::deque<Task> turns_;
    bool turn_runs_ = false;
};

/// A name for a backup: 1 to 100 letters, digits, dots, hyphens and underscores, not beginning with a dot.
bool is_backup_name(std::string_view file);

}  // namespace giromq::admin
