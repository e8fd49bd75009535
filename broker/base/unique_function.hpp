#pragma once

#include <cstddef>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

#include "base/check.hpp"

namespace giromq {

template <typename Signature>
class UniqueFunction;

/// A move-only callable, as std::move_only_function will be in C++23. Callables of up to 48 bytes that move without throwing are
/// held inline, so that the closures of the message path cost no allocation.
template <typename R, typename... Args>
class UniqueFunction<R(Args...)> {
public:
    UniqueFunction() = default;
    UniqueFunction(std::nullptr_t) {}

    template <typename F>
    requires(!std::is_same_v<std::remove_cvref_t<F>, UniqueFunction> && std::is_invocable_r_v<R, std::remove_cvref_t<F>&, Args...>)
        UniqueFunction(F&& callable) {
        using Callable = std::remove_cvref_t<F>;
        if constexpr (fits_inline<Callable>) {
            ::new (static_cast<void*>(storage_)) Callable(std::forward<F>(callable));
            operations_ = &inline_operations<Callable>;
        } else {
            ::new (static_cast<void*>(storage_)) Callable*(new Callable(std::forward<F>(callable)));
            operations_ = &heap_operations<Callable>;
        }
    }

    UniqueFunction(UniqueFunction&& other) noexcept { take(other); }
    UniqueFunction& operator=(UniqueFunction&& other) noexcept {
        if (this != &other) {
            reset();
            take(other);
        }
        return *this;
    }
    UniqueFunction(const UniqueFunction&) = delete;
    UniqueFunction& operator=(const UniqueFunction&) = delete;
    ~UniqueFunction() { reset(); }

    explicit operator bool() const { return operations_ != nullptr; }

    R operator()(Args... args) {
        GIROMQ_CHECK(operations_ != nullptr, "an empty UniqueFunction was called");
        return operations_->invoke(storage_, std::forward<Args>(args)...);
    }

private:
    static constexpr std::size_t inline_bytes = 48;

    template <typename Callable>
    static constexpr bool fits_inline = sizeof(Callable) <= inline_bytes &&
                                        alignof(Callable) <= alignof(std::max_align_t) && std::is_nothrow_move_constructible_v<Callable>;

    struct Operations {
        R (*invoke)(void* storage, Args&&... args);
        void (*move)(void* from, void* to) noexcept;
        void (*destroy)(void* storage) noexcept;
    };

    template <typename Callable>
    static constexpr Operations inline_operations{
        [](void* storage, Args&&... args) -> R { return (*static_cast<Callable*>(storage))(std::forward<Args>(args)...); },
        [](void* from, void* to) noexcept {
            ::new (to) Callable(std::move(*static_cast<Callable*>(from)));
            static_cast<Callable*>(from)->~Callable();
        },
        [](void* storage) noexcept { static_cast<Callable*>(storage)->~Callable(); }};

    template <typename Callable>
    static constexpr Operations heap_operations{
        [](void* storage, Args&&... args) -> R { return (**static_cast<Callable**>(storage))(std::forward<Args>(args)...); },
        [](void* from, void* to) noexcept { ::new (to) Callable*(*static_cast<Callable**>(from)); },
        [](void* storage) noexcept { delete *static_cast<Callable**>(storage); }};

    void take(UniqueFunction& other) noexcept {
        if (other.operations_ == nullptr) return;
        other.operations_->move(other.storage_, storage_);
        operations_ = std::exchange(other.operations_, nullptr);
    }
    void reset() noexcept {
        if (operations_ != nullptr) std::exchange(operations_, nullptr)->destroy(storage_);
    }

    alignas(std::max_align_t) std::byte storage_[inline_bytes];
    const Operations* operations_ = nullptr;
};

/// Work to be run once, somewhere else.
using Task = UniqueFunction<void()>;

}  // namespace giromq
