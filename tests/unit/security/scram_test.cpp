#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <cstdlib>
#include <optional>
#include <random>
#include <string>

#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "security/keys.hpp"
#include "security/scram.hpp"

namespace giromq::security {
namespace {

/// The exchange of RFC 7677 §3: user "user", password "pencil".
const std::string rfc_salt = "W22ZaJ0SNY7soEsUEjb6gQ==";
const std::string rfc_server_nonce = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const std::string rfc_client_first = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const std::string rfc_server_first = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const std::string rfc_client_final =
    "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const std::string rfc_server_final = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

User rfc_user(const std::string& name = "user") {
    User user;
    user.name = name;
    user.role = Role::administrator;
    user.salt = decode_base64(rfc_salt).value();
    user.iterations = 4096;
    static const ScramKeys keys = derive_keys("pencil", user.salt, user.iterations).value();
    user.stored_key = keys.stored_key;
    user.server_key = keys.server_key;
    return user;
}

ScramServer::NonceForTests rfc_nonce() { return {rfc_server_nonce}; }

/// The client's half, for exchanges whose nonce is not known beforehand.
std::string client_final(const std::string& gs2_header, const std::string& first_bare, const std::string& server_first,
                         const std::string& password, const std::string& extension = "") {
    const auto nonce = server_first.substr(2, server_first.find(',') - 2);
    const auto salt_begin = server_first.find(",s=") + 3;
    const auto salt = decode_base64(server_first.substr(salt_begin, server_first.find(",i=") - salt_begin)).value();
    const auto iterations = static_cast<std::uint32_t>(std::stoul(server_first.substr(server_first.find(",i=") + 3)));
    const auto salted = pbkdf2_sha256(password, salt, iterations).value();
    const auto client_key = hmac_sha256(salted.bytes(), {"Client Key"}).value();
    const auto stored_key = sha256(client_key).value();
    const std::string without_proof = "c=" + encode_base64(as_bytes(gs2_header)) + ",r=" + nonce + extension;
    const auto signature = hmac_sha256(stored_key, {first_bare, ",", server_first, ",", without_proof}).value();
    Digest proof{};
    for (std::size_t index = 0; index < proof.size(); ++index)
        proof[index] = static_cast<std::uint8_t>(client_key[index] ^ signature[index]);
    return without_proof + ",p=" + encode_base64(proof);
}

class ScramTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ScramTest);
    CPPUNIT_TEST(exchange_of_rfc_7677_is_reproduced_byte_for_byte);
    CPPUNIT_TEST(identity_is_empty_until_the_exchange_has_succeeded);
    CPPUNIT_TEST(wrong_password_is_refused);
    CPPUNIT_TEST(every_changed_character_of_the_final_message_is_refused);
    CPPUNIT_TEST(unknown_user_fails_only_at_the_end_and_with_a_steady_salt);
    CPPUNIT_TEST(nonces_differ_from_exchange_to_exchange);
    CPPUNIT_TEST(client_that_could_bind_but_believes_the_server_cannot_is_accepted);
    CPPUNIT_TEST(demand_for_channel_binding_is_refused);
    CPPUNIT_TEST(authorisation_identity_must_be_the_user);
    CPPUNIT_TEST(escaped_names_are_unescaped);
    CPPUNIT_TEST(malformed_first_messages_are_refused);
    CPPUNIT_TEST(malformed_final_messages_are_refused);
    CPPUNIT_TEST(optional_extensions_are_ignored);
    CPPUNIT_TEST(messages_out_of_turn_are_refused);
    CPPUNIT_TEST(messages_and_their_parts_are_bounded);
    CPPUNIT_TEST(random_mutations_never_log_anybody_in);
    CPPUNIT_TEST_SUITE_END();

    UserDirectory users_;

    std::optional<Error> first_error(const std::string& message) {
        ScramServer server(users_);
        const auto answer = server.first(message);
        return answer ? std::nullopt : std::optional<Error>(answer.error());
    }

