#include "unit/admin_web/rig.hpp"

using namespace std::string_literals;

namespace giromq::test {

/// What somebody needs to work with messages, sees of such work, and is stopped from when it is withdrawn.
class OperationRightsTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(OperationRightsTest);
    CPPUNIT_TEST(a_selector_tells_nothing_of_bodies_to_who_may_not_read_them);
    CPPUNIT_TEST(a_selector_needs_browse_whatever_it_is_for);
    CPPUNIT_TEST(who_has_begun_an_operation_sees_it_and_may_stop_it);
    CPPUNIT_TEST(an_operation_is_none_to_who_could_not_have_begun_it);
    CPPUNIT_TEST(a_move_ends_when_its_right_is_withdrawn);
    CPPUNIT_TEST(a_copy_ends_when_its_user_is_deleted);
    CPPUNIT_TEST_SUITE_END();

public:
    using Identity = security::Identity;
    using Request = admin::Operations::Request;

    void setUp() override {
        rig_ = std::make_unique<SiteRig>();
        for (const auto* const name : {"q", "other", "secret"}) {
            CPPUNIT_ASSERT(rig_->put("/api/v1/queues/"s + name, "{}").status < 300);
        }
    }

    void a_selector_tells_nothing_of_bodies_to_who_may_not_read_them() {
        send("q", "<IBAN>DE12</IBAN>");
        rig_->selectors_.put({"accounts", "XPATH('//IBAN') LIKE 'DE1%'", {}});
        const auto ann = user("ann", {Action::browse, Action::delete_messages});
        for (const auto* const selector : {"XPATH('//IBAN') LIKE 'DE1%'", "JMS_GIROMQ_SELECTOR = 'accounts'"}) {
            CPPUNIT_ASSERT(is_refused(browse(ann, selector)));
            CPPUNIT_ASSERT(is_refused(count(ann, selector)));
            CPPUNIT_ASSERT(is_refused(start(ann, of(admin::OperationKind::remove, selector))));
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, count(ann, "colour IS NULL").value().matched);
        const auto bob = user("bob", {Action::browse, Action::read_body, Action::delete_messages});
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, browse(bob, "JMS_GIROMQ_SELECTOR = 'accounts'").value().items.size());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, count(bob, "XPATH('//IBAN') LIKE 'DE1%'").value().matched);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, count(bob, "XPATH('//IBAN') LIKE 'FR%'").value().matched);
    }

    void a_selector_needs_browse_whatever_it_is_for() {
        const auto ann = user("ann", {Action::read_body, Action::delete_messages});
        CPPUNIT_ASSERT(is_refused(count(ann, "colour = 'green'")));
        CPPUNIT_ASSERT(is_refused(start(ann, of(admin::OperationKind::remove, "colour = 'green'"))));
        CPPUNIT_ASSERT_MESSAGE("all of them tells nothing", start(ann, of(admin::OperationKind::remove, "")).ok());
    }

    void who_has_begun_an_operation_sees_it_and_may_stop_it() {
        const auto ann = user("ann", {Action::move});
        grant("ann", "other", {Action::send});
        const auto begun = start(ann, move_all()).value();
        CPPUNIT_ASSERT_EQUAL(begun.id, find(ann, begun.id).value().id);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, list(ann).size());
        rig_->users_.permissions().remove_user("ann");
        CPPUNIT_ASSERT_MESSAGE("stopping takes nothing from anybody", cancel(ann, begun.id).ok());
    }

    void an_operation_is_none_to_who_could_not_have_begun_it() {
        const auto ann = user("ann", {Action::move});
        grant("ann", "other", {Action::send});
        const auto id = start(ann, move_all()).value().id;
        const auto bob = user("bob", {Action::move});
        CPPUNIT_ASSERT_EQUAL_MESSAGE("as if there were none", find(bob, id + 99).error().to_string(), find(bob, id).error().to_string());
        CPPUNIT_ASSERT_EQUAL(cancel(bob, id + 99).error().to_string(), cancel(bob, id).error().to_string());
        CPPUNIT_ASSERT(list(bob).empty());
        grant("bob", "other", {Action::send});
        CPPUNIT_ASSERT(find(bob, id).ok() && cancel(bob, id).ok() && list(bob).size() == 1);
        rig_->add_user("eve", Role::auditor, "correct horse");
        const auto eve = rig_->users_.identity_of("eve", Role::auditor);
        CPPUNIT_ASSERT(find(eve, id).ok() && list(eve).size() == 1);
        CPPUNIT_ASSERT(is_refused(cancel(eve, id)));
    }

    void a_move_ends_when_its_right_is_withdrawn() {
        for (int number = 0; number < 1001; ++number) send("q", "m");
        const auto ann = user("ann", {Action::move});
        grant("ann", "other", {Action::send});
        const auto ended = ended_after(ann, move_all(), [this] { rig_->users_.permissions().remove(last_id_); });
        CPPUNIT_ASSERT_MESSAGE(ended.error,
                               ended.error.find("'ann'") != std::string::npos && ended.error.find("send to") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("what was being written has moved", ended.done, messages("other"));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1000}, ended.done);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, messages("q"));
    }

    void a_copy_ends_when_its_user_is_deleted() {
        for (int number = 0; number < 129; ++number) send("q", "m");
        rig_->add_user("olga", Role::operator_, "correct horse");
        auto request = move_all();
        request.kind = admin::OperationKind::copy;
        const auto ended = ended_after(rig_->users_.identity_of("olga", Role::operator_), request, [this] { rig_->users_.remove("olga"); });
        CPPUNIT_ASSERT_MESSAGE(ended.error, ended.error.find("deleted") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(ended.done, messages("other"));
        CPPUNIT_ASSERT(ended.done > 0 && ended.done < 129);
    }

private:
    /// Begins an operation, lets something happen while its first unit is being written, and answers what came of it.
    template <typename Happens>
    admin::OperationView ended_after(const Identity& who, const Request& request, Happens happens) {
        std::optional<admin::OperationView> begun;
        rig_->admin_.operations().start(who, request, [&](auto view) { begun = view.value(); });
        rig_->core_executor_.run_all();
        CPPUNIT_ASSERT(begun.has_value());
        let_come_to_the_first_unit();
        happens();
        rig_->run();
        auto ended = find(Identity{"root", Role::administrator}, begun->id).value();
        CPPUNIT_ASSERT_EQUAL("failed"s, std::string(to_string(ended.state)));
        return ended;
    }
    /// Before it come the line of the audit and the delivery horizon, and what is not in memory has to be read.
    void let_come_to_the_first_unit() {
        auto& store = rig_->fake_store_;
        const auto puts = [](const store::Operation& operation) { return std::holds_alternative<store::PutEntry>(operation); };
        const auto is_it = [&](const store::Unit& unit) { return std::any_of(unit.operations.begin(), unit.operations.end(), puts); };
        while (store.waiting().empty() || !is_it(store.waiting().front())) {
            CPPUNIT_ASSERT(!store.idle());
            store.write(1);
            store.complete();
            store.answer_page();
            rig_->core_executor_.run_all();
        }
    }
    std::uint64_t messages(const std::string& queue) {
        return rig_->core_.view_queue(*rig_->core_.find_destination(queue)).value().messages;
    }
    /// A user with these permissions on q.
    Identity user(const std::string& name, std::vector<Action> actions) {
        rig_->add_user(name, Role::application, "correct horse");
        grant(name, "q", std::move(actions));
        return rig_->users_.identity_of(name, Role::application);
    }
    void grant(const std::string& name, const std::string& pattern, std::vector<Action> actions) {
        rig_->users_.permissions().put({++last_id_, GranteeKind::user, name, pattern, std::move(actions), {}, "root"});
    }
    void send(const std::string& queue, const std::string& text) {
        const auto answer = rig_->post("/api/v1/queues/" + queue + "/messages", R"({"body": {"kind": "text", "text": ")" + text + R"("}})");
        CPPUNIT_ASSERT_MESSAGE(answer.body, answer.status < 300);
    }
    static Request of(admin::OperationKind kind, std::string selector = {}) {
        Request request;
        request.kind = kind;
        request.queue = "q";
        request.selector = std::move(selector);
        return request;
    }
    static Request move_all() {
        auto request = of(admin::OperationKind::move);
        request.to = "other";
        return request;
    }
    template <typename T>
    static bool is_refused(const Result<T>& answer) {
        return !answer && answer.error().is(security::errc::not_permitted);
    }
    /// What the call answered.
    template <typename T, typename Call>
    Result<T> answer_of(Call call) {
        std::optional<Result<T>> answer;
        call([&answer](Result<T> result) { answer = std::move(result); });
        rig_->run();
        CPPUNIT_ASSERT(answer.has_value());
        return std::move(*answer);
    }
    Result<admin::Messages::Page> browse(const Identity& who, const std::string& selector) {
        return answer_of<admin::Messages::Page>([&](auto done) {
            admin::Messages::Browse request;
            request.queue = "q";
            request.selector = selector;
            rig_->admin_.messages().browse(who, request, std::move(done));
        });
    }
    Result<admin::Operations::Count> count(const Identity& who, const std::string& selector) {
        return answer_of<admin::Operations::Count>(
            [&](auto done) { rig_->admin_.operations().count(who, of(admin::OperationKind::remove, selector), std::move(done)); });
    }
    Result<admin::OperationView> start(const Identity& who, const Request& request) {
        return answer_of<admin::OperationView>([&](auto done) { rig_->admin_.operations().start(who, request, std::move(done)); });
    }
    Result<admin::OperationView> find(const Identity& who, std::uint64_t id) {
        return answer_of<admin::OperationView>([&](auto done) { rig_->admin_.operations().find(who, id, std::move(done)); });
    }
    Result<admin::OperationView> cancel(const Identity& who, std::uint64_t id) {
        return answer_of<admin::OperationView>([&](auto done) { rig_->admin_.operations().cancel(who, id, std::move(done)); });
    }
    std::vector<admin::OperationView> list(const Identity& who) {
        return answer_of<std::vector<admin::OperationView>>([&](auto done) { rig_->admin_.operations().list(who, 0, std::move(done)); })
            .value();
    }

    std::unique_ptr<SiteRig> rig_;
    std::uint64_t last_id_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(OperationRightsTest);

}  // namespace giromq::test
