#include <algorithm>
#include <array>
#include <span>
#include <utility>

#include "config/config.hpp"
#include "config/schema_text.hpp"
#include "config/section.hpp"
#include "xml/parse.hpp"

namespace giromq::config {
namespace {

/// Room for tens of thousands of queues.
constexpr xml::Limits document_limits{.bytes = 4u << 20, .depth = 8, .elements = 100000, .attributes_per_element = 32, .value_bytes = 2048};

template <typename Enum>
using Choice = std::pair<std::string_view, Enum>;

constexpr std::array<Choice<log::Level>, 5> log_levels{{{"trace", log::Level::trace},
                                                        {"debug", log::Level::debug},
                                                        {"info", log::Level::info},
                                                        {"warning", log::Level::warning},
                                                        {"error", log::Level::error}}};
constexpr std::array<Choice<TlsVersion>, 2> tls_versions{{{"1.2", TlsVersion::tls_1_2}, {"1.3", TlsVersion::tls_1_3}}};
constexpr std::array<Choice<Role>, 2> roles{{{"application", Role::application}, {"administrator", Role::administrator}}};
constexpr std::array<Choice<OverflowPolicy>, 2> overflow_policies{{{"refuse", OverflowPolicy::refuse}, {"hold", OverflowPolicy::hold}}};
constexpr std::array<Mechanism, 4> all_mechanisms{Mechanism::anonymous, Mechanism::plain, Mechanism::scram_sha_256, Mechanism::external};

/// Compiled once: the schema is part of the program, and compiling takes longer than reading a configuration.
const Result<xml::Schema>& schema() {
    static const Result<xml::Schema> compiled = xml::Schema::compile(schema_text());
    return compiled;
}

template <typename Enum, std::size_t count>
std::span<const Choice<Enum>> choices_of(const std::array<Choice<Enum>, count>& choices) {
    return {choices.data(), choices.size()};
}

class Reader {
public:
    Reader(const xml::Element& root, std::string source) : root_(root), problems_{std::move(source), std::nullopt} {}

    Result<Config> read() {
        config_.source = problems_.source;
        read_broker();
        read_amqp();
        read_tls();
        read_sasl();
        read_http();
        read_core();
        read_store();
        read_alarms();
        read_queues();
        read_selectors();
        if (problems_.first) return *problems_.first;
        return std::move(config_);
    }

private:
    Section section(std::string_view name) { return Section(root_.child(name), name, problems_); }

    void read_broker() {
        const auto broker = section("broker");
        broker.text("name", config_.broker.name);
        broker.text("data-directory", config_.broker.data_directory);
        broker.choice("log-level", config_.broker.log_level, choices_of(log_levels));
        broker.number("io-threads", config_.broker.io_threads);
        broker.number("busy-wait-us", config_.broker.busy_wait_us);
        broker.duration("stop-timeout", config_.broker.stop_timeout);
        broker.duration("close-timeout", config_.broker.close_timeout);
    }

    void read_amqp() {
        const auto amqp = section("amqp");
        amqp.origin(config_.amqp.origin);
        amqp.duration("idle-timeout", config_.amqp.idle_timeout);
        amqp.size("max-frame", config_.amqp.max_frame_bytes);
        amqp.size("max-message", config_.amqp.max_message_bytes);
        amqp.number("sessions-max", config_.amqp.sessions_max);
        amqp.number("links-max", config_.amqp.links_max);
        amqp.size("session-window", config_.amqp.session_window_bytes);
        amqp.size("output-window", config_.amqp.output_window_bytes);
        amqp.size("bytes-before-authentication", config_.amqp.bytes_before_authentication);
        amqp.duration("authentication-timeout", config_.amqp.authentication_timeout);
        amqp.number("connections-max", config_.amqp.connections_max);
        amqp.number("connections-per-address-max", config_.amqp.connections_per_address_max);
        amqp.number("connections-per-user-max", config_.amqp.connections_per_user_max);
        const auto* const element = root_.child("amqp");
        if (element == nullptr || element->children.empty()) return;
        config_.amqp.listeners.clear();
        for (const auto& child : element->children) config_.amqp.listeners.push_back(read_listener(child));
    }