    std::optional<Error> final_error(const std::string& message) {
        ScramServer server(users_, rfc_nonce());
        CPPUNIT_ASSERT(server.first(rfc_client_first));
        const auto answer = server.final(message);
        CPPUNIT_ASSERT_EQUAL(answer.ok(), !server.identity().user.empty());
        return answer ? std::nullopt : std::optional<Error>(answer.error());
    }

    void assert_malformed_first(const std::string& message) {
        const auto error = first_error(message);
        CPPUNIT_ASSERT_MESSAGE(message, error && error->is(errc::malformed));
    }

    void assert_malformed_final(const std::string& message) {
        const auto error = final_error(message);
        CPPUNIT_ASSERT_MESSAGE(message, error && error->is(errc::malformed));
    }

public:
    void setUp() override { users_.put(rfc_user()); }

    void exchange_of_rfc_7677_is_reproduced_byte_for_byte() {
        ScramServer server(users_, rfc_nonce());
        CPPUNIT_ASSERT_EQUAL(rfc_server_first, server.first(rfc_client_first).value());
        CPPUNIT_ASSERT_EQUAL(rfc_server_final, server.final(rfc_client_final).value());
        CPPUNIT_ASSERT_EQUAL(std::string("user"), server.identity().user);
        CPPUNIT_ASSERT(server.identity().role == Role::administrator);
    }

    void identity_is_empty_until_the_exchange_has_succeeded() {
        ScramServer server(users_, rfc_nonce());
        CPPUNIT_ASSERT(server.identity().user.empty());
        CPPUNIT_ASSERT(server.first(rfc_client_first));
        CPPUNIT_ASSERT(server.identity().user.empty());
        CPPUNIT_ASSERT(server.identity().role == Role::application);
    }

    void wrong_password_is_refused() {
        ScramServer server(users_);
        const auto server_first = server.first("n,,n=user,r=abc").value();
        const auto answer = server.final(client_final("n,,", "n=user,r=abc", server_first, "Pencil"));
        CPPUNIT_ASSERT(!answer && answer.error().is(errc::wrong_credentials));
        CPPUNIT_ASSERT(server.identity().user.empty());
    }

    void every_changed_character_of_the_final_message_is_refused() {
        for (std::size_t index = 0; index < rfc_client_final.size(); ++index) {
            for (const char replacement : {'A', 'b', ',', '=', '9', '\0'}) {
                std::string changed = rfc_client_final;
                if (changed[index] == replacement) continue;
                changed[index] = replacement;
                CPPUNIT_ASSERT_MESSAGE(changed, final_error(changed));
            }
        }
    }

    void unknown_user_fails_only_at_the_end_and_with_a_steady_salt() {
        ScramServer one(users_, rfc_nonce());
        ScramServer two(users_, rfc_nonce());
        ScramServer other(users_, rfc_nonce());
        const auto answer = one.first("n,,n=nobody,r=abc").value();
        CPPUNIT_ASSERT_EQUAL(answer, two.first("n,,n=nobody,r=abc").value());
        CPPUNIT_ASSERT(answer != other.first("n,,n=nobodz,r=abc").value());
        // The same form as for a known user: a salt of 16 bytes and the iterations that users have.
        ScramServer known(users_, rfc_nonce());
        CPPUNIT_ASSERT_EQUAL(known.first("n,,n=user,r=abc").value().size(), answer.size());
        CPPUNIT_ASSERT(answer.ends_with(",i=4096"));
        const auto refused = one.final(client_final("n,,", "n=nobody,r=abc", answer, "whatever"));
        CPPUNIT_ASSERT(!refused && refused.error().is(errc::wrong_credentials));
        CPPUNIT_ASSERT(one.identity().user.empty());
    }

