#include "main/daemon.hpp"

#include <sys/resource.h>

#include <algorithm>
#include <atomic>
#include <filesystem>
#include <future>
#include <iostream>
#include <optional>
#include <thread>
#include <utility>

#include "admin-web/console_files.hpp"
#include "admin-web/http_server.hpp"
#include "admin-web/site.hpp"
#include "admin/broker_admin.hpp"
#include "admin/core_transactions.hpp"
#include "base/log.hpp"
#include "base/processors.hpp"
#include "core/core.hpp"
#include "main/admin_ports.hpp"
#include "main/alarm_settings.hpp"
#include "main/first_token.hpp"
#include "main/listeners.hpp"
#include "main/named_selectors.hpp"
#include "main/reload.hpp"
#include "main/selector_work.hpp"
#include "main/service_manager.hpp"
#include "main/signals.hpp"
#include "main/store_commands.hpp"
#include "net/amqp_server.hpp"
#include "net/io_runtime.hpp"
#include "net/strand_executor.hpp"
#include "net/worker_thread.hpp"
#include "store/commit_queue.hpp"
#include "store/sqlite/sqlite_store.hpp"

namespace giromq::daemon {
namespace {

using namespace std::chrono_literals;

constexpr auto tick_interval = 100ms;
constexpr auto observe_interval = 1s;
/// A connection that is cut ends at once; this is for a machine that is out of breath.
constexpr auto abort_timeout = 2s;

core::CoreSettings core_settings(const config::Config& config) {
    core::CoreSettings settings;
    settings.memory_bytes = config.core.memory_bytes;
    settings.queue_window_bytes = config.core.queue_window_bytes;
    settings.queue_window_messages = config.core.queue_window_messages;
    settings.producer_window = config.core.producer_window;
    settings.consumer_unsettled_max = config.core.consumer_unsettled_max;
    settings.create_queues = config.core.create_queues;
    settings.destinations_max = config.core.destinations_max;
    settings.producers_max = config.core.producers_max;
    settings.transaction_timeout = config.core.transaction_timeout;
    settings.transaction_bytes = config.core.transaction_bytes;
    settings.transaction_operations = config.core.transaction_operations;
    settings.transactions_max = config.core.transactions_max;
    settings.branches_max = config.core.branches_max;
    settings.in_doubt_alarm = config.core.in_doubt_alarm;
    settings.queue_defaults = config.queue_defaults;
    return settings;
}

security::LoginLimits login_limits(const config::SaslConfig& config) {
    security::LoginLimits limits;
    limits.failures_max = config.login_failures_max;
    limits.lock_max = config.login_lock_max;
    return limits;
}

unsigned io_threads(const config::Config& config) {
    return config.broker.io_threads > 0 ? config.broker.io_threads : std::max(1u, std::thread::hardware_concurrency());
}

/// With one processor whoever is waited for could not run meanwhile, and what uses up a quota is stopped when it would have to work.
std::chrono::nanoseconds busy_wait(const config::Config& config) {
    const auto processors = std::thread::hardware_concurrency();
    const bool may_wait = processors > 1 && usable_processors() >= processors;
    return std::chrono::microseconds(may_wait ? config.broker.busy_wait_us : 0);
}

/// Every connection is a descriptor; the soft limit of most systems is 1024.
void raise_file_limit() {
    rlimit limit{};
    if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == limit.rlim_max) return;
    limit.rlim_cur = limit.rlim_max;
    ::setrlimit(RLIMIT_NOFILE, &limit);
}

/// A store from before there were permissions lets every application do what it could: nobody should find that out later.
void warn_of_upgrade(const std::vector<Permission>& permissions) {
    for (const auto& permission : permissions) {
        if (permission.created_by != "upgrade") continue;
        log::warning("everything_is_granted",
                     {{"grantee", permission.grantee},
                      {"pattern", permission.pattern},
                      {"actions", actions_text(permission.actions)},
                      {"next", "grant each application what it needs, then: giromq permission revoke " + std::to_string(permission.id)}});
    }
}

/// The parts of a running broker, in the order in which they need one another; destroyed in the opposite one.
class Broker {
public:
    /// What is known of the store when it has been taken over.
    struct Acquired {
        store::Lease lease;
        BatchNumber last_batch;
        std::string instance;
    };
    static Result<Acquired> acquire(store::Store& store);

