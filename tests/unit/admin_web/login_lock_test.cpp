#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {

/// Guessing passwords over HTTP.
class LoginLockTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(LoginLockTest);
    CPPUNIT_TEST(guessing_passwords_locks_and_is_answered_as_a_wrong_password_is);
    CPPUNIT_TEST_SUITE_END();

public:
    void guessing_passwords_locks_and_is_answered_as_a_wrong_password_is() {
        SiteRig rig(false);
        rig.add_user("root", Role::administrator, "correct horse");
        const auto log_in = [&rig](const std::string& password) {
            const std::string text = "root:" + password;
            return rig.get("/api/v1/overview", {{"authorization", "Basic " + security::encode_base64(security::as_bytes(text))}});
        };
        const auto wrong = log_in("battery staple");
        CPPUNIT_ASSERT_EQUAL(401, wrong.status);
        for (int guess = 0; guess < 5; ++guess) CPPUNIT_ASSERT_EQUAL(401, log_in("battery staple").status);
        const auto locked = log_in("correct horse");
        CPPUNIT_ASSERT_EQUAL(wrong.status, locked.status);
        CPPUNIT_ASSERT_EQUAL(wrong.body, locked.body);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, rig.users_.logins().counters(security::LoginProtocol::http).refused);
    }
};
CPPUNIT_TEST_SUITE_REGISTRATION(LoginLockTest);

}  // namespace giromq::test
