#include "transaction_codec.hpp"

#include <proton/codec.h>
#include <proton/delivery.h>
#include <proton/disposition.h>

#include "engine.hpp"
#include "proton_text.hpp"
#include "wire_writer.hpp"

namespace giromq::detail {
namespace {

constexpr std::uint8_t discharge = 0x32;

/// Enters the list that a state of its own kind consists of; false if it is none.
bool enter_list(pn_data_t* data) {
    pn_data_rewind(data);
    return pn_data_next(data) && pn_data_type(data) == PN_LIST && pn_data_enter(data);
}

/// The error in the fields of `rejected`: the reader stands before them.
Failure rejection(pn_data_t* data, const std::string& what) {
    std::string condition;
    std::string description;
    if (pn_data_next(data) && pn_data_type(data) == PN_DESCRIBED && pn_data_enter(data)) {
        pn_data_next(data);  // the descriptor of `error`
        if (pn_data_next(data) && pn_data_type(data) == PN_LIST && pn_data_enter(data)) {
            if (pn_data_next(data) && pn_data_type(data) == PN_SYMBOL) condition = string_of(pn_data_get_symbol(data));
            if (pn_data_next(data) && pn_data_type(data) == PN_STRING) description = string_of(pn_data_get_string(data)).substr(0, 1024);
        }
    }
    if (condition.empty() && description.empty()) return Failure{FailureKind::general, "", what + "."};
    return failure_of_condition(std::move(condition), std::move(description), what);
}

RemoteOutcome transactional_outcome(pn_delivery_t* delivery, const std::string& what) {
    RemoteOutcome outcome;
    pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
    if (!enter_list(data) || !pn_data_next(data)) return outcome;  // the first field: the id
    if (!pn_data_next(data) || pn_data_type(data) != PN_DESCRIBED || !pn_data_enter(data)) return outcome;
    if (!pn_data_next(data) || pn_data_type(data) != PN_ULONG) return outcome;
    outcome.code = pn_data_get_ulong(data);
    if (outcome.code != PN_REJECTED) return outcome;
    const bool has_fields = pn_data_next(data) && pn_data_type(data) == PN_LIST && pn_data_enter(data);
    outcome.failure = has_fields ? rejection(data, what) : Failure{FailureKind::general, "", what + "."};
    return outcome;
}

}  // namespace

std::string encode_declare() {
    std::string body;
    WireWriter writer(body);
    writer.section(wire::amqp_value);
    writer.section(declare_code);
    writer.end_list(writer.begin_list(), 0);
    return body;
}

std::string encode_discharge(std::string_view id, bool fail) {
    std::string body;
    WireWriter writer(body);
    writer.section(wire::amqp_value);
    writer.section(discharge);
    const std::size_t mark = writer.begin_list();
    writer.binary(id);
    writer.boolean(fail);
    writer.end_list(mark, 2);
    return body;
}

void put_in_transaction(pn_delivery_t* delivery, std::string_view id) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_clear(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_binary(data, bytes_of(id));
    pn_data_exit(data);
    pn_delivery_update(delivery, outcome_code::transactional_state);
}

void accept_in_transaction(pn_delivery_t* delivery, std::string_view id) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_clear(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    pn_data_put_binary(data, bytes_of(id));
    pn_data_put_described(data);
    pn_data_enter(data);
    pn_data_put_ulong(data, PN_ACCEPTED);
    pn_data_put_list(data);
    pn_data_exit(data);
    pn_data_exit(data);
    pn_delivery_update(delivery, outcome_code::transactional_state);
}

std::string declared_id(pn_delivery_t* delivery) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
    if (!enter_list(data) || !pn_data_next(data) || pn_data_type(data) != PN_BINARY) return {};
    return string_of(pn_data_get_binary(data));
}

RemoteOutcome remote_outcome(pn_delivery_t* delivery, const std::string& what) {
    const std::uint64_t state = pn_delivery_remote_state(delivery);
    if (state == outcome_code::transactional_state) return transactional_outcome(delivery, what);
    RemoteOutcome outcome{state, std::nullopt};
    if (state == PN_REJECTED) outcome.failure = failure_of(pn_disposition_condition(pn_delivery_remote(delivery)), what);
    return outcome;
}

}  // namespace giromq::detail
