#include "amqp/transaction_values.hpp"

#include <proton/codec.h>
#include <proton/delivery.h>
#include <proton/disposition.h>

#include <string_view>

namespace giromq::amqp {
namespace {

std::span<const std::uint8_t> span_of(pn_bytes_t bytes) { return {reinterpret_cast<const std::uint8_t*>(bytes.start), bytes.size}; }
std::string text_of(pn_bytes_t bytes) { return bytes.start == nullptr ? std::string() : std::string(bytes.start, bytes.size); }

void put_id(pn_data_t* data, TransactionId transaction) {
    const auto id = encode_transaction_id(transaction);
    pn_data_put_binary(data, pn_bytes(id.size(), reinterpret_cast<const char*>(id.data())));
}

/// A state whose only field is the id.
void set_state(pn_delivery_t* delivery, TransactionId transaction, std::uint64_t type) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_clear(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    put_id(data, transaction);
    pn_data_exit(data);
    pn_data_rewind(data);
    pn_delivery_update(delivery, type);
}

/// The descriptor of an outcome, by its code or by its name.
std::uint64_t outcome_code(pn_data_t* data) {
    if (pn_data_type(data) == PN_ULONG) return pn_data_get_ulong(data);
    if (pn_data_type(data) != PN_SYMBOL) return 0;
    const auto name = text_of(pn_data_get_symbol(data));
    if (name == "amqp:accepted:list") return PN_ACCEPTED;
    if (name == "amqp:rejected:list") return PN_REJECTED;
    if (name == "amqp:released:list") return PN_RELEASED;
    if (name == "amqp:modified:list") return PN_MODIFIED;
    return 0;
}

bool next_flag(pn_data_t* data) { return pn_data_next(data) && pn_data_type(data) == PN_BOOL && pn_data_get_bool(data); }

/// The first two fields of an error: condition and description.
void read_error(pn_data_t* data, TransactionalState& state) {
    if (!pn_data_next(data) || pn_data_type(data) != PN_DESCRIBED) return;
    pn_data_enter(data);
    if (pn_data_next(data) && pn_data_next(data) && pn_data_type(data) == PN_LIST) {
        pn_data_enter(data);
        if (pn_data_next(data) && pn_data_type(data) == PN_SYMBOL) state.condition = text_of(pn_data_get_symbol(data));
        if (pn_data_next(data) && pn_data_type(data) == PN_STRING) state.description = text_of(pn_data_get_string(data));
        pn_data_exit(data);
    }
    pn_data_exit(data);
}

void read_outcome(pn_data_t* data, TransactionalState& state) {
    if (pn_data_type(data) != PN_DESCRIBED) return;
    pn_data_enter(data);
    if (pn_data_next(data)) state.outcome = outcome_code(data);
    if (pn_data_next(data) && pn_data_type(data) == PN_LIST) {
        pn_data_enter(data);
        if (state.outcome == PN_REJECTED) read_error(data, state);
        if (state.outcome == PN_MODIFIED) {
            state.delivery_failed = next_flag(data);
            state.undeliverable_here = next_flag(data);
        }
        pn_data_exit(data);
    }
    pn_data_exit(data);
}

}  // namespace

std::vector<std::uint8_t> encode_transaction_id(TransactionId id) {
    std::vector<std::uint8_t> bytes(sizeof id.value);
    for (std::size_t index = bytes.size(); index-- > 0; id.value >>= 8U) bytes[index] = static_cast<std::uint8_t>(id.value);
    return bytes;
}

TransactionId decode_transaction_id(std::span<const std::uint8_t> bytes) {
    TransactionId id;
    if (bytes.size() != sizeof id.value) return id;
    for (const auto byte : bytes) id.value = id.value << 8U | byte;
    return id;
}

bool is_transactional(pn_delivery_t* delivery) { return pn_delivery_remote_state(delivery) == transaction_type::transactional_state; }

std::optional<TransactionalState> transactional_state_of(pn_delivery_t* delivery) {
    if (!is_transactional(delivery)) return std::nullopt;
    pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
    pn_data_rewind(data);
    std::optional<TransactionalState> found;
    if (pn_data_next(data) && pn_data_type(data) == PN_LIST) {
        pn_data_enter(data);
        if (pn_data_next(data) && pn_data_type(data) == PN_BINARY) {
            found.emplace();
            found->transaction = decode_transaction_id(span_of(pn_data_get_binary(data)));
            if (pn_data_next(data)) read_outcome(data, *found);
        }
        pn_data_exit(data);
    }
    pn_data_rewind(data);
    return found;
}

void answer_transactional(pn_delivery_t* delivery, TransactionId transaction) {
    pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
    pn_data_clear(data);
    pn_data_put_list(data);
    pn_data_enter(data);
    put_id(data, transaction);
    pn_data_put_described(data);
    pn_data_enter(data);
    pn_data_put_ulong(data, PN_ACCEPTED);
    pn_data_put_list(data);
    pn_data_exit(data);
    pn_data_exit(data);
    pn_data_rewind(data);
    pn_delivery_update(delivery, transaction_type::transactional_state);
}

void tell_acquired(pn_delivery_t* delivery, TransactionId transaction) {
    set_state(delivery, transaction, transaction_type::transactional_state);
}

void answer_declared(pn_delivery_t* delivery, TransactionId transaction) { set_state(delivery, transaction, transaction_type::declared); }

}  // namespace giromq::amqp
