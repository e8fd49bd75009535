#pragma once

#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <boost/json/object.hpp>
#include <boost/json/parse.hpp>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "admin-web/site.hpp"
#include "admin/broker_admin.hpp"
#include "core/core.hpp"
#include "security/user_directory.hpp"
#include "store/memory/memory_store.hpp"
#include "support/fake_store.hpp"
#include "support/manual_clock.hpp"
#include "support/manual_executor.hpp"

namespace giromq::test {

/// The web site over a real core, whose store, clock and executors are the test's.
class SiteRig {
public:
    using Headers = std::vector<std::pair<std::string, std::string>>;

    explicit SiteRig(bool dev = true, std::span<const admin_web::ConsoleFile> console = {})
        : memory_(store::make_memory_disk()),
          fake_store_(memory_, memory_.acquire().value()),
          core_(clock_, fake_store_, fake_store_, {}),
          admin_({core_, core_executor_, workers_, users_, selectors_, clock_, connections_, store_administration_, readiness_,
                  &transactions_, &certificates_, &configuration_},
                 {"1.2.3", "broker-under-test", "backups", {}}),
          site_(admin_, users_, workers_, logins_, {.anonymous_is_administrator = dev, .console = console}) {
        CPPUNIT_ASSERT(memory_.recover(core_.recovery()).ok());
        core_.start({}, [](Result<void> started) { CPPUNIT_ASSERT(started.ok()); });
        run();
        readiness_.set(admin::BrokerState::ready, {});
    }

    void add_user(const std::string& name, Role role, const std::string& password) {
        auto user = security::make_user(name, role, password, security::iterations_min);
        CPPUNIT_ASSERT(user.ok());
        users_.put(std::move(*user));
    }

    admin_web::Request make(std::string method, std::string target, std::string body = {}, Headers headers = {}) const {
        admin_web::Request request;
        request.method = std::move(method);
        request.target = std::move(target);
        request.headers = {{"host", "localhost:8161"}};
        if (!body.empty()) request.headers.emplace_back("content-type", "application/json");
        for (auto& header : headers) request.headers.push_back(std::move(header));
        request.body = std::move(body);
        request.peer = peer;
        return request;
    }

    admin_web::Response send(admin_web::Request request) {
        std::optional<admin_web::Response> answer;
        int times = 0;
        site_.handle(std::move(request), [&](admin_web::Response response) {
            answer = std::move(response);
            ++times;
        });
        run();
        CPPUNIT_ASSERT_MESSAGE("the request is answered", answer.has_value());
        CPPUNIT_ASSERT_EQUAL_MESSAGE("and once", 1, times);
        return std::move(*answer);
    }
    admin_web::Response get(std::string target, Headers headers = {}) {
        return send(make("GET", std::move(target), {}, std::move(headers)));
    }
    admin_web::Response put(std::string target, std::string body) { return send(make("PUT", std::move(target), std::move(body))); }
    admin_web::Response post(std::string target, std::string body = {}) { return send(make("POST", std::move(target), std::move(body))); }
    admin_web::Response remove(std::string target) { return send(make("DELETE", std::move(target))); }

    /// Runs everything that waits, the store included, until nothing does.
    void run() {
        do {
            core_executor_.run_all();
            logins_.run_all();
            workers_.run_all();
            fake_store_.commit_waiting();
            fake_store_.answer_page();
        } while (!core_executor_.empty() || !workers_.empty() || !logins_.empty() || !fake_store_.idle());
    }

    class Connections final : public admin::ConnectionsPort {
    public:
        std::size_t count() const override { return views.size(); }
        std::uint64_t accepted() const override { return views.size(); }
        void list(ConnectionId after, std::size_t limit, UniqueFunction<void(std::vector<admin::ConnectionView>)> done) const override {
            std::vector<admin::ConnectionView> chosen;
            for (const auto& view : views) {
                if (view.id > after && chosen.size() < limit) chosen.push_back(view);
            }
            done(std::move(chosen));
        }
        bool close(ConnectionId id, const std::string& why) override {
            closed.emplace_back(id, why);
            return std::any_of(views.begin(), views.end(), [id](const auto& view) { return view.id == id; });
        }
        void close_user(const std::string& user, const std::string&) override { closed_users.push_back(user); }
        std::vector<std::pair<ConnectionId, std::string>> closed;
        std::vector<admin::ConnectionView> views;
        void review_permissions() override { ++reviews; }
        std::vector<std::string> closed_users;
        int reviews = 0;
    };

    class StoreAdministration final : public admin::StoreAdminPort {
    public:
        store::Health health() const override { return state; }
        store::CommitQueue::Statistics statistics() const override { return numbers; }
        void backup(std::string path, UniqueFunction<void(Result<void>)> done) override {
            paths.push_back(std::move(path));
            done({});
        }
        store::Health state;
        store::CommitQueue::Statistics numbers;
        std::vector<std::string> paths;
    };

