#include <cppunit/extensions/HelperMacros.h>

#include <chrono>
#include <string>
#include <vector>

#include "config/units.hpp"
#include "unit/config/documents.hpp"

namespace giromq::config {
namespace {

using std::chrono::milliseconds;

class ConfigTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConfigTest);
    CPPUNIT_TEST(empty_document_is_the_default_configuration);
    CPPUNIT_TEST(empty_parts_have_the_defaults_of_the_schema);
    CPPUNIT_TEST(default_and_dev_configurations_are_allowed);
    CPPUNIT_TEST(dev_configuration_is_for_loopback_only);
    CPPUNIT_TEST(every_option_of_the_broker_and_amqp_is_read);
    CPPUNIT_TEST(every_option_of_tls_sasl_and_http_is_read);
    CPPUNIT_TEST(every_option_of_core_and_store_is_read);
    CPPUNIT_TEST(thresholds_of_alarms_are_read);
    CPPUNIT_TEST(queues_take_what_they_do_not_say_from_the_defaults);
    CPPUNIT_TEST(listener_may_have_mechanisms_of_its_own);
    CPPUNIT_TEST(parts_may_come_in_any_order_but_once_only);
    CPPUNIT_TEST(values_are_read_with_spaces_around_them);
    CPPUNIT_TEST(numbers_out_of_range_are_refused);
    CPPUNIT_TEST(sizes_and_durations_out_of_range_are_refused);
    CPPUNIT_TEST(sizes_and_durations_without_unit_are_refused);
    CPPUNIT_TEST(unknown_options_are_refused);
    CPPUNIT_TEST(hostile_documents_are_refused);
    CPPUNIT_TEST(errors_name_source_line_and_column);
    CPPUNIT_TEST(ten_thousand_queues_are_read);
    CPPUNIT_TEST(sizes_of_every_unit);
    CPPUNIT_TEST(durations_of_every_unit);
    CPPUNIT_TEST_SUITE_END();

    static void assert_same(const Config& left, const Config& right) {
        CPPUNIT_ASSERT(left.broker == right.broker);
        CPPUNIT_ASSERT(left.amqp == right.amqp);
        CPPUNIT_ASSERT(left.tls == right.tls);
        CPPUNIT_ASSERT(left.sasl == right.sasl);
        CPPUNIT_ASSERT(left.http == right.http);
        CPPUNIT_ASSERT(left.core == right.core);
        CPPUNIT_ASSERT(left.store == right.store);
        CPPUNIT_ASSERT(left.queue_defaults == right.queue_defaults);
        CPPUNIT_ASSERT(left.queues == right.queues);
    }

public:
    void empty_document_is_the_default_configuration() { assert_same(default_config(), read("")); }

    void empty_parts_have_the_defaults_of_the_schema() {
        const auto config =
            read("<broker/><amqp><listener port='5672'/></amqp><tls/><sasl/><http/><core/><store/><queues><defaults/></queues>");
        assert_same(default_config(), config);
        const auto with_queue = read("<queues><queue name='a'/></queues>");
        DestinationSettings expected;
        expected.name = "a";
        expected.origin = DestinationOrigin::configured;
        CPPUNIT_ASSERT(with_queue.queues[0].settings == expected);
    }

    void default_and_dev_configurations_are_allowed() {
        CPPUNIT_ASSERT(check(default_config()));
        CPPUNIT_ASSERT(check(dev_config()));
    }

