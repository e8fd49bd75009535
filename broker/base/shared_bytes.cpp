#include "base/shared_bytes.hpp"

#include <cstring>

namespace giromq {

SharedBytes SharedBytes::copy_of(std::span<const std::uint8_t> bytes) {
    if (bytes.empty()) return {};
    auto memory = std::make_shared_for_overwrite<std::uint8_t[]>(bytes.size());
    std::memcpy(memory.get(), bytes.data(), bytes.size());
    const std::uint8_t* const data = memory.get();
    return SharedBytes(std::move(memory), data, bytes.size());
}

SharedBytes SharedBytes::copy_of(std::string_view text) {
    return copy_of({reinterpret_cast<const std::uint8_t*>(text.data()), text.size()});
}

}  // namespace giromq
