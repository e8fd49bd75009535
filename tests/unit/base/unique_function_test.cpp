#include <cppunit/extensions/HelperMacros.h>

#include <array>
#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

#include "base/unique_function.hpp"

namespace giromq::test {

namespace {

/// Counts its living instances, and how often it was moved.
template <std::size_t Size, bool NothrowMove>
class Counted {
public:
    Counted(int* alive, int* moves) : alive_(alive), moves_(moves) { ++*alive_; }
    Counted(Counted&& other) noexcept(NothrowMove) : alive_(other.alive_), moves_(other.moves_) {
        ++*alive_;
        ++*moves_;
    }
    Counted(const Counted&) = delete;
    Counted& operator=(const Counted&) = delete;
    Counted& operator=(Counted&&) = delete;
    ~Counted() { --*alive_; }

    int operator()(int number) { return number + static_cast<int>(Size); }

private:
    int* alive_;
    int* moves_;
    std::array<char, Size> padding_{};
};

/// A callable whose move constructor throws when it is armed.
class ThrowingMove {
public:
    explicit ThrowingMove(bool* armed) : armed_(armed) {}
    ThrowingMove(ThrowingMove&& other) : armed_(other.armed_) {
        if (*armed_) throw std::runtime_error("moved");
    }
    ThrowingMove(const ThrowingMove&) = delete;
    ThrowingMove& operator=(const ThrowingMove&) = delete;
    ThrowingMove& operator=(ThrowingMove&&) = delete;
    ~ThrowingMove() = default;

    int operator()() { return 42; }

private:
    bool* armed_;
};

}  // namespace

class UniqueFunctionTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(UniqueFunctionTest);
    CPPUNIT_TEST(an_empty_function_is_false);
    CPPUNIT_TEST(a_small_callable_is_destroyed_exactly_once);
    CPPUNIT_TEST(a_large_callable_is_destroyed_exactly_once);
    CPPUNIT_TEST(moving_a_large_callable_moves_only_the_pointer);
    CPPUNIT_TEST(moving_leaves_the_source_empty);
    CPPUNIT_TEST(assignment_destroys_what_was_held);
    CPPUNIT_TEST(assigning_to_itself_keeps_the_callable);
    CPPUNIT_TEST(a_callable_whose_move_may_throw_is_moved_without_throwing);
    CPPUNIT_TEST(a_throwing_construction_leaves_nothing_behind);
    CPPUNIT_TEST(move_only_arguments_and_results_pass_through);
    CPPUNIT_TEST(references_are_passed_as_references);
    CPPUNIT_TEST(an_exception_of_the_callable_reaches_the_caller);
    CPPUNIT_TEST_SUITE_END();

    template <typename Callable>
    void is_destroyed_exactly_once() {
        int alive = 0;
        int moves = 0;
        {
            UniqueFunction<int(int)> function{Callable(&alive, &moves)};
            CPPUNIT_ASSERT_EQUAL(1, alive);
            UniqueFunction<int(int)> other = std::move(function);
            CPPUNIT_ASSERT_EQUAL(1, alive);
            CPPUNIT_ASSERT(other(1) > 1);
        }
        CPPUNIT_ASSERT_EQUAL(0, alive);
    }

    void an_empty_function_is_false() {
        UniqueFunction<void()> function;
        CPPUNIT_ASSERT(!function);
        function = [] {};
        CPPUNIT_ASSERT(static_cast<bool>(function));
        function = nullptr;
        CPPUNIT_ASSERT(!function);
    }

    void a_small_callable_is_destroyed_exactly_once() { is_destroyed_exactly_once<Counted<8, true>>(); }

    void a_large_callable_is_destroyed_exactly_once() { is_destroyed_exactly_once<Counted<200, true>>(); }

    void moving_a_large_callable_moves_only_the_pointer() {
        int alive = 0;
        int moves = 0;
        UniqueFunction<int(int)> function{Counted<200, true>(&alive, &moves)};
        const int moves_to_build = moves;
        UniqueFunction<int(int)> other = std::move(function);
        CPPUNIT_ASSERT_EQUAL(moves_to_build, moves);
        CPPUNIT_ASSERT_EQUAL(201, other(1));
    }

    void moving_leaves_the_source_empty() {
        UniqueFunction<int()> source = [] { return 3; };
        UniqueFunction<int()> target = std::move(source);
        CPPUNIT_ASSERT(!source);
        CPPUNIT_ASSERT_EQUAL(3, target());
    }

    void assignment_destroys_what_was_held() {
        int alive = 0;
        int moves = 0;
        UniqueFunction<int(int)> function{Counted<8, true>(&alive, &moves)};
        CPPUNIT_ASSERT_EQUAL(1, alive);
        function = [](int number) { return number; };
        CPPUNIT_ASSERT_EQUAL(0, alive);
        CPPUNIT_ASSERT_EQUAL(5, function(5));
    }

    void assigning_to_itself_keeps_the_callable() {
        UniqueFunction<int()> function = [] { return 9; };
        UniqueFunction<int()>& same = function;
        function = std::move(same);
        CPPUNIT_ASSERT(static_cast<bool>(function));
        CPPUNIT_ASSERT_EQUAL(9, function());
    }

    void a_callable_whose_move_may_throw_is_moved_without_throwing() {
        bool armed = false;
        UniqueFunction<int()> function{ThrowingMove(&armed)};
        armed = true;
        UniqueFunction<int()> other = std::move(function);
        CPPUNIT_ASSERT_EQUAL(42, other());
        int alive = 0;
        int moves = 0;
        UniqueFunction<int(int)> counted{Counted<8, false>(&alive, &moves)};
        const int moves_to_build = moves;
        UniqueFunction<int(int)> moved = std::move(counted);
        CPPUNIT_ASSERT_EQUAL(moves_to_build, moves);
        CPPUNIT_ASSERT_EQUAL(1, alive);
    }

    void a_throwing_construction_leaves_nothing_behind() {
        bool armed = true;
        ThrowingMove callable(&armed);
        CPPUNIT_ASSERT_THROW(UniqueFunction<int()>(std::move(callable)), std::runtime_error);
    }

    void move_only_arguments_and_results_pass_through() {
        UniqueFunction<std::unique_ptr<int>(std::unique_ptr<int>)> function = [](std::unique_ptr<int> number) {
            ++*number;
            return number;
        };
        CPPUNIT_ASSERT_EQUAL(8, *function(std::make_unique<int>(7)));
    }

    void references_are_passed_as_references() {
        UniqueFunction<void(std::string&)> function = [](std::string& text) { text += "b"; };
        std::string text = "a";
        function(text);
        CPPUNIT_ASSERT_EQUAL(std::string("ab"), text);
    }

    void an_exception_of_the_callable_reaches_the_caller() {
        UniqueFunction<void()> function = [] { throw std::runtime_error("thrown"); };
        CPPUNIT_ASSERT_THROW(function(), std::runtime_error);
        CPPUNIT_ASSERT(static_cast<bool>(function));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(UniqueFunctionTest);

}  // namespace giromq::test
