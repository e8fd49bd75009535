#pragma once

#include <proton/types.h>

#include <chrono>
#include <optional>
#include <string>
#include <string_view>

#include "xa/recovery_scan.hpp"
#include "xa/xid.hpp"

/// The types of the extension `giromq:xa` on the wire (docs/protocol-xa.md).
namespace giromq::detail {

inline constexpr const char* xa_capability = "giromq:xa";

/// `mode`: new, join or resume. A timeout of 0 is the broker's own.
std::string encode_xa_start(const xa::Xid& xid, std::string_view mode, std::chrono::milliseconds timeout);
std::string encode_xa_suspend(std::string_view id, bool migrate);
/// `call`: prepare, rollback or forget.
std::string encode_xa_call(std::string_view call, const xa::Xid& xid);
std::string encode_xa_commit(const xa::Xid& xid, bool one_phase);
std::string encode_xa_recover(const std::optional<xa::Xid>& after, std::size_t limit);
std::string encode_xa_timeout(const xa::Xid& xid, std::chrono::milliseconds timeout);

/// The code in the outcome of a call: of xa-result, of the error of `rejected`, or XA_OK for any other good outcome.
xa::ReturnCode xa_code(pn_delivery_t* delivery);
/// The outcome xa-recovered; XAER_RMERR if it is another one or is not well-formed.
xa::XidPage xa_recovered(pn_delivery_t* delivery);

}  // namespace giromq::detail
