#include "admin/metrics.hpp"

#include <prometheus/metric_family.h>
#include <prometheus/text_serializer.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <sstream>
#include <system_error>
#include <utility>

namespace giromq::admin {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;
using Labels = std::vector<ClientMetric::Label>;
using Families = std::vector<MetricFamily>;

constexpr double nanoseconds_per_second = 1e9;
constexpr double milliseconds_per_second = 1e3;

MetricFamily& family(Families& families, const char* name, const char* help, MetricType type) {
    families.push_back({name, help, type, {}});
    return families.back();
}

void gauge(MetricFamily& family, double value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.gauge.value = value;
    family.metric.push_back(std::move(metric));
}

void counter(MetricFamily& family, std::uint64_t value, Labels labels = {}) {
    ClientMetric metric;
    metric.label = std::move(labels);
    metric.counter.value = static_cast<double>(value);
    family.metric.push_back(std::move(metric));
}

void add_gauge(Families& families, const char* name, const char* help, std::uint64_t value) {
    gauge(family(families, name, help, MetricType::Gauge), static_cast<double>(value));
}
void add_counter(Families& families, const char* name, const char* help, std::uint64_t value) {
    counter(family(families, name, help, MetricType::Counter), value);
}

/// `scale`: how many of what was counted make one of the metric's unit.
void histogram(Families& families, const char* name, const char* help, const Histogram& counted, double scale) {
    ClientMetric metric;
    metric.histogram.sample_count = counted.count();
    metric.histogram.sample_sum = static_cast<double>(counted.sum()) / scale;
    std::uint64_t cumulative = 0;
    for (std::size_t range = 0; range < counted.bounds().size(); ++range) {
        cumulative += counted.counts()[range];
        metric.histogram.bucket.push_back({cumulative, static_cast<double>(counted.bounds()[range]) / scale});
    }
    metric.histogram.bucket.push_back({counted.count(), std::numeric_limits<double>::infinity()});
    family(families, name, help, MetricType::Histogram).metric.push_back(std::move(metric));
}

std::string serialise(const Families& families) {
    std::ostringstream text;
    prometheus::TextSerializer().Serialize(text, families);
    return text.str();
}

void add_broker(Families& families, const Overview& overview) {
    gauge(family(families, "giromq_build_info", "The version of the broker; always 1", MetricType::Gauge), 1,
          {{"version", overview.version}});
    auto& state = family(families, "giromq_state", "1 for the state that the broker is in", MetricType::Gauge);
    for (const auto each : {BrokerState::starting, BrokerState::ready, BrokerState::stopping, BrokerState::failed}) {
        gauge(state, overview.state == each ? 1 : 0, {{"state", std::string(to_string(each))}});
    }
    gauge(family(families, "giromq_start_time_seconds", "When the broker was started, in seconds since 1970", MetricType::Gauge),
          static_cast<double>(overview.started_at.milliseconds) / milliseconds_per_second);
    add_gauge(families, "giromq_connections", "Open AMQP connections", overview.connections);
    add_counter(families, "giromq_connections_accepted_total", "AMQP connections accepted since the start", overview.connections_accepted);
}

void add_core(Families& families, const core::CoreView& core) {
    add_gauge(families, "giromq_queues", "Queues", core.queues);
    add_gauge(families, "giromq_messages", "Messages in all queues", core.messages);
    add_gauge(families, "giromq_consumers", "Consumers and browsers attached", core.consumers);
    add_gauge(families, "giromq_producers", "Producers attached", core.producers);
    add_gauge(families, "giromq_message_memory_bytes", "Memory held by messages in windows and under way", core.memory_bytes);
    add_counter(families, "giromq_messages_enqueued_total", "Messages that were put into a queue", core.enqueued);
    add_counter(families, "giromq_messages_delivered_total", "Deliveries to consumers", core.delivered);
    add_counter(families, "giromq_messages_redelivered_total", "Deliveries that were not the first", core.redelivered);
    add_counter(families, "giromq_messages_acknowledged_total", "Messages that were acknowledged", core.acknowledged);
    add_counter(families, "giromq_messages_expired_total", "Messages that expired", core.expired);
    add_counter(families, "giromq_messages_dead_lettered_total", "Messages moved to a dead-letter queue", core.dead_lettered);
    add_counter(families, "giromq_messages_duplicate_total", "Sends recognised as duplicates", core.duplicates);
    add_gauge(families, "giromq_transactions_open", "Transactions that were declared and not discharged", core.transactions.open);
    add_counter(families, "giromq_transactions_committed_total", "Transactions that were committed", core.transactions.committed);
    add_counter(families, "giromq_transactions_rolled_back_total", "Transactions that were rolled back, those that timed out not counted",
                core.transactions.rolled_back);
    add_counter(families, "giromq_transactions_timed_out_total", "Transactions that were rolled back because they took too long",
                core.transactions.timed_out);
    add_counter(families, "giromq_messages_quarantined_total", "Messages found damaged and set aside", core.quarantined);
    add_counter(families, "giromq_selectors_over_budget_total", "Evaluations of selectors that were given up, and count as unknown",
                core.selectors_over_budget);
}

void add_store(Families& families, const store::Health& health, const store::CommitQueue::Statistics& commits) {
    add_gauge(families, "giromq_store_writable", "1 while the store can commit", health.writable ? 1 : 0);
    add_gauge(families, "giromq_store_disk_full", "1 while sends are refused for want of disk space", health.disk_full ? 1 : 0);
    add_gauge(families, "giromq_store_free_bytes", "Free space on the store's file system", health.free_bytes);
    add_gauge(families, "giromq_store_size_bytes", "Size of the store's database file", health.store_bytes);
    add_gauge(families, "giromq_store_wal_bytes", "Size of the write-ahead log", health.wal_bytes);
    add_counter(families, "giromq_store_checkpoints_total", "Checkpoints of the write-ahead log", health.checkpoints);
    histogram(families, "giromq_store_checkpoint_seconds", "Time of a checkpoint, for which commits wait", health.checkpoint_nanoseconds,
              nanoseconds_per_second);
    gauge(family(families, "giromq_store_checkpoint_seconds_max", "The slowest checkpoint since the start", MetricType::Gauge),
          static_cast<double>(health.checkpoint_nanoseconds.max()) / nanoseconds_per_second);
    histogram(families, "giromq_store_commit_seconds", "Time from the begin of a group commit until it was durable",
              commits.commit_nanoseconds, nanoseconds_per_second);
    histogram(families, "giromq_store_batch_units", "Units of work that shared a group commit", commits.batch_units, 1);
    gauge(family(families, "giromq_store_commit_seconds_max", "The slowest group commit since the start", MetricType::Gauge),
          static_cast<double>(commits.commit_nanoseconds.max()) / nanoseconds_per_second);
    add_counter(families, "giromq_store_units_total", "Units of work that were committed", commits.units);
    add_counter(families, "giromq_store_refused_units_total", "Units of work that the store refused", commits.refused_units);
    add_counter(families, "giromq_store_committed_bytes_total", "Bytes of messages in committed units", commits.bytes);
}

void add_logins(Families& families, const std::vector<LoginCount>& logins) {
    auto& results = family(families, "giromq_logins_total", "Logins that were checked", MetricType::Counter);
    for (const auto& login : logins) {
        counter(results, login.counters.succeeded, {{"protocol", login.protocol}, {"result", "success"}});
        counter(results, login.counters.failed, {{"protocol", login.protocol}, {"result", "failure"}});
    }
    auto& refused = family(families, "giromq_logins_refused_total", "Failed logins that met a lock: the password was not looked at",
                           MetricType::Counter);
    for (const auto& login : logins) counter(refused, login.counters.refused, {{"protocol", login.protocol}});
}

void add_transactions(Families& families, const TransactionCounts& transactions, Timestamp now) {
    add_gauge(families, "giromq_transactions_in_doubt", "Transaction branches that are prepared, or decided on and not forgotten",
              transactions.in_doubt);
    const bool is_set = transactions.oldest_prepared_at.is_set();
    // The wall clock may have been put back.
    const auto age_ms = is_set ? std::max<std::int64_t>(0, now.milliseconds - transactions.oldest_prepared_at.milliseconds) : 0;
    gauge(family(families, "giromq_transactions_in_doubt_oldest_age_seconds", "How long the oldest of them has been in doubt; 0 if none is",
                 MetricType::Gauge),
          static_cast<double>(age_ms) / milliseconds_per_second);
    add_counter(families, "giromq_transactions_in_doubt_alarms_total", "Alarms because a branch was in doubt for long",
                transactions.alarms);
}

void add_alarms(Families& families, const Overview& overview) {
    auto& alarms = family(families, "giromq_alarm", "Alarms that are raised", MetricType::Gauge);
    for (const auto kind : alarm_kinds) {
        for (const auto severity : {AlarmSeverity::warning, AlarmSeverity::critical}) {
            const auto is_it = [&](const Alarm& alarm) { return alarm.kind == kind && alarm.severity == severity; };
            const auto count = std::count_if(overview.alarms.begin(), overview.alarms.end(), is_it);
            gauge(alarms, static_cast<double>(count),
                  {{"kind", std::string(to_string(kind))}, {"severity", std::string(to_string(severity))}});
        }
    }
    if (overview.certificates.empty()) return;
    auto& expiry = family(families, "giromq_certificate_expiry_seconds", "When a certificate of the broker expires, in seconds since 1970",
                          MetricType::Gauge);
    for (const auto& certificate : overview.certificates) {
        gauge(expiry, static_cast<double>(certificate.not_after.milliseconds) / milliseconds_per_second,
              {{"listener", certificate.listener}});
    }
}

void add_process(Families& families, const ProcessUse& process) {
    add_gauge(families, "process_resident_memory_bytes", "Resident memory of the process", process.resident_bytes);
    add_gauge(families, "process_open_fds", "Open file descriptors of the process", process.open_files);
    ClientMetric metric;
    metric.counter.value = process.processor_seconds;
    family(families, "process_cpu_seconds_total", "Processor time of the process", MetricType::Counter).metric.push_back(std::move(metric));
}

}  // namespace

