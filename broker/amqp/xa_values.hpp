#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "amqp/conditions.hpp"
#include "model/amqp_reader.hpp"
#include "model/ids.hpp"
#include "xa/flags.hpp"
#include "xa/return_code.hpp"
#include "xa/xid.hpp"

struct pn_condition_t;
struct pn_delivery_t;

/// The types of the extension `giromq:xa` on the wire (docs/protocol-xa.md).
namespace giromq::amqp {

/// A call of XA, as the control link brings it.
struct XaRequest {
    enum class Kind : std::uint8_t { start, suspend, prepare, commit, rollback, forget, recover, set_timeout };
    Kind kind = Kind::recover;
    std::optional<xa::Xid> xid = std::nullopt;  // of recover: behind which the list begins; of suspend none
    TransactionId transaction = {};             // of suspend
    xa::Flags flags = xa::tm::no_flags;         // what the fields say, in the words of the specification
    std::chrono::milliseconds timeout{0};       // of start (0: the default) and set_timeout
    std::uint32_t limit = recover_limit_usual;  // of recover

    static constexpr std::uint32_t recover_limit_usual = 100;
    static constexpr std::uint32_t recover_limit_max = 1000;
};

/// What was read: a request, or nothing, with why. A call of ours with a wrong argument `is_invalid` and is answered with XAER_INVAL;
/// anything else is no call of XA.
struct ReadXaRequest {
    std::optional<XaRequest> request;
    bool is_invalid = false;
    std::string reason;
};

/// The descriptor of a described value, if that is a symbol.
std::string_view type_name_of(const codec::Value& described);
/// The body of a call, a list that is described by a symbol and whose structure has been checked.
ReadXaRequest read_xa_call(const codec::Value& call);
/// The global-id of a declare.
ReadXaRequest read_xa_start(const codec::Value& global_id);

/// A branch in xa-recover's list.
struct RecoveredBranch {
    xa::Xid xid;
    bool is_heuristic = false;
};
struct RecoveredBranches {
    std::vector<RecoveredBranch> branches;
    bool more = false;
};
/// No more bytes than this does the branch take in the outcome, which cannot be split over frames...
std::size_t recovered_bytes_max(const xa::Xid& xid);
/// ...and the outcome without any.
inline constexpr std::size_t recovered_bytes_fixed = 128;

void answer_xa_result(pn_delivery_t* delivery, xa::ReturnCode code);
void answer_xa_recovered(pn_delivery_t* delivery, const RecoveredBranches& recovered);

/// How a code is told to who does not know the extension.
Refusal refusal_of(xa::ReturnCode code);
/// Puts the code into the condition's info: it is what counts.
void set_xa_code(pn_condition_t* condition, xa::ReturnCode code);

}  // namespace giromq::amqp
