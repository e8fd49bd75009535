#include "engine.hpp"

#include <proton/codec.h>
#include <proton/condition.h>
#include <proton/connection.h>
#include <proton/sasl.h>
#include <proton/transport.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>

#include "giromq/exceptions.hpp"
#include "giromq/version.hpp"
#include "proton_text.hpp"

namespace giromq::detail {
namespace {

constexpr std::uint32_t max_frame_bytes = 256 * 1024;

std::string_view view_of(pn_bytes_t bytes) {
    return bytes.start == nullptr ? std::string_view() : std::string_view(bytes.start, bytes.size);
}

void put_property(pn_data_t* data, const char* name, std::string_view value) {
    pn_data_put_symbol(data, bytes_of(name));
    pn_data_put_string(data, bytes_of(value));
}

void describe(pn_connection_t* connection, bool sole_connection) {
    pn_data_t* const capabilities = pn_connection_desired_capabilities(connection);
    pn_data_put_array(capabilities, false, PN_SYMBOL);
    pn_data_enter(capabilities);
    if (sole_connection) pn_data_put_symbol(capabilities, bytes_of("sole-connection-for-container"));
    pn_data_put_symbol(capabilities, bytes_of("ANONYMOUS-RELAY"));
    pn_data_exit(capabilities);

    pn_data_t* const properties = pn_connection_properties(connection);
    pn_data_put_map(properties);
    pn_data_enter(properties);
    put_property(properties, "product", "libgiromq");
    put_property(properties, "version", library_version());
    put_property(properties, "platform", "C++20");
    pn_data_exit(properties);
}

/// Enters the remote open properties and stops at the value of `name`; false if it is not there.
bool find_property(pn_connection_t* connection, std::string_view name, pn_data_t*& data) {
    data = pn_connection_remote_properties(connection);
    if (data == nullptr) return false;
    pn_data_rewind(data);
    if (!pn_data_next(data) || pn_data_type(data) != PN_MAP) return false;
    const std::size_t count = pn_data_get_map(data);
    pn_data_enter(data);
    for (std::size_t index = 0; index + 1 < count; index += 2) {
        if (!pn_data_next(data)) return false;
        const bool found = view_of(pn_data_type(data) == PN_STRING ? pn_data_get_string(data) : pn_data_get_symbol(data)) == name;
        if (!pn_data_next(data)) return false;
        if (found) return true;
    }
    return false;
}

}  // namespace

Engine::Engine(const Settings& settings, const std::string& container_id, bool sole_connection, Credentials credentials) {
    if (pn_connection_driver_init(&driver_, nullptr, nullptr) != 0) throw std::bad_alloc();
    sasl_ = std::make_unique<SaslClient>(driver_.transport, std::move(credentials));
    pn_connection_set_container(driver_.connection, container_id.c_str());
    pn_connection_set_hostname(driver_.connection, settings.host.c_str());
    describe(driver_.connection, sole_connection);
    pn_transport_set_max_frame(driver_.transport, max_frame_bytes);
    pn_transport_set_idle_timeout(driver_.transport,
                                  static_cast<pn_millis_t>(std::min<std::int64_t>(settings.idle_timeout.count(), 0x7fffffff)));
    pn_connection_driver_bind(&driver_);
    pn_connection_open(driver_.connection);
}

Engine::~Engine() { pn_connection_driver_destroy(&driver_); }

std::size_t Engine::input(std::span<const char> bytes) {
    const pn_rwbytes_t buffer = pn_connection_driver_read_buffer(&driver_);
    const std::size_t size = std::min(buffer.size, bytes.size());
    if (size == 0) return 0;
    std::memcpy(buffer.start, bytes.data(), size);
    pn_connection_driver_read_done(&driver_, size);
    return size;
}

std::span<const char> Engine::output() {
    const pn_bytes_t bytes = pn_connection_driver_write_buffer(&driver_);
    return {bytes.start, bytes.size};
}

std::int64_t Engine::tick(std::int64_t now_ms) { return pn_transport_tick(driver_.transport, now_ms); }

std::string Engine::remote_property(const char* name) const {
    pn_data_t* data = nullptr;
    if (!find_property(driver_.connection, name, data)) return {};
    return std::string(view_of(pn_data_type(data) == PN_STRING ? pn_data_get_string(data) : pn_data_get_symbol(data)));
}

bool Engine::remote_flag(const char* name) const {
    pn_data_t* data = nullptr;
    return find_property(driver_.connection, name, data) && pn_data_type(data) == PN_BOOL && pn_data_get_bool(data);
}

bool Engine::remote_offers(std::string_view capability) const {
    pn_data_t* const data = pn_connection_remote_offered_capabilities(driver_.connection);
    if (data == nullptr) return false;
    pn_data_rewind(data);
    if (!pn_data_next(data)) return false;
    if (pn_data_type(data) == PN_SYMBOL) return view_of(pn_data_get_symbol(data)) == capability;
    if (pn_data_type(data) != PN_ARRAY) return false;
    pn_data_enter(data);
    while (pn_data_next(data)) {
        if (pn_data_type(data) == PN_SYMBOL && view_of(pn_data_get_symbol(data)) == capability) return true;
    }
    return false;
}

Failure Engine::transport_failure(const std::string& address) const {
    pn_sasl_t* const sasl = pn_sasl(driver_.transport);
    const pn_sasl_outcome_t outcome = pn_sasl_outcome(sasl);
    if (!sasl_->error().empty()) return Failure{FailureKind::security, "amqp:unauthorized-access", sasl_->error()};
    if (outcome == PN_SASL_AUTH || outcome == PN_SASL_PERM) {
        return Failure{FailureKind::security, "amqp:unauthorized-access",
                       "The broker at " + address + " refused the login; check user and password."};
    }
    if (outcome == PN_SASL_SYS || outcome == PN_SASL_TEMP) {
        return Failure{FailureKind::general, "giromq:connection-lost",
                       "The broker at " + address + " cannot check logins at the moment; try again later."};
    }
    pn_condition_t* const condition = pn_transport_condition(driver_.transport);
    if (pn_condition_is_set(condition)) return failure_of(condition, "The connection to " + address + " broke down");
    return Failure{FailureKind::general, "giromq:connection-lost", "The broker at " + address + " closed the connection."};
}

Failure failure_of(pn_condition_t* condition, const std::string& what) {
    const auto text = [](const char* value) { return value == nullptr ? std::string() : std::string(value).substr(0, 1024); };
    if (condition == nullptr || !pn_condition_is_set(condition)) return Failure{FailureKind::general, "", what + "."};
    return failure_of_condition(text(pn_condition_get_name(condition)), text(pn_condition_get_description(condition)), what);
}

}  // namespace giromq::detail
