#pragma once

#include <string>
#include <vector>

#include "unit/amqp/controller.hpp"
#include "xa/return_code.hpp"

namespace giromq::test {

/// A transaction manager and the application beside it, on one control link: the client's side of giromq:xa, written a second time from
/// docs/protocol-xa.md. Branches are named by their gtrid.
class BranchManager {
public:
    explicit BranchManager(Client& client) : controller(client) {}

    // Bodies of calls

    static void int32(codec::Writer& writer, std::int32_t value) {
        std::vector<std::uint8_t> bytes{0x71};
        for (int shift = 24; shift >= 0; shift -= 8) bytes.push_back(static_cast<std::uint8_t>(static_cast<std::uint32_t>(value) >> shift));
        writer.raw(bytes);
    }
    /// A list that is described by a symbol; `fill` answers the number of its fields.
    template <typename Fill>
    static void composite(codec::Writer& writer, std::string_view type, Fill fill) {
        writer.raw(std::vector<std::uint8_t>{0x00});
        writer.symbol(type);
        const auto list = writer.begin_list();
        const std::uint32_t fields = fill();
        writer.end(list, fields);
    }
    static void xid(codec::Writer& writer, std::string_view gtrid, std::int32_t format = 131077, std::string_view bqual = "b") {
        composite(writer, "giromq:xid:list", [&] {
            int32(writer, format);
            writer.binary(as_bytes(gtrid));
            writer.binary(as_bytes(bqual));
            return 3U;
        });
    }
    static std::string xid_call(std::string_view type, std::string_view gtrid) {
        return Controller::value([&](codec::Writer& writer) {
            composite(writer, type, [&] {
                xid(writer, gtrid);
                return 1U;
            });
        });
    }
    static std::string start_call(std::string_view gtrid, std::string_view mode, std::uint32_t timeout_ms = 0) {
        return Controller::value([&](codec::Writer& writer) {
            writer.descriptor(0x31);
            const auto declare = writer.begin_list();
            composite(writer, "giromq:xa-branch:list", [&] {
                xid(writer, gtrid);
                writer.symbol(mode);
                if (timeout_ms > 0) writer.uint32(timeout_ms);
                return timeout_ms > 0 ? 3U : 2U;
            });
            writer.end(declare, 1);
        });
    }
    static std::string suspend_call(const std::string& transaction, bool migrate) {
        return Controller::value([&](codec::Writer& writer) {
            composite(writer, "giromq:xa-suspend:list", [&] {
                writer.binary(as_bytes(transaction));
                writer.boolean(migrate);
                return 2U;
            });
        });
    }
    static std::string commit_call(std::string_view gtrid, bool one_phase, bool no_wait) {
        return Controller::value([&](codec::Writer& writer) {
            composite(writer, "giromq:xa-commit:list", [&] {
                xid(writer, gtrid);
                writer.boolean(one_phase);
                writer.boolean(no_wait);
                return 3U;
            });
        });
    }
    static std::string timeout_call(std::string_view gtrid, std::uint32_t timeout_ms) {
        return Controller::value([&](codec::Writer& writer) {
            composite(writer, "giromq:xa-timeout:list", [&] {
                xid(writer, gtrid);
                writer.uint32(timeout_ms);
                return 2U;
            });
        });
    }
    static std::string recover_call(std::string_view after, std::uint32_t limit) {
        return Controller::value([&](codec::Writer& writer) {
            composite(writer, "giromq:xa-recover:list", [&] {
                if (after.empty()) {
                    writer.null();
                } else {
                    xid(writer, after);
                }
                writer.uint32(limit);
                return 2U;
            });
        });
    }

    // Calls, answered with the name of the code

    std::string start(std::string_view gtrid, std::string_view mode = "new", std::uint32_t timeout_ms = 0) {
        pn_delivery_t* const declare = controller.call(start_call(gtrid, mode, timeout_ms));
        if (pn_delivery_remote_state(declare) == 0x33) transaction = Controller::id_of(declare);
        return answer_of(declare);
    }
    std::string end(bool fail = false) { return end(transaction, fail); }
    std::string end(const std::string& of, bool fail) { return answer_of(controller.discharge(of, fail)); }
    std::string suspend(bool migrate = false) { return asked(suspend_call(transaction, migrate)); }
    std::string prepare(std::string_view gtrid) { return asked(xid_call("giromq:xa-prepare:list", gtrid)); }
    std::string rollback(std::string_view gtrid) { return asked(xid_call("giromq:xa-rollback:list", gtrid)); }
    std::string forget(std::string_view gtrid) { return asked(xid_call("giromq:xa-forget:list", gtrid)); }
    std::string commit(std::string_view gtrid, bool one_phase = false) { return asked(commit_call(gtrid, one_phase, false)); }
    std::string set_timeout(std::string_view gtrid, std::uint32_t timeout_ms) { return asked(timeout_call(gtrid, timeout_ms)); }
    std::string asked(const std::string& body) { return answer_of(controller.call(body)); }
    /// "a b:heuristic ...": the branches in the order of the answer, and dots if there are more.
    std::string recover(std::string_view after = {}, std::uint32_t limit = 100) {
        return recovered_of(controller.call(recover_call(after, limit)));
    }

