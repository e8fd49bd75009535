#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string_view>

#include "base/check.hpp"

namespace giromq {

/// An immutable run of bytes that is shared, never copied: a message received from one connection is the same memory when it is
/// written to the store and sent to a consumer. Slices share their parent's memory.
/// Threads: any number may read; copying a SharedBytes counts references atomically.
class SharedBytes {
public:
    SharedBytes() = default;

    /// A copy of `bytes` in memory of its own (one allocation).
    static SharedBytes copy_of(std::span<const std::uint8_t> bytes);
    static SharedBytes copy_of(std::string_view text);

    /// A view of memory that `owner` keeps alive and unchanged.
    SharedBytes(std::shared_ptr<const void> owner, const std::uint8_t* data, std::size_t size)
        : owner_(std::move(owner)), data_(data), size_(size) {}

    const std::uint8_t* data() const { return data_; }
    std::size_t size() const { return size_; }
    bool empty() const { return size_ == 0; }
    std::span<const std::uint8_t> span() const { return {data_, size_}; }
    std::string_view view() const { return {reinterpret_cast<const char*>(data_), size_}; }

    SharedBytes slice(std::size_t offset, std::size_t count) const {
        GIROMQ_CHECK(offset <= size_ && count <= size_ - offset, "slice outside its bytes");
        return SharedBytes(owner_, data_ + offset, count);
    }

private:
    std::shared_ptr<const void> owner_;
    const std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

}  // namespace giromq