    ListenerConfig read_listener(const xml::Element& element) {
        const Section section(&element, "amqp/listener", problems_);
        ListenerConfig listener;
        section.origin(listener.origin);
        section.text("host", listener.host);
        section.number("port", listener.port);
        section.flag("tls", listener.tls);
        if (section.find("mechanisms") != nullptr) listener.mechanisms = read_mechanisms(section);
        return listener;
    }

    std::vector<Mechanism> read_mechanisms(const Section& section) {
        const auto* const attribute = section.find("mechanisms");
        std::vector<Mechanism> mechanisms;
        std::string_view rest = attribute->value;
        while (!(rest = Section::trimmed(rest)).empty()) {
            const auto word = rest.substr(0, rest.find_first_of(" \t\r\n"));
            rest.remove_prefix(word.size());
            for (const auto mechanism : all_mechanisms) {
                if (name_of(mechanism) == word) mechanisms.push_back(mechanism);
            }
        }
        for (std::size_t index = 1; index < mechanisms.size(); ++index) {
            const auto end = mechanisms.begin() + static_cast<std::ptrdiff_t>(index);
            if (std::find(mechanisms.begin(), end, *end) == end) continue;
            problems_.add(errc::not_allowed, attribute->position, "the mechanism " + std::string(name_of(*end)) + " is listed twice");
        }
        return mechanisms;
    }

    void read_tls() {
        const auto tls = section("tls");
        tls.origin(config_.tls.origin);
        tls.text("certificate-file", config_.tls.certificate_file);
        tls.text("private-key-file", config_.tls.private_key_file);
        tls.text("private-key-password", config_.tls.private_key_password);
        tls.text("client-ca-file", config_.tls.client_ca_file);
        tls.text("crl-file", config_.tls.crl_file);
        tls.flag("require-client-certificate", config_.tls.require_client_certificate);
        tls.choice("minimum-version", config_.tls.minimum_version, choices_of(tls_versions));
        tls.text("ciphers", config_.tls.ciphers);
        tls.text("cipher-suites", config_.tls.cipher_suites);
        tls.duration("reload-interval", config_.tls.reload_interval);
    }

    void read_sasl() {
        const auto sasl = section("sasl");
        sasl.origin(config_.sasl.origin);
        if (sasl.find("mechanisms") != nullptr) config_.sasl.mechanisms = read_mechanisms(sasl);
        sasl.flag("allow-remote-anonymous", config_.sasl.allow_remote_anonymous);
        sasl.choice("anonymous-role", config_.sasl.anonymous_role, choices_of(roles));
        sasl.number("login-failures-max", config_.sasl.login_failures_max);
        sasl.duration("login-lock-max", config_.sasl.login_lock_max);
        const auto* const element = root_.child("sasl");
        if (element == nullptr) return;
        for (const auto& child : element->children) {
            const Section section(&child, "sasl/certificate", problems_);
            CertificateConfig certificate;
            section.text("authority", certificate.authority);
            section.text("subject", certificate.subject);
            section.text("user", certificate.user);
            config_.sasl.certificates.push_back(std::move(certificate));
        }
    }

    void read_http() {
        const auto http = section("http");
        http.origin(config_.http.origin);
        http.flag("enabled", config_.http.enabled);
        http.text("host", config_.http.host);
        http.number("port", config_.http.port);
        http.flag("tls", config_.http.tls);
        http.number("requests-per-second-max", config_.http.requests_per_second_max);
    }

