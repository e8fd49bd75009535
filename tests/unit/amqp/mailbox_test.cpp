#include "amqp/mailbox.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <atomic>
#include <memory>
#include <thread>
#include <vector>

#include "support/manual_executor.hpp"

namespace giromq::test {

using amqp::Mailbox;
using amqp::News;

/// The way from the core, the workers and the reading thread to a connection.
class AmqpMailboxTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpMailboxTest);
    CPPUNIT_TEST(a_thousand_news_wake_the_reader_once);
    CPPUNIT_TEST(news_after_taking_wake_it_again);
    CPPUNIT_TEST(nothing_comes_after_close);
    CPPUNIT_TEST(a_reader_that_is_gone_is_not_woken);
    CPPUNIT_TEST(threads_may_post_while_it_closes);
    CPPUNIT_TEST_SUITE_END();

    struct Reader final : amqp::MailReader {
        void on_mail() override {
            ++wakes;
            if (mailbox == nullptr) return;
            std::vector<News> items;
            mailbox->take(items);
            taken += items.size();
        }
        Mailbox* mailbox = nullptr;
        std::size_t wakes = 0;
        std::size_t taken = 0;
    };
    static News window(std::uint32_t messages) { return amqp::news::Window{{}, messages}; }

    void a_thousand_news_wake_the_reader_once() {
        ManualExecutor executor;
        Mailbox mailbox(executor);
        const auto reader = std::make_shared<Reader>();
        mailbox.set_reader(reader);
        std::vector<News> many;
        for (std::uint32_t index = 0; index < 999; ++index) many.push_back(window(index));
        mailbox.post_all(many);
        CPPUNIT_ASSERT(many.empty());
        mailbox.post(window(999));
        executor.run_all();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, reader->wakes);
        std::vector<News> items;
        mailbox.take(items);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1000}, items.size());
        for (std::uint32_t index = 0; index < 1000; ++index) {
            CPPUNIT_ASSERT_EQUAL(index, std::get<amqp::news::Window>(items[index]).messages);
        }
    }

    void news_after_taking_wake_it_again() {
        ManualExecutor executor;
        Mailbox mailbox(executor);
        const auto reader = std::make_shared<Reader>();
        reader->mailbox = &mailbox;
        mailbox.set_reader(reader);
        for (int round = 0; round < 3; ++round) {
            mailbox.post(window(1));
            executor.run_all();
        }
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, reader->wakes);
        CPPUNIT_ASSERT_EQUAL(std::size_t{3}, reader->taken);
    }

    void nothing_comes_after_close() {
        ManualExecutor executor;
        Mailbox mailbox(executor);
        const auto reader = std::make_shared<Reader>();
        mailbox.set_reader(reader);
        mailbox.close();
        mailbox.post(window(1));
        std::vector<News> many;
        many.push_back(window(2));
        mailbox.post_all(many);
        CPPUNIT_ASSERT(many.empty());
        CPPUNIT_ASSERT(executor.empty());
    }

    void a_reader_that_is_gone_is_not_woken() {
        ManualExecutor executor;
        Mailbox mailbox(executor);
        auto reader = std::make_shared<Reader>();
        mailbox.set_reader(reader);
        mailbox.post(window(1));
        reader.reset();
        executor.run_all();
    }

    /// An executor that must not be touched any more once close() has returned.
    struct FragileExecutor final : Executor {
        void execute(Task) override {
            if (!alive->load()) misused->store(true);
            std::this_thread::yield();
            if (!alive->load()) misused->store(true);
        }
        bool is_current() const override { return false; }
        std::shared_ptr<std::atomic<bool>> alive = std::make_shared<std::atomic<bool>>(true);
        std::shared_ptr<std::atomic<bool>> misused = std::make_shared<std::atomic<bool>>(false);
    };

    void threads_may_post_while_it_closes() {
        for (int round = 0; round < 200; ++round) {
            FragileExecutor executor;
            Mailbox mailbox(executor);
            const auto reader = std::make_shared<Reader>();
            mailbox.set_reader(reader);
            std::atomic<bool> go{false};
            std::vector<std::thread> threads;
            for (int thread = 0; thread < 3; ++thread) {
                threads.emplace_back([&] {
                    while (!go.load()) std::this_thread::yield();
                    for (std::uint32_t index = 0; index < 20; ++index) mailbox.post(window(index));
                });
            }
            go.store(true);
            std::vector<News> items;
            mailbox.take(items);
            mailbox.close();
            executor.alive->store(false);
            for (std::thread& thread : threads) thread.join();
            CPPUNIT_ASSERT(!executor.misused->load());
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpMailboxTest);

}  // namespace giromq::test
