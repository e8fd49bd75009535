#include <condition_variable>
#include <deque>
#include <mutex>
#include <thread>
#include <utility>
#include <variant>

#include "store/commit_queue.hpp"

namespace giromq::store {
namespace {

struct PageQuestion {
    DestinationId destination;
    Position after;
    PageLimits limits;
    UniqueFunction<void(Result<Page>)> done;
};
struct ChunkQuestion {
    MessageNumber number;
    std::uint32_t index;
    UniqueFunction<void(Result<SharedBytes>)> done;
};
struct MessageQuestion {
    MessageNumber number;
    UniqueFunction<void(Result<MessagePtr>)> done;
};
struct AuditQuestion {
    AuditQuery query;
    UniqueFunction<void(Result<AuditStretch>)> done;
};
using Question = std::variant<PageQuestion, ChunkQuestion, MessageQuestion, AuditQuestion>;

template <typename Answer>
void tell(Executor& core, UniqueFunction<void(Result<Answer>)> done, Result<Answer> answer) {
    core.execute(
        [done = std::move(done), answer = std::make_unique<Result<Answer>>(std::move(answer))]() mutable { done(std::move(*answer)); });
}

}  // namespace

struct ReadQueue::Impl {
    Impl(Store& the_store, Executor& the_core) : store(the_store), core(the_core) {}

    void run();
    void ask(Question question);
    void answer(PageQuestion& question) {
        tell(core, std::move(question.done), store.page(question.destination, question.after, question.limits));
    }
    void answer(ChunkQuestion& question) { question.done(store.chunk(question.number, question.index)); }
    void answer(MessageQuestion& question) { tell(core, std::move(question.done), store.message(question.number)); }
    void answer(AuditQuestion& question) { tell(core, std::move(question.done), store.audit(question.query)); }
    void refuse(AuditQuestion& question) { tell(core, std::move(question.done), Result<AuditStretch>(Error(errc::stopped))); }
    void refuse(PageQuestion& question) { tell(core, std::move(question.done), Result<Page>(Error(errc::stopped))); }
    void refuse(MessageQuestion& question) { tell(core, std::move(question.done), Result<MessagePtr>(Error(errc::stopped))); }
    void refuse(ChunkQuestion& question) { question.done(Error(errc::stopped)); }

    Store& store;
    Executor& core;
    std::mutex mutex;
    std::condition_variable wake;
    std::deque<Question> waiting;
    bool stopping = false;
    std::thread thread;
};

void ReadQueue::Impl::run() {
    std::unique_lock lock(mutex);
    while (true) {
        wake.wait(lock, [this] { return stopping || !waiting.empty(); });
        if (waiting.empty()) return;
        Question question = std::move(waiting.front());
        waiting.pop_front();
        const bool refused = stopping;
        lock.unlock();
        std::visit([&](auto& asked) { refused ? refuse(asked) : answer(asked); }, question);
        lock.lock();
    }
}

void ReadQueue::Impl::ask(Question question) {
    {
        const std::lock_guard lock(mutex);
        if (!stopping) {
            waiting.push_back(std::move(question));
            wake.notify_one();
            return;
        }
    }
    std::visit([this](auto& asked) { refuse(asked); }, question);
}

ReadQueue::ReadQueue(Store& store, Executor& core) : impl_(std::make_unique<Impl>(store, core)) {
    impl_->thread = std::thread([impl = impl_.get()] { impl->run(); });
}

ReadQueue::~ReadQueue() { stop(); }

void ReadQueue::page(DestinationId destination, Position after, PageLimits limits, UniqueFunction<void(Result<Page>)> done) {
    impl_->ask(PageQuestion{destination, after, limits, std::move(done)});
}

void ReadQueue::chunk(MessageNumber number, std::uint32_t index, UniqueFunction<void(Result<SharedBytes>)> done) {
    impl_->ask(ChunkQuestion{number, index, std::move(done)});
}

void ReadQueue::message(MessageNumber number, UniqueFunction<void(Result<MessagePtr>)> done) {
    impl_->ask(MessageQuestion{number, std::move(done)});
}

void ReadQueue::audit(AuditQuery query, UniqueFunction<void(Result<AuditStretch>)> done) {
    impl_->ask(AuditQuestion{std::move(query), std::move(done)});
}

void ReadQueue::stop() {
    {
        const std::lock_guard lock(impl_->mutex);
        impl_->stopping = true;
    }
    impl_->wake.notify_one();
    if (impl_->thread.joinable()) impl_->thread.join();
}

}  // namespace giromq::store