    /// The association's work: a message that is put.
    pn_delivery_t* put(pn_link_t* to, std::string_view text) { return controller.put(transaction, to, durable_text(text)); }

    // Answers

    /// "XA_OK", "XAER_NOTA" and so on; "none" without an outcome, "no code" if a refusal has none.
    static std::string answer_of(pn_delivery_t* delivery) {
        const auto state = pn_delivery_remote_state(delivery);
        if (state == 0) return "none";
        if (state == PN_ACCEPTED || state == 0x33) return "XA_OK";
        if (state == 0x00007ED900000001) return name_of_first(pn_disposition_data(pn_delivery_remote(delivery)), PN_LIST, 0);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{PN_REJECTED}, state);
        // The map of the error's info, whose only value is the code.
        return name_of_first(pn_condition_info(pn_disposition_condition(pn_delivery_remote(delivery))), PN_MAP, 1);
    }
    static std::string condition_of(pn_delivery_t* delivery) { return AmqpPeer::rejection(delivery); }

    static std::string recovered_of(pn_delivery_t* delivery) {
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x00007ED900000002}, pn_delivery_remote_state(delivery));
        pn_data_t* const data = pn_disposition_data(pn_delivery_remote(delivery));
        std::vector<std::string> found;
        pn_data_rewind(data);
        enter(data, PN_LIST);
        enter(data, PN_LIST);
        while (pn_data_next(data)) found.push_back(gtrid_of(data));
        pn_data_exit(data);
        enter(data, PN_LIST);
        for (auto& branch : found) {
            CPPUNIT_ASSERT(pn_data_next(data));
            const pn_bytes_t state = pn_data_get_symbol(data);
            if (std::string_view(state.start, state.size) != "prepared") branch += ":" + std::string(state.start, state.size);
        }
        CPPUNIT_ASSERT(!pn_data_next(data));
        pn_data_exit(data);
        CPPUNIT_ASSERT(pn_data_next(data));
        std::string text;
        for (const auto& branch : found) text += (text.empty() ? "" : " ") + branch;
        if (pn_data_get_bool(data)) text += " ...";
        return text;
    }

    Controller controller;
    std::string transaction;  // of the last start

private:
    static void enter(pn_data_t* data, pn_type_t type) {
        CPPUNIT_ASSERT(pn_data_next(data));
        CPPUNIT_ASSERT_EQUAL(type, pn_data_type(data));
        pn_data_enter(data);
    }
    static std::string gtrid_of(pn_data_t* data) {
        CPPUNIT_ASSERT_EQUAL(PN_DESCRIBED, pn_data_type(data));
        pn_data_enter(data);
        CPPUNIT_ASSERT(pn_data_next(data));
        const pn_bytes_t name = pn_data_get_symbol(data);
        CPPUNIT_ASSERT_EQUAL(std::string("giromq:xid:list"), std::string(name.start, name.size));
        enter(data, PN_LIST);
        CPPUNIT_ASSERT(pn_data_next(data));
        CPPUNIT_ASSERT_EQUAL(PN_INT, pn_data_type(data));
        CPPUNIT_ASSERT(pn_data_next(data));
        const pn_bytes_t gtrid = pn_data_get_binary(data);
        std::string text(gtrid.start, gtrid.size);
        pn_data_exit(data);
        pn_data_exit(data);
        return text;
    }
    /// The code behind `skipped` values of a list or a map.
    static std::string name_of_first(pn_data_t* data, pn_type_t type, int skipped) {
        pn_data_rewind(data);
        if (!pn_data_next(data) || pn_data_type(data) != type) return "no code";
        pn_data_enter(data);
        for (int value = 0; value <= skipped; ++value) CPPUNIT_ASSERT(pn_data_next(data));
        CPPUNIT_ASSERT_EQUAL(PN_INT, pn_data_type(data));
        const auto code = xa::return_code_of(pn_data_get_int(data));
        CPPUNIT_ASSERT(code.has_value());
        pn_data_rewind(data);
        return std::string(xa::name_of(*code));
    }
};

/// The branch, with a message that it puts, in the hands of `manager`.
inline void make_active(Client& client, BranchManager& manager, std::string_view gtrid) {
    CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), manager.start(gtrid));
    manager.put(client.sender("q"), "m");
}
inline void make_idle(Client& client, BranchManager& manager, std::string_view gtrid) {
    make_active(client, manager, gtrid);
    CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), manager.end());
}
inline void make_prepared(Client& client, BranchManager& manager, std::string_view gtrid) {
    make_idle(client, manager, gtrid);
    CPPUNIT_ASSERT_EQUAL(std::string("XA_OK"), manager.prepare(gtrid));
}

/// The name of the code and the condition that a call is refused with.
inline std::string refusal_of(BranchManager& manager, const std::string& body) {
    pn_delivery_t* const call = manager.controller.call(body);
    return BranchManager::answer_of(call) + " " + BranchManager::condition_of(call);
}

}  // namespace giromq::test
