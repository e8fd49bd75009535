#pragma once

#include <cstddef>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "amqp/conditions.hpp"

struct pn_condition_t;
struct pn_data_t;
struct pn_delivery_t;
struct pn_link_t;
struct pn_terminus_t;

/// Small conversions between the engine's values and ours.
namespace giromq::amqp {

void set_condition(pn_condition_t* condition, const Refusal& refusal);

/// Settles a delivery that is not taken: released, since without an outcome it could be taken for accepted.
void release(pn_delivery_t* delivery);

/// Lets go of what the engine holds of a sender's link that has ended and could not send: it would count as under way for ever.
void forget_unsent(pn_link_t* link);

/// Writes an array of symbols, as capabilities and outcomes are told.
void put_symbols(pn_data_t* data, std::initializer_list<std::string_view> symbols);

/// True if `data` is the symbol, or an array that has it.
bool has_symbol(pn_data_t* data, std::string_view symbol);

/// The address of a terminus; empty for none.
std::string address_of(pn_terminus_t* terminus);
bool has_address(pn_terminus_t* terminus);

/// What a source's filter set asks for.
struct FilterSet {
    std::string ignored;                  // the keys of those that are not known, for the log; empty if there is none
    std::size_t selectors = 0;            // apache.org:selector-filter:string, by its numeric or its symbolic descriptor
    std::optional<std::string> selector;  // the text of the last one; nothing if it is no text
    std::string selector_key;
    bool has_symbolic_descriptor = false;
};
FilterSet filters_of(pn_terminus_t* source);

/// Answers an attach: the terminus as the peer asked for it, except that filters are not echoed (an echo promises that the filter is
/// applied), and that the capabilities say what the node is.
void answer_terminus(pn_terminus_t* local, pn_terminus_t* remote, std::string_view capability);

/// Tells the peer that its selector is applied.
void echo_selector(pn_terminus_t* local, const FilterSet& filters);

/// Makes the terminus a dynamic node that lives as long as its link (AMQP 1.0 §3.5.10).
void set_dynamic_node(pn_terminus_t* local, const std::string& address);

}  // namespace giromq::amqp
