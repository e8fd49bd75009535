#include <boost/json/array.hpp>
#include <utility>

#include "admin-web/answers.hpp"
#include "admin-web/json_fields.hpp"
#include "admin-web/problem.hpp"
#include "admin-web/request_gate.hpp"
#include "admin-web/site.hpp"
#include "base/limits.hpp"
#include "base/log.hpp"
#include "security/crypto.hpp"

/// Who has sent a request: HTTP Basic (the command line, scripts, monitors), the session of a browser, or nobody with --dev.
namespace giromq::admin_web {
namespace json = boost::json;
namespace {

constexpr std::string_view not_encrypted = "the connection is not encrypted";

Response tls_required() { return problem(403, "tls_required", not_encrypted, "passwords are taken over TLS or from this machine only"); }

/// A page of ours asks with fetch(): the browser must not open its own window for a password then.
bool is_of_page(const Request& request) { return request.header("sec-fetch-dest") == "empty"; }

Response without_challenge(Response response) {
    for (auto& [name, value] : response.headers) {
        if (name == "WWW-Authenticate") value = R"(GiroMQ-Session realm="giromq")";
    }
    return response;
}

Response wants_login(const Request& request) {
    auto response = problem(401, "login_required", "log in", "send a user name and a password (HTTP Basic), or log in at /api/v1/session");
    return is_of_page(request) ? without_challenge(std::move(response)) : response;
}

security::Identity from(const Request& request, security::Identity who) {
    who.peer = request.peer.address;
    who.protocol = "http";
    return who;
}

/// The one rule of what keeps a session from ending for want of use: what a person does. That is not the question who is logged in, nor the
/// live figures, nor what a page asks for by itself, which says so.
bool is_use(const Request& request, const Target& target) {
    if (!is_read(request.method)) return true;
    const auto& path = target.segments;
    const bool is_asked_by_itself = path.size() == 3 && (path[2] == "session" || path[2] == "events");
    return !is_asked_by_itself && request.count("x-giromq-background") == 0;
}

json::array may_do(const security::Identity& who) {
    json::array words;
    for (const auto action : security::all_actions) {
        if (authorise(who, action, {})) words.emplace_back(to_text(action));
    }
    return words;
}

/// Not 401: who is logged in stays so.
Response wrong_password(const Error& error) {
    if (!error.is(security::errc::wrong_credentials)) return problem_of(error);
    return problem(403, "wrong_credentials", error.code().message(), {});
}

/// The same work whether the tokens differ early or late.
bool is_same_token(std::string_view left, std::string_view right) {
    const auto one = security::sha256(security::as_bytes(left));
    const auto other = security::sha256(security::as_bytes(right));
    return one && other && security::equal_in_constant_time(*one, *other);
}

json::object to_json(const LoginSession& session, const SessionLimits& limits, Timestamp now) {
    const auto at = [&](std::chrono::milliseconds from_now) { return to_text(Timestamp{now.milliseconds + from_now.count()}); };
    json::object body;
    body["user"] = session.who.user;
    body["role"] = to_text(session.who.role);
    body["csrfToken"] = session.csrf_token;
    body["expiresAt"] = at(session.ends_in);
    body["idleTimeoutMs"] = limits.idle.count();
    body["confirmedUntil"] = session.confirmed_for ? json::value(at(*session.confirmed_for)) : json::value(nullptr);
    body["mayDo"] = may_do(session.who);
    return body;
}

}  // namespace

std::optional<std::string> Site::session_id(const Request& request) {
    if (request.count("cookie") != 1) return std::nullopt;
    return session_id_of(request.header("cookie"));
}

std::optional<Response> Site::refuse_unconfirmed(const Call& call) {
    if (!call.session || call.session->confirmed_for) return std::nullopt;
    return problem(403, "confirmation_required", "give your password again", "POST /api/v1/session/confirm, then repeat this");
}

/// Finds out who it is, and goes on to where the request leads.
void Site::log_in(Request request, Target target, Done done) {
    if (request.count("authorization") > 0) return log_in_by_password(std::move(request), std::move(target), std::move(done));
    if (const auto id = session_id(request)) {
        if (auto session = sessions_.view(*id)) {
            const bool is_token_needed = !is_read(request.method);
            if (is_token_needed &&
                (request.count("x-csrf-token") != 1 || !is_same_token(request.header("x-csrf-token"), session->csrf_token))) {
                return done(problem(403, "csrf", "refused because of where it comes from", "X-CSRF-Token is not the one of the session"));
            }
            if (is_use(request, target)) sessions_.use(*id);
            auto who = from(request, session->who);
            return dispatch({std::move(request), std::move(target), std::move(who), std::move(done), std::move(session)});
        }
    }
    if (!settings_.anonymous_is_administrator || !request.peer.is_loopback) return done(wants_login(request));
    auto who = from(request, Identity{"anonymous", Role::administrator});
    dispatch({std::move(request), std::move(target), std::move(who), std::move(done), std::nullopt});
}

void Site::log_in_by_password(Request request, Target target, Done done) {
    if (!request.peer.is_encrypted && !request.peer.is_loopback) return done(tls_required());
    auto credentials = request.count("authorization") == 1 ? parse_basic(request.header("authorization")) : std::nullopt;
    if (!credentials) return done(wants_login(request));
    const auto peer = request.peer.address;
    Call call{std::move(request), std::move(target), Identity{}, std::move(done), std::nullopt};
    check_password(std::move(*credentials), peer, [this, call = std::move(call)](Result<Identity> identity) mutable {
        if (!identity) return call.done(problem_of(identity.error()));
        call.who = from(call.request, std::move(*identity));
        dispatch(std::move(call));
    });
}

/// On a thread of its own, since PBKDF2 is slow on purpose; what is remembered costs next to nothing, and waits for nobody's wrong
/// passwords.
void Site::check_password(BasicCredentials credentials, std::string peer, UniqueFunction<void(Result<Identity>)> then) {
    if (const auto remembered = users_.remembered_login(credentials.user, credentials.password)) {
        return then(attempt_login(credentials, peer, [&remembered]() -> Result<Identity> { return *remembered; }));
    }
    if (logins_under_way_.fetch_add(1) >= settings_.logins_at_once_max) {
        --logins_under_way_;
        return then(Error(security::errc::busy, "too many logins at once"));
    }
    logins_.execute([this, credentials = std::move(credentials), peer = std::move(peer), then = std::move(then)]() mutable {
        auto identity = attempt_login(credentials, peer, [&] { return users_.verify_password(credentials.user, credentials.password); });
        --logins_under_way_;
        workers_.execute([identity = std::move(identity), then = std::move(then)]() mutable { then(std::move(identity)); });
    });
}

/// The reason of a refusal is for the log: whether a lock or the password was in the way is not told to who guesses.
Result<security::Identity> Site::attempt_login(const BasicCredentials& credentials, const std::string& peer,
                                               const std::function<Result<Identity>()>& verify) const {
    auto identity = users_.logins().attempt({security::LoginProtocol::http, credentials.user, peer}, verify);
    if (identity) return identity;
    const auto error = identity.error();
    // No user has a longer name, and whoever claims one must not fill the log with it.
    const auto user = credentials.user.substr(0, limits::user_name_bytes);
    log::warning("login_failed", {{"protocol", "http"}, {"user", user}, {"peer", peer}, {"reason", error.to_string()}});
    return error.is(security::errc::wrong_credentials) ? Error(security::errc::wrong_credentials) : error;
}

// /api/v1/session

void Site::open_session(Request request, Done done) {
    if (!request.peer.is_encrypted && !request.peer.is_loopback) return done(tls_required());
    JsonFields fields(request.body);
    auto user = fields.text("user");
    auto password = fields.text("password");
    auto token = fields.text("token");
    if (auto wrong = fields.problem()) return done(std::move(*wrong));
    if (!user || !password) {
        return done(problem(400, "invalid_argument", "the body is not what is expected", "user and password are needed"));
    }
    const auto peer = request.peer.address;
    const bool is_page = is_of_page(request);
    // The browser's old session, if it has one, ends: what somebody may know of it is worth nothing.
    auto old_id = session_id(request);
    const auto key_of = [this](const std::string& name) {
        const auto found = users_.find(name);
        return found ? found->stored_key : LoginSessions::StoredKey{};
    };
    // The user that a token makes is not there before.
    const auto checked_key = token ? std::nullopt : std::optional(key_of(*user));
    auto then = [this, peer, old_id = std::move(old_id), key_of, checked_key, is_page,
                 done = std::move(done)](Result<Identity> identity) mutable {
        if (!identity) {
            auto refusal = problem_of(identity.error());
            return done(is_page ? without_challenge(std::move(refusal)) : std::move(refusal));
        }
        const auto id = sessions_.open(identity->user, checked_key ? *checked_key : key_of(identity->user));
        if (!id) return done(problem_of(id.error()));
        if (old_id) sessions_.close(*old_id);
        identity->peer = peer;
        identity->protocol = "http";
        admin_.record(admin_.audit_entry(*identity, "session.open", identity->user));
        auto response = session_response(*id);
        response.headers.emplace_back("Set-Cookie", cookie_of(*id));
        done(std::move(response));
    };
    if (token) {
        make_first_administrator(std::move(*token), {std::move(*user), std::move(*password)}, peer, std::move(then));
    } else {
        check_password({std::move(*user), std::move(*password)}, peer, std::move(then));
    }
}

/// Guesses of the token cost what guesses of a password do.
void Site::make_first_administrator(std::string token, BasicCredentials wanted, std::string peer,
                                    UniqueFunction<void(Result<Identity>)> then) {
    if (logins_under_way_.fetch_add(1) >= settings_.logins_at_once_max) {
        --logins_under_way_;
        return then(Error(security::errc::busy, "too many logins at once"));
    }
    workers_.execute(
        [this, token = std::move(token), wanted = std::move(wanted), peer = std::move(peer), then = std::move(then)]() mutable {
            const auto check = [&]() -> Result<Identity> {
                if (admin_.first_login().is_token(token)) return Identity{};
                return Error(security::errc::wrong_credentials);
            };
            const auto shown = users_.logins().attempt({security::LoginProtocol::http, "(first login)", peer}, check);
            --logins_under_way_;
            if (!shown) {
                log::warning("login_failed", {{"protocol", "http"}, {"user", "(first login)"}, {"peer", peer}});
                return then(Error(security::errc::wrong_credentials));
            }
            admin_.make_first_administrator(peer, std::move(token), std::move(wanted.user), wanted.password, std::move(then));
        });
}

Response Site::session_response(const std::string& id) {
    const auto session = sessions_.view(id);
    if (!session) return problem(401, "login_required", "log in", {});
    return json_response(200, to_json(*session, sessions_.limits(), admin_.now()));
}

void Site::session(Call call) {
    if (call.request.method == "DELETE") {
        if (const auto id = session_id(call.request); id && call.session) {
            sessions_.close(*id);
            admin_.record(admin_.audit_entry(call.who, "session.close", call.who.user));
        }
        auto response = empty_response(204);
        response.headers.emplace_back("Set-Cookie", cookie_of({}));
        return call.done(std::move(response));
    }
    if (!is_read(call.request.method)) return call.done(method_not_allowed("GET, HEAD, POST, DELETE"));
    if (call.session) return call.done(json_response(200, to_json(*call.session, sessions_.limits(), admin_.now())));
    // Logged in with each request, or not at all: there is nothing that would end.
    const LoginSession none{call.who, {}, sessions_.limits().absolute, std::nullopt};
    call.done(json_response(200, to_json(none, sessions_.limits(), admin_.now())));
}

void Site::confirm_session(Call call) {
    if (call.request.method != "POST") return call.done(method_not_allowed("POST"));
    JsonFields fields(call.request.body);
    auto password = fields.text("password");
    if (auto wrong = fields.problem()) return call.done(std::move(*wrong));
    if (!password) return call.done(problem(400, "invalid_argument", "the body is not what is expected", "password is needed"));
    auto id = session_id(call.request);
    if (!call.session || !id) return call.done(problem(409, "no_session", "there is no session to confirm", {}));
    const auto peer = call.request.peer.address;
    auto then = [this, id = std::move(*id), done = std::move(call.done)](Result<Identity> identity) mutable {
        if (!identity) return done(wrong_password(identity.error()));
        sessions_.confirm(id);
        done(session_response(id));
    };
    check_password({call.who.user, std::move(*password)}, peer, std::move(then));
}

void Site::change_own_password(Call call) {
    if (call.request.method != "PUT") return call.done(method_not_allowed("PUT"));
    JsonFields fields(call.request.body);
    auto current = fields.text("current");
    auto wanted = fields.text("new");
    if (!current || !wanted) fields.refuse("current and new are needed: the password of now, and the one to come");
    if (auto wrong = fields.problem()) return call.done(std::move(*wrong));
    if (*current == *wanted) return call.done(problem_of(Error(security::errc::weak_password, "the new password is the one of now")));
    // As it is before the password is checked: one that is given to it meanwhile is not written over.
    auto seen = users_.find(call.who.user);
    if (!seen) return call.done(problem(409, "no_password", "there is no password to change", "nobody has logged in here"));
    BasicCredentials credentials{call.who.user, std::move(*current)};
    const auto peer = call.request.peer.address;
    auto then = [this, seen = std::move(*seen), wanted = std::move(*wanted), call = std::move(call)](Result<Identity> identity) mutable {
        if (!identity) return call.done(wrong_password(identity.error()));
        const auto who = call.who;
        auto changed = [this, call = std::move(call)](Result<User> user) mutable {
            call.done(user ? password_changed(call, *user) : wrong_password(user.error()));
        };
        admin_.change_own_password(who, std::move(seen), std::move(wanted), std::move(changed));
    };
    check_password(std::move(credentials), peer, std::move(then));
}

/// With the old password all sessions of the user have ended; the browser that has changed it goes on with a new one.
Response Site::password_changed(const Call& call, const User& user) {
    if (!call.session) return empty_response(204);
    const auto id = sessions_.open(user.name, user.stored_key);
    // The password is changed all the same.
    auto response = id ? session_response(*id) : empty_response(204);
    response.headers.emplace_back("Set-Cookie", cookie_of(id ? *id : std::string()));
    return response;
}

}  // namespace giromq::admin_web
