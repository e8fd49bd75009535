#include "admin-web/events.hpp"

#include <algorithm>
#include <atomic>
#include <boost/json/array.hpp>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <boost/json/serialize.hpp>
#include <deque>
#include <optional>
#include <set>
#include <utility>

#include "admin-web/live_values.hpp"

namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::uint16_t going_away = 1001;
constexpr std::uint16_t policy_violation = 1008;
constexpr std::size_t name_bytes_max = 255;

using Text = std::shared_ptr<const std::string>;

/// The queues of {"type":"watch","queues":[...]}; nothing if it is anything else.
std::optional<std::vector<std::string>> queues_to_watch(std::string_view text) {
    json::parse_options strict;
    strict.max_depth = 3;
    json::error_code error;
    const auto value = json::parse(json::string_view(text.data(), text.size()), error, {}, strict);
    if (error || !value.is_object() || value.get_object().size() != 2) return std::nullopt;
    const auto* const type = value.get_object().if_contains("type");
    const auto* const queues = value.get_object().if_contains("queues");
    if (type == nullptr || !type->is_string() || type->get_string() != "watch") return std::nullopt;
    if (queues == nullptr || !queues->is_array() || queues->get_array().size() > event_limits::watched_queues) return std::nullopt;
    std::vector<std::string> names;
    for (const auto& name : queues->get_array()) {
        if (!name.is_string() || name.get_string().empty() || name.get_string().size() > name_bytes_max) return std::nullopt;
        names.emplace_back(name.get_string());
    }
    return names;
}

double rate(std::uint64_t now, std::uint64_t before, double seconds) {
    return now < before || seconds <= 0 ? 0 : static_cast<double>(now - before) / seconds;
}

std::string item_text(const core::QueueView& queue, double enqueued_rate, double delivered_rate) {
    return R"({"name":)" + json::serialize(json::value(json::string(queue.settings.name))) + R"(,"messages":)" +
           std::to_string(queue.messages) + R"(,"bytes":)" + std::to_string(queue.bytes) + R"(,"delivering":)" +
           std::to_string(queue.delivering) + R"(,"consumers":)" + std::to_string(queue.consumers) + R"(,"producers":)" +
           std::to_string(queue.producers) + R"(,"enqueuedRate":)" + number_text(enqueued_rate) + R"(,"deliveredRate":)" +
           number_text(delivered_rate) + "}";
}

}  // namespace

/// One socket: what waits to be sent to it, and which queues it watches.
class EventHub::Subscriber final : public SocketPeer, public std::enable_shared_from_this<Subscriber> {
public:
    Subscriber(EventHub& hub, security::Identity identity, StillAllowed is_allowed)
        : who(std::move(identity)), still_allowed(std::move(is_allowed)), hub_(hub) {}

    const security::Identity who;
    const StillAllowed still_allowed;

    void attach(UniqueFunction<void()> wake) override {
        const std::lock_guard lock(mutex_);
        wake_ = std::move(wake);
    }

    Text take() override {
        const std::lock_guard lock(mutex_);
        if (pending_.empty()) return nullptr;
        auto text = std::move(pending_.front());
        pending_.pop_front();
        pending_bytes_ -= text->size();
        return text;
    }

    std::optional<SocketEnd> end() const override {
        const std::lock_guard lock(mutex_);
        return end_;
    }

    void receive(std::string text) override {
        auto names = queues_to_watch(text);
        const std::lock_guard lock(mutex_);
        if (++received_ > event_limits::texts_per_second) return end_locked({policy_violation, "too many texts in one second"});
        if (!names) return end_locked({policy_violation, "that is no text for this socket"});
        watched_ = std::move(*names);
    }

    void closed() override { hub_.left(*this); }

    void push(const Text& text) {
        const std::lock_guard lock(mutex_);
        if (end_) return;
        pending_.push_back(text);
        pending_bytes_ += text->size();
        if (pending_bytes_ > event_limits::pending_bytes) return end_locked({policy_violation, "the client does not read", true});
        if (wake_) wake_();
    }

    void finish(SocketEnd why) {
        const std::lock_guard lock(mutex_);
        end_locked(std::move(why));
    }

    /// The queues that are watched; a new second begins for what the client sends.
    std::vector<std::string> next_second() {
        const std::lock_guard lock(mutex_);
        received_ = 0;
        return watched_;
    }
    std::vector<std::string> watched() const {
        const std::lock_guard lock(mutex_);
        return watched_;
    }

private:
    void end_locked(SocketEnd why) {
        if (end_) return;
        end_ = std::move(why);
        pending_.clear();
        pending_bytes_ = 0;
        if (wake_) wake_();
    }

    EventHub& hub_;
    mutable std::mutex mutex_;
    UniqueFunction<void()> wake_;
    std::deque<Text> pending_;
    std::size_t pending_bytes_ = 0;
    std::size_t received_ = 0;  // in this second
    std::optional<SocketEnd> end_;
    std::vector<std::string> watched_;
};

EventHub::EventHub(admin::BrokerAdmin& admin, Executor& workers) : admin_(admin), workers_(workers) {
    admin_.operations().on_progress = [this](const admin::OperationView& operation) { note(operation); };
}
EventHub::~EventHub() = default;

