#include "link_core.hpp"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/link.h>
#include <proton/terminus.h>

#include <cstring>

#include "failure.hpp"

namespace giromq::detail {

void LinkCore::attach() {
    if (state_ != State::detached || !connection_.is_open()) return;
    link_ = make_link();
    if (link_ == nullptr) return;
    pn_link_set_context(link_, this);
    pn_link_open(link_);
    state_ = State::attaching;
}

void LinkCore::release() {
    if (link_ == nullptr) return;
    pn_link_set_context(link_, nullptr);
    pn_link_free(link_);
    link_ = nullptr;
}

void LinkCore::close_link() {
    if (state_ == State::closing || state_ == State::closed) return;
    if (link_ == nullptr) {
        state_ = State::closed;
        return;
    }
    pn_link_close(link_);
    state_ = State::closing;
}

void LinkCore::abandon() {
    if (link_ != nullptr) {
        if (state_ == State::attaching || state_ == State::attached) pn_link_close(link_);
        // The deliveries go with the link: what still knows one must not touch it any more.
        const Failure abandoned{FailureKind::general, "giromq:timeout", "The broker has not answered, so " + describe() + " was given up."};
        on_detached(&abandoned);
        release();
    }
    state_ = State::closed;
}

void LinkCore::lose() {
    link_ = nullptr;  // it went with the engine
    if (state_ == State::failed || state_ == State::closed) return;
    state_ = state_ == State::closing ? State::closed : State::detached;
    on_detached(nullptr);
    notify();
}

void LinkCore::fail(const Failure& failure) {
    if (state_ == State::failed || state_ == State::closed) return;
    end(state_ == State::closing ? State::closed : State::failed, failure);
}

void LinkCore::refuse(const Failure& failure) {
    pn_condition_t* const condition = pn_link_condition(link_);
    pn_condition_set_name(condition, failure.code.c_str());
    pn_condition_set_description(condition, failure.reason.c_str());
    pn_link_close(link_);
    end(State::failed, failure);
}

void LinkCore::handle_remote_open() {
    // A refusal is an attach without a terminus, then a detach with the reason (AMQP 1.0 §2.6.3).
    if (state_ != State::attaching || !accepted_by_remote()) return;
    state_ = State::attached;
    if (const auto problem = on_attached()) {
        pn_link_close(link_);
        end(State::failed, *problem);
        return;
    }
    notify();
}

void LinkCore::handle_remote_close() {
    const bool expected = state_ == State::closing;
    Failure failure = failure_of(pn_link_remote_condition(link_), "The broker has ended " + describe());
    interpret(failure);
    if (!expected) pn_link_close(link_);
    end(expected ? State::closed : State::failed, failure);
}

void LinkCore::end(State state, const Failure& failure) {
    state_ = state;
    if (state == State::failed) failure_ = failure;
    on_detached(&failure);
    release();
    notify();
}

void offer_outcomes(pn_terminus_t* source) {
    pn_data_t* const outcomes = pn_terminus_outcomes(source);
    pn_data_put_array(outcomes, false, PN_SYMBOL);
    pn_data_enter(outcomes);
    for (const char* const name : {"amqp:accepted:list", "amqp:rejected:list", "amqp:released:list", "amqp:modified:list"}) {
        pn_data_put_symbol(outcomes, pn_bytes(std::strlen(name), name));
    }
    pn_data_exit(outcomes);
}

bool offers_outcome(pn_terminus_t* source, std::string_view outcome) {
    pn_data_t* const outcomes = pn_terminus_outcomes(source);
    pn_data_rewind(outcomes);
    if (!pn_data_next(outcomes)) return true;
    const auto is_it = [&] {
        const pn_bytes_t symbol = pn_data_get_symbol(outcomes);
        return symbol.start != nullptr && std::string_view(symbol.start, symbol.size) == outcome;
    };
    if (pn_data_type(outcomes) == PN_SYMBOL) return is_it();
    if (pn_data_type(outcomes) != PN_ARRAY || pn_data_get_array(outcomes) == 0) return true;
    pn_data_enter(outcomes);
    while (pn_data_next(outcomes)) {
        if (is_it()) return true;
    }
    return false;
}

void describe_terminus(pn_terminus_t* terminus, const Destination* destination) {
    const char* capability = nullptr;
    if (destination != nullptr) {
        pn_terminus_set_address(terminus, destination->name().c_str());
        switch (destination->kind()) {
            case DestinationKind::queue: capability = "queue"; break;
            case DestinationKind::topic: capability = "topic"; break;
            case DestinationKind::temporary_queue: capability = "temporary-queue"; break;
            case DestinationKind::temporary_topic: capability = "temporary-topic"; break;
        }
    }
    if (capability == nullptr) return;
    pn_data_t* const capabilities = pn_terminus_capabilities(terminus);
    pn_data_put_array(capabilities, false, PN_SYMBOL);
    pn_data_enter(capabilities);
    pn_data_put_symbol(capabilities, pn_bytes(std::strlen(capability), capability));
    pn_data_exit(capabilities);
}

}  // namespace giromq::detail