    void nonces_differ_from_exchange_to_exchange() {
        ScramServer one(users_);
        ScramServer two(users_);
        CPPUNIT_ASSERT(one.first(rfc_client_first).value() != two.first(rfc_client_first).value());
    }

    void client_that_could_bind_but_believes_the_server_cannot_is_accepted() {
        ScramServer server(users_);
        const auto server_first = server.first("y,,n=user,r=abc").value();
        CPPUNIT_ASSERT(server.final(client_final("y,,", "n=user,r=abc", server_first, "pencil")));
        // The header is part of what is signed and must be the one that was sent.
        ScramServer changed(users_);
        const auto other_first = changed.first("n,,n=user,r=abc").value();
        const auto answer = changed.final(client_final("y,,", "n=user,r=abc", other_first, "pencil"));
        CPPUNIT_ASSERT(!answer && answer.error().is(errc::malformed));
    }

    void demand_for_channel_binding_is_refused() {
        const auto error = first_error("p=tls-exporter,,n=user,r=abc");
        CPPUNIT_ASSERT(error && error->is(errc::mechanism_not_offered));
    }

    void authorisation_identity_must_be_the_user() {
        ScramServer server(users_);
        const auto server_first = server.first("n,a=user,n=user,r=abc").value();
        CPPUNIT_ASSERT(server.final(client_final("n,a=user,", "n=user,r=abc", server_first, "pencil")));
        const auto error = first_error("n,a=admin,n=user,r=abc");
        CPPUNIT_ASSERT(error && error->is(errc::not_permitted));
    }

    void escaped_names_are_unescaped() {
        users_.put(rfc_user("a,b=c"));
        ScramServer server(users_);
        const auto server_first = server.first("n,,n=a=2Cb=3Dc,r=abc").value();
        CPPUNIT_ASSERT(server.final(client_final("n,,", "n=a=2Cb=3Dc,r=abc", server_first, "pencil")));
        CPPUNIT_ASSERT_EQUAL(std::string("a,b=c"), server.identity().user);
    }

    void malformed_first_messages_are_refused() {
        for (const char* message : {"",
                                    "n",
                                    "n,",
                                    "n,,",
                                    "x,,n=user,r=abc",
                                    ",,n=user,r=abc",
                                    "nn,,n=user,r=abc",
                                    "n,b=user,n=user,r=abc",
                                    "n,a=,n=user,r=abc",
                                    "n,,user,r=abc",
                                    "n,,n=,r=abc",
                                    "n,,n=user",
                                    "n,,n=user,",
                                    "n,,n=user,r=",
                                    "n,,r=abc,n=user",
                                    "n,,n=user,r=a bc",
                                    "n,,n=user,r=abc,",
                                    "n,,n=user,r=abc,x",
                                    "n,,n=user,r=abc,1=x",
                                    "n,,n=user,r=abc,x=",
                                    "n,,m=ext,n=user,r=abc",
                                    "n,,n=user,r=abc,m=ext",
                                    "n,,n=us=2cer,r=abc",
                                    "n,,n=us=41er,r=abc",
                                    "n,,n=us=,r=abc",
                                    "n,,n=us\xC3,r=abc",
                                    "n,,n=us\xC0\xAFr,r=abc",
                                    "n,,n=us\x01r,r=abc",
                                    "n,,n=user,r=\xC3\xA9",
                                    "N,,n=user,r=abc",
                                    "n,,N=user,r=abc",
                                    "n,,n=user,r=abc,x=1,"}) {
            assert_malformed_first(message);
        }
        assert_malformed_first(std::string("n,,n=us\0er,r=abc", 16));
        assert_malformed_first(std::string("n,,n=user,r=a\0bc", 16));
    }

