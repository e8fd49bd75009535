#include <cppunit/extensions/HelperMacros.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>

#include "unit/config/documents.hpp"

namespace giromq::config {
namespace {

const std::string tls = "<tls certificate-file='c' private-key-file='k'/>";
const std::string tls_with_ca = "<tls certificate-file='c' private-key-file='k' client-ca-file='a'/>";

class CheckTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(CheckTest);
    CPPUNIT_TEST(plain_without_tls_is_for_loopback_only);
    CPPUNIT_TEST(anonymous_is_for_loopback_unless_it_is_meant);
    CPPUNIT_TEST(anonymous_administrators_are_never_remote);
    CPPUNIT_TEST(http_without_tls_is_for_loopback_only);
    CPPUNIT_TEST(tls_needs_certificate_and_key);
    CPPUNIT_TEST(external_needs_tls_and_an_authority);
    CPPUNIT_TEST(mechanisms_are_listed_once);
    CPPUNIT_TEST(addresses_are_used_once);
    CPPUNIT_TEST(sizes_must_go_together);
    CPPUNIT_TEST(duplicate_and_reserved_queue_names_are_refused);
    CPPUNIT_TEST(selectors_have_names_of_their_own);
    CPPUNIT_TEST(a_selector_is_read_from_its_file);
    CPPUNIT_TEST(circles_of_dead_letter_queues_are_refused);
    CPPUNIT_TEST(configuration_changed_by_the_command_line_is_checked_again);
    CPPUNIT_TEST(loopback_addresses_are_known);
    CPPUNIT_TEST(endpoints_are_parsed);
    CPPUNIT_TEST(files_are_looked_at_only_when_asked);
    CPPUNIT_TEST(secrets_are_resolved_by_reference_only);
    CPPUNIT_TEST(relative_paths_start_from_the_folder_of_the_file);
    CPPUNIT_TEST(missing_and_oversized_files_are_refused);
    CPPUNIT_TEST_SUITE_END();

    std::filesystem::path folder_;

    static void assert_allowed(const std::string& content) { read(content); }

    static void assert_refused(const std::string& content, const std::string& words) {
        config::assert_refused(errc::not_allowed, content, words);
    }