    void dev_configuration_is_for_loopback_only() {
        const auto config = dev_config();
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, config.amqp.listeners.size());
        CPPUNIT_ASSERT(is_loopback(config.amqp.listeners[0].host) && is_loopback(config.http.host));
        CPPUNIT_ASSERT(config.sasl.anonymous_role == Role::administrator);
        CPPUNIT_ASSERT(config.core.create_queues);
        auto remote = config;
        remote.amqp.listeners[0].host = "0.0.0.0";
        CPPUNIT_ASSERT(check(remote).error().is(errc::not_allowed));
        remote = config;
        remote.http.host = "::";
        CPPUNIT_ASSERT(check(remote).error().is(errc::not_allowed));
    }

    void every_option_of_the_broker_and_amqp_is_read() {
        const auto config = read(
            "<broker name='b-1' data-directory='/data' log-level='warning' io-threads='3' busy-wait-us='40' stop-timeout='1min' "
            "close-timeout='50ms'/>"
            "<amqp idle-timeout='1min' max-frame='64KiB' max-message='1MiB' sessions-max='2' links-max='3' session-window='128KiB' "
            "output-window='32KiB'"
            " bytes-before-authentication='2KiB' authentication-timeout='500ms' connections-max='4' connections-per-address-max='5' "
            "connections-per-user-max='6'>"
            "<listener host='::1' port='1'/><listener host='localhost' port='65535'/></amqp>");
        CPPUNIT_ASSERT((config.broker == BrokerConfig{"b-1", "/data", log::Level::warning, 3, 40, milliseconds(60000), milliseconds(50)}));
        const auto& amqp = config.amqp;
        CPPUNIT_ASSERT(amqp.idle_timeout == milliseconds(60000) && amqp.authentication_timeout == milliseconds(500));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{65536}, amqp.max_frame_bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{1048576}, amqp.max_message_bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{2}, amqp.sessions_max);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{3}, amqp.links_max);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{131072}, amqp.session_window_bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{32768}, amqp.output_window_bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{2048}, amqp.bytes_before_authentication);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{4}, amqp.connections_max);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{5}, amqp.connections_per_address_max);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{6}, amqp.connections_per_user_max);
        CPPUNIT_ASSERT_EQUAL(std::size_t{2}, amqp.listeners.size());
        CPPUNIT_ASSERT_EQUAL(std::string("::1"), amqp.listeners[0].host);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{65535}, amqp.listeners[1].port);
    }

    void every_option_of_tls_sasl_and_http_is_read() {
        std::string colons = "0F";
        for (int byte = 1; byte < 32; ++byte) colons += ":0F";
        const auto config = read(
            "<amqp><listener port='5671' host='0.0.0.0' tls='true'/></amqp>"
            "<tls certificate-file='c' private-key-file='k' private-key-password='env:P' client-ca-file='a' crl-file='r' "
            "require-client-certificate='true'"
            " minimum-version='1.3' ciphers='HIGH:!aNULL' cipher-suites='TLS_AES_256_GCM_SHA384' reload-interval='0'/>"
            "<sasl mechanisms='external anonymous' allow-remote-anonymous='true' anonymous-role='application' login-failures-max='0'"
            " login-lock-max='1h'><certificate authority='" +
            std::string(64, 'a') + "' user='ledger'/><certificate authority='" + colons +
            "' subject='CN=a,O=b' user='*'/></sasl>"
            "<http enabled='true' host='0.0.0.0' port='443' tls='true' requests-per-second-max='7'/>");
        CPPUNIT_ASSERT(
            (config.tls ==
             TlsConfig{
                 "c", "k", "env:P", "a", "r", true, TlsVersion::tls_1_3, "HIGH:!aNULL", "TLS_AES_256_GCM_SHA384", milliseconds(0), {}}));
        CPPUNIT_ASSERT((config.sasl == SaslConfig{{Mechanism::external, Mechanism::anonymous},
                                                  true,
                                                  Role::application,
                                                  0,
                                                  milliseconds(3'600'000),
                                                  {{std::string(64, 'a'), "", "ledger"}, {colons, "CN=a,O=b", "*"}},
                                                  {}}));
        CPPUNIT_ASSERT((config.http == HttpConfig{true, "0.0.0.0", 443, true, 7, {}}));
        CPPUNIT_ASSERT(read("<sasl mechanisms='anonymous' anonymous-role='administrator'/>").sasl.anonymous_role == Role::administrator);
        CPPUNIT_ASSERT(!read("<http enabled='false'/>").http.enabled);
    }

    void every_option_of_core_and_store_is_read() {
        const auto config = read(
            "<core memory='1GiB' queue-window='1MiB' queue-window-messages='16' producer-window='1' consumer-unsettled-max='2' "
            "create-queues='true'"
            " destinations-max='3' producers-max='4' transaction-timeout='5s' transaction-bytes='1MiB' transaction-operations='6'"
            " transactions-max='7' branches-max='9' in-doubt-alarm='8s'/><store page='16KiB' checkpoint='1MiB' wal='2MiB' "
            "reserve='3MiB'/>");
        CPPUNIT_ASSERT(
            (config.core ==
             CoreConfig{1u << 30, 1u << 20, 16, 1, 2, true, 3, 4, milliseconds(5000), 1u << 20, 6, 7, 9, milliseconds(8000), {}}));
        CPPUNIT_ASSERT((config.store == StoreConfig{16384, 1u << 20, 2u << 20, 3u << 20, {}}));
    }

    void thresholds_of_alarms_are_read() {
        const auto config = read(
            "<alarms in-doubt-critical='2h' dead-letter-warning='3' dead-letter-critical='4' commit-warning='5ms' commit-critical='6ms'"
            " disk-warning='7MiB' disk-critical='8MiB' certificate-warning='9d' certificate-critical='10d' memory-warning='0' "
            "revocation-warning='11h' revocation-critical='12h'"
            " memory-critical='17MiB'/>");
        using std::chrono::hours;
        CPPUNIT_ASSERT((config.alarms == AlarmsConfig{hours(2),
                                                      3,
                                                      4,
                                                      milliseconds(5),
                                                      milliseconds(6),
                                                      7u << 20,
                                                      8u << 20,
                                                      hours(9 * 24),
                                                      hours(10 * 24),
                                                      hours(11),
                                                      hours(12),
                                                      0,
                                                      17u << 20,
                                                      {}}));
    }

    void queues_take_what_they_do_not_say_from_the_defaults() {
        const auto config = read(
            "<queues><defaults max-deliveries='3' dead-letter-queue='dead' max-messages='7' max-bytes='1MiB' overflow='hold' "
            "strict='true' duplicate-ids-max='9'"
            " duplicate-ids-age='2s'/><queue name='a'/><queue name='b &amp; c' max-deliveries='0' dead-letter-queue='x' max-messages='1' "
            "max-bytes='0'"
            " overflow='refuse' strict='false' duplicate-ids-max='0' duplicate-ids-age='1d'/></queues>");
        const DestinationSettings a{
            "a", DestinationKind::queue, DestinationOrigin::configured, 3, "dead", 7, 1u << 20, OverflowPolicy::hold, 9, milliseconds(2000),
            true};
        const DestinationSettings b{
            "b & c", DestinationKind::queue, DestinationOrigin::configured, 0, "x", 1, 0, OverflowPolicy::refuse, 0, milliseconds(86400000),
            false};
        CPPUNIT_ASSERT(config.queues[0].settings == a);
        CPPUNIT_ASSERT(config.queues[1].settings == b);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{3}, config.queue_defaults.max_deliveries);
    }

    void listener_may_have_mechanisms_of_its_own() {
        const auto config = read("<amqp><listener port='1'/><listener host='10.0.0.1' port='2' mechanisms=' scram-sha-256 '/></amqp>");
        CPPUNIT_ASSERT(config.mechanisms_of(config.amqp.listeners[0]) == config.sasl.mechanisms);
        CPPUNIT_ASSERT(config.mechanisms_of(config.amqp.listeners[1]) == std::vector<Mechanism>{Mechanism::scram_sha_256});
    }

    void parts_may_come_in_any_order_but_once_only() {
        CPPUNIT_ASSERT(read("<queues/><broker name='z'/>").broker.name == "z");
        assert_refused(errc::invalid, "<broker/><broker/>");
    }

    void values_are_read_with_spaces_around_them() {
        const auto config = read("<amqp idle-timeout=' 5s&#10;' sessions-max=' 7 '><listener port='&#9;80 ' tls=' false '/></amqp>");
        CPPUNIT_ASSERT(config.amqp.idle_timeout == milliseconds(5000));
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{7}, config.amqp.sessions_max);
        CPPUNIT_ASSERT_EQUAL(std::uint16_t{80}, config.amqp.listeners[0].port);
    }

    void numbers_out_of_range_are_refused() {
        for (const char* content :
             {"<amqp><listener port='65536'/></amqp>", "<amqp><listener port='-1'/></amqp>", "<amqp><listener port=''/></amqp>",
              "<amqp><listener port='99999999999999999999999999'/></amqp>", "<amqp sessions-max='0'/>", "<amqp sessions-max='65536'/>",
              "<broker io-threads='65'/>", "<broker busy-wait-us='10001'/>", "<core producer-window='1025'/>",
              "<core queue-window-messages='15'/>", "<queues><defaults max-deliveries='1000001'/></queues>", "<broker io-threads='1.5'/>",
              "<broker io-threads='0x1'/>", "<broker io-threads='+1'/>", "<broker io-threads='-0'/>"}) {
            assert_refused(errc::invalid, content);
        }
    }

    void sizes_and_durations_out_of_range_are_refused() {
        assert_refused(errc::out_of_range, "<amqp max-frame='4095B'/>", "'max-frame' must be from 4KiB to 1MiB");
        assert_refused(errc::out_of_range, "<amqp max-frame='1025KiB'/>");
        assert_refused(errc::out_of_range, "<amqp max-frame='0'/>");
        assert_refused(errc::out_of_range, "<amqp max-message='9999999999TiB'/>");
        assert_refused(errc::out_of_range, "<amqp idle-timeout='999ms'/>", "'idle-timeout' must be from 1s to 1h, or 0 (none)");
        assert_refused(errc::out_of_range, "<amqp idle-timeout='9999999999d'/>");
        assert_refused(errc::out_of_range, "<queues><queue name='a' max-bytes='1B'/></queues>");
        assert_refused(errc::out_of_range, "<queues><queue name='a' duplicate-ids-age='8d'/></queues>");
        CPPUNIT_ASSERT(read("<amqp idle-timeout='0'/>").amqp.idle_timeout == milliseconds(0));
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{4096}, read("<amqp max-frame='4KiB'/>").amqp.max_frame_bytes);
        CPPUNIT_ASSERT_EQUAL(std::uint32_t{1048576}, read("<amqp max-frame='1MiB'/>").amqp.max_frame_bytes);
    }

    void sizes_and_durations_without_unit_are_refused() {
        for (const char* content :
             {"<amqp max-frame='65536'/>", "<amqp max-frame='64KB'/>", "<amqp max-frame='64 KiB'/>", "<amqp max-frame='1.5MiB'/>",
              "<amqp max-frame='-1KiB'/>", "<amqp idle-timeout='10'/>", "<amqp idle-timeout='10 s'/>", "<amqp idle-timeout='10sec'/>",
              "<store page='3KiB'/>", "<store page='4096B'/>"}) {
            assert_refused(errc::invalid, content);
        }
    }

    void unknown_options_are_refused() {
        assert_refused(errc::invalid, "<brokers/>", "brokers");
        assert_refused(errc::invalid, "<broker color='red'/>", "color");
        assert_refused(errc::invalid, "<amqp><listener port='1'><x/></listener></amqp>");
        assert_refused(errc::invalid, "<sasl mechanisms='digest-md5'/>");
        assert_refused(errc::invalid, "<sasl mechanisms=''/>");
        assert_refused(errc::invalid, "<broker log-level='loud'/>");
        assert_refused(errc::invalid, "<tls minimum-version='1.1'/>");
        assert_refused(errc::invalid, "<tls private-key-password='secret'/>");
        assert_refused(errc::invalid, "<amqp><listener/></amqp>", "port");
        assert_refused(errc::invalid, "<queues><queue/></queues>", "name");
        assert_refused(errc::invalid, "<queues><queue name=''/></queues>");
        assert_refused(errc::invalid, "text");
    }

    void hostile_documents_are_refused() {
        const std::vector<std::string> texts{"",
                                             "<giromq/>",
                                             "<giromq xmlns='urn:giromq:config:2'/>",
                                             "{\"broker\":{}}",
                                             "<!DOCTYPE giromq [<!ENTITY a 'b'><!ENTITY c '&a;&a;&a;'>]>" + document("&c;"),
                                             "<!DOCTYPE giromq SYSTEM 'file:///etc/hostname'>" + document(""),
                                             "<?xml version='1.0' encoding='ISO-8859-1'?>" + document(""),
                                             document("<broker name='\xE9'/>"),
                                             document(std::string(10u << 20, ' ')),
                                             document("<queues><queue name='" + std::string(100000, 'q') + "'/></queues>")};
        for (const auto& text : texts) {
            const auto config = parse_config(text);
            CPPUNIT_ASSERT_MESSAGE(text.substr(0, 100), !config && config.error().is(errc::invalid));
        }
        std::string deep;
        for (int level = 0; level < 100000; ++level) deep += "<queues>";
        assert_refused(errc::invalid, deep);
    }

    void errors_name_source_line_and_column() {
        const auto detail_of = [](const std::string& content) { return parse_config(document(content), "giromq.xml").error().detail(); };
        CPPUNIT_ASSERT(detail_of("<broker\n  io-threads='65'/>").starts_with("giromq.xml:3:3: attribute 'io-threads': "));
        CPPUNIT_ASSERT(detail_of("<amqp\n  max-frame='1B'/>").starts_with("giromq.xml:3:3: 'max-frame' must be"));
        CPPUNIT_ASSERT(detail_of("<queues>\n <queue name='a'/>\n <queue name='a'/></queues>")
                           .starts_with("giromq.xml:4:2: the queue 'a' is there twice"));
    }

    void ten_thousand_queues_are_read() {
        std::string queues = "<queues>";
        for (int index = 0; index < 10000; ++index)
            queues += "<queue name='queue." + std::to_string(index) + "' dead-letter-queue='dead' max-deliveries='5'/>\n";
        const auto config = read(queues + "</queues>");
        CPPUNIT_ASSERT_EQUAL(std::size_t{10000}, config.queues.size());
        CPPUNIT_ASSERT_EQUAL(std::string("queue.9999"), config.queues.back().settings.name);
    }

    void sizes_of_every_unit() {
        CPPUNIT_ASSERT(parse_size("0") == 0u);
        CPPUNIT_ASSERT(parse_size("512B") == 512u);
        CPPUNIT_ASSERT(parse_size("64KiB") == 65536u);
        CPPUNIT_ASSERT(parse_size("3MiB") == 3145728u);
        CPPUNIT_ASSERT(parse_size("1GiB") == 1073741824u);
        CPPUNIT_ASSERT(parse_size("8388607TiB") == 8388607ull << 40);
        for (const char* text :
             {"", "8388608TiB", "1", "B", "01B", "1b", "1 B", "-1B", "+1B", "1BB", "99999999999999999999B", "00", "0B"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !parse_size(text));
        }
    }

    void durations_of_every_unit() {
        CPPUNIT_ASSERT(parse_duration("0") == milliseconds(0));
        CPPUNIT_ASSERT(parse_duration("5ms") == milliseconds(5));
        CPPUNIT_ASSERT(parse_duration("5s") == milliseconds(5000));
        CPPUNIT_ASSERT(parse_duration("5min") == milliseconds(300000));
        CPPUNIT_ASSERT(parse_duration("5h") == milliseconds(18000000));
        CPPUNIT_ASSERT(parse_duration("5d") == milliseconds(432000000));
        for (const char* text : {"", "5", "5m", "5 s", "s", "05s", "-5s", "9999999999999999d"})
            CPPUNIT_ASSERT_MESSAGE(text, !parse_duration(text));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConfigTest);

}  // namespace
}  // namespace giromq::config
