#include "xa_codec.hpp"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/disposition.h>

#include <algorithm>

#include "transaction_codec.hpp"
#include "wire_writer.hpp"

namespace giromq::detail {
namespace {

using xa::ReturnCode;

constexpr std::uint64_t xa_result = 0x00007ED900000001;
constexpr std::uint64_t xa_recovered_descriptor = 0x00007ED900000002;
constexpr std::int64_t milliseconds_max = 0xffffffff;

std::string_view view_of(pn_bytes_t bytes) {
    return bytes.start == nullptr ? std::string_view() : std::string_view(bytes.start, bytes.size);
}

/// A message under construction: an amqp-value with one composite type, whose descriptor is a symbol.
class Body {
public:
    Body() : writer_(text_) { writer_.section(wire::amqp_value); }

    WireWriter& writer() { return writer_; }
    std::size_t begin(std::string_view type) {
        text_.push_back('\0');
        writer_.symbol(type);
        return writer_.begin_list();
    }
    void xid(const xa::Xid& value) {
        const std::size_t mark = begin("giromq:xid:list");
        writer_.int32(value.format_id());
        writer_.binary(value.gtrid());
        writer_.binary(value.bqual());
        writer_.end_list(mark, 3);
    }
    std::string take() { return std::move(text_); }

private:
    std::string text_;
    WireWriter writer_;
};

std::uint32_t milliseconds(std::chrono::milliseconds time) {
    return static_cast<std::uint32_t>(std::clamp<std::int64_t>(time.count(), 0, milliseconds_max));
}

std::string type_of(std::string_view call) { return "giromq:xa-" + std::string(call) + ":list"; }

bool enter_next_list(pn_data_t* data) { return pn_data_next(data) && pn_data_type(data) == PN_LIST && pn_data_enter(data); }

/// The standard's conditions, for an error without the code of ours.
ReturnCode code_of_condition(std::string_view condition) {
    if (condition == "amqp:transaction:unknown-id") return ReturnCode::er_nota;
    if (condition == "amqp:transaction:rollback") return ReturnCode::rb_rollback;
    if (condition == "amqp:transaction:timeout") return ReturnCode::rb_timeout;
    if (condition == "amqp:illegal-state") return ReturnCode::er_proto;
    if (condition == "amqp:invalid-field") return ReturnCode::er_inval;
    return ReturnCode::er_rm_error;
}

ReturnCode code_of_rejection(pn_condition_t* condition) {
    pn_data_t* const info = pn_condition_info(condition);
    pn_data_rewind(info);
    const char* const name = pn_condition_get_name(condition);
    const ReturnCode standard = code_of_condition(name == nullptr ? "" : name);
    if (!pn_data_next(info) || pn_data_type(info) != PN_MAP) return standard;
    const std::size_t count = pn_data_get_map(info);
    pn_data_enter(info);
    for (std::size_t index = 0; index + 1 < count; index += 2) {
        if (!pn_data_next(info)) return standard;
        const bool found = pn_data_type(info) == PN_SYMBOL && view_of(pn_data_get_symbol(info)) == "giromq:xa-code";
        if (!pn_data_next(info)) return standard;
        if (found && pn_data_type(info) == PN_INT) return xa::return_code_of(pn_data_get_int(info)).value_or(standard);
    }
    return standard;
}

std::optional<xa::Xid> read_xid(pn_data_t* data) {
    if (pn_data_type(data) != PN_DESCRIBED || !pn_data_enter(data)) return std::nullopt;
    std::optional<xa::Xid> xid;
    if (pn_data_next(data) && enter_next_list(data)) {
        pn_data_next(data);
        const std::int32_t format = pn_data_type(data) == PN_INT ? pn_data_get_int(data) : xa::Xid::null_format;
        pn_data_next(data);
        const std::string gtrid(pn_data_type(data) == PN_BINARY ? view_of(pn_data_get_binary(data)) : "");
        pn_data_next(data);
        const std::string bqual(pn_data_type(data) == PN_BINARY ? view_of(pn_data_get_binary(data)) : "");
        xid = xa::Xid::make(format, gtrid, bqual);
        pn_data_exit(data);
    }
    pn_data_exit(data);
    return xid;
}

}  // namespace

std::string encode_xa_start(const xa::Xid& xid, std::string_view mode, std::chrono::milliseconds timeout) {
    Body body;
    body.writer().section(declare_code);
    const std::size_t outer = body.writer().begin_list();
    const std::size_t branch = body.begin("giromq:xa-branch:list");
    body.xid(xid);
    body.writer().symbol(mode);
    if (timeout.count() > 0) body.writer().uint32(milliseconds(timeout));
    body.writer().end_list(branch, timeout.count() > 0 ? 3 : 2);
    body.writer().end_list(outer, 1);
    return body.take();
}

std::string encode_xa_suspend(std::string_view id, bool migrate) {
    Body body;
    const std::size_t mark = body.begin("giromq:xa-suspend:list");
    body.writer().binary(id);
    body.writer().boolean(migrate);
    body.writer().end_list(mark, 2);
    return body.take();
}

std::string encode_xa_call(std::string_view call, const xa::Xid& xid) {
    Body body;
    const std::size_t mark = body.begin(type_of(call));
    body.xid(xid);
    body.writer().end_list(mark, 1);
    return body.take();
}

std::string encode_xa_commit(const xa::Xid& xid, bool one_phase) {
    Body body;
    const std::size_t mark = body.begin(type_of("commit"));
    body.xid(xid);
    body.writer().boolean(one_phase);
    body.writer().end_list(mark, 2);
    return body.take();
}

std::string encode_xa_recover(const std::optional<xa::Xid>& after, std::size_t limit) {
    Body body;
    const std::size_t mark = body.begin(type_of("recover"));
    after ? body.xid(*after) : body.writer().null();
    body.writer().uint32(static_cast<std::uint32_t>(std::min<std::size_t>(limit, 1000)));
    body.writer().end_list(mark, 2);
    return body.take();
}

std::string encode_xa_timeout(const xa::Xid& xid, std::chrono::milliseconds timeout) {
    Body body;
    const std::size_t mark = body.begin(type_of("timeout"));
    body.xid(xid);
    body.writer().uint32(milliseconds(timeout));
    body.writer().end_list(mark, 2);
    return body.take();
}

ReturnCode xa_code(pn_delivery_t* delivery) {
    switch (pn_delivery_remote_state(delivery)) {
        case PN_ACCEPTED:
        case outcome_code::declared:
        case xa_recovered_descriptor: return ReturnCode::ok;
        case PN_REJECTED: return code_of_rejection(pn_disposition_condition(pn_delivery_remote(delivery)));
        case xa_result: break;
        default: return ReturnCode::er_rm_error;
    }
    pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
    pn_data_rewind(data);
    if (!enter_next_list(data) || !pn_data_next(data) || pn_data_type(data) != PN_INT) return ReturnCode::er_rm_error;
    return xa::return_code_of(pn_data_get_int(data)).value_or(ReturnCode::er_rm_error);
}

xa::XidPage xa_recovered(pn_delivery_t* delivery) {
    const ReturnCode code = xa_code(delivery);
    if (code != ReturnCode::ok) return {code, {}, false};
    const xa::XidPage broken{ReturnCode::er_rm_error, {}, false};
    if (pn_delivery_remote_state(delivery) != xa_recovered_descriptor) return broken;
    pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
    pn_data_rewind(data);
    xa::XidPage page;
    if (!enter_next_list(data) || !pn_data_next(data) || pn_data_type(data) != PN_LIST || !pn_data_enter(data)) return broken;
    while (pn_data_next(data)) {
        const std::optional<xa::Xid> xid = read_xid(data);
        if (!xid) return broken;
        page.xids.push_back(*xid);
    }
    pn_data_exit(data);
    pn_data_next(data);  // the states
    if (!pn_data_next(data) || pn_data_type(data) != PN_BOOL) return broken;
    page.more = pn_data_get_bool(data);
    return page;
}

}  // namespace giromq::detail