    std::string write(const std::string& name, const std::string& text) const {
        const auto file = folder_ / name;
        std::ofstream(file, std::ios::binary) << text;
        return file.string();
    }

public:
    void setUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "giromq-config-test-XXXXXX").string();
        CPPUNIT_ASSERT(::mkdtemp(name.data()) != nullptr);
        folder_ = name;
    }

    void tearDown() override { std::filesystem::remove_all(folder_); }

    void plain_without_tls_is_for_loopback_only() {
        const std::string listener = "<amqp><listener host='0.0.0.0' port='5672'/></amqp>";
        assert_refused(listener, "add tls=\"true\", or mechanisms=\"scram-sha-256\"");
        assert_refused("<amqp><listener host='broker.bank.example' port='5672' mechanisms='plain'/></amqp>", "unencrypted");
        assert_allowed(listener + "<sasl mechanisms='scram-sha-256'/>");
        assert_allowed("<amqp><listener host='0.0.0.0' port='5672' mechanisms='scram-sha-256'/></amqp>");
        assert_allowed("<amqp><listener host='0.0.0.0' port='5671' tls='true'/></amqp>" + tls);
        assert_allowed("<amqp><listener host='127.0.0.1' port='5672'/><listener host='::1' port='5672'/></amqp>");
    }

    void anonymous_is_for_loopback_unless_it_is_meant() {
        const std::string listener = "<amqp><listener host='10.1.2.3' port='5672'/></amqp>";
        assert_refused(listener + "<sasl mechanisms='anonymous'/>", "allow-remote-anonymous=\"true\"");
        assert_refused("<amqp><listener host='10.1.2.3' port='5671' tls='true' mechanisms='anonymous'/></amqp>" + tls,
                       "mechanism anonymous");
        assert_allowed(listener + "<sasl mechanisms='anonymous' allow-remote-anonymous='true'/>");
        assert_allowed("<sasl mechanisms='anonymous'/>");
    }

    void anonymous_administrators_are_never_remote() {
        assert_refused(
            "<amqp><listener host='10.1.2.3' port='5672'/></amqp>"
            "<sasl mechanisms='anonymous' allow-remote-anonymous='true' anonymous-role='administrator'/>",
            "administrator");
        assert_allowed("<sasl mechanisms='anonymous' anonymous-role='administrator'/>");
    }

    void http_without_tls_is_for_loopback_only() {
        assert_refused("<http host='0.0.0.0'/>", "HTTP at 0.0.0.0:8161");
        assert_allowed("<http host='0.0.0.0' enabled='false'/>");
        assert_allowed("<http host='0.0.0.0' tls='true'/>" + tls);
    }

    void tls_needs_certificate_and_key() {
        assert_refused("<amqp><listener port='5671' tls='true'/></amqp>", "certificate-file and private-key-file");
        assert_refused("<http tls='true'/><tls certificate-file='c'/>", "private-key-file");
        assert_refused("<tls require-client-certificate='true'/>", "client-ca-file");
        assert_refused("<tls crl-file='r'/>", "client-ca-file");
        assert_allowed(tls);
    }

    void external_needs_tls_and_an_authority() {
        assert_refused("<sasl mechanisms='external'/>", "client-ca-file");
        assert_refused("<amqp><listener port='5671' tls='true'/></amqp><sasl mechanisms='external'/>" + tls, "client-ca-file");
        assert_refused("<sasl><certificate authority='" + std::string(64, 'a') + "' user='u'/></sasl>", "no listener offers");
        assert_refused("<amqp><listener port='5672' mechanisms='external'/></amqp>" + tls_with_ca, "add tls=\"true\"");
        assert_allowed("<amqp><listener port='5671' tls='true'/><listener port='5672'/></amqp><sasl mechanisms='external plain'/>" +
                       tls_with_ca);
    }

    void mechanisms_are_listed_once() { assert_refused("<sasl mechanisms='plain scram-sha-256 plain'/>", "plain is listed twice"); }

    void addresses_are_used_once() {
        assert_refused("<amqp><listener port='5672'/><listener port='5672'/></amqp>", "127.0.0.1:5672 is used twice");
        assert_refused("<amqp><listener port='8161'/></amqp>", "127.0.0.1:8161 is used twice");
        assert_allowed("<amqp><listener port='8161'/></amqp><http enabled='false'/>");
        assert_allowed("<amqp><listener port='0'/><listener port='0'/></amqp><http port='0'/>");
    }

    void sizes_must_go_together() {
        assert_refused("<store checkpoint='33MiB'/>", "wal must not be smaller");
        assert_refused("<core memory='8MiB' queue-window='9MiB'/>", "queue-window");
        assert_refused("<amqp max-frame='512KiB' session-window='256KiB'/>", "session-window");
    }

    void duplicate_and_reserved_queue_names_are_refused() {
        assert_refused("<queues><queue name='a'/><queue name='b'/><queue name='a'/></queues>", "'a' is there twice");
        assert_refused("<queues><queue name='temp-1'/></queues>", "temp-");
        assert_refused("<queues><queue name='a&#10;b'/></queues>", "control character");
        assert_refused("<queues><queue name='a&#x85;b'/></queues>", "control character");
        std::string name;
        for (int index = 0; index < 128; ++index) name += "\xC3\xA9";
        assert_refused("<queues><queue name='" + name + "'/></queues>", "255 bytes");
        assert_refused("<queues><defaults dead-letter-queue='temp-dead'/></queues>", "temp-");
        assert_refused("<core destinations-max='1'/><queues><queue name='a'/><queue name='b'/></queues>", "destinations-max");
    }

    void selectors_have_names_of_their_own() {
        assert_refused("<selectors><selector name='a' file='x'/><selector name='a' file='y'/></selectors>", "'a' is there twice");
    }

    void a_selector_is_read_from_its_file() {
        const auto config = parse_config(document("<selectors><selector name='red' file='red.sql'/></selectors>"));
        CPPUNIT_ASSERT(config);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, config->selectors.size());
        CPPUNIT_ASSERT_EQUAL(std::string("red"), config->selectors[0].name);
        CPPUNIT_ASSERT_EQUAL(std::string("red.sql"), config->selectors[0].file);
        CPPUNIT_ASSERT(!read_selector({.name = "red", .file = "/nowhere/red.sql", .origin = {}}));
    }

    void circles_of_dead_letter_queues_are_refused() {
        assert_refused("<queues><queue name='a' dead-letter-queue='b'/><queue name='b' dead-letter-queue='a'/></queues>", "(a -> b -> a)");
        assert_refused("<queues><queue name='a' dead-letter-queue='DLQ'/><queue name='DLQ' dead-letter-queue='a'/></queues>", "circle");
        assert_refused(
            "<queues><defaults dead-letter-queue='b'/><queue name='x'/><queue name='b' dead-letter-queue='c'/><queue name='c'/></queues>",
            "circle");
        assert_allowed("<queues><queue name='DLQ'/><queue name='a'/></queues>");
        assert_allowed(
            "<queues><queue name='a' dead-letter-queue='b'/><queue name='b' dead-letter-queue='c'/><queue name='c' "
            "dead-letter-queue='c'/></queues>");
    }

    void configuration_changed_by_the_command_line_is_checked_again() {
        auto config = default_config();
        config.amqp.listeners = {ListenerConfig{"0.0.0.0", 5672, false, {}, {}}};
        const auto checked = check(config);
        CPPUNIT_ASSERT(!checked && checked.error().is(errc::not_allowed));
        CPPUNIT_ASSERT(checked.error().detail().starts_with("the AMQP listener 0.0.0.0:5672"));
        config.amqp.listeners.clear();
        CPPUNIT_ASSERT(!check(config));
    }

    void loopback_addresses_are_known() {
        for (const char* host : {"127.0.0.1", "127.255.0.3", "::1", "localhost", "0:0:0:0:0:0:0:1"})
            CPPUNIT_ASSERT_MESSAGE(host, is_loopback(host));
        for (const char* host :
             {"0.0.0.0", "::", "128.0.0.1", "10.0.0.1", "localhost.bank.example", "127.0.0.1.bank.example", "", "1", "127.1"}) {
            CPPUNIT_ASSERT_MESSAGE(host, !is_loopback(host));
        }
    }

    void endpoints_are_parsed() {
        CPPUNIT_ASSERT((parse_endpoint("127.0.0.1:5672").value() == Endpoint{"127.0.0.1", 5672}));
        CPPUNIT_ASSERT((parse_endpoint("[::1]:0").value() == Endpoint{"::1", 0}));
        CPPUNIT_ASSERT((parse_endpoint("broker.bank.example:65535").value() == Endpoint{"broker.bank.example", 65535}));
        for (const char* text : {"", ":", "5672", "host", "host:", ":5672", "host:65536", "host:-1", "host:5x", "host: 5", "::1:5672",
                                 "[host]:1", "[]:1", "ho st:1", "host/x:1", "[::1]5672", "amqp://host:1"}) {
            CPPUNIT_ASSERT_MESSAGE(text, !parse_endpoint(text));
        }
        CPPUNIT_ASSERT(!parse_endpoint(std::string(1000, 'h') + ":1"));
    }

    void files_are_looked_at_only_when_asked() {
        auto config = parse_config(document("<tls certificate-file='/nonexistent/c' private-key-file='/nonexistent/k'/>")).value();
        CPPUNIT_ASSERT(check_files(config).error().is(errc::cannot_read));
        CPPUNIT_ASSERT(check_files(config).error().detail().starts_with("certificate-file: /nonexistent/c"));
        config.tls.certificate_file = write("c", "x");
        config.tls.private_key_file = write("k", "x");
        CPPUNIT_ASSERT(check_files(config));
        config.tls.private_key_password = "file:" + (folder_ / "none").string();
        CPPUNIT_ASSERT(check_files(config).error().is(errc::secret_not_found));
        config.tls.private_key_password.clear();
        config.tls.client_ca_file = folder_.string();
        CPPUNIT_ASSERT(check_files(config).error().is(errc::cannot_read));
        config.tls.client_ca_file.clear();
        config.broker.data_directory = config.tls.certificate_file;
        CPPUNIT_ASSERT(check_files(config).error().is(errc::cannot_read));
    }

    void secrets_are_resolved_by_reference_only() {
        ::setenv("GIROMQ_CONFIG_TEST_SECRET", "from the environment", 1);
        CPPUNIT_ASSERT_EQUAL(std::string("from the environment"), resolve_secret("env:GIROMQ_CONFIG_TEST_SECRET").value());
        ::unsetenv("GIROMQ_CONFIG_TEST_SECRET");
        CPPUNIT_ASSERT(resolve_secret("env:GIROMQ_CONFIG_TEST_SECRET").error().is(errc::secret_not_found));
        CPPUNIT_ASSERT_EQUAL(std::string("pass word"), resolve_secret("file:" + write("s", "pass word\r\nsecond line\n")).value());
        CPPUNIT_ASSERT_EQUAL(std::string(4096, 's'), resolve_secret("file:" + write("t", std::string(4096, 's'))).value());
        CPPUNIT_ASSERT(!resolve_secret("file:" + write("u", std::string(4097, 's'))));
        CPPUNIT_ASSERT(!resolve_secret("file:" + write("v", "\n")));
        CPPUNIT_ASSERT(!resolve_secret("file:" + folder_.string()));
        const auto refused = resolve_secret("hunter2hunter2");
        CPPUNIT_ASSERT(!refused && refused.error().to_string().find("hunter2") == std::string::npos);
    }

    void relative_paths_start_from_the_folder_of_the_file() {
        const auto file =
            write("giromq.xml", document("<broker data-directory='data'/><tls certificate-file='tls/../c' private-key-file='/abs/k'"
                                         " private-key-password='file:p' client-ca-file='a' crl-file='r'/>"));
        const auto config = load_config(file).value();
        CPPUNIT_ASSERT_EQUAL(file, config.source);
        CPPUNIT_ASSERT_EQUAL((folder_ / "data").string(), config.broker.data_directory);
        CPPUNIT_ASSERT_EQUAL((folder_ / "c").string(), config.tls.certificate_file);
        CPPUNIT_ASSERT_EQUAL(std::string("/abs/k"), config.tls.private_key_file);
        CPPUNIT_ASSERT_EQUAL("file:" + (folder_ / "p").string(), config.tls.private_key_password);
        CPPUNIT_ASSERT_EQUAL((folder_ / "a").string(), config.tls.client_ca_file);
        CPPUNIT_ASSERT_EQUAL((folder_ / "r").string(), config.tls.crl_file);
    }

    void missing_and_oversized_files_are_refused() {
        CPPUNIT_ASSERT(load_config("/nonexistent/giromq.xml").error().is(errc::cannot_read));
        CPPUNIT_ASSERT(load_config(folder_.string()).error().is(errc::cannot_read));
        CPPUNIT_ASSERT(load_config(write("large.xml", document(std::string(4u << 20, ' ')))).error().is(errc::cannot_read));
        const auto broken = load_config(write("broken.xml", "<giromq"));
        CPPUNIT_ASSERT(broken.error().is(errc::invalid) && broken.error().detail().starts_with((folder_ / "broken.xml:").string()));
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(CheckTest);

}  // namespace
}  // namespace giromq::config