    /// Branches in doubt as the core will have them: decisions answer at once.
    class Transactions final : public admin::TransactionsPort {
    public:
        admin::TransactionCounts counts() const override {
            admin::TransactionCounts counts;
            counts.in_doubt = branches.size();
            for (const auto& [xid, branch] : branches) {
                auto& oldest = counts.oldest_prepared_at;
                if (!oldest.is_set() || branch.prepared_at < oldest) oldest = branch.prepared_at;
            }
            return counts;
        }
        std::vector<admin::TransactionView> list(const std::optional<xa::Xid>& after, std::size_t limit) const override {
            std::vector<admin::TransactionView> page;
            auto next = after ? branches.upper_bound(*after) : branches.begin();
            for (; next != branches.end() && page.size() < limit; ++next) page.push_back(next->second);
            return page;
        }
        std::optional<admin::TransactionView> find(const xa::Xid& xid) const override {
            const auto found = branches.find(xid);
            if (found == branches.end()) return std::nullopt;
            return found->second;
        }
        void messages(const xa::Xid&, std::uint64_t first, std::size_t limit,
                      UniqueFunction<void(Result<std::vector<admin::TransactionMessage>>)> done) override {
            std::vector<admin::TransactionMessage> page;
            for (auto index = first; index < all_messages.size() && page.size() < limit; ++index) page.push_back(all_messages[index]);
            done(std::move(page));
        }
        void resolve(const xa::Xid& xid, xa::Outcome outcome, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) override {
            if (answer != xa::ReturnCode::ok) return done(answer);
            const auto found = branches.find(xid);
            if (found == branches.end()) return done(xa::ReturnCode::er_nota);
            if (found->second.decided) return done(xa::ReturnCode::heuristic_commit);
            found->second.decided = outcome;
            found->second.decided_at = Timestamp{1'700'000'000'000};
            found->second.decision = std::move(decision);
            found->second.destinations.clear();
            done(xa::ReturnCode::ok);
        }
        void forget(const xa::Xid& xid, xa::Decision decision, UniqueFunction<void(xa::ReturnCode)> done) override {
            const auto found = branches.find(xid);
            if (found == branches.end()) return done(xa::ReturnCode::er_nota);
            if (!found->second.decided) return done(xa::ReturnCode::er_proto);
            branches.erase(found);
            forgotten_by = std::move(decision);
            done(xa::ReturnCode::ok);
        }

        std::map<xa::Xid, admin::TransactionView> branches;
        std::vector<admin::TransactionMessage> all_messages;
        xa::ReturnCode answer = xa::ReturnCode::ok;
        xa::Decision forgotten_by;
    };

    class Certificates final : public admin::CertificatesPort {
    public:
        std::vector<admin::CertificateView> list() const override { return views; }
        std::vector<admin::RevocationListView> revocation_lists() const override { return lists; }
        std::vector<admin::CertificateView> views;
        std::vector<admin::RevocationListView> lists;
    };

    class Configuration final : public admin::ReloadPort {
    public:
        Result<admin::Reloaded> reload() override { return answer; }
        Result<admin::Reloaded> answer{admin::Reloaded{}};
    };

    admin_web::HttpPeer peer{"127.0.0.1:40000", true, false};
    ManualClock clock_;
    admin::Readiness readiness_;
    Connections connections_;
    StoreAdministration store_administration_;
    Transactions transactions_;
    Certificates certificates_;
    Configuration configuration_;
    ManualExecutor core_executor_;
    ManualExecutor workers_;
    ManualExecutor logins_;
    security::UserDirectory users_;
    selector::SelectorDirectory selectors_{std::vector<NamedSelector>{{"configured", "currency = 'EUR'", {}}}};
    store::MemoryStore memory_;
    FakeStore fake_store_;
    core::Core core_;
    admin::BrokerAdmin admin_;
    admin_web::Site site_;
};

inline boost::json::object json_of(const admin_web::Response& response) {
    const auto value = boost::json::parse(response.body);
    CPPUNIT_ASSERT(value.is_object());
    return value.get_object();
}

/// The word for programs in a problem.
inline std::string code_of(const admin_web::Response& response) {
    CPPUNIT_ASSERT_EQUAL(std::string("application/problem+json"), response.content_type);
    return std::string(json_of(response).at("code").as_string());
}

inline std::string header_of(const admin_web::Response& response, std::string_view name) {
    for (const auto& [key, value] : response.headers) {
        if (key == name) return value;
    }
    return {};
}

}  // namespace giromq::test
