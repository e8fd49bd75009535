#pragma once

#include <string>
#include <string_view>

namespace giromq::security {

/// What counts as one address where clients are counted or locked: an IPv4 address as it is; of an IPv6 address, with or without brackets,
/// the first 64 bits ("2001:db8::/64"), since whoever holds one address holds at least that many. Anything else as it is.
std::string network_of(std::string_view host);

}  // namespace giromq::security