    Broker(const config::Config& config, ReadConfig read_config, bool dev, std::vector<NamedSelector> selectors,
           std::unique_ptr<store::Store> store, const Acquired& acquired);

    Result<void> start();
    void run(Signals& signals);
    ExitCode stop();
    /// After start() has failed.
    void abandon();

private:
    Result<void> recover();
    Result<void> start_core();
    Result<void> prepare_users();
    void prepare_selectors();
    Result<std::size_t> configure_queues(const config::Config& with);
    void record(const char* action);
    void tick();
    bool stop_core();
    void end_threads();
    admin::BrokerAdmin::Parts admin_parts();
    admin::AdminSettings admin_settings() const;
    [[noreturn]] void store_failed(const Error& error);

    /// Runs `command`, which is given what to call in the end, on the core's executor.
    template <typename Answer, typename Command>
    std::future<Answer> on_core(Command command);

    const config::Config& config_;
    const bool dev_;
    const SystemClock clock_;
    admin::Readiness readiness_;
    std::unique_ptr<store::Store> store_;
    const store::Lease lease_;
    net::IoRuntime io_;
    net::WorkerThread workers_;
    net::WorkerThread amqp_logins_;  // apart: a flood of passwords must not hold up administrators and metrics
    net::WorkerThread http_logins_;  // nor one over HTTP those who are logged in
    net::WorkerThread selector_worker_;
    net::StrandExecutor core_executor_;
    SelectorWork selector_work_;
    store::CommitQueue commits_;
    store::ReadQueue reads_;
    core::Core core_;
    security::UserDirectory users_;
    amqp::ContainerRegistry containers_;
    amqp::UserConnections user_connections_;
    selector::SelectorDirectory named_selectors_;
    selector::ProgramCache selectors_;
    net::AmqpServer amqp_;
    Connections connections_;
    StoreAdministration store_administration_;
    admin::CoreTransactions transactions_;
    Reloading reloading_;
    admin::BrokerAdmin admin_;
    admin_web::Site site_;
    admin_web::HttpServer http_;
    Listeners listeners_;
    std::atomic<bool> tick_under_way_{false};
    std::atomic<bool> has_ended_{false};
    bool core_started_ = false;
};

Result<Broker::Acquired> Broker::acquire(store::Store& store) {
    const auto lease = store.acquire();
    if (!lease) return lease.error();
    const auto last_batch = store.last_batch();
    if (!last_batch) return last_batch.error();
    auto instance = store.instance();
    if (!instance) return instance.error();
    return Acquired{*lease, *last_batch, std::move(*instance)};
}

Broker::Broker(const config::Config& config, ReadConfig read_config, bool dev, std::vector<NamedSelector> selectors,
               std::unique_ptr<store::Store> store, const Acquired& acquired)
    : config_(config),
      dev_(dev),
      store_(std::move(store)),
      lease_(acquired.lease),
      io_(io_threads(config), busy_wait(config)),
      core_executor_(io_.context(), net::StrandExecutor::Idle::run_now),
      selector_work_(selector_worker_, core_executor_),
      commits_(*store_, lease_, acquired.last_batch, core_executor_, [this](const Error& error) { store_failed(error); },
               {.busy_wait = busy_wait(config)}),
      reads_(*store_, core_executor_),
      core_(clock_, commits_, reads_, core_settings(config), &selector_work_),
      named_selectors_(std::move(selectors)),
      selectors_(named_selectors_.texts()),
      amqp_(io_.context(), amqp::Services{core_, core_executor_, users_, clock_, containers_, selectors_, user_connections_}, amqp_logins_,
            {.certificates = certificate_map(config.sasl)}),
      connections_(amqp_),
      store_administration_(*store_, commits_),
      transactions_(core_, reads_),
      reloading_(config, std::move(read_config),
                 {[this](const config::Config& with) { admin_.set_alarms(alarm_settings(with)); },
                  [this](const config::Config& with) { users_.logins().set_limits(login_limits(with.sasl)); },
                  [this] { listeners_.reload_certificates(true); }, [this](const config::Config& with) { return configure_queues(with); },
                  [this](std::vector<NamedSelector> read) { return named_selectors_.replace_configured(std::move(read)); }}),
      admin_(admin_parts(), admin_settings()),
      site_(admin_, users_, workers_, http_logins_,
            {.anonymous_is_administrator = dev,
             .requests_per_second_max = config.http.requests_per_second_max,
             .console = admin_web::built_in_console()}),
      http_([this](admin_web::Request request, admin_web::Site::Done done) { site_.handle(std::move(request), std::move(done)); }, {}),
      listeners_(io_.context(), config, acquired.instance, amqp_, http_) {
    users_.logins().set_limits(login_limits(config.sasl));
}

admin::BrokerAdmin::Parts Broker::admin_parts() {
    return {core_,        core_executor_,        workers_,   users_,         named_selectors_, clock_,
            connections_, store_administration_, readiness_, &transactions_, &listeners_,      &reloading_};
}

admin::AdminSettings Broker::admin_settings() const {
    admin::AdminSettings settings;
    settings.version = GIROMQ_VERSION;
    settings.name = config_.broker.name;
    settings.backups_directory = (std::filesystem::path(config_.broker.data_directory) / "backups").string();
    settings.queue_defaults = config_.queue_defaults;
    settings.queue_defaults.origin = DestinationOrigin::administrator;
    settings.alarms = alarm_settings(config_);
    return settings;
}

template <typename Answer, typename Command>
std::future<Answer> Broker::on_core(Command command) {
    const auto answered = std::make_shared<std::promise<Answer>>();
    auto answer = answered->get_future();
    core_executor_.execute([command = std::move(command), answered]() mutable {
        command([answered](Answer value) { answered->set_value(std::move(value)); });
    });
    return answer;
}

Result<void> Broker::start() {
    if (auto recovered = recover(); !recovered) return recovered;
    io_.start();
    if (auto started = start_core(); !started) return started;
    if (auto prepared = prepare_users(); !prepared) return prepared;
    prepare_selectors();
    record("broker.start");
    if (auto opened = listeners_.open(); !opened) return opened;
    readiness_.set(admin::BrokerState::ready, {});
    listeners_.start();
    std::cout << "giromqd ready " << listeners_.summary() << " data=" << config_.broker.data_directory << std::endl;
    log::info("ready", {{"version", GIROMQ_VERSION},
                        {"listeners", listeners_.summary()},
                        {"data", config_.broker.data_directory},
                        {"console", admin_web::built_in_console().empty() ? "not built in" : "/console/"},
                        {"epoch", lease_.epoch.value},
                        {"io_threads", io_threads(config_)}});
    service_manager::ready("ready " + listeners_.summary());
    return {};
}

Result<void> Broker::recover() {
    // On the store thread, which may be doing background work already. No other thread uses the core yet.
    std::promise<Result<void>> recovered;
    commits_.run_on_store_thread([&](store::Store& store) { recovered.set_value(store.recover(core_.recovery())); });
    return recovered.get_future().get();
}

Result<void> Broker::start_core() {
    std::vector<DestinationSettings> queues;
    for (const auto& queue : config_.queues) queues.push_back(queue.settings);
    auto started =
        on_core<Result<void>>([this, queues = std::move(queues)](auto done) mutable { core_.start(std::move(queues), std::move(done)); });
    auto result = started.get();
    core_started_ = result.ok();
    return result;
}

Result<void> Broker::prepare_users() {
    users_.replace_all(on_core<std::vector<User>>([this](auto done) { done(core_.recovered_users()); }).get());
    auto permissions = on_core<std::vector<Permission>>([this](auto done) { done(core_.recovered_permissions()); }).get();
    warn_of_upgrade(permissions);
    users_.permissions().replace_all(std::move(permissions));
    const auto users = users_.list();
    const auto is_administrator = [](const User& user) { return user.role == Role::administrator; };
    const bool is_set_up = std::any_of(users.begin(), users.end(), is_administrator);
    // A token that is left from before the administrator was made is worth nothing, and should not look as if it were.
    remove_first_token(config_.broker.data_directory);
    if (dev_ || is_set_up) return {};
    const auto token = make_first_token(config_.broker.data_directory);
    if (!token) return token.error();
    // Told on the core's executor, which does not touch the disk.
    admin_.first_login().expect(token->hash, [this] { workers_.execute([this] { remove_first_token(config_.broker.data_directory); }); });
    log::warning("no_administrator", {{"token_file", token->file},
                                      {"next",
                                       "make one with the token, in the console or by: giromq user add NAME --role administrator "
                                       "--token-file " +
                                           token->file}});
    return {};
}

/// One that cannot be used is kept: an administrator may want to see it, and whoever names it is refused.
void Broker::prepare_selectors() {
    for (auto& stored : on_core<std::vector<NamedSelector>>([this](auto done) { done(core_.recovered_selectors()); }).get()) {
        if (named_selectors_.find(stored.name)) {
            log::warning("selector_hidden", {{"selector", stored.name}, {"by", "the configuration has one of that name"}});
        } else if (const auto program = selector::compile(stored.text); !program) {
            log::warning("selector_not_usable", {{"selector", stored.name}, {"reason", program.error().detail()}});
        }
        named_selectors_.put(std::move(stored));
    }
}

/// For a reload, on a thread that may wait.
Result<std::size_t> Broker::configure_queues(const config::Config& with) {
    std::vector<DestinationSettings> queues;
    for (const auto& queue : with.queues) queues.push_back(queue.settings);
    auto entry = admin_.audit_entry({}, "queue.configure", config_.broker.name, std::to_string(queues.size()) + " in the configuration");
    auto answer = on_core<Result<std::size_t>>([this, queues = std::move(queues), entry = std::move(entry)](auto done) mutable {
        core_.audited(std::move(entry), [&] { core_.configure_queues(std::move(queues), std::move(done)); });
    });
    // A core that has ended does not answer any more.
    while (answer.wait_for(tick_interval) != std::future_status::ready) {
        if (has_ended_) return Error(core::errc::not_ready, "the broker is stopping");
    }
    return answer.get();
}

/// What the broker itself does has a line in the audit, too.
void Broker::record(const char* action) { admin_.record(admin_.audit_entry({}, action, config_.broker.name, GIROMQ_VERSION)); }

void Broker::run(Signals& signals) {
    const auto watchdog_interval = service_manager::watchdog_interval();
    auto certificates_at = clock_.monotonic_now();
    auto watchdog_at = certificates_at;
    auto observe_at = certificates_at;
    for (;;) {
        const auto signal = signals.wait(tick_interval);
        if (signal == Signals::Kind::stop) return;
        const auto now = clock_.monotonic_now();
        const bool core_answers = !tick_under_way_;
        tick();
        if (now >= observe_at) {
            observe_at += observe_interval;
            if (observe_at <= now) observe_at = now + observe_interval;
            admin_.observe();
        }
        // It waits for the store: time, the watchdog and SIGTERM must not wait with it.
        if (signal == Signals::Kind::reload) workers_.execute([this] { static_cast<void>(reloading_.reload()); });
        if (config_.tls.reload_interval.count() > 0 && now >= certificates_at) {
            certificates_at = now + config_.tls.reload_interval;
            listeners_.reload_certificates(false);
        }
        // Only a broker whose core answers is alive.
        if (watchdog_interval.count() > 0 && core_answers && now >= watchdog_at) {
            watchdog_at = now + watchdog_interval / 2;
            service_manager::watchdog();
        }
    }
}

void Broker::tick() {
    // A busy core gets one tick at a time.
    if (tick_under_way_.exchange(true)) return;
    core_executor_.execute([this] {
        core_.tick();
        tick_under_way_ = false;
    });
}

bool Broker::stop_core() {
    auto stopped = on_core<bool>([this](auto done) { core_.stop([done]() mutable { done(true); }); });
    const auto give_up_at = clock_.monotonic_now() + config_.broker.stop_timeout;
    while (stopped.wait_for(tick_interval) != std::future_status::ready) {
        if (clock_.monotonic_now() >= give_up_at) return false;
        tick();  // what the store has refused is tried again
    }
    return true;
}

ExitCode Broker::stop() {
    log::info("stopping");
    readiness_.set(admin::BrokerState::stopping, "the broker is stopping");
    service_manager::stopping();
    Signals::stop_at_once_from_now_on();
    listeners_.stop();
    http_.stop();
    site_.stop();
    record("broker.stop");
    if (!stop_core()) {
        // What is not durable has not been acknowledged: as after a crash, the next start recovers.
        log::error("stop_timeout", {{"consequence", "the store is not closed in order; the next start recovers"}});
        std::_Exit(static_cast<int>(ExitCode::failed));
    }
    // Everything is durable; clients have a moment to hear of it.
    amqp_.close_all("amqp:connection:forced", "the broker is stopping");
    if (!amqp_.wait_until_closed(config_.broker.close_timeout)) {
        amqp_.abort_all();
        amqp_.wait_until_closed(abort_timeout);
    }
    if (!http_.wait_until_answered(config_.broker.close_timeout)) log::warning("http_requests_dropped");
    // Connections that ended have told the core so; after that it has nothing to do.
    on_core<bool>([](auto done) { done(true); }).wait();
    end_threads();
    if (auto released = store_->release(lease_); !released) {
        log::error("release_failed", {{"reason", released.error().to_string()}});
        return exit_code_of(released.error());
    }
    log::info("stopped");
    return ExitCode::ok;
}

void Broker::abandon() {
    if (core_started_) {
        stop();
        return;
    }
    // The store could not be recovered: it is left as it is.
    end_threads();
}

void Broker::end_threads() {
    has_ended_ = true;
    commits_.stop();
    reads_.stop();
    selector_worker_.stop();
    io_.stop();
    http_logins_.stop();
    workers_.stop();
    amqp_logins_.stop();
}

/// On the store thread. Nothing that could acknowledge anything may run any more, destructors included.
void Broker::store_failed(const Error& error) {
    readiness_.set(admin::BrokerState::failed, "the store has failed");
    log::error("store_failed",
               {{"reason", error.to_string()},
                {"consequence", "nothing is acknowledged any more and the broker ends; what was acknowledged is in the store"},
                {"next", "see to the disk, then start the broker again: it recovers"}});
    service_manager::status("the store has failed: " + error.to_string());
    std::_Exit(static_cast<int>(ExitCode::store_failed));
}

ExitCode start_failed(const Error& error) {
    log::error("start_failed", {{"reason", error.to_string()}});
    return report(error);
}

}  // namespace

ExitCode run_daemon(const config::Config& config, ReadConfig read_config, bool dev) {
    log::set_level(config.broker.log_level);
    raise_file_limit();
    Signals signals;
    const SystemClock clock;
    auto selectors = named_selectors(config);
    if (!selectors) return start_failed(selectors.error());
    auto store = store::open_sqlite_store(sqlite_settings(config), clock);
    if (!store) return start_failed(store.error());
    const auto acquired = Broker::acquire(**store);
    if (!acquired) return start_failed(acquired.error());
    Broker broker(config, std::move(read_config), dev, std::move(*selectors), std::move(*store), *acquired);
    if (auto started = broker.start(); !started) {
        const auto code = start_failed(started.error());
        broker.abandon();
        return code;
    }
    broker.run(signals);
    return broker.stop();
}

}  // namespace giromq::daemon
