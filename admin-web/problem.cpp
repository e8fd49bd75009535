#include "admin-web/problem.hpp"

#include <boost/json/object.hpp>
#include <boost/json/serialize.hpp>

#include "admin/errc.hpp"
#include "core/errc.hpp"
#include "security/errc.hpp"
#include "store/errc.hpp"

namespace giromq::admin_web {
namespace {

struct Kind {
    int status;
    std::string_view code;
};

Kind kind_of(core::errc code) {
    switch (code) {
        case core::errc::not_found: return {404, "not_found"};
        case core::errc::already_exists: return {409, "already_exists"};
        case core::errc::not_allowed: return {403, "not_allowed"};
        case core::errc::resource_limit: return {507, "resource_limit"};
        case core::errc::invalid_name: return {400, "invalid_name"};
        case core::errc::in_use: return {409, "in_use"};
        case core::errc::deleted: return {410, "deleted"};
        case core::errc::not_ready: return {503, "not_ready"};
        case core::errc::locked: return {409, "locked"};
        case core::errc::transaction_unknown: return {404, "transaction_unknown"};
        case core::errc::transaction_rolled_back: return {409, "transaction_rolled_back"};
        case core::errc::transaction_timeout: return {409, "transaction_timeout"};
        case core::errc::internal: return {500, "internal"};
    }
    return {500, "internal"};
}

Kind kind_of(security::errc code) {
    switch (code) {
        case security::errc::wrong_credentials: return {401, "wrong_credentials"};
        case security::errc::not_permitted: return {403, "not_permitted"};
        case security::errc::invalid_name: return {400, "invalid_name"};
        case security::errc::weak_password: return {400, "weak_password"};
        case security::errc::mechanism_not_offered:
        case security::errc::malformed: return {400, "malformed"};
        case security::errc::busy: return {503, "busy"};
        case security::errc::internal: return {500, "internal"};
    }
    return {500, "internal"};
}

Kind kind_of(admin::errc code) {
    switch (code) {
        case admin::errc::invalid_argument: return {400, "invalid_argument"};
        case admin::errc::not_found: return {404, "not_found"};
        case admin::errc::different: return {409, "different"};
        case admin::errc::configured: return {409, "configured"};
        case admin::errc::invalid_selector: return {400, "invalid_selector"};
        case admin::errc::last_administrator: return {409, "last_administrator"};
        case admin::errc::wrong_state: return {409, "wrong_state"};
        case admin::errc::busy: return {409, "busy"};
        case admin::errc::too_large: return {413, "too_large"};
        case admin::errc::precondition: return {412, "precondition_failed"};
        case admin::errc::password_needed: return {409, "password_needed"};
        case admin::errc::paused: return {409, "paused"};
        case admin::errc::interrupted: return {410, "interrupted"};
        case admin::errc::failed: return {500, "failed"};
    }
    return {500, "internal"};
}

Kind kind_of(store::errc code) {
    switch (code) {
        case store::errc::disk_full: return {507, "disk_full"};
        case store::errc::stopped: return {503, "not_ready"};
        default: return {500, "store_failed"};
    }
}

template <typename Errc>
bool matches(const Error& error, Kind& kind) {
    if (error.code().category() != errc_category<Errc>()) return false;
    kind = kind_of(static_cast<Errc>(error.code().value()));
    return true;
}

}  // namespace

Response problem(int status, std::string_view code, std::string_view title, std::string_view detail) {
    boost::json::object body;
    body["type"] = "urn:giromq:problem:" + std::string(code);
    body["title"] = title;
    body["status"] = status;
    if (!detail.empty()) body["detail"] = detail;
    body["code"] = code;
    Response response;
    response.status = status;
    response.content_type = "application/problem+json";
    response.body = boost::json::serialize(body);
    if (status == 401) response.headers.emplace_back("WWW-Authenticate", R"(Basic realm="giromq", charset="UTF-8")");
    if (status == 503) response.headers.emplace_back("Retry-After", "2");
    return response;
}

Response problem_of(const Error& error) {
    Kind kind{500, "internal"};
    matches<core::errc>(error, kind) || matches<security::errc>(error, kind) || matches<admin::errc>(error, kind) ||
        matches<store::errc>(error, kind);
    auto response = problem(kind.status, kind.code, error.code().message(), error.detail());
    response.is_refusal = error.is(security::errc::not_permitted);
    return response;
}

}  // namespace giromq::admin_web
