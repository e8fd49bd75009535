#pragma once

#include <optional>
#include <string>

#include "unit/amqp/broker.hpp"

namespace giromq::test {

/// The client's side of AMQP 1.0 part 4: a control link, and deliveries that name a transaction.
class Controller {
public:
    explicit Controller(Client& client) : client_(client) { link = open({}); }

    /// A control link whose source lists these outcomes.
    pn_link_t* open(std::initializer_list<std::string_view> outcomes) {
        pn_link_t* const control = client_.peer.sender(nullptr);
        pn_terminus_set_type(pn_link_target(control), PN_COORDINATOR);
        if (outcomes.size() > 0) {
            pn_data_t* const data = pn_terminus_outcomes(pn_link_source(control));
            pn_data_put_array(data, false, PN_SYMBOL);
            pn_data_enter(data);
            for (const auto outcome : outcomes) pn_data_put_symbol(data, pn_bytes(outcome.size(), outcome.data()));
            pn_data_exit(data);
        }
        client_.peer.open(control);
        client_.pump();
        return control;
    }

    static std::string declare_call() {
        return value([](codec::Writer& writer) {
            writer.descriptor(0x31);
            writer.end(writer.begin_list(), 0);
        });
    }
    static std::string discharge_call(const std::string& transaction, bool fail) {
        return value([&](codec::Writer& writer) {
            writer.descriptor(0x32);
            const auto list = writer.begin_list();
            writer.binary(as_bytes(transaction));
            writer.boolean(fail);
            writer.end(list, 2);
        });
    }
    template <typename Fill>
    static std::string value(Fill fill) {
        std::vector<std::uint8_t> bytes;
        codec::Writer writer(bytes);
        writer.descriptor(0x77);
        fill(writer);
        return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
    }

    pn_delivery_t* call(const std::string& bytes) { return client_.send(link, bytes); }
    /// The id that a declare was answered with.
    static std::string id_of(pn_delivery_t* declare) {
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x33}, pn_delivery_remote_state(declare));
        return first_binary(pn_disposition_data(pn_delivery_remote(declare)));
    }
    std::string declare() { return id_of(call(declare_call())); }
    pn_delivery_t* discharge(const std::string& transaction, bool fail = false) { return call(discharge_call(transaction, fail)); }
    /// What a discharge was refused with; empty if it was accepted.
    std::string commit(const std::string& transaction) { return answer_of(discharge(transaction)); }
    std::string roll_back(const std::string& transaction) { return answer_of(discharge(transaction, true)); }
    static std::string answer_of(pn_delivery_t* delivery) {
        if (pn_delivery_remote_state(delivery) == PN_ACCEPTED) return "";
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_REJECTED}, pn_delivery_remote_state(delivery));
        return AmqpPeer::rejection(delivery);
    }

    /// Sets the state of a delivery to transactional-state{transaction, outcome}; 0 for no outcome.
    static void set_state(pn_delivery_t* delivery, const std::string& transaction, std::uint64_t outcome = 0) {
        pn_data_t* const data = pn_disposition_data(pn_delivery_local(delivery));
        pn_data_clear(data);
        pn_data_put_list(data);
        pn_data_enter(data);
        pn_data_put_binary(data, pn_bytes(transaction.size(), transaction.data()));
        if (outcome != 0) {
            pn_data_put_described(data);
            pn_data_enter(data);
            pn_data_put_ulong(data, outcome);
            pn_data_put_list(data);
            pn_data_exit(data);
        }
        pn_data_exit(data);
        pn_delivery_update(delivery, 0x34);
    }
    pn_delivery_t* begin_put(const std::string& transaction, pn_link_t* to) {
        pn_delivery_t* const delivery = client_.peer.begin_send(to);
        set_state(delivery, transaction);
        return delivery;
    }
    pn_delivery_t* put(const std::string& transaction, pn_link_t* to, const std::string& bytes, bool settled = false) {
        pn_delivery_t* const delivery = begin_put(transaction, to);
        pn_link_send(to, bytes.data(), bytes.size());
        pn_link_advance(to);
        if (settled) pn_delivery_settle(delivery);
        client_.pump();
        return delivery;
    }
    void get(const std::string& transaction, const AmqpPeer::Received& received, std::uint64_t outcome, bool settled) {
        set_state(received.delivery, transaction, outcome);
        if (settled) pn_delivery_settle(received.delivery);
        client_.pump();
    }

    /// The transaction and the outcome in the broker's transactional-state.
    static std::pair<std::string, std::uint64_t> state_of(pn_delivery_t* delivery) {
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x34}, pn_delivery_remote_state(delivery));
        pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
        std::pair<std::string, std::uint64_t> state{first_binary(data), 0};
        pn_data_rewind(data);
        pn_data_next(data);
        pn_data_enter(data);
        pn_data_next(data);
        if (pn_data_next(data) && pn_data_type(data) == PN_DESCRIBED) {
            pn_data_enter(data);
            pn_data_next(data);
            state.second = pn_data_get_ulong(data);
        }
        pn_data_rewind(data);
        return state;
    }

    pn_link_t* link = nullptr;

private:
    static std::string first_binary(pn_data_t* data) {
        pn_data_rewind(data);
        CPPUNIT_ASSERT(pn_data_next(data));
        CPPUNIT_ASSERT_EQUAL(PN_LIST, pn_data_type(data));
        pn_data_enter(data);
        CPPUNIT_ASSERT(pn_data_next(data));
        CPPUNIT_ASSERT_EQUAL(PN_BINARY, pn_data_type(data));
        const pn_bytes_t bytes = pn_data_get_binary(data);
        std::string text(bytes.start, bytes.size);
        pn_data_rewind(data);
        return text;
    }

    Client& client_;
};

}  // namespace giromq::test