    void malformed_final_messages_are_refused() {
        const std::string nonce = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
        const std::string proof = "p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
        for (const auto& message :
             {std::string(), std::string(","), "c=biws," + nonce, "c=biws," + proof, nonce + "," + proof, nonce + ",c=biws," + proof,
              "c=biws," + nonce + "," + proof + ",", "c=biws," + nonce + "," + proof + ",x=1", "c=biws," + nonce + "x," + proof,
              "c=biws," + nonce + ",," + proof, "c=biws," + nonce + ",m=x," + proof, "c=biws=," + nonce + "," + proof,
              "c=," + nonce + "," + proof, "c=eSws," + nonce + "," + proof, "c=biws," + nonce + ",p=dHzb",
              "c=biws," + nonce + ",p=", "c=biws,r=," + proof, "c=biws,r=rOprNGfwEbeRWgbNEkqO," + proof}) {
            assert_malformed_final(message);
        }
    }

    void optional_extensions_are_ignored() {
        ScramServer server(users_);
        const auto server_first = server.first("n,,n=user,r=abc,x=1,y=caf\xC3\xA9=").value();
        CPPUNIT_ASSERT(server.final(client_final("n,,", "n=user,r=abc,x=1,y=caf\xC3\xA9=", server_first, "pencil", ",z=2")));
    }

    void messages_out_of_turn_are_refused() {
        ScramServer final_first(users_);
        CPPUNIT_ASSERT(final_first.final(rfc_client_final).error().is(errc::malformed));
        CPPUNIT_ASSERT(final_first.first(rfc_client_first).error().is(errc::malformed));

        ScramServer twice(users_, rfc_nonce());
        CPPUNIT_ASSERT(twice.first(rfc_client_first));
        CPPUNIT_ASSERT(twice.first(rfc_client_first).error().is(errc::malformed));
        CPPUNIT_ASSERT(twice.final(rfc_client_final).error().is(errc::malformed));

        // A second guess needs a new exchange.
        ScramServer guess(users_, rfc_nonce());
        CPPUNIT_ASSERT(guess.first(rfc_client_first));
        std::string wrong = rfc_client_final;
        wrong[wrong.size() - 5] = 'a';
        CPPUNIT_ASSERT(guess.final(wrong).error().is(errc::wrong_credentials));
        CPPUNIT_ASSERT(!guess.final(rfc_client_final));
        CPPUNIT_ASSERT(guess.identity().user.empty());
    }

    void messages_and_their_parts_are_bounded() {
        CPPUNIT_ASSERT(!first_error("n,,n=" + std::string(128, 'u') + ",r=" + std::string(256, 'r')));
        assert_malformed_first("n,,n=" + std::string(129, 'u') + ",r=abc");
        assert_malformed_first("n,,n=user,r=" + std::string(257, 'r'));
        assert_malformed_first("n,,n=user,r=abc,x=" + std::string(2048, 'x'));
        assert_malformed_final("c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,x=" + std::string(2048, 'x') +
                               ",p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=");
    }

    void random_mutations_never_log_anybody_in() {
        const char* const given = std::getenv("GIROMQ_TEST_SEED");
        const auto seed = given != nullptr ? static_cast<std::uint32_t>(std::strtoul(given, nullptr, 10)) : std::random_device{}();
        const int rounds = std::getenv("GIROMQ_TEST_LONG") != nullptr ? 1000000 : 20000;
        std::mt19937 random(seed);
        for (int round = 0; round < rounds; ++round) {
            std::string changed = rfc_client_final;
            const auto changes = 1 + random() % 3;
            for (unsigned change = 0; change < changes; ++change) {
                const auto place = random() % changed.size();
                if (random() % 3 == 0)
                    changed.erase(place, 1);
                else if (random() % 2 == 0)
                    changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(place), static_cast<char>(random()));
                else
                    changed[place] = static_cast<char>(random());
            }
            if (changed == rfc_client_final) continue;
            CPPUNIT_ASSERT_MESSAGE("seed " + std::to_string(seed) + ": " + changed, final_error(changed));
        }
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ScramTest);

}  // namespace
}  // namespace giromq::security
