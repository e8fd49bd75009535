#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>

#include "admin-web/console_files.hpp"
#include "admin-web/downloads.hpp"
#include "admin-web/events.hpp"
#include "admin-web/http_message.hpp"
#include "admin-web/login_sessions.hpp"
#include "admin-web/remembered_answers.hpp"
#include "admin-web/request_gate.hpp"
#include "admin-web/request_rate.hpp"
#include "admin-web/url.hpp"
#include "admin/broker_admin.hpp"
#include "base/executor.hpp"
#include "base/unique_function.hpp"
#include "security/user_directory.hpp"

namespace giromq::admin_web {

struct SiteSettings {
    /// --dev: whoever comes from this machine without credentials is administrator.
    bool anonymous_is_administrator = false;
    /// Passwords that are being checked or wait for it; more are refused with 503.
    std::uint32_t logins_at_once_max = 64;
    /// Of one network address; more are refused with 429. 0: any number.
    std::uint32_t requests_per_second_max = 0;
    /// The web console; empty if there is none.
    std::span<const ConsoleFile> console{};
};

/// What the web server serves: health, metrics and REST under /api/v1 (schemas/openapi.yaml), as a function from request to response.
///
/// Threads: handle() from any; `done` is called once, on any thread. Passwords are checked on `logins`, which does nothing else: a flood of
/// them holds up neither who is logged in nor whose password is remembered.
class Site {
public:
    using Done = UniqueFunction<void(Response)>;

    Site(admin::BrokerAdmin& admin, const security::UserDirectory& users, Executor& workers, Executor& logins, SiteSettings settings);

    void handle(Request request, Done done);

    /// Who has logged in with a browser, for what outlives a request.
    LoginSessions& sessions() { return sessions_; }
    /// The id of the session that a request names in its cookie.
    static std::optional<std::string> session_id(const Request& request);

    /// Ends what goes on for as long as it is open: the sockets of live figures.
    void stop() { events_.stop(); }

private:
    using Identity = security::Identity;

    /// A request that has come so far: who it is from, and where it goes.
    struct Call {
        Request request;
        Target target;
        Identity who;
        Done done;
        std::optional<LoginSession> session;  // nothing: it has sent a password, or needs none (--dev)
    };

    bool serve_public(const Request& request, const Target& target, Done& done);
    void log_in(Request request, Target target, Done done);
    void log_in_by_password(Request request, Target target, Done done);
    void check_password(BasicCredentials credentials, std::string peer, UniqueFunction<void(Result<Identity>)> then);
    void make_first_administrator(std::string token, BasicCredentials wanted, std::string peer,
                                  UniqueFunction<void(Result<Identity>)> then);
    Result<Identity> attempt_login(const BasicCredentials& credentials, const std::string& peer,
                                   const std::function<Result<Identity>()>& verify) const;
    /// The refusal of what destroys things, unless the password was given lately: for routes whose table cannot say it.
    static std::optional<Response> refuse_unconfirmed(const Call& call);
    Response session_response(const std::string& id);
    void dispatch(Call call);
    void dispatch_api(Call call);
    void serve(Call call, void (Site::*route)(Call), bool is_confirmed);
    bool answer_once(Call& call);

    // Each checks the method and answers.
    void ready(const Request& request, const Target& target, Done done) const;
    void open_session(Request request, Done done);
    void session(Call call);
    void confirm_session(Call call);
    void change_own_password(Call call);
    Response password_changed(const Call& call, const User& user);
    void queues(Call call);
    void queue(Call call);
    void put_queue(Call call);
    void change_queue(Call call);
    void pause(Call call);
    void purge(Call call);
    void messages(Call call);
    void send_message(Call call);
    void message(Call call);
    void message_body(Call call);
    void export_messages(Call call);
    void change_messages(Call call);
    void operations(Call call);
    void operation(Call call);
    void users(Call call);
    void user(Call call);
    void put_user(Call call);
    void permissions(Call call);
    void add_permission(Call call);
    void permission(Call call);
    void check_permission(Call call);
    void roles(Call call);
    void audit(Call call);
    void verify_audit(Call call);
    void selectors(Call call);
    void selector(Call call);
    void put_selector(Call call);
    void transactions(Call call);
    void transaction(Call call);
    void transaction_messages(Call call);
    void commit_transaction(Call call);
    void roll_back_transaction(Call call);
    void forget_transaction(Call call);
    void decide(Call call, admin::BrokerAdmin::Decide what);
    void overview(Call call);
    void history(Call call);
    void alarms(Call call);
    void events(Call call);
    void export_configuration(Call call);
    void with_definitions(Call call, UniqueFunction<void(Call, admin::DefinitionsDocument)> go_on);
    void diff_configuration(Call call);
    void reload_configuration(Call call);
    void apply_configuration(Call call);
    EventHub::StillAllowed still_allowed(const Call& call);
    void connections(Call call);
    void connection(Call call);
    void consumers(Call call);
    void producers(Call call);
    void link(Call call);
    void backup(Call call);
    void metrics(Call call);
    void queue_metrics(Call call);

    admin::BrokerAdmin& admin_;
    const security::UserDirectory& users_;
    Executor& workers_;
    Executor& logins_;
    const SiteSettings settings_;
    LoginSessions sessions_;
    RememberedAnswers remembered_;
    Downloads downloads_;
    RequestRate rate_;
    const ConsoleFiles console_;
    EventHub events_;
    std::atomic<std::uint32_t> logins_under_way_{0};
};

}  // namespace giromq::admin_web
