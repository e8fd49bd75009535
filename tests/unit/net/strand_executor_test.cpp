#include "net/strand_executor.hpp"

#include <cppunit/extensions/HelperMacros.h>

#include <boost/asio/post.hpp>
#include <functional>
#include <future>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "net/io_runtime.hpp"
#include "net/worker_thread.hpp"

namespace giromq::test {

using net::StrandExecutor;

class StrandExecutorTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(StrandExecutorTest);
    CPPUNIT_TEST(the_core_runs_at_once_on_a_free_io_thread);
    CPPUNIT_TEST(a_connection_runs_after_what_the_thread_does_now);
    CPPUNIT_TEST(a_connection_runs_its_own_completions_at_once);
    CPPUNIT_TEST(a_task_given_from_inside_comes_after_the_current_one);
    CPPUNIT_TEST(a_task_given_from_outside_waits_for_an_io_thread);
    CPPUNIT_TEST(inside_is_told_apart_from_outside);
    CPPUNIT_TEST(tasks_of_one_thread_keep_their_order_and_never_overlap);
    CPPUNIT_TEST(a_long_burst_lets_others_in_between);
    CPPUNIT_TEST(the_last_task_may_destroy_the_executor);
    CPPUNIT_TEST(a_worker_runs_tasks_in_order_and_drops_them_when_stopped);
    CPPUNIT_TEST_SUITE_END();

public:
    void the_core_runs_at_once_on_a_free_io_thread() {
        boost::asio::io_context io;
        StrandExecutor core(io, StrandExecutor::Idle::run_now);
        StrandExecutor connection(io, StrandExecutor::Idle::run_soon);
        std::string order;
        connection.execute([&] {
            order += 'a';
            core.execute([&] { order += 'b'; });
            order += 'c';
        });
        io.run();
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), order);
    }

    void a_connection_runs_after_what_the_thread_does_now() {
        boost::asio::io_context io;
        StrandExecutor core(io, StrandExecutor::Idle::run_now);
        StrandExecutor connection(io, StrandExecutor::Idle::run_soon);
        std::string order;
        boost::asio::post(io, [&] {
            core.execute([&] {
                connection.execute([&] { order += 'b'; });
                order += 'a';
            });
        });
        io.run();
        CPPUNIT_ASSERT_EQUAL(std::string("ab"), order);
    }

    void a_connection_runs_its_own_completions_at_once() {
        boost::asio::io_context io;
        StrandExecutor connection(io, StrandExecutor::Idle::run_soon);
        std::string order;
        boost::asio::post(io, [&] {
            connection.dispatch([&] { order += 'a'; });
            order += 'b';
        });
        io.run();
        CPPUNIT_ASSERT_EQUAL(std::string("ab"), order);
    }

    void a_task_given_from_inside_comes_after_the_current_one() {
        boost::asio::io_context io;
        StrandExecutor core(io, StrandExecutor::Idle::run_now);
        std::string order;
        core.execute([&] {
            core.execute([&] { order += 'b'; });
            core.dispatch([&] { order += 'c'; });
            order += 'a';
        });
        io.run();
        CPPUNIT_ASSERT_EQUAL(std::string("abc"), order);
    }

    void a_task_given_from_outside_waits_for_an_io_thread() {
        boost::asio::io_context io;
        StrandExecutor core(io, StrandExecutor::Idle::run_now);
        bool done = false;
        core.execute([&] { done = true; });
        CPPUNIT_ASSERT(!done);
        CPPUNIT_ASSERT(!core.is_idle());
        io.run();
        CPPUNIT_ASSERT(done);
        CPPUNIT_ASSERT(core.is_idle());
    }

    void inside_is_told_apart_from_outside() {
        boost::asio::io_context io;
        StrandExecutor core(io, StrandExecutor::Idle::run_now);
        StrandExecutor connection(io, StrandExecutor::Idle::run_soon);
        int checked = 0;
        connection.execute([&] {
            CPPUNIT_ASSERT(connection.is_current() && !core.is_current());
            core.execute([&] {
                CPPUNIT_ASSERT(core.is_current() && connection.is_current());
                ++checked;
            });
            CPPUNIT_ASSERT(!core.is_current());
            ++checked;
        });
        io.run();
        CPPUNIT_ASSERT_EQUAL(2, checked);
        CPPUNIT_ASSERT(!connection.is_current());
    }

    void tasks_of_one_thread_keep_their_order_and_never_overlap() {
        constexpr int threads = 4;
        constexpr int tasks = 20000;
        net::IoRuntime io(2);
        StrandExecutor core(io.context(), StrandExecutor::Idle::run_now);
        io.start();
        // Without a lock: the executor is what keeps them apart.
        std::vector<int> next(threads, 0);
        int done = 0;
        bool in_order = true;
        std::promise<void> finished;
        std::vector<std::thread> givers;
        for (int thread = 0; thread < threads; ++thread) {
            givers.emplace_back([&, thread] {
                for (int number = 0; number < tasks; ++number) {
                    core.execute([&, thread, number] {
                        in_order = in_order && next[static_cast<std::size_t>(thread)]++ == number;
                        if (++done == threads * tasks) finished.set_value();
                    });
                }
            });
        }
        for (auto& giver : givers) giver.join();
        finished.get_future().wait();
        io.stop();
        CPPUNIT_ASSERT(in_order);
        CPPUNIT_ASSERT_EQUAL(threads * tasks, done);
    }

    void a_long_burst_lets_others_in_between() {
        boost::asio::io_context io;
        StrandExecutor busy(io, StrandExecutor::Idle::run_now);
        int done = 0;
        int done_when_other_ran = -1;
        std::function<void()> step = [&] {
            if (++done < 10000) busy.execute([&] { step(); });
        };
        busy.execute([&] { step(); });
        boost::asio::post(io, [&] { done_when_other_ran = done; });
        io.run();
        CPPUNIT_ASSERT_EQUAL(10000, done);
        CPPUNIT_ASSERT(done_when_other_ran > 0 && done_when_other_ran < 1000);
    }

    void the_last_task_may_destroy_the_executor() {
        boost::asio::io_context io;
        auto executor = std::make_unique<StrandExecutor>(io, StrandExecutor::Idle::run_soon);
        executor->execute([&] { executor.reset(); });
        io.run();
        CPPUNIT_ASSERT(!executor);
    }

    void a_worker_runs_tasks_in_order_and_drops_them_when_stopped() {
        net::WorkerThread worker;
        std::promise<void> begun;
        std::promise<void> go_on;
        std::vector<int> order;
        worker.execute([&] {
            order.push_back(worker.is_current() ? 1 : -1);
            begun.set_value();
            go_on.get_future().wait();
        });
        begun.get_future().wait();
        CPPUNIT_ASSERT(!worker.is_current());
        worker.execute([&] { order.push_back(2); });
        std::thread stopper([&] { worker.stop(); });
        go_on.set_value();
        stopper.join();
        worker.execute([&] { order.push_back(3); });
        CPPUNIT_ASSERT(order.size() <= 2 && order.front() == 1);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(StrandExecutorTest);

}  // namespace giromq::test
