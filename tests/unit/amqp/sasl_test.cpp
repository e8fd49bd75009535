#include "security/crypto.hpp"
#include "security/encoding.hpp"
#include "unit/amqp/broker.hpp"

using namespace std::string_literals;

namespace giromq::test {

using amqp::Mechanism;

/// Authentication: the engine's client for what it can, frames by hand for the rest.
class AmqpSaslTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AmqpSaslTest);
    CPPUNIT_TEST(anonymous_is_let_in_where_it_is_offered);
    CPPUNIT_TEST(a_right_password_is_let_in);
    CPPUNIT_TEST(a_wrong_password_is_answered_with_outcome_auth);
    CPPUNIT_TEST(an_unknown_user_is_answered_the_same);
    CPPUNIT_TEST(plain_is_not_offered_over_a_network_in_clear);
    CPPUNIT_TEST(plain_is_offered_over_tls);
    CPPUNIT_TEST(nothing_is_offered_without_mechanisms);
    CPPUNIT_TEST(nothing_is_read_while_a_password_is_verified);
    CPPUNIT_TEST(acting_for_another_user_is_refused);
    CPPUNIT_TEST(scram_lets_in_who_knows_the_password);
    CPPUNIT_TEST(scram_refuses_a_wrong_proof);
    CPPUNIT_TEST(scram_works_without_initial_response);
    CPPUNIT_TEST(external_is_the_user_of_the_certificate);
    CPPUNIT_TEST(external_needs_a_known_user);
    CPPUNIT_TEST(an_answer_out_of_turn_fails);
    CPPUNIT_TEST(the_connection_ends_after_a_failed_login);
    CPPUNIT_TEST(a_role_comes_with_its_user);
    CPPUNIT_TEST(a_connection_knows_whose_it_may_be);
    CPPUNIT_TEST(sasl_may_be_left_out_where_anonymous_is_offered);
    CPPUNIT_TEST(guessing_passwords_locks);
    CPPUNIT_TEST(guessing_with_scram_locks);
    CPPUNIT_TEST(a_password_whose_sender_is_gone_is_not_verified);
    CPPUNIT_TEST_SUITE_END();

    static void add_user(Broker& broker, const std::string& name, Role role = Role::application) {
        broker.users.put(security::make_user(name, role, "correct horse", security::iterations_min).value());
    }

    /// A client that speaks SASL by hand.
    struct Hand {
        explicit Hand(Broker& broker) : wire(broker) {
            give(std::string("AMQP\x03\x01\x00\x00", 8));
            const auto greeting = take();
            CPPUNIT_ASSERT_EQUAL(std::string("AMQP\x03\x01\x00\x00", 8), greeting.substr(0, 8));
            mechanisms = greeting.substr(8);
        }
        void give(const std::string& bytes) {
            wire.give({bytes.begin(), bytes.end()});
            wire.settle();
        }
        std::string take() {
            const auto bytes = wire.take();
            return {bytes.begin(), bytes.end()};
        }
        void init(std::string_view mechanism, const std::optional<std::string>& response) {
            std::vector<std::uint8_t> body;
            codec::Writer writer(body);
            writer.descriptor(0x41);
            const auto list = writer.begin_list();
            writer.symbol(mechanism);
            if (response) {
                writer.binary(as_bytes(*response));
            } else {
                writer.null();
            }
            writer.end(list, 2);
            frame(body);
        }
        void respond(const std::string& response) {
            std::vector<std::uint8_t> body;
            codec::Writer writer(body);
            writer.descriptor(0x43);
            const auto list = writer.begin_list();
            writer.binary(as_bytes(response));
            writer.end(list, 1);
            frame(body);
        }
        void frame(const std::vector<std::uint8_t>& body) {
            const std::size_t size = body.size() + 8;
            std::string bytes{'\0', '\0', static_cast<char>(size >> 8U), static_cast<char>(size), '\2', '\1', '\0', '\0'};
            bytes.append(body.begin(), body.end());
            give(bytes);
        }
        /// The next SASL frame: its code and its first field.
        std::pair<std::uint64_t, codec::Value> read() {
            if (unread.empty()) unread = take();
            CPPUNIT_ASSERT(unread.size() > 8);
            const auto bytes = as_bytes(unread);
            const std::size_t size = std::size_t{bytes[2]} << 8U | bytes[3];
            current = unread.substr(8, size - 8);
            unread.erase(0, size);
            codec::Reader reader(as_bytes(current));
            codec::Value list;
            CPPUNIT_ASSERT(reader.read(list));
            std::array<codec::Value, 1> fields;
            codec::read_fields(list, fields);
            return {codec::descriptor_code(list.descriptor), fields[0]};
        }
        std::string challenge() {
            const auto [code, data] = read();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x42}, code);
            return std::string(data.text());
        }
        int outcome() {
            const auto [code, data] = read();
            CPPUNIT_ASSERT_EQUAL(std::uint64_t{0x44}, code);
            return static_cast<int>(data.bits);
        }
        bool offers(std::string_view name) const { return mechanisms.find(name) != std::string::npos; }

        Wire wire;
        std::string mechanisms;
        std::string unread;
        std::string current;
    };

    /// SCRAM-SHA-256 as RFC 5802 §3 has it, written from the client's side.
    struct ScramHand {
        std::string password = "correct horse";
        std::string bare = "n=alice,r=client-nonce";

        std::string first() const { return "n,," + bare; }
        std::string final(const std::string& server_first) {
            const auto part = [&](char name) {
                const std::size_t at = server_first.find(std::string(1, name) + "=") + 2;
                return server_first.substr(at, server_first.find(',', at) - at);
            };
            const auto salt = security::decode_base64(part('s')).value();
            const auto salted = security::pbkdf2_sha256(password, salt, static_cast<std::uint32_t>(std::stoul(part('i')))).value();
            const auto client_key = security::hmac_sha256(salted.bytes(), {"Client Key"}).value();
            const auto stored_key = security::sha256(client_key).value();
            const std::string without_proof = "c=biws,r=" + part('r');
            const std::string auth_message = bare + "," + server_first + "," + without_proof;
            const auto signature = security::hmac_sha256(stored_key, {auth_message}).value();
            security::Digest proof{};
            for (std::size_t index = 0; index < proof.size(); ++index) {
                proof[index] = static_cast<std::uint8_t>(client_key[index] ^ signature[index]);
            }
            const auto server_key = security::hmac_sha256(salted.bytes(), {"Server Key"}).value();
            expected = "v=" + security::encode_base64(security::hmac_sha256(server_key, {auth_message}).value());
            return without_proof + ",p=" + security::encode_base64(proof);
        }
        std::string expected;
    };

    void anonymous_is_let_in_where_it_is_offered() {
        Broker broker;
        Client client(broker);
        client.pump();
        CPPUNIT_ASSERT(client.peer.is_open());
        CPPUNIT_ASSERT_EQUAL("anonymous"s, client.wire.connection->view().user);
        broker.options.mechanisms = {Mechanism::plain};
        Hand hand(broker);
        CPPUNIT_ASSERT(!hand.offers("ANONYMOUS"));
        hand.init("ANONYMOUS", std::nullopt);
        CPPUNIT_ASSERT_EQUAL(1, hand.outcome());
    }

    static AmqpPeer::Options login(const std::string& user, const std::string& password) {
        AmqpPeer::Options options;
        options.user = user;
        options.password = password;
        return options;
    }

    void a_right_password_is_let_in() {
        Broker broker;
        broker.users.permissions().put(
            {1, GranteeKind::role, "application", "#", {Action::send, Action::receive, Action::browse, Action::create}, {}, "test"});
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain, Mechanism::scram_sha_256};
        Client client(broker, login("alice", "correct horse"));
        client.pump();
        CPPUNIT_ASSERT(client.peer.is_open());
        CPPUNIT_ASSERT_EQUAL("alice"s, client.wire.connection->view().user);
        CPPUNIT_ASSERT(AmqpPeer::is_attached(client.sender("q")));
    }

    void a_wrong_password_is_answered_with_outcome_auth() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain};
        Client client(broker, login("alice", "battery staple"));
        client.pump();
        CPPUNIT_ASSERT(!client.peer.is_open());
        CPPUNIT_ASSERT(client.peer.login_failed());
        CPPUNIT_ASSERT(client.wire.connection->finished());
    }

    void an_unknown_user_is_answered_the_same() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain};
        Client client(broker, login("mallory", "correct horse"));
        client.pump();
        CPPUNIT_ASSERT(client.peer.login_failed());
    }

    void plain_is_not_offered_over_a_network_in_clear() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain, Mechanism::scram_sha_256};
        broker.peer.is_loopback = false;
        Hand hand(broker);
        CPPUNIT_ASSERT(!hand.offers("PLAIN"));
        CPPUNIT_ASSERT(hand.offers("SCRAM-SHA-256"));
        hand.init("PLAIN", "\0alice\0correct horse"s);
        CPPUNIT_ASSERT_EQUAL(1, hand.outcome());
    }

    void plain_is_offered_over_tls() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain};
        broker.peer.is_loopback = false;
        broker.peer.is_encrypted = true;
        Hand hand(broker);
        CPPUNIT_ASSERT(hand.offers("PLAIN"));
        hand.init("PLAIN", "\0alice\0correct horse"s);
        CPPUNIT_ASSERT_EQUAL(0, hand.outcome());
    }

    void nothing_is_offered_without_mechanisms() {
        Broker broker;
        broker.options.mechanisms = {};
        Hand hand(broker);
        hand.init("ANONYMOUS", std::nullopt);
        CPPUNIT_ASSERT_EQUAL(1, hand.outcome());
        CPPUNIT_ASSERT(hand.take().empty());
        CPPUNIT_ASSERT(hand.wire.connection->finished());
    }

    void nothing_is_read_while_a_password_is_verified() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain};
        AmqpPeer peer(login("alice", "correct horse"));
        Wire wire(broker);
        const auto exchange = [&] {
            wire.give(peer.take_output());
            peer.input(wire.take());
        };
        exchange();
        exchange();
        CPPUNIT_ASSERT(wire.connection->input_buffer().empty());
        CPPUNIT_ASSERT(wire.take().empty());
        wire.settle();
        CPPUNIT_ASSERT(!wire.connection->input_buffer().empty());
        for (int round = 0; round < 5; ++round) exchange();
        CPPUNIT_ASSERT(peer.is_open());
    }

    void acting_for_another_user_is_refused() {
        Broker broker;
        add_user(broker, "alice");
        add_user(broker, "admin", Role::administrator);
        broker.options.mechanisms = {Mechanism::plain};
        for (const auto& [response, outcome] : {std::pair{"admin\0alice\0correct horse"s, 1},
                                                {"alice\0alice\0correct horse"s, 0},
                                                {"\0\0correct horse"s, 1},
                                                {"alice"s, 1},
                                                {"\0alice\0correct horse\0"s, 1}}) {
            Hand hand(broker);
            hand.init("PLAIN", response);
            CPPUNIT_ASSERT_EQUAL(outcome, hand.outcome());
        }
    }

    void scram_lets_in_who_knows_the_password() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::scram_sha_256};
        broker.peer.is_loopback = false;
        Hand hand(broker);
        ScramHand scram;
        hand.init("SCRAM-SHA-256", scram.first());
        hand.respond(scram.final(hand.challenge()));
        CPPUNIT_ASSERT_EQUAL(scram.expected, hand.challenge());
        hand.respond("");
        CPPUNIT_ASSERT_EQUAL(0, hand.outcome());
        CPPUNIT_ASSERT_EQUAL("alice"s, hand.wire.connection->view().user);
    }

    void scram_refuses_a_wrong_proof() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::scram_sha_256};
        Hand hand(broker);
        ScramHand scram;
        scram.password = "battery staple";
        hand.init("SCRAM-SHA-256", scram.first());
        hand.respond(scram.final(hand.challenge()));
        CPPUNIT_ASSERT_EQUAL(1, hand.outcome());
    }

    void scram_works_without_initial_response() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::scram_sha_256};
        Hand hand(broker);
        ScramHand scram;
        hand.init("SCRAM-SHA-256", std::nullopt);
        CPPUNIT_ASSERT_EQUAL(""s, hand.challenge());
        hand.respond(scram.first());
        hand.respond(scram.final(hand.challenge()));
        CPPUNIT_ASSERT_EQUAL(scram.expected, hand.challenge());
        hand.respond("");
        CPPUNIT_ASSERT_EQUAL(0, hand.outcome());
    }

    void external_is_the_user_of_the_certificate() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::external};
        broker.peer.is_encrypted = true;
        broker.peer.certificate_subject = "alice";
        for (const auto& [response, outcome] : {std::pair{""s, 0}, {"alice"s, 0}, {"admin"s, 1}}) {
            Hand hand(broker);
            hand.init("EXTERNAL", response);
            CPPUNIT_ASSERT_EQUAL(outcome, hand.outcome());
        }
        broker.peer.certificate_subject = "";
        Hand hand(broker);
        CPPUNIT_ASSERT(!hand.offers("EXTERNAL"));
    }

    void external_needs_a_known_user() {
        Broker broker;
        broker.options.mechanisms = {Mechanism::external};
        broker.peer.is_encrypted = true;
        broker.peer.certificate_subject = "stranger";
        Hand hand(broker);
        hand.init("EXTERNAL", "");
        CPPUNIT_ASSERT_EQUAL(1, hand.outcome());
    }

    void an_answer_out_of_turn_fails() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::scram_sha_256};
        Hand first(broker);
        first.respond("hello");
        CPPUNIT_ASSERT_EQUAL(1, first.outcome());
        Hand second(broker);
        second.init("SCRAM-SHA-256", ScramHand().first());
        second.challenge();
        second.init("SCRAM-SHA-256", ScramHand().first());
        CPPUNIT_ASSERT(second.take().empty());
        CPPUNIT_ASSERT(second.wire.connection->finished());
    }

    void the_connection_ends_after_a_failed_login() {
        Broker broker;
        broker.options.mechanisms = {Mechanism::scram_sha_256};
        Hand hand(broker);
        hand.init("NO-SUCH", "");
        CPPUNIT_ASSERT_EQUAL(1, hand.outcome());
        CPPUNIT_ASSERT(hand.wire.connection->input_buffer().empty());
        CPPUNIT_ASSERT(hand.take().empty());
        CPPUNIT_ASSERT(hand.wire.connection->finished());
    }

    void sasl_may_be_left_out_where_anonymous_is_offered() {
        const std::string amqp_header("AMQP\x00\x01\x00\x00", 8);
        const std::string sasl_header("AMQP\x03\x01\x00\x00", 8);
        // open, with the container-id "c"
        const std::string frame(
            "\x00\x00\x00\x11\x02\x00\x00\x00\x00\x53\x10\xc0\x04\x01\xa1\x01"
            "c",
            17);
        Broker broker;
        const auto answer = [&broker](const std::string& bytes, std::string& user) {
            Wire wire(broker);
            wire.give({bytes.begin(), bytes.end()});
            wire.settle();
            const auto said = wire.take();
            user = wire.connection->view().user;
            return std::string(said.begin(), said.end());
        };
        std::string user;
        const std::string said = answer(amqp_header + frame, user);
        CPPUNIT_ASSERT_EQUAL(amqp_header, said.substr(0, 8));
        CPPUNIT_ASSERT(said.find("GiroMQ") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL("anonymous"s, user);
        broker.options.mechanisms = {Mechanism::plain, Mechanism::scram_sha_256};
        CPPUNIT_ASSERT_EQUAL(sasl_header, answer(amqp_header + frame, user));
        CPPUNIT_ASSERT_EQUAL(""s, user);
    }

    static security::LoginThrottle::Counters counters(Broker& broker) {
        return broker.users.logins().counters(security::LoginProtocol::amqp);
    }

    void guessing_passwords_locks() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain};
        for (int guess = 0; guess < 6; ++guess) {
            Client client(broker, login("alice", "guess " + std::to_string(guess)));
            client.pump();
            CPPUNIT_ASSERT(client.peer.login_failed());
        }
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, counters(broker).refused);
        Client locked(broker, login("alice", "correct horse"));
        locked.pump();
        CPPUNIT_ASSERT(locked.peer.login_failed());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, counters(broker).refused);
        broker.clock.advance(std::chrono::seconds(1));
        Client client(broker, login("alice", "correct horse"));
        client.pump();
        CPPUNIT_ASSERT(client.peer.is_open());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1}, counters(broker).succeeded);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{7}, counters(broker).failed);
    }

    void guessing_with_scram_locks() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::scram_sha_256};
        const auto outcome = [&broker](const std::string& password) {
            Hand hand(broker);
            ScramHand scram;
            scram.password = password;
            hand.init("SCRAM-SHA-256", scram.first());
            hand.respond(scram.final(hand.challenge()));
            const auto [code, data] = hand.read();
            if (code == 0x44) return static_cast<int>(data.bits);
            hand.respond("");
            return hand.outcome();
        };
        for (int guess = 0; guess < 6; ++guess) CPPUNIT_ASSERT_EQUAL(1, outcome("battery staple"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("locked", 1, outcome("correct horse"));
        broker.clock.advance(std::chrono::seconds(1));
        CPPUNIT_ASSERT_EQUAL(0, outcome("correct horse"));
    }

    void a_password_whose_sender_is_gone_is_not_verified() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::plain};
        AmqpPeer peer(login("alice", "battery staple"));
        Wire wire(broker);
        for (int round = 0; round < 2; ++round) {
            wire.give(peer.take_output());
            peer.input(wire.take());
        }
        CPPUNIT_ASSERT(!wire.workers.empty());
        wire.connection->abort();
        wire.settle();
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{0}, counters(broker).failed);
    }

    void a_role_comes_with_its_user() {
        Broker broker;
        add_user(broker, "root", Role::administrator);
        broker.options.mechanisms = {Mechanism::plain};
        Client client(broker, login("root", "correct horse"));
        client.pump();
        CPPUNIT_ASSERT_EQUAL("root"s, client.wire.connection->view().user);
    }

    void a_connection_knows_whose_it_may_be() {
        Broker broker;
        add_user(broker, "alice");
        broker.options.mechanisms = {Mechanism::scram_sha_256};
        Hand hand(broker);
        const auto& connection = *hand.wire.connection;
        CPPUNIT_ASSERT_MESSAGE("nobody has said anything", !connection.may_be_of("alice"));
        ScramHand scram;
        hand.init("SCRAM-SHA-256", scram.first());
        CPPUNIT_ASSERT_MESSAGE("the exchange has begun with the keys of now", connection.may_be_of("alice"));
        hand.respond(scram.final(hand.challenge()));
        CPPUNIT_ASSERT(connection.may_be_of("alice"));
        CPPUNIT_ASSERT_EQUAL(scram.expected, hand.challenge());
        hand.respond("");
        CPPUNIT_ASSERT(connection.may_be_of("alice"));
        CPPUNIT_ASSERT_MESSAGE("now it is known to be hers", !connection.may_be_of("bob"));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AmqpSaslTest);

}  // namespace giromq::test
