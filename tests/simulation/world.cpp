#include "simulation/world.hpp"

#include <algorithm>
#include <cstdlib>
#include <iostream>

namespace giromq::simulation {

using namespace std::chrono_literals;

void SimConsumer::deliver(core::Delivery delivery) { world_.delivered(*this, std::move(delivery)); }

void SimConsumer::drained() {
    world_.note("drained " + std::to_string(key_));
    if (has_ended) world_.model_.fail("drained() after ended()");
    world_.model_.drained(key_);
}

void SimConsumer::ended(const Error& reason) {
    if (has_ended) world_.model_.fail("ended() twice");
    has_ended = true;
    if (reason.is(core::errc::resource_limit)) world_.ended(key_);
}

World::World(std::uint64_t seed, std::uint64_t steps) : seed_(seed), steps_(steps), random_(seed) {
    verbose_ = std::getenv("GIROMQ_TEST_VERBOSE") != nullptr;
    const auto one_of = [this](std::vector<std::uint64_t> values) { return random_.pick(values); };
    settings_.queue_window_messages = static_cast<std::uint32_t>(one_of({1, 1, 2, 8, 64}));
    settings_.queue_window_bytes = one_of({1024, 4096, 2u << 20});
    settings_.memory_bytes = one_of({16 * 1024, 64 * 1024, 1u << 20, 64u << 20});
    settings_.consumer_unsettled_max = static_cast<std::uint32_t>(one_of({3, 10, 2000}));
    settings_.queue_defaults.max_deliveries = static_cast<std::uint32_t>(one_of({1, 2, 3, 10}));
    strict_percent_ = one_of({0, 0, 40, 100});
    settings_.queue_defaults.strict = random_.percent(strict_percent_);
    settings_.queue_defaults.duplicate_ids_age = std::chrono::hours(24);
    page_entries_max_ = static_cast<std::uint32_t>(one_of({1, 2, 5, 20, 1000}));
    padding_most_ = one_of({1, 100, 1000});
    crash_chance_ = one_of({0, 10, 50, 200});
    fault_chance_ = one_of({0, 0, 50, 300});
    expiry_percent_ = one_of({0, 0, 10, 40});
    queues_most_ = one_of({1, 1, 2, 3, 5});
    send_weight_ = one_of({1, 3, 5});
    burst_most_ = one_of({1, 4, 10});
    client_percent_ = one_of({30, 45, 60});
    selector_percent_ = one_of({0, 30, 70, 100});
    transaction_percent_ = one_of({0, 0, 10, 30, 60});
    branch_percent_ = one_of({0, 30, 70, 100});
    settings_.transaction_timeout = std::chrono::milliseconds(one_of({500, 5000, 300'000}));
    change_percent_ = one_of({0, 0, 5, 20});
    model_.unsettled_max = settings_.consumer_unsettled_max;
    model_.now = clock_.wall_now();
}

World::~World() {
    core_.reset();
    doors_.reset();
}

void World::note(const std::string& event) {
    if (verbose_) std::cerr << "  " << event << '\n';
}

std::string World::summary() const {
    return "seed " + std::to_string(seed_) + ": " + std::to_string(model_.messages.size()) + " messages, " +
           std::to_string(model_.first_deliveries) + " first and " + std::to_string(model_.redeliveries) + " further deliveries, " +
           std::to_string(model_.moves) + " dead letters, " + std::to_string(crashes_) + " crashes, " + std::to_string(restarts_) +
           " restarts, " + std::to_string(faults_ever_) + " faults, " + std::to_string(committed_) + " transactions committed and " +
           std::to_string(rolled_back_) + " rolled back, " + std::to_string(prepared_ever_) + " branches prepared, " +
           std::to_string(changed_ever_) + " messages changed by administrators";
}

std::string World::run() {
    try {
        open(true, true);
        for (std::uint64_t number = 0; number < steps_ && model_.failure.empty(); ++number) {
            step();
            sync_branches();
            check();
        }
        if (model_.failure.empty()) finish();
    } catch (const std::exception& problem) {
        model_.fail(std::string("exception: ") + problem.what());
    }
    return model_.failure;
}

void World::step() {
    const bool troubled = doors_->disk_full || doors_->refuse_all || doors_->reads_fail;
    if (troubled && random_.percent(3)) heal();
    const auto lot = random_.below(10000);
    if (lot < crash_chance_) {
        random_.percent(75) ? crash() : restart();
    } else if (lot < crash_chance_ + fault_chance_) {
        fault_step();
    } else if (lot < crash_chance_ + fault_chance_ + 50) {
        rest();
    } else if (random_.percent(client_percent_)) {
        client_step();
    } else {
        store_step();
    }
}

/// One thing that the threads of the store, or the clock, could do next.
void World::store_step() {
    const auto lot = random_.below(100);
    if (lot < 30) {
        const auto units = random_.percent(30) ? test::FakeStore::all : random_.between(1, 5);
        note("write " + std::to_string(std::min<std::uint64_t>(units, doors_->waiting().size())));
        doors_->write(units);
    } else if (lot < 60) {
        for (auto left = random_.between(1, 5); left > 0 && doors_->complete(); --left) note("complete");
    } else if (lot < 75) {
        if (doors_->snapshot()) note("snapshot");
    } else if (lot < 86) {
        if (doors_->deliver_page()) note("page");
    } else if (lot < 90) {
        if (workers_.work()) note("work");
        if (random_.percent(50) && workers_.tell()) note("worked");
    } else if (lot < 93) {
        if (workers_.tell()) note("worked");
    } else {
        pass(random_.percent(10) ? 2000ms : 100ms);
    }
}

void World::fault_step() {
    const auto lot = random_.below(8);
    if (lot < 3) {
        heal();
        return;
    }
    ++faults_ever_;
    if (lot < 5) doors_->disk_full = true;
    if (lot == 5) doors_->refuse_all = true;
    if (lot > 5) doors_->reads_fail = true;
    if (doors_->refuse_all || doors_->disk_full) model_.refusals_seen = true;
    note("fault: " + std::string(lot < 5 ? "disk full" : lot == 5 ? "everything refused" : "unreadable"));
}

void World::heal() {
    note("all is well");
    doors_->disk_full = doors_->refuse_all = doors_->reads_fail = false;
}

void World::pass(std::chrono::milliseconds time) {
    note("tick " + std::to_string(time.count()));
    clock_.advance(time);
    model_.now = clock_.wall_now();
    time_out_transactions();
    core_->tick();
    sync_branches();
}

/// Everything that is under way, and what follows from it.
void World::run_all() {
    do {
        doors_->run();
    } while (workers_.answer());
}

/// Lets everything come to its end, and looks whether anything is stuck.
void World::rest() {
    note("rest");
    heal();
    give_room_to_all();
    run_all();
    for (int ticks = 0; ticks < 3; ++ticks) {
        pass(1100ms);
        run_all();
    }
    const auto still_open = unanswered_in_transactions();
    if (unanswered_ != still_open) model_.fail(std::to_string(unanswered_ - still_open) + " questions were never answered");
    std::map<DestinationId, core::QueueView> views;
    for (const auto& view : core_->list_queues("", 10000)) views[view.id] = view;
    model_.check_at_rest(views);
    check_producers();
}

/// What holds at every moment.
void World::check() {
    if (!model_.failure.empty()) return;
    std::uint64_t held = 0;
    for (const auto& view : core_->list_queues("", 10000)) {
        held += view.delivering;
        if (model_.queues.contains(view.id)) model_.check_locks(view.id, view.delivering);
    }
    // Windows are bounded: by the budget; for each queue by one page and one that is read again, so that it moves on without any; by the
    // bare facts of what consumers held at some time; by what is under way; and by what is kept
    // aside during a page. A search by selectors has one page more, and what it found of the one before.
    // What consumers held and gave back is whole again, and stays so, once the selector of a consumer has looked at it.
    held_most_ = std::max(held_most_, held);
    const auto largest = padding_most_ + sizeof(Message) + 128;
    const auto page = std::min<std::uint64_t>(page_entries_max_ * largest, (1u << 20) + largest);
    const auto for_each_queue = 4 * page + largest + (doors_->idle() ? 0 : 1u << 20);
    const auto under_way = doors_->waiting().size() + doors_->written() + 1;
    const auto most = settings_.memory_bytes + transaction_puts() * largest + model_.queues.size() * for_each_queue +
                      held_most_ * (selector_percent_ > 0 ? std::max(2 * sizeof(Message), largest) : 2 * sizeof(Message)) +
                      2 * under_way * largest;
    const auto view = core_->view();
    if (view.memory_bytes > most) {
        model_.fail("memory is " + std::to_string(view.memory_bytes) + " bytes, and " + std::to_string(most) + " would be the most" +
                    windows());
    }
}

std::string World::windows() const {
    std::string text;
    for (const auto& queue : core_->list_queues("", 10000)) {
        text += "; " + queue.settings.name + " has " + std::to_string(queue.messages) + " messages, " +
                std::to_string(queue.window_messages) + " in its window, " + std::to_string(queue.delivering) + " locked, " +
                std::to_string(queue.consumers) + " consumers";
    }
    return text;
}

/// Everything can be consumed, and then there is nothing: in the queues, in memory, in the store.
void World::finish() {
    note("finish");
    rest();
    let_all_go();
    rest();
    finish_branches();
    while (!connections_.empty() && model_.failure.empty()) close_connection();
    rest();
    if (!branches_.empty()) model_.fail("a branch does not end: " + std::to_string(branches_.front()->number));
    if (core_->branches().branches_in_doubt() != 0) model_.fail("branches are in doubt that nobody knows");
    std::vector<DestinationId> all;
    for (const auto& [id, queue] : model_.queues) all.push_back(id);
    for (const auto id : all) drain_queue(id);
    rest();
    for (const auto& [tag, message] : model_.messages) {
        if (message.presence != Presence::present || message.expired(model_.now) || message.maybe_purged) continue;
        model_.fail("never delivered: " + model_.describe(message));
    }
    if (!model_.failure.empty()) return;
    for (const auto id : all) {
        if (!contents(id).empty()) model_.fail("not empty in the store: queue " + std::to_string(id.value));
    }
    const auto view = core_->view();
    if (view.messages != 0) model_.fail("the broker still counts " + std::to_string(view.messages) + " messages");
    if (view.memory_bytes != 0) model_.fail("the broker still holds " + std::to_string(view.memory_bytes) + " bytes");
    if (!model_.failure.empty()) return;
    restart();
    if (core_->view().messages != 0) model_.fail("after the last restart there are messages again");
}

void World::drain_queue(DestinationId queue) {
    SimConsumer& consumer = connect(queue, core::ConsumerMode::acquire, false, ConnectionId{next_connection_++});
    for (int rounds = 0; rounds < 100000 && model_.failure.empty(); ++rounds) {
        auto& known = model_.consumers.at(consumer.key());
        const auto before = known.delivered;
        known.limit += std::min<std::uint64_t>(1000, settings_.consumer_unsettled_max);
        known.draining = true;
        core_->flow(consumer.id, known.limit, true);
        run_all();
        if (known.draining) model_.fail("a drain was not answered in the end" + windows());
        while (!consumer.held.empty()) settle(consumer, 0, Accepted{});
        run_all();
        if (known.delivered == before) break;
    }
    const std::vector<ConsumerKey> keys{consumer.key()};
    model_.closing(keys, false);
    core_->close_consumer(consumer.id, core::CloseReason::orderly);
    model_.closed(keys);
    consumers_.erase(consumer.key());
}

}  // namespace giromq::simulation