std::shared_ptr<SocketPeer> EventHub::join(security::Identity who, StillAllowed still_allowed) {
    const auto alarms = admin_.alarms(who);
    if (!alarms) return nullptr;
    const std::lock_guard lock(mutex_);
    auto& of_user = by_user_[who.user];
    if (stopped_ || subscribers_.size() >= event_limits::sockets || of_user >= event_limits::sockets_per_user) {
        if (of_user == 0) by_user_.erase(who.user);
        return nullptr;
    }
    ++of_user;
    auto subscriber = std::make_shared<Subscriber>(*this, std::move(who), std::move(still_allowed));
    subscribers_.push_back(subscriber);
    subscriber->push(std::make_shared<const std::string>(alarms_event(*alarms)));
    return subscriber;
}

void EventHub::left(const Subscriber& subscriber) {
    const std::lock_guard lock(mutex_);
    const auto is_it = [&](const std::shared_ptr<Subscriber>& each) { return each.get() == &subscriber; };
    const auto found = std::find_if(subscribers_.begin(), subscribers_.end(), is_it);
    if (found == subscribers_.end()) return;
    const auto of_user = by_user_.find(subscriber.who.user);
    if (--of_user->second == 0) by_user_.erase(of_user);
    subscribers_.erase(found);
}

EventHub::Subscribers EventHub::subscribers() const {
    const std::lock_guard lock(mutex_);
    return subscribers_;
}

std::size_t EventHub::count() const {
    const std::lock_guard lock(mutex_);
    return subscribers_.size();
}

void EventHub::stop() {
    {
        const std::lock_guard lock(mutex_);
        stopped_ = true;
    }
    for (const auto& subscriber : subscribers()) subscriber->finish({going_away, "the broker is stopping"});
}

void EventHub::publish(const admin::Moment& moment) {
    const auto all = subscribers();
    if (all.empty()) return;
    const auto sample = std::make_shared<const std::string>(sample_event(moment.sample));
    const auto alarms = moment.alarms ? std::make_shared<const std::string>(alarms_event(*moment.alarms)) : nullptr;
    for (const auto& subscriber : all) {
        // Its connection may never tell, if it has gone before it became a socket.
        if (subscriber->end()) {
            left(*subscriber);
            continue;
        }
        if (!subscriber->still_allowed()) {
            subscriber->finish({policy_violation, "the session has ended"});
            continue;
        }
        subscriber->push(sample);
        if (alarms) subscriber->push(alarms);
    }
    publish_operations();
    publish_queues();
}

/// Kept until the next second, however often it comes further: nobody looks more often.
void EventHub::note(const admin::OperationView& operation) {
    const std::lock_guard lock(mutex_);
    if (!subscribers_.empty()) operations_.insert_or_assign(operation.id, operation);
}

/// Each is told to who may see it.
void EventHub::publish_operations() {
    std::map<std::uint64_t, admin::OperationView> operations;
    {
        const std::lock_guard lock(mutex_);
        operations.swap(operations_);
    }
    const auto all = subscribers();
    for (const auto& [id, operation] : operations) {
        const auto text = std::make_shared<const std::string>(operation_event(operation));
        for (const auto& subscriber : all) {
            if (admin_.operations().is_visible(subscriber->who, operation)) subscriber->push(text);
        }
    }
}

/// Asks for each queue once, however many watch it.
void EventHub::publish_queues() {
    std::set<std::string> names;
    for (const auto& subscriber : subscribers()) {
        for (auto& name : subscriber->next_second()) names.insert(std::move(name));
    }
    {
        const std::lock_guard lock(mutex_);
        if (names.empty()) before_.clear();
        // A core that is slow to answer is not asked again meanwhile.
        if (names.empty() || asks_queues_) return;
        asks_queues_ = true;
    }
    admin_.view_queues({names.begin(), names.end()}, [this](std::vector<core::QueueView> queues, MonotonicTime now) {
        workers_.execute([this, queues = std::move(queues), now] { tell_watchers(queues, now); });
    });
}

void EventHub::tell_watchers(const std::vector<core::QueueView>& queues, MonotonicTime now) {
    std::map<std::string_view, std::string> items;
    {
        const std::lock_guard lock(mutex_);
        std::map<std::string, Before, std::less<>> seen;
        for (const auto& queue : queues) {
            const auto& name = queue.settings.name;
            const auto before = before_.find(name);
            const auto seconds = before == before_.end() ? 0 : std::chrono::duration<double>(now - before->second.at).count();
            items[name] = before == before_.end() ? item_text(queue, 0, 0)
                                                  : item_text(queue, rate(queue.enqueued, before->second.enqueued, seconds),
                                                              rate(queue.delivered, before->second.delivered, seconds));
            seen[name] = {now, queue.enqueued, queue.delivered};
        }
        before_ = std::move(seen);
        asks_queues_ = false;
    }
    for (const auto& subscriber : subscribers()) {
        const auto watched = subscriber->watched();
        if (watched.empty()) continue;
        std::string text = R"({"type":"queues","items":[)";
        bool is_first = true;
        for (const auto& name : watched) {
            const auto found = items.find(name);
            if (found == items.end()) continue;
            if (!is_first) text += ',';
            is_first = false;
            text += found->second;
        }
        subscriber->push(std::make_shared<const std::string>(text + "]}"));
    }
}

}  // namespace giromq::admin_web
