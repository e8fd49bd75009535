#include "amqp/mailbox.hpp"

#include <iterator>

namespace giromq::amqp {
namespace {

/// The mailbox whose task this thread is handing to the executor: an executor may run it at once, and that task may close the mailbox.
thread_local const Mailbox* scheduling_here = nullptr;

}  // namespace

void Mailbox::post(News item) {
    std::unique_lock lock(mutex_);
    if (closed_) return;
    items_.push_back(std::move(item));
    schedule(std::move(lock));
}

void Mailbox::post_all(std::vector<News>& items) {
    std::unique_lock lock(mutex_);
    if (closed_) {
        lock.unlock();
        items.clear();
        return;
    }
    if (items_.empty()) {
        items_.swap(items);
    } else {
        items_.insert(items_.end(), std::make_move_iterator(items.begin()), std::make_move_iterator(items.end()));
        items.clear();
    }
    schedule(std::move(lock));
}

void Mailbox::schedule(std::unique_lock<std::mutex> lock) {
    if (scheduled_) return;
    scheduled_ = true;
    ++scheduling_;
    lock.unlock();
    const Mailbox* const outer = std::exchange(scheduling_here, this);
    executor_.execute([reader = reader_] {
        if (const auto alive = reader.lock()) alive->on_mail();
    });
    scheduling_here = outer;
    lock.lock();
    --scheduling_;
    if (closed_) idle_.notify_all();
}

void Mailbox::take(std::vector<News>& items) {
    const std::lock_guard lock(mutex_);
    scheduled_ = false;
    items_.swap(items);
}

bool Mailbox::is_closed() const {
    const std::lock_guard lock(mutex_);
    return closed_;
}

void Mailbox::close() {
    std::unique_lock lock(mutex_);
    closed_ = true;
    items_.clear();
    // The executor may be destroyed after this, so nobody may still be inside it. That takes no longer than queueing a task.
    const std::uint32_t own = scheduling_here == this ? 1 : 0;
    idle_.wait(lock, [this, own] { return scheduling_ <= own; });
}

}  // namespace giromq::amqp
