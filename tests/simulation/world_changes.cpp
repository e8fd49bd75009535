#include <algorithm>

#include "simulation/messages.hpp"
#include "simulation/world.hpp"

namespace giromq::simulation {

// What administrators do: they hold messages, as a consumer that nobody sees, and move, retry or delete them, or let them go.

using ChangeKind = core::ChangeCommand::Kind;

struct World::Hand final : public core::ConsumerPort {
    Hand(std::uint64_t number, ConsumerKey given, DestinationId its_queue)
        : change(TransactionId{2'000'000'000 + number}), key(given), queue(its_queue) {}

    void deliver(core::Delivery) override { is_given_something = true; }
    void drained() override {}
    void ended(const Error&) override { has_ended = true; }

    TransactionId change;
    ConsumerKey key;
    DestinationId queue;
    ConsumerId id;
    std::vector<std::pair<Position, Tag>> held;
    struct Changing {
        Position from;
        std::uint64_t order = 0;  // from then on
    };
    std::map<Tag, Changing> changing;
    std::uint32_t asking = 0;
    bool has_changed = false;
    bool has_ended = false;
    bool is_given_something = false;
};

void World::hand_step() {
    std::erase_if(hands_, [](const HandPtr& hand) { return hand->has_ended && hand->asking == 0 && hand->changing.empty(); });
    if (hands_.empty() || (hands_.size() < 3 && random_.percent(30))) return open_hand();
    const auto hand = random_.pick(hands_);
    if (hand->is_given_something) return model_.fail("an administrator without credit was given something");
    if (hand->has_ended || hand->asking > 0) return;
    if (hand->held.empty() || hand->has_changed || random_.percent(25)) return let_go(hand);
    change(hand);
}

void World::open_hand() {
    const auto queue = any_queue(true);
    if (!queue || temporary_.contains(*queue)) return;
    const auto entries = contents(*queue);
    const auto hand = std::make_shared<Hand>(next_hand_++, next_key_++, *queue);
    core::ConsumerCommand command;
    command.destination = *queue;
    command.port = hand.get();
    command.is_administrative = true;
    const auto opened = core_->open_consumer(std::move(command));
    if (!opened.ok()) return model_.fail("an administrator was refused");
    hand->id = *opened;
    hands_.push_back(hand);
    note("open administrator " + std::to_string(hand->key) + " of " + std::to_string(queue->value));
    std::vector<std::pair<Position, Tag>> wanted;
    for (const auto& entry : entries) {
        if (wanted.size() < burst_most_ && random_.percent(50)) wanted.emplace_back(entry.key.position, tag_of(*entry.message));
    }
    // One by one: of several some would be locked before the answer comes.
    for (const auto& [position, tag] : wanted) ask_for(hand, position, tag);
}

void World::ask_for(const HandPtr& hand, Position position, Tag tag) {
    note("hold " + std::to_string(tag) + " for administrator " + std::to_string(hand->key));
    ++unanswered_;
    ++hand->asking;
    core_->hold(hand->id, {position}, [this, hand, position, tag, run = run_](const std::vector<core::Change>& changes) {
        if (run != run_) return;
        --unanswered_;
        --hand->asking;
        if (changes.size() != 1) return model_.fail("a hold has no answer");
        if (hand->has_ended || changes[0] != core::Change::done) return;
        note("held " + std::to_string(tag));
        find_out_about(tag);
        find_out_about_changes(hand->queue, tag, false);
        model_.hold(tag, hand->key);
        hand->held.emplace_back(position, tag);
    });
}

/// What should become of it, and where it should go.
core::Change World::expected_change(ChangeKind kind, Tag tag, std::optional<DestinationId>& target) const {
    const auto& message = model_.messages.at(tag);
    if (kind != ChangeKind::retry) return core::Change::done;
    if (!message.dead_letter) return core::Change::no_origin;
    for (const auto& [id, queue] : model_.queues) {
        const bool is_it = queue.settings.name == message.dead_letter->origin && !queue.deleting && !queue.temporary && id != message.home;
        if (is_it) target = id;
    }
    if (!target) return core::Change::no_origin;
    const bool is_late = message.expires_at.is_set() && message.expires_at <= model_.now;
    return is_late ? core::Change::expired : core::Change::done;
}

void World::change(const HandPtr& hand) {
    const auto lot = random_.below(100);
    const auto kind = lot < 20 ? ChangeKind::remove : lot < 60 ? ChangeKind::move : ChangeKind::retry;
    std::optional<DestinationId> target;
    if (kind == ChangeKind::move) {
        target = any_queue(true);
        if (!target || *target == hand->queue) return;
    }
    // How many a limited queue will take nobody outside can know; what moves to a temporary one is not kept.
    const auto can_take_all = [&](DestinationId id) { return model_.queues.at(id).settings.max_messages == 0 && !temporary_.contains(id); };
    std::vector<core::Change> expected;
    std::vector<std::optional<DestinationId>> targets;
    for (const auto& [position, tag] : hand->held) {
        auto its_target = target;
        expected.push_back(expected_change(kind, tag, its_target));
        if (its_target && !can_take_all(*its_target)) return;
        targets.push_back(its_target);
    }
    static constexpr const char* names[] = {"move", "retry", "delete"};
    note(std::string(names[static_cast<int>(kind)]) + " what administrator " + std::to_string(hand->key) + " holds" +
         (target ? ", to " + std::to_string(target->value) : ""));
    core::ChangeCommand command;
    command.kind = kind;
    command.holder = hand->id;
    if (target) command.target = *target;
    for (std::size_t index = 0; index < hand->held.size(); ++index) {
        const auto [position, tag] = hand->held[index];
        command.positions.push_back(position);
        if (expected[index] == core::Change::done) {
            hand->changing[tag] = {position, model_.change(hand->change, tag, targets[index], kind == ChangeKind::move)};
        } else {
            model_.let_go(tag, hand->key);
        }
    }
    hand->held.clear();
    hand->has_changed = true;
    ++unanswered_;
    command.done = [this, hand, expected, run = run_](const core::ChangeCommand::Answer& answer) {
        if (run != run_) return;
        --unanswered_;
        if (answer.changes != expected) model_.fail("a change was not answered as it should be");
        if (answer.refused && faults_ever_ == 0) model_.fail("a change was refused for no reason: " + answer.refused->to_string());
        apply(*hand, !answer.refused);
    };
    core_->change(std::move(command));
}

void World::apply(Hand& hand, bool durable) {
    note("the change of administrator " + std::to_string(hand.key) + " has ended" + (durable ? "" : ", refused"));
    for (const auto& [tag, changing] : std::exchange(hand.changing, {})) {
        model_.change_ended(hand.change, tag, changing.order, durable);
        if (durable) ++changed_ever_;
    }
}

void World::let_go(const HandPtr& hand) {
    note("administrator " + std::to_string(hand->key) + " goes");
    for (const auto& [position, tag] : std::exchange(hand->held, {})) model_.let_go(tag, hand->key);
    hand->has_ended = true;
    core_->close_consumer(hand->id, core::CloseReason::orderly);
}

void World::let_all_go() {
    for (const auto& hand : hands_) {
        if (!hand->has_ended) let_go(hand);
    }
}

/// A message is about to be shown out of the queue. If that, or one before it that a consumer of a strict queue has to wait for, is part of
/// a change there, the change has ended, although that is not answered yet: what is in its old place was refused.
void World::find_out_about_changes(DestinationId queue, Tag shown, bool to_consumer) {
    const auto known = model_.queues.find(queue);
    const bool is_strict = to_consumer && known != model_.queues.end() && known->second.settings.strict;
    for (const auto& hand : hands_) {
        if (hand->queue != queue || hand->changing.empty()) continue;
        const auto order = model_.messages.at(shown).order;
        const auto is_before = [&](const auto& one) {
            const auto before = model_.before_commit.find({hand->change, one.first});
            return before != model_.before_commit.end() && before->second.order < order;
        };
        const bool is_it = hand->changing.contains(shown);
        if (!is_it && !(is_strict && std::ranges::any_of(hand->changing, is_before))) continue;
        const auto is_back = [&](const store::StoredEntry& entry) {
            const auto changing = hand->changing.find(tag_of(*entry.message));
            return changing != hand->changing.end() && changing->second.from == entry.key.position;
        };
        apply(*hand, !std::ranges::any_of(contents(queue), is_back));
    }
}

}  // namespace giromq::simulation
