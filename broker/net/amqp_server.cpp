#include "net/amqp_server.hpp"

#include <algorithm>
#include <utility>

#include "base/log.hpp"

namespace giromq::net {

AmqpServer::AmqpServer(boost::asio::io_context& io, amqp::Services services, Executor& workers, LoopSettings settings)
    : io_(io), services_(services), workers_(workers), settings_(settings) {}
AmqpServer::~AmqpServer() = default;

void AmqpServer::serve(Accepted accepted, const amqp::ConnectionSettings& settings, const std::shared_ptr<TlsContext>& tls) {
    amqp::Peer peer;
    peer.address = peer_address(accepted);
    peer.is_loopback = accepted.is_loopback;
    auto stream = tls ? make_tls_stream(std::move(accepted.socket), tls->current()) : make_plain_stream(std::move(accepted.socket));
    if (!stream) {
        log::error("tls_failed", {{"peer", peer.address}, {"reason", tls_failure()}});
        return;
    }
    std::shared_ptr<ConnectionLoop> loop;
    {
        const std::lock_guard lock(mutex_);
        if (closing_) return;
        const ConnectionId id{++last_id_};
        auto when_ended = [this](ConnectionId which) { ended(which); };
        loop =
            std::make_shared<ConnectionLoop>(ConnectionLoop::Parts{io_, id, std::move(stream), std::move(peer), std::move(accepted.ticket),
                                                                   services_, settings, workers_, settings_, std::move(when_ended)});
        loops_.emplace(id, loop);
    }
    loop->start();
}

std::size_t AmqpServer::connection_count() const {
    const std::lock_guard lock(mutex_);
    return loops_.size();
}

std::uint64_t AmqpServer::accepted_count() const {
    const std::lock_guard lock(mutex_);
    return last_id_;
}

std::vector<std::shared_ptr<ConnectionLoop>> AmqpServer::loops() const {
    std::vector<std::shared_ptr<ConnectionLoop>> all;
    const std::lock_guard lock(mutex_);
    all.reserve(loops_.size());
    for (const auto& [id, loop] : loops_) all.push_back(loop);
    return all;
}

namespace {

/// Collects the answers of connections, each of which comes on its own executor.
class Collector {
public:
    Collector(std::size_t expected, UniqueFunction<void(std::vector<AmqpServer::View>)> done)
        : missing_(expected), done_(std::move(done)) {}

    void take(std::optional<AmqpServer::View> view) {
        {
            const std::lock_guard lock(mutex_);
            if (view) views_.push_back(std::move(*view));
            if (--missing_ > 0) return;
        }
        std::sort(views_.begin(), views_.end(), [](const auto& left, const auto& right) { return left.id < right.id; });
        done_(std::move(views_));
    }

private:
    std::mutex mutex_;
    std::size_t missing_;
    std::vector<AmqpServer::View> views_;
    UniqueFunction<void(std::vector<AmqpServer::View>)> done_;
};

}  // namespace

void AmqpServer::list(ConnectionId after, std::size_t limit, UniqueFunction<void(std::vector<View>)> done) const {
    std::vector<std::pair<ConnectionId, std::shared_ptr<ConnectionLoop>>> chosen;
    {
        const std::lock_guard lock(mutex_);
        for (const auto& [id, loop] : loops_) {
            if (id > after) chosen.emplace_back(id, loop);
        }
    }
    const auto by_id = [](const auto& left, const auto& right) { return left.first < right.first; };
    std::sort(chosen.begin(), chosen.end(), by_id);
    if (chosen.size() > limit) chosen.resize(limit);
    if (chosen.empty()) {
        done({});
        return;
    }
    const auto collector = std::make_shared<Collector>(chosen.size(), std::move(done));
    for (const auto& [id, loop] : chosen) {
        loop->view([collector](std::optional<View> view) { collector->take(std::move(view)); });
    }
}

bool AmqpServer::close(ConnectionId id, const std::string& condition, const std::string& description) {
    std::shared_ptr<ConnectionLoop> loop;
    {
        const std::lock_guard lock(mutex_);
        const auto found = loops_.find(id);
        if (found == loops_.end()) return false;
        loop = found->second;
    }
    loop->close(condition, description);
    return true;
}

void AmqpServer::close_user(const std::string& user, const std::string& condition, const std::string& description) {
    for (const auto& loop : loops()) loop->close_if_of(user, condition, description);
}

void AmqpServer::review_permissions() {
    for (const auto& loop : loops()) loop->review_permissions();
}

void AmqpServer::close_all(const std::string& condition, const std::string& description) {
    {
        const std::lock_guard lock(mutex_);
        closing_ = true;
    }
    for (const auto& loop : loops()) loop->close(condition, description);
}

void AmqpServer::abort_all() {
    for (const auto& loop : loops()) loop->abort();
}

bool AmqpServer::wait_until_closed(std::chrono::milliseconds timeout) {
    std::unique_lock lock(mutex_);
    return changed_.wait_for(lock, timeout, [this] { return loops_.empty(); });
}

void AmqpServer::ended(ConnectionId id) {
    std::shared_ptr<ConnectionLoop> loop;  // destroyed outside of the lock
    const std::lock_guard lock(mutex_);
    const auto found = loops_.find(id);
    if (found == loops_.end()) return;
    loop = std::move(found->second);
    loops_.erase(found);
    changed_.notify_all();
}

}  // namespace giromq::net
