#include "amqp/proton_values.hpp"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/terminus.h>

namespace giromq::amqp {
namespace {

/// delete-on-close, an empty list (§3.5.10).
constexpr std::uint64_t delete_on_close = 0x2b;

pn_bytes_t bytes_of(std::string_view text) { return pn_bytes(text.size(), text.data()); }
std::string_view view_of(pn_bytes_t bytes) { return {bytes.start == nullptr ? "" : bytes.start, bytes.size}; }

}  // namespace

void set_condition(pn_condition_t* condition, const Refusal& refusal) {
    pn_condition_clear(condition);
    pn_condition_set_name(condition, refusal.condition.c_str());
    pn_condition_set_description(condition, refusal.description.c_str());
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

std::string filter_names(pn_terminus_t* source) {
    pn_data_t* const data = pn_terminus_filter(source);
    std::string names;
    pn_data_rewind(data);
    if (pn_data_next(data) && pn_data_type(data) == PN_MAP) {
        const std::size_t count = pn_data_get_map(data);
        pn_data_enter(data);
        for (std::size_t index = 0; index < count && pn_data_next(data); ++index) {
            if (index % 2 != 0) continue;
            if (!names.empty()) names += ' ';
            names += pn_data_type(data) == PN_SYMBOL ? view_of(pn_data_get_symbol(data)) : std::string_view("?");
        }
        pn_data_exit(data);
    }
    pn_data_rewind(data);
    return names;
}

void answer_terminus(pn_terminus_t* local, pn_terminus_t* remote, std::string_view capability) {
    pn_terminus_copy(local, remote);
    pn_data_clear(pn_terminus_filter(local));
    if (!capability.empty()) put_symbols(pn_terminus_capabilities(local), {capability});
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
