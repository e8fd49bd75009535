#include "security/crypto.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// The token of a broker that has no administrator.
class FirstLoginTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(FirstLoginTest);
    CPPUNIT_TEST(the_token_makes_one_administrator_who_is_logged_in);
    CPPUNIT_TEST(the_token_is_good_until_the_administrator_is_durable);
    CPPUNIT_TEST(two_at_the_same_time_make_one_administrator);
    CPPUNIT_TEST(what_is_not_the_token_is_a_failed_login);
    CPPUNIT_TEST(a_user_that_is_there_is_not_taken_over);
    CPPUNIT_TEST(passwords_that_are_too_weak_are_refused_with_the_rule);
    CPPUNIT_TEST_SUITE_END();

public:
    void setUp() override {
        rig_ = std::make_unique<SiteRig>(false);
        used_ = 0;
        rig_->admin_.first_login().expect(*security::sha256(security::as_bytes("the token")), [this] { ++used_; });
    }

    static std::string body(const std::string& token, const std::string& user, const std::string& password = "correct horse 9") {
        return R"({"token":")" + token + R"(","user":")" + user + R"(","password":")" + password + "\"}";
    }
    admin_web::Response show(const std::string& token, const std::string& user, const std::string& password = "correct horse 9") {
        return rig_->post("/api/v1/session", body(token, user, password));
    }

    void the_token_makes_one_administrator_who_is_logged_in() {
        const auto made = show("the token", "ann");
        CPPUNIT_ASSERT_EQUAL_MESSAGE(made.body, 200, made.status);
        CPPUNIT_ASSERT(json_of(made).at("user") == "ann" && json_of(made).at("role") == "administrator");
        CPPUNIT_ASSERT(header_of(made, "Set-Cookie").starts_with("__Host-giromq="));
        CPPUNIT_ASSERT_EQUAL(1, used_);
        CPPUNIT_ASSERT(rig_->users_.verify_password("ann", "correct horse 9").ok());
        CPPUNIT_ASSERT_EQUAL_MESSAGE("once", 401, show("the token", "eve").status);
        CPPUNIT_ASSERT(!rig_->users_.find("eve"));
    }

    void the_token_is_good_until_the_administrator_is_durable() {
        rig_->fake_store_.refuse_all = true;
        CPPUNIT_ASSERT(show("the token", "ann").status >= 400);
        CPPUNIT_ASSERT(used_ == 0 && !rig_->users_.find("ann"));
        rig_->fake_store_.refuse_all = false;
        CPPUNIT_ASSERT_EQUAL(200, show("the token", "ann").status);
    }

    void two_at_the_same_time_make_one_administrator() {
        std::vector<int> answers;
        for (const auto* const user : {"ann", "eve"}) {
            rig_->site_.handle(rig_->make("POST", "/api/v1/session", body("the token", user)),
                               [&](const admin_web::Response& response) { answers.push_back(response.status); });
        }
        rig_->run();
        std::sort(answers.begin(), answers.end());
        CPPUNIT_ASSERT((answers == std::vector<int>{200, 401}));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, rig_->users_.list().size());
    }

    void what_is_not_the_token_is_a_failed_login() {
        for (const auto* const wrong : {"", "the toke", "the token ", "THE TOKEN"}) CPPUNIT_ASSERT_EQUAL(401, show(wrong, "ann").status);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, rig_->users_.logins().counters(security::LoginProtocol::http).failed);
        for (int guess = 0; guess < 10; ++guess) show("guess", "ann");
        CPPUNIT_ASSERT_EQUAL_MESSAGE("who guesses is locked, with the token, too", 401, show("the token", "ann").status);
        SiteRig without(false);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("where none is expected", 401, without.post("/api/v1/session", body("", "ann")).status);
    }

    void a_user_that_is_there_is_not_taken_over() {
        rig_->add_user("ledger", Role::application, "battery staple");
        CPPUNIT_ASSERT_EQUAL(409, show("the token", "ledger").status);
        CPPUNIT_ASSERT(rig_->users_.find("ledger")->role == Role::application);
        CPPUNIT_ASSERT_EQUAL(200, show("the token", "ann").status);
    }

    void passwords_that_are_too_weak_are_refused_with_the_rule() {
        for (const auto* const weak : {"eleven char", "only letters in it", "123456789012", "short 1"}) {
            const auto refused = show("the token", "ann", weak);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(weak, 400, refused.status);
            CPPUNIT_ASSERT_MESSAGE(weak, refused.body.find("12 characters") != std::string::npos);
        }
        CPPUNIT_ASSERT_EQUAL(200, show("the token", "ann", "twelve chars1").status);
    }

private:
    std::unique_ptr<SiteRig> rig_;
    int used_ = 0;
};
CPPUNIT_TEST_SUITE_REGISTRATION(FirstLoginTest);

}  // namespace giromq::test
