#include "model/message.hpp"

#include "base/crc32c.hpp"

namespace giromq {

std::uint32_t Message::checksum() const { return crc32c(bare.span(), crc32c(annotations.span())); }

}  // namespace giromq