ProcessUse process_use() {
    ProcessUse use;
    std::uint64_t total_pages = 0;
    std::uint64_t resident_pages = 0;
    if (std::ifstream("/proc/self/statm") >> total_pages >> resident_pages) {
        use.resident_bytes = resident_pages * static_cast<std::uint64_t>(::sysconf(_SC_PAGESIZE));
    }
    // The name of the program is in brackets and may hold anything; the processor times are the 12th and 13th field behind it.
    std::string line;
    std::ifstream stat("/proc/self/stat");
    std::getline(stat, line);
    std::istringstream fields(line.substr(std::min(line.size(), line.rfind(')') + 1)));
    std::string skipped;
    for (int field = 0; field < 11; ++field) fields >> skipped;
    std::uint64_t user = 0;
    std::uint64_t system = 0;
    if (fields >> user >> system) use.processor_seconds = static_cast<double>(user + system) / static_cast<double>(::sysconf(_SC_CLK_TCK));
    std::error_code error;
    const std::filesystem::directory_iterator files("/proc/self/fd", error);
    if (!error) use.open_files = static_cast<std::uint64_t>(std::distance(begin(files), end(files)));
    return use;
}

std::string metrics_text(const Overview& overview, const ProcessUse& process) {
    Families families;
    add_broker(families, overview);
    add_core(families, overview.core);
    add_store(families, overview.store, overview.commits);
    add_logins(families, overview.logins);
    add_transactions(families, overview.transactions, overview.now);
    add_alarms(families, overview);
    add_process(families, process);
    return serialise(families);
}

