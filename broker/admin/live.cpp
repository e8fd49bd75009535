#include <algorithm>
#include <memory>
#include <utility>

#include "admin/broker_admin.hpp"
#include "admin/metrics.hpp"

namespace giromq::admin {
using security::Action;

namespace {

/// The core does other things in between.
constexpr std::size_t queues_at_once = 256;

}  // namespace

std::vector<CertificateView> BrokerAdmin::certificates() const {
    return parts_.certificates == nullptr ? std::vector<CertificateView>() : parts_.certificates->list();
}

std::vector<RevocationListView> BrokerAdmin::revocation_lists() const {
    return parts_.certificates == nullptr ? std::vector<RevocationListView>() : parts_.certificates->revocation_lists();
}

void BrokerAdmin::overview(const Identity& who, Done<Overview> done) {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return done(allowed.error());
    parts_.core_executor.execute([this, certificates = certificates(), done = std::move(done)]() mutable {
        auto overview = overview_on_core();
        overview.certificates = std::move(certificates);
        done(std::move(overview));
    });
}

Result<History::View> BrokerAdmin::history(const Identity& who, History::Range range) const {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return allowed.error();
    return monitor_.history(range);
}

Result<std::vector<Alarm>> BrokerAdmin::alarms(const Identity& who) const {
    if (auto allowed = authorise(who, Action::view, {}); !allowed) return allowed.error();
    return monitor_.alarms();
}

struct BrokerAdmin::Look {
    std::vector<std::string> names;
    std::vector<core::QueueView> views;
    std::size_t next = 0;
    QueuesDone done;
};

void BrokerAdmin::view_queues(std::vector<std::string> names, QueuesDone done) {
    continue_look(std::make_shared<Look>(Look{std::move(names), {}, 0, std::move(done)}));
}

void BrokerAdmin::continue_look(std::shared_ptr<Look> look) {
    parts_.core_executor.execute([this, look = std::move(look)]() mutable {
        const auto end = std::min(look->names.size(), look->next + queues_at_once);
        for (; look->next < end; ++look->next) {
            const auto queue = parts_.core.find_destination(look->names[look->next]);
            auto view = queue ? parts_.core.view_queue(*queue) : Result<core::QueueView>(Error(errc::not_found));
            if (view) look->views.push_back(std::move(*view));
        }
        if (look->next < look->names.size()) return continue_look(std::move(look));
        look->done(std::move(look->views), parts_.clock.monotonic_now());
    });
}

void BrokerAdmin::observe() {
    if (observes_.exchange(true)) return;
    parts_.core_executor.execute([this] {
        // The core only gives the numbers.
        parts_.workers.execute([this, overview = overview_on_core(), at = parts_.clock.monotonic_now()]() mutable {
            const auto moment =
                monitor_.observe({std::move(overview), process_use().resident_bytes, certificates(), revocation_lists(), at});
            if (on_moment_) on_moment_(moment);
            observes_ = false;
        });
    });
}

}  // namespace giromq::admin
