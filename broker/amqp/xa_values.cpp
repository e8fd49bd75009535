#include "amqp/xa_values.hpp"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/disposition.h>

#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "amqp/transaction_values.hpp"

namespace giromq::amqp {
namespace {

using codec::Kind;
using codec::Value;
using RequestKind = XaRequest::Kind;

constexpr std::uint64_t xa_result = 0x00007ED900000001;
constexpr std::uint64_t xa_recovered = 0x00007ED900000002;
constexpr std::string_view xid_type = "giromq:xid:list";
constexpr std::string_view branch_type = "giromq:xa-branch:list";

/// Up to three fields of a composite type; the first thing that is wrong with them is remembered.
class Fields {
public:
    Fields(const Value& list, std::size_t known) {
        codec::read_fields(list, values_);
        if (list.count > known) fail("has a field too many");
    }

    const std::string& error() const { return error_; }

    std::optional<xa::Xid> xid(std::size_t index) {
        if (values_.at(index).is_null()) fail("lacks an xid");
        return optional_xid(index);
    }
    std::optional<xa::Xid> optional_xid(std::size_t index) {
        const Value& value = values_.at(index);
        if (value.is_null()) return std::nullopt;
        if (value.kind != Kind::list || type_name_of(value) != xid_type) return fail("has something else where an xid belongs");
        std::array<Value, 3> parts;
        codec::read_fields(value, parts);
        const bool is_typed = parts[0].kind == Kind::int32 && parts[1].kind == Kind::binary && parts[2].kind == Kind::binary;
        if (value.count > parts.size() || !is_typed) return fail("has an xid that is not an int and two binaries");
        const auto format = static_cast<std::int32_t>(parts[0].as_signed());
        auto made = xa::Xid::make(format, parts[1].text(), parts[2].text());
        if (!made) fail("has an xid that is null or whose parts have a length that is not allowed");
        return made;
    }
    TransactionId transaction(std::size_t index) {
        const Value& value = values_.at(index);
        if (value.kind == Kind::binary) return decode_transaction_id(value.content);
        fail("lacks a txn-id");
        return {};
    }
    bool flag(std::size_t index) {
        const Value& value = values_.at(index);
        if (!value.is_null() && value.kind != Kind::boolean) fail("has something else where a boolean belongs");
        return value.kind == Kind::boolean && value.bits == 1;
    }
    std::optional<std::uint32_t> number(std::size_t index) {
        const Value& value = values_.at(index);
        if (value.is_null()) return std::nullopt;
        if (value.kind != Kind::uint32) return fail("has something else where a uint belongs");
        return static_cast<std::uint32_t>(value.bits);
    }
    std::string_view symbol(std::size_t index) const {
        const Value& value = values_.at(index);
        return value.kind == Kind::symbol ? value.text() : std::string_view();
    }
    std::nullopt_t fail(std::string_view what) {
        if (error_.empty()) error_ = what;
        return std::nullopt;
    }

private:
    std::array<Value, 3> values_;
    std::string error_;
};

/// The request, unless something is wrong with a field.
ReadXaRequest checked(std::string_view type, const Fields& fields, XaRequest request) {
    ReadXaRequest read;
    if (fields.error().empty()) {
        read.request = std::move(request);
    } else {
        read.is_invalid = true;
        read.reason = std::string(type) + " " + fields.error();
    }
    return read;
}

std::chrono::milliseconds milliseconds(std::optional<std::uint32_t> number) { return std::chrono::milliseconds(number.value_or(0)); }

/// Calls whose only field is the XID.
std::optional<RequestKind> plain_kind(std::string_view type) {
    if (type == "giromq:xa-prepare:list") return RequestKind::prepare;
    if (type == "giromq:xa-rollback:list") return RequestKind::rollback;
    if (type == "giromq:xa-forget:list") return RequestKind::forget;
    return std::nullopt;
}

ReadXaRequest read_plain(std::string_view type, RequestKind kind, const Value& call) {
    Fields fields(call, 1);
    XaRequest request{.kind = kind};
    request.xid = fields.xid(0);
    return checked(type, fields, std::move(request));
}

ReadXaRequest read_commit(std::string_view type, const Value& call) {
    Fields fields(call, 3);
    XaRequest request{.kind = RequestKind::commit};
    request.xid = fields.xid(0);
    if (fields.flag(1)) request.flags |= xa::tm::one_phase;
    if (fields.flag(2)) request.flags |= xa::tm::no_wait;
    return checked(type, fields, std::move(request));
}

ReadXaRequest read_suspend(std::string_view type, const Value& call) {
    Fields fields(call, 2);
    XaRequest request{.kind = RequestKind::suspend, .flags = xa::tm::suspend};
    request.transaction = fields.transaction(0);
    if (fields.flag(1)) request.flags |= xa::tm::migrate;
    return checked(type, fields, std::move(request));
}

ReadXaRequest read_recover(std::string_view type, const Value& call) {
    Fields fields(call, 2);
    XaRequest request{.kind = RequestKind::recover};
    request.xid = fields.optional_xid(0);
    request.limit = std::min(fields.number(1).value_or(XaRequest::recover_limit_usual), XaRequest::recover_limit_max);
    if (request.limit == 0) fields.fail("has a limit of 0");
    return checked(type, fields, std::move(request));
}

ReadXaRequest read_timeout(std::string_view type, const Value& call) {
    Fields fields(call, 2);
    XaRequest request{.kind = RequestKind::set_timeout};
    request.xid = fields.xid(0);
    request.timeout = milliseconds(fields.number(1));
    if (request.timeout.count() == 0) fields.fail("lacks a timeout of at least 1 ms");
    return checked(type, fields, std::move(request));
}

pn_bytes_t bytes_of(std::string_view text) { return pn_bytes(text.size(), text.data()); }

void put_symbol(pn_data_t* data, std::string_view text) { pn_data_put_symbol(data, bytes_of(text)); }

void put_xid(pn_data_t* data, const xa::Xid& xid) {
    pn_data_put_described(data);
    pn_data_enter(data);
    put_symbol(data, xid_type);
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_int(data, xid.format_id());
    pn_data_put_binary(data, bytes_of(xid.gtrid()));
    pn_data_put_binary(data, bytes_of(xid.bqual()));
    pn_data_exit(data);
    pn_data_exit(data);
}

/// The fields of an outcome, to be filled in.
pn_data_t* begin_outcome(pn_delivery_t* delivery) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_clear(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    return data;
}

void end_outcome(pn_delivery_t* delivery, pn_data_t* data, std::uint64_t descriptor) {
    pn_data_exit(data);
    pn_data_rewind(data);
    pn_delivery_update(delivery, descriptor);
}

std::string_view condition_of(xa::ReturnCode code) {
    using xa::ReturnCode;
    if (xa::is_heuristic(code)) return condition::heuristic;
    if (code == ReturnCode::rb_timeout) return condition::transaction_timeout;
    if (xa::is_rollback(code)) return condition::transaction_rollback;
    switch (code) {
        case ReturnCode::er_nota: return condition::transaction_unknown_id;
        case ReturnCode::er_proto: return condition::illegal_state;
        case ReturnCode::er_inval: return condition::invalid_field;
        case ReturnCode::er_dupid: return condition::duplicate_xid;
        case ReturnCode::retry: return condition::retry;
        default: return condition::internal_error;
    }
}

}  // namespace

std::string_view type_name_of(const Value& described) {
    codec::Reader reader(described.descriptor);
    Value descriptor;
    return reader.read(descriptor) && descriptor.kind == Kind::symbol ? descriptor.text() : std::string_view();
}

ReadXaRequest read_xa_call(const Value& call) {
    const std::string_view type = type_name_of(call);
    if (const auto kind = plain_kind(type)) return read_plain(type, *kind, call);
    if (type == "giromq:xa-commit:list") return read_commit(type, call);
    if (type == "giromq:xa-suspend:list") return read_suspend(type, call);
    if (type == "giromq:xa-recover:list") return read_recover(type, call);
    if (type == "giromq:xa-timeout:list") return read_timeout(type, call);
    return {.request = std::nullopt, .is_invalid = false, .reason = "no such call"};
}

ReadXaRequest read_xa_start(const Value& global_id) {
    if (global_id.kind != Kind::list || type_name_of(global_id) != branch_type) {
        return {.request = std::nullopt, .is_invalid = false, .reason = "the global-id is no giromq:xa-branch"};
    }
    Fields fields(global_id, 3);
    XaRequest request{.kind = RequestKind::start};
    request.xid = fields.xid(0);
    request.timeout = milliseconds(fields.number(2));
    const std::string_view mode = fields.symbol(1);
    if (mode == "join") {
        request.flags = xa::tm::join;
    } else if (mode == "resume") {
        request.flags = xa::tm::resume;
    } else if (mode != "new") {
        fields.fail("has a mode that is not new, join or resume");
    }
    if (mode != "new" && request.timeout.count() > 0) fields.fail("has a timeout, which only a new branch can be given");
    return checked(branch_type, fields, std::move(request));
}

std::size_t recovered_bytes_max(const xa::Xid& xid) {
    // The descriptor; the list, the int and two binaries in their longest forms; the state.
    constexpr std::size_t fixed = 2 + xid_type.size() + 9 + 5 + 5 + 5 + 5 + std::string_view("heuristic").size();
    return fixed + xid.gtrid().size() + xid.bqual().size();
}

void answer_xa_result(pn_delivery_t* delivery, xa::ReturnCode code) {
    pn_data_t* const data = begin_outcome(delivery);
    pn_data_put_int(data, static_cast<std::int32_t>(code));
    end_outcome(delivery, data, xa_result);
}

void answer_xa_recovered(pn_delivery_t* delivery, const RecoveredBranches& recovered) {
    pn_data_t* const data = begin_outcome(delivery);
    pn_data_put_list(data);
    pn_data_enter(data);
    for (const auto& branch : recovered.branches) put_xid(data, branch.xid);
    pn_data_exit(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    for (const auto& branch : recovered.branches) put_symbol(data, branch.is_heuristic ? "heuristic" : "prepared");
    pn_data_exit(data);
    pn_data_put_bool(data, recovered.more);
    end_outcome(delivery, data, xa_recovered);
}

Refusal refusal_of(xa::ReturnCode code) {
    return {std::string(condition_of(code)), std::string(xa::name_of(code)) + ": " + std::string(xa::text_of(code))};
}

void set_xa_code(pn_condition_t* condition, xa::ReturnCode code) {
    pn_data_t* const info = pn_condition_info(condition);
    pn_data_clear(info);
    pn_data_put_map(info);
    pn_data_enter(info);
    put_symbol(info, "giromq:xa-code");
    pn_data_put_int(info, static_cast<std::int32_t>(code));
    pn_data_exit(info);
    pn_data_rewind(info);
}

}  // namespace giromq::amqp