std::string queue_metrics_text(const std::vector<core::QueueView>& queues, Timestamp now) {
    MetricFamily messages{"giromq_queue_messages", "Messages in the queue", MetricType::Gauge, {}};
    MetricFamily bytes{"giromq_queue_bytes", "Bytes of the messages in the queue", MetricType::Gauge, {}};
    MetricFamily age{"giromq_queue_oldest_message_age_seconds",
                     "Age of the oldest message; 0 if empty, absent until it is known",
                     MetricType::Gauge,
                     {}};
    MetricFamily consumers{"giromq_queue_consumers", "Consumers and browsers of the queue", MetricType::Gauge, {}};
    MetricFamily enqueued{"giromq_queue_messages_enqueued_total", "Messages that were put into the queue", MetricType::Counter, {}};
    MetricFamily acknowledged{"giromq_queue_messages_acknowledged_total", "Messages that were acknowledged", MetricType::Counter, {}};
    MetricFamily dead{"giromq_queue_messages_dead_lettered_total", "Messages moved to the dead-letter queue", MetricType::Counter, {}};
    for (const auto& queue : queues) {
        const ClientMetric::Label name{"queue", queue.settings.name};
        const auto delivering = std::min(queue.delivering, queue.messages);
        gauge(messages, static_cast<double>(queue.messages - delivering), {name, {"state", "ready"}});
        gauge(messages, static_cast<double>(delivering), {name, {"state", "delivering"}});
        gauge(bytes, static_cast<double>(queue.bytes), {name});
        if (queue.messages == 0) {
            gauge(age, 0, {name});
        } else if (queue.oldest_arrived_at) {
            // The wall clock may have been put back.
            const auto age_ms = std::max<std::int64_t>(0, now.milliseconds - queue.oldest_arrived_at->milliseconds);
            gauge(age, static_cast<double>(age_ms) / milliseconds_per_second, {name});
        }
        gauge(consumers, static_cast<double>(queue.consumers), {name});
        counter(enqueued, queue.enqueued, {name});
        counter(acknowledged, queue.acknowledged, {name});
        counter(dead, queue.dead_lettered, {name});
    }
    Families families;
    for (auto* const each : {&messages, &bytes, &age, &consumers, &enqueued, &acknowledged, &dead}) {
        if (!each->metric.empty()) families.push_back(std::move(*each));
    }
    return serialise(families);
}

void BrokerAdmin::metrics(UniqueFunction<void(std::string)> done) {
    parts_.core_executor.execute([this, done = std::move(done)]() mutable {
        // The core only gives the numbers; making text of them is not its work.
        parts_.workers.execute([this, overview = overview_on_core(), done = std::move(done)]() mutable {
            overview.certificates = certificates();
            done(metrics_text(overview, process_use()));
        });
    });
}

void BrokerAdmin::queue_metrics(const Identity& who, std::string after, std::size_t limit, Done<QueueMetrics> done) {
    list_queues(who, std::move(after), limit, [this, done = std::move(done)](Result<QueuePage> page) mutable {
        if (!page) return done(page.error());
        parts_.workers.execute([page = std::move(*page), now = parts_.clock.wall_now(), done = std::move(done)]() mutable {
            done(QueueMetrics{queue_metrics_text(page.items, now), page.more ? page.items.back().settings.name : std::string()});
        });
    });
}

}  // namespace giromq::admin
