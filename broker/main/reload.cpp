#include "main/reload.hpp"

#include <utility>

#include "base/log.hpp"
#include "main/named_selectors.hpp"

namespace giromq::daemon {
namespace {

std::string joined(const std::vector<std::string>& words) {
    std::string text;
    for (const auto& word : words) text += (text.empty() ? "" : " ") + word;
    return text.empty() ? "nothing" : text;
}

/// The sections that differ, once what can be taken over is the same in both.
std::vector<std::string> different_sections(const config::Config& one, const config::Config& other) {
    std::vector<std::string> sections;
    const auto compare = [&](bool is_same, const char* section) {
        if (!is_same) sections.emplace_back(section);
    };
    compare(one.broker == other.broker, "broker");
    compare(one.amqp == other.amqp, "amqp");
    compare(one.tls == other.tls, "tls");
    compare(one.sasl == other.sasl, "sasl");
    compare(one.http == other.http, "http");
    compare(one.core == other.core, "core");
    compare(one.store == other.store, "store");
    compare(one.queue_defaults == other.queue_defaults, "queues/defaults");
    return sections;
}

}  // namespace

Reloading::Reloading(const config::Config& running, ReadConfig read, Actions actions)
    : running_(running), read_(std::move(read)), actions_(std::move(actions)) {}

Result<admin::Reloaded> Reloading::reload() {
    const std::lock_guard lock(mutex_);
    // Whatever else may be wrong with the configuration, certificates that were renewed are taken, with their revocation lists or not at
    // all.
    actions_.reload_certificates();
    auto reloaded = read_and_take_over();
    if (reloaded) {
        log::info("configuration_reloaded", {{"applied", joined(reloaded->applied)}, {"needs_restart", joined(reloaded->needs_restart)}});
    } else {
        log::error("configuration_not_reloaded",
                   {{"reason", reloaded.error().to_string()}, {"consequence", "what was read before stays in use"}});
    }
    return reloaded;
}

/// Whatever can be refused comes before the first change.
Result<admin::Reloaded> Reloading::read_and_take_over() {
    const auto wanted = read_();
    if (!wanted) return wanted.error();
    auto selectors = named_selectors(*wanted);
    if (!selectors) return selectors.error();
    const auto queues = actions_.configure_queues(*wanted);
    if (!queues) return queues.error();
    admin::Reloaded reloaded;
    if (*queues > 0) reloaded.applied.emplace_back("queues");
    if (actions_.set_selectors(std::move(*selectors))) reloaded.applied.emplace_back("selectors");
    take_over(*wanted, reloaded);
    reloaded.needs_restart = different_sections(running_, *wanted);
    return reloaded;
}

void Reloading::take_over(const config::Config& wanted, admin::Reloaded& reloaded) {
    if (running_.broker.log_level != wanted.broker.log_level) {
        running_.broker.log_level = wanted.broker.log_level;
        log::set_level(wanted.broker.log_level);
        reloaded.applied.emplace_back("log-level");
    }
    if (!(running_.alarms == wanted.alarms)) {
        running_.alarms = wanted.alarms;
        actions_.set_alarms(running_);
        reloaded.applied.emplace_back("alarms");
    }
    auto& logins = running_.sasl;
    if (logins.login_failures_max != wanted.sasl.login_failures_max || logins.login_lock_max != wanted.sasl.login_lock_max) {
        logins.login_failures_max = wanted.sasl.login_failures_max;
        logins.login_lock_max = wanted.sasl.login_lock_max;
        actions_.set_login_limits(running_);
        reloaded.applied.emplace_back("login-limits");
    }
}

}  // namespace giromq::daemon
