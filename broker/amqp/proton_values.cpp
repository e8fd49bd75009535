#include "amqp/proton_values.hpp"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/delivery.h>
#include <proton/disposition.h>
#include <proton/link.h>
#include <proton/terminus.h>

namespace giromq::amqp {
namespace {

/// delete-on-close, an empty list (§3.5.10).
constexpr std::uint64_t delete_on_close = 0x2b;

pn_bytes_t bytes_of(std::string_view text) { return pn_bytes(text.size(), text.data()); }
std::string_view view_of(pn_bytes_t bytes) { return {bytes.start == nullptr ? "" : bytes.start, bytes.size}; }

/// apache.org:selector-filter:string (AMQP JMS mapping); the key under which it stands is the client's choice.
constexpr std::uint64_t selector_code = 0x0000468C00000004;
constexpr std::string_view selector_symbol = "apache.org:selector-filter:string";

std::string_view text_of(pn_data_t* data) {
    if (pn_data_type(data) == PN_SYMBOL) return view_of(pn_data_get_symbol(data));
    return pn_data_type(data) == PN_STRING ? view_of(pn_data_get_string(data)) : std::string_view();
}

/// True if the current value is described as a selector, which is then in `found`.
bool read_selector(pn_data_t* data, FilterSet& found) {
    if (pn_data_type(data) != PN_DESCRIBED) return false;
    pn_data_enter(data);
    pn_data_next(data);
    const bool is_code = pn_data_type(data) == PN_ULONG && pn_data_get_ulong(data) == selector_code;
    const bool is_symbol = pn_data_type(data) == PN_SYMBOL && view_of(pn_data_get_symbol(data)) == selector_symbol;
    if (is_code || is_symbol) {
        ++found.selectors;
        found.has_symbolic_descriptor = is_symbol;
        const bool is_text = pn_data_next(data) && (pn_data_type(data) == PN_STRING || pn_data_type(data) == PN_SYMBOL);
        found.selector = is_text ? std::optional<std::string>(text_of(data)) : std::nullopt;
    }
    pn_data_exit(data);
    return is_code || is_symbol;
}

}  // namespace

void set_condition(pn_condition_t* condition, const Refusal& refusal) {
    pn_condition_clear(condition);
    pn_condition_set_name(condition, refusal.condition.c_str());
    pn_condition_set_description(condition, refusal.description.c_str());
}

void release(pn_delivery_t* delivery) {
    pn_delivery_update(delivery, PN_RELEASED);
    pn_delivery_settle(delivery);
}

void forget_unsent(pn_link_t* link) {
    for (pn_delivery_t* delivery = pn_unsettled_head(link); delivery != nullptr;) {
        pn_delivery_t* const next = pn_unsettled_next(delivery);
        if (pn_delivery_buffered(delivery)) pn_delivery_abort(delivery);
        delivery = next;
    }
}

void put_symbols(pn_data_t* data, std::initializer_list<std::string_view> symbols) {
    pn_data_clear(data);
    pn_data_put_array(data, false, PN_SYMBOL);
    pn_data_enter(data);
    for (const std::string_view symbol : symbols) pn_data_put_symbol(data, bytes_of(symbol));
    pn_data_exit(data);
    pn_data_rewind(data);
}

bool has_symbol(pn_data_t* data, std::string_view symbol) {
    pn_data_rewind(data);
    bool found = false;
    if (pn_data_next(data)) {
        if (pn_data_type(data) == PN_SYMBOL) {
            found = view_of(pn_data_get_symbol(data)) == symbol;
        } else if (pn_data_type(data) == PN_ARRAY && pn_data_get_array_type(data) == PN_SYMBOL) {
            pn_data_enter(data);
            while (!found && pn_data_next(data)) found = view_of(pn_data_get_symbol(data)) == symbol;
            pn_data_exit(data);
        }
    }
    pn_data_rewind(data);
    return found;
}

std::string address_of(pn_terminus_t* terminus) {
    const char* const address = pn_terminus_get_address(terminus);
    return address == nullptr ? std::string() : std::string(address);
}

bool has_address(pn_terminus_t* terminus) { return pn_terminus_get_address(terminus) != nullptr; }

FilterSet filters_of(pn_terminus_t* source) {
    pn_data_t* const data = pn_terminus_filter(source);
    FilterSet found;
    pn_data_rewind(data);
    if (pn_data_next(data) && pn_data_type(data) == PN_MAP) {
        const std::size_t count = pn_data_get_map(data);
        pn_data_enter(data);
        std::string key;
        for (std::size_t index = 0; index < count && pn_data_next(data); ++index) {
            if (index % 2 == 0) {
                key = text_of(data);
            } else if (read_selector(data, found)) {
                found.selector_key = key;
            } else {
                found.ignored += (found.ignored.empty() ? "" : " ") + (key.empty() ? "?" : key);
            }
        }
        pn_data_exit(data);
    }
    pn_data_rewind(data);
    return found;
}

void answer_terminus(pn_terminus_t* local, pn_terminus_t* remote, std::string_view capability) {
    pn_terminus_copy(local, remote);
    pn_data_clear(pn_terminus_filter(local));
    if (!capability.empty()) put_symbols(pn_terminus_capabilities(local), {capability});
}

void echo_selector(pn_terminus_t* local, const FilterSet& filters) {
    pn_data_t* const data = pn_terminus_filter(local);
    pn_data_clear(data);
    pn_data_put_map(data);
    pn_data_enter(data);
    pn_data_put_symbol(data, bytes_of(filters.selector_key));
    pn_data_put_described(data);
    pn_data_enter(data);
    if (filters.has_symbolic_descriptor) {
        pn_data_put_symbol(data, bytes_of(selector_symbol));
    } else {
        pn_data_put_ulong(data, selector_code);
    }
    pn_data_put_string(data, bytes_of(*filters.selector));
    pn_data_exit(data);
    pn_data_exit(data);
    pn_data_rewind(data);
}

void set_dynamic_node(pn_terminus_t* local, const std::string& address) {
    pn_terminus_set_dynamic(local, true);
    pn_terminus_set_address(local, address.c_str());
    pn_data_t* const properties = pn_terminus_properties(local);
    pn_data_clear(properties);
    pn_data_put_map(properties);
    pn_data_enter(properties);
    pn_data_put_symbol(properties, bytes_of("lifetime-policy"));
    pn_data_put_described(properties);
    pn_data_enter(properties);
    pn_data_put_ulong(properties, delete_on_close);
    pn_data_put_list(properties);
    pn_data_exit(properties);
    pn_data_exit(properties);
    pn_data_rewind(properties);
}

}  // namespace giromq::amqp
