#include "simulation/world.hpp"

namespace giromq::simulation {
namespace {

/// Hands everything on to the core, and keeps the destinations for the model.
class Listener final : public store::RecoveryVisitor {
public:
    explicit Listener(store::RecoveryVisitor& next) : next_(next) {}

    void counters(Position position, MessageNumber message, DestinationId destination) override {
        next_.counters(position, message, destination);
    }
    void destination(store::StoredDestination stored) override {
        destinations.push_back(stored);
        next_.destination(std::move(stored));
    }
    void producer(store::PutProducer producer) override { next_.producer(std::move(producer)); }
    void duplicate_id(store::PutDuplicateId id) override { next_.duplicate_id(std::move(id)); }
    void user(User user) override { next_.user(std::move(user)); }
    void selector(NamedSelector selector) override { next_.selector(std::move(selector)); }
    void branch(store::StoredBranch branch) override { next_.branch(std::move(branch)); }
    void prepared_put(store::PreparePut put) override { next_.prepared_put(std::move(put)); }
    void prepared_get(store::PrepareGet get) override { next_.prepared_get(std::move(get)); }
    void tombstone(store::PutTombstone tombstone) override { next_.tombstone(std::move(tombstone)); }

    std::vector<store::StoredDestination> destinations;

private:
    store::RecoveryVisitor& next_;
};

}  // namespace

std::vector<store::StoredEntry> World::contents(DestinationId queue) const {
    auto page = store_->page(queue, Position{0}, {.entries = 1u << 30, .bytes = 1u << 30});
    return std::move(page.value().entries);
}

void World::open(bool clean, bool first) {
    ++run_;
    store_ = std::make_unique<store::MemoryStore>(disk_);
    lease_ = store_->acquire().value();
    doors_ = std::make_unique<test::FakeStore>(*store_, lease_);
    workers_ = {};
    doors_->page_entries_max = page_entries_max_;
    core_ = std::make_unique<core::Core>(clock_, *doors_, *doors_, settings_, &workers_);
    Listener listener(core_->recovery());
    if (!store_->recover(listener).ok()) model_.fail("not recovered");
    // A queue whose creation was under way may be there.
    std::map<DestinationId, std::vector<store::StoredEntry>> stored;
    for (const auto& destination : listener.destinations) {
        stored[destination.id] = contents(destination.id);
        if (model_.queues.contains(destination.id) || destination.closing) continue;
        const auto created = creating_.find(destination.settings.name);
        if (created == creating_.end()) model_.fail("a queue that nobody made: " + destination.settings.name);
        model_.queue_created(destination.id, destination.settings, false);
    }
    creating_.clear();
    check_commits_in_doubt();
    recover_branches();
    if (!first && model_.failure.empty()) model_.restarted(clean, listener.destinations, stored);
    if (model_.failure.empty()) lock_again(stored);
    model_.before_commit.clear();
    bool started = false;
    core_->start({}, [&](const Result<void>& result) { started = result.ok(); });
    run_all();
    if (!started) model_.fail("not started");
    if (first) {
        const auto id = *core_->find_destination("DLQ");
        model_.dead_letter_queue = id;
        model_.queue_created(id, core_->view_queue(id).value().settings, false);
    }
}

void World::forget_clients() {
    consumers_.clear();
    producers_.clear();
    connections_.clear();
    temporary_.clear();
    purges_.clear();
    transactions_.clear();
    commits_.clear();
    controls_.clear();
    hands_.clear();
    unanswered_ = 0;
    held_most_ = 0;
    std::erase_if(sent_, [this](const Sent& sent) { return !model_.queues.contains(sent.queue); });
}

/// The process dies. Batches that are on the disk and were never answered are the commits in doubt.
void World::crash() {
    if (random_.percent(50)) doors_->write(random_.between(1, 4));
    note("crash");
    ++crashes_;
    core_.reset();
    doors_.reset();
    store_.reset();
    open(false, false);
    forget_clients();
}

void World::restart() {
    note("restart");
    ++restarts_;
    heal();
    bool stopped = false;
    std::vector<ConsumerKey> keys;
    for (const auto& [key, consumer] : model_.consumers) keys.push_back(key);
    model_.stopping();
    for (auto& transaction : transactions_) {
        for (const auto& get : transaction.gets) model_.stop_get(get.tag);
    }
    for (const auto& branch : branches_) {
        if (branch->stage != Stage::open) continue;
        for (const auto& get : branch->work.gets) model_.stop_get(get.tag);
        branch->ties.clear();
    }
    model_.closing(keys, false);
    core_->stop([&] { stopped = true; });
    transactions_.clear();
    model_.closed(keys);
    for (int ticks = 0; ticks < 5; ++ticks) {
        run_all();
        pass(std::chrono::milliseconds(1100));
    }
    run_all();
    if (!stopped) model_.fail("stop() was not answered");
    core_.reset();
    doors_.reset();
    if (!store_->release(lease_).ok()) model_.fail("not released");
    store_.reset();
    open(true, false);
    forget_clients();
}

}  // namespace giromq::simulation