    void read_core() {
        const auto core = section("core");
        core.origin(config_.core.origin);
        core.size("memory", config_.core.memory_bytes);
        core.size("queue-window", config_.core.queue_window_bytes);
        core.number("queue-window-messages", config_.core.queue_window_messages);
        core.number("producer-window", config_.core.producer_window);
        core.number("consumer-unsettled-max", config_.core.consumer_unsettled_max);
        core.flag("create-queues", config_.core.create_queues);
        core.number("destinations-max", config_.core.destinations_max);
        core.number("producers-max", config_.core.producers_max);
        core.duration("transaction-timeout", config_.core.transaction_timeout);
        core.size("transaction-bytes", config_.core.transaction_bytes);
        core.number("transaction-operations", config_.core.transaction_operations);
        core.number("transactions-max", config_.core.transactions_max);
        core.number("branches-max", config_.core.branches_max);
        core.duration("in-doubt-alarm", config_.core.in_doubt_alarm);
    }

    void read_store() {
        const auto store = section("store");
        store.origin(config_.store.origin);
        store.size("page", config_.store.page_bytes);
        store.size("checkpoint", config_.store.checkpoint_bytes);
        store.size("wal", config_.store.wal_bytes);
        store.size("reserve", config_.store.reserve_bytes);
    }

    void read_alarms() {
        const auto alarms = section("alarms");
        auto& config = config_.alarms;
        alarms.origin(config.origin);
        alarms.duration("in-doubt-critical", config.in_doubt_critical);
        alarms.number("dead-letter-warning", config.dead_letter_warning);
        alarms.number("dead-letter-critical", config.dead_letter_critical);
        alarms.duration("commit-warning", config.commit_warning);
        alarms.duration("commit-critical", config.commit_critical);
        alarms.size("disk-warning", config.disk_warning_bytes);
        alarms.size("disk-critical", config.disk_critical_bytes);
        alarms.duration("certificate-warning", config.certificate_warning);
        alarms.duration("certificate-critical", config.certificate_critical);
        alarms.duration("revocation-warning", config.revocation_warning);
        alarms.duration("revocation-critical", config.revocation_critical);
        alarms.size("memory-warning", config.memory_warning_bytes);
        alarms.size("memory-critical", config.memory_critical_bytes);
    }

    void read_queues() {
        const auto* const queues = root_.child("queues");
        if (queues == nullptr) return;
        read_settings(Section(queues->child("defaults"), "queues/defaults", problems_), config_.queue_defaults);
        for (const auto& child : queues->children) {
            if (child.name != "queue") continue;
            const Section section(&child, "queues/queue", problems_);
            QueueConfig queue;
            queue.settings = config_.queue_defaults;
            queue.settings.origin = DestinationOrigin::configured;
            section.origin(queue.origin);
            section.text("name", queue.settings.name);
            read_settings(section, queue.settings);
            config_.queues.push_back(std::move(queue));
        }
    }

    void read_selectors() {
        const auto* const selectors = root_.child("selectors");
        if (selectors == nullptr) return;
        for (const auto& child : selectors->children) {
            const Section section(&child, "selectors/selector", problems_);
            SelectorConfig selector;
            section.origin(selector.origin);
            section.text("name", selector.name);
            section.text("file", selector.file);
            config_.selectors.push_back(std::move(selector));
        }
    }

    static void read_settings(const Section& section, DestinationSettings& settings) {
        section.number("max-deliveries", settings.max_deliveries);
        section.text("dead-letter-queue", settings.dead_letter_queue);
        section.number("max-messages", settings.max_messages);
        section.size("max-bytes", settings.max_bytes);
        section.choice("overflow", settings.overflow, choices_of(overflow_policies));
        section.number("duplicate-ids-max", settings.duplicate_ids_max);
        section.duration("duplicate-ids-age", settings.duplicate_ids_age);
        section.flag("strict", settings.strict);
    }

    const xml::Element& root_;
    Problems problems_;
    Config config_;
};

}  // namespace

Result<Config> parse_config(std::string_view text, std::string source) {
    if (!schema()) return Error(errc::invalid, "the built-in schema: " + schema().error().detail());
    const auto root = xml::parse(text, *schema(), document_limits);
    if (!root) return Error(errc::invalid, source + ":" + root.error().detail());
    auto config = Reader(*root, std::move(source)).read();
    if (!config) return config;
    if (const auto checked = check(*config); !checked) return checked.error();
    return config;
}

}  // namespace giromq::config
