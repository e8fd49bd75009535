#include <algorithm>
#include <array>

#include "admin-web/beast_messages.hpp"
#include "admin-web/console_files.hpp"
#include "unit/admin_web/rig.hpp"

namespace giromq::test {
namespace {

constexpr std::array<admin_web::ConsoleFile, 3> files{{
    {"index.html", "text/html; charset=utf-8", "aa", "<html>", "", ""},
    {"assets/index-1a2b.js", "text/javascript; charset=utf-8", "bb", "plain", "zipped", "brotli"},
    {"assets/one.png", "image/png", "cc", "pixels", "", ""},
}};

bool has(const admin_web::Response& response, std::string_view name) {
    const auto& headers = response.headers;
    return std::any_of(headers.begin(), headers.end(), [&](const auto& header) { return header.first == name; });
}

}  // namespace

/// The files of the web console: what is served under which path, packed how, and with which headers.
class ConsoleTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(ConsoleTest);
    CPPUNIT_TEST(every_path_that_is_no_file_is_a_page);
    CPPUNIT_TEST(assets_that_are_not_there_are_not_pages);
    CPPUNIT_TEST(the_best_packing_that_the_client_takes_is_sent);
    CPPUNIT_TEST(codings_are_read_as_the_rfc_says);
    CPPUNIT_TEST(hashed_names_are_kept_for_ever_and_the_page_is_not);
    CPPUNIT_TEST(who_has_the_file_is_told_so);
    CPPUNIT_TEST(tags_differ_for_each_packing);
    CPPUNIT_TEST(the_policy_allows_nothing_but_the_console_itself);
    CPPUNIT_TEST(a_browser_is_sent_to_the_console);
    CPPUNIT_TEST(a_link_from_another_site_leads_to_the_console);
    CPPUNIT_TEST(nothing_but_reading_is_allowed);
    CPPUNIT_TEST(paths_lead_nowhere_else);
    CPPUNIT_TEST(a_broker_without_the_console_says_so);
    CPPUNIT_TEST_SUITE_END();

    struct Rig : SiteRig {
        Rig() : SiteRig(false, files) {}
    };

public:
    void every_path_that_is_no_file_is_a_page() {
        Rig rig;
        for (const auto* path : {"/console/", "/console/queues", "/console/queues/payments.in", "/console/queues/a%2Fb/messages?limit=5",
                                 "/console/index.html"}) {
            const auto page = rig.get(path);
            CPPUNIT_ASSERT_EQUAL_MESSAGE(path, 200, page.status);
            CPPUNIT_ASSERT_EQUAL(std::string("<html>"), page.body);
            CPPUNIT_ASSERT_EQUAL(std::string("text/html; charset=utf-8"), page.content_type);
        }
        CPPUNIT_ASSERT_EQUAL(401, rig.get("/consoles").status);
    }

    void assets_that_are_not_there_are_not_pages() {
        Rig rig;
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/console/assets/old-9z.js").status);
        CPPUNIT_ASSERT_EQUAL(404, rig.get("/console/assets/").status);
    }

    void the_best_packing_that_the_client_takes_is_sent() {
        Rig rig;
        const auto packed = [&](const std::string& accepted) {
            const auto file = rig.get("/console/assets/index-1a2b.js", {{"accept-encoding", accepted}});
            CPPUNIT_ASSERT_EQUAL(std::string("Accept-Encoding"), header_of(file, "Vary"));
            CPPUNIT_ASSERT_EQUAL(file.body != "plain", has(file, "Content-Encoding"));
            return file.body;
        };
        CPPUNIT_ASSERT_EQUAL(std::string("brotli"), packed("gzip, deflate, br, zstd"));
        CPPUNIT_ASSERT_EQUAL(std::string("zipped"), packed("gzip, deflate"));
        CPPUNIT_ASSERT_EQUAL(std::string("plain"), packed("identity"));
        CPPUNIT_ASSERT_EQUAL(std::string("plain"), rig.get("/console/assets/index-1a2b.js").body);
        CPPUNIT_ASSERT_EQUAL(std::string("pixels"), rig.get("/console/assets/one.png", {{"accept-encoding", "gzip, br"}}).body);
    }

    void codings_are_read_as_the_rfc_says() {
        using admin_web::accepts_coding;
        CPPUNIT_ASSERT(accepts_coding("br", "br"));
        CPPUNIT_ASSERT(accepts_coding("GZIP;q=0.5 , BR ; Q=0.001", "br"));
        CPPUNIT_ASSERT(accepts_coding("*", "br"));
        CPPUNIT_ASSERT(!accepts_coding("*, br;q=0", "br"));
        CPPUNIT_ASSERT(!accepts_coding("br;q=0.000", "br"));
        CPPUNIT_ASSERT(!accepts_coding("gzip;q=1, *;q=0", "br"));
        CPPUNIT_ASSERT(!accepts_coding("brotli, xbr", "br"));
        CPPUNIT_ASSERT(!accepts_coding("", "br"));
        CPPUNIT_ASSERT(!accepts_coding(",,;;q=,", "br"));
    }

    void hashed_names_are_kept_for_ever_and_the_page_is_not() {
        Rig rig;
        CPPUNIT_ASSERT_EQUAL(std::string("public, max-age=31536000, immutable"),
                             header_of(rig.get("/console/assets/one.png"), "Cache-Control"));
        CPPUNIT_ASSERT_EQUAL(std::string("no-cache"), header_of(rig.get("/console/"), "Cache-Control"));
        // On the wire it is the only one of its kind.
        const auto message = admin_web::to_beast(rig.get("/console/assets/one.png"), 11, true, false, true);
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, message.count("Cache-Control"));
        CPPUNIT_ASSERT_EQUAL(std::size_t{1}, message.count("Content-Security-Policy"));
    }

    void who_has_the_file_is_told_so() {
        Rig rig;
        const auto tag = header_of(rig.get("/console/"), "ETag");
        CPPUNIT_ASSERT_EQUAL(std::string("\"aa\""), tag);
        for (const auto& known : {tag, "W/" + tag, "\"zz\", " + tag, std::string("*")}) {
            const auto page = rig.get("/console/", {{"if-none-match", known}});
            CPPUNIT_ASSERT_EQUAL_MESSAGE(known, 304, page.status);
            CPPUNIT_ASSERT(page.body.empty());
            CPPUNIT_ASSERT_EQUAL(tag, header_of(page, "ETag"));
        }
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/console/", {{"if-none-match", "\"zz\""}}).status);
        const auto message = admin_web::to_beast(rig.get("/console/", {{"if-none-match", tag}}), 11, true, false, true);
        CPPUNIT_ASSERT_EQUAL(std::size_t{0}, message.count("Content-Length"));
    }

    void tags_differ_for_each_packing() {
        Rig rig;
        const auto plain = rig.get("/console/assets/index-1a2b.js");
        const auto packed = rig.get("/console/assets/index-1a2b.js", {{"accept-encoding", "br"}});
        CPPUNIT_ASSERT(header_of(plain, "ETag") != header_of(packed, "ETag"));
    }

    void the_policy_allows_nothing_but_the_console_itself() {
        Rig rig;
        const auto policy = header_of(rig.get("/console/"), "Content-Security-Policy");
        for (const auto* part :
             {"default-src 'none'", "script-src 'self';", "frame-ancestors 'none'", "require-trusted-types-for 'script'"}) {
            CPPUNIT_ASSERT_MESSAGE(part, policy.find(part) != std::string::npos);
        }
        CPPUNIT_ASSERT_MESSAGE("nothing inline", policy.find("unsafe") == std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string("same-origin"), header_of(rig.get("/console/"), "Cross-Origin-Opener-Policy"));
    }

    void a_browser_is_sent_to_the_console() {
        Rig rig;
        const auto sent = rig.get("/", {{"accept", "text/html,application/xhtml+xml,*/*;q=0.8"}});
        CPPUNIT_ASSERT_EQUAL(302, sent.status);
        CPPUNIT_ASSERT_EQUAL(std::string("/console/"), header_of(sent, "Location"));
        CPPUNIT_ASSERT_EQUAL(std::string("/console/"), header_of(rig.get("/console"), "Location"));
        CPPUNIT_ASSERT_EQUAL_MESSAGE("a script is not", 200, rig.get("/", {{"accept", "*/*"}}).status);
    }

    void a_link_from_another_site_leads_to_the_console() {
        Rig rig;
        const SiteRig::Headers link{{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "navigate"}, {"sec-fetch-dest", "document"}};
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/console/queues/a", link).status);
        CPPUNIT_ASSERT_EQUAL_MESSAGE("but to nothing else", 403, rig.get("/api/v1/overview", link).status);
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/console/", {{"sec-fetch-site", "cross-site"}, {"sec-fetch-mode", "no-cors"}}).status);
        auto framed = link;
        framed.back().second = "iframe";
        CPPUNIT_ASSERT_EQUAL(403, rig.get("/console/", framed).status);
    }

    void nothing_but_reading_is_allowed() {
        Rig rig;
        CPPUNIT_ASSERT_EQUAL(405, rig.post("/console/").status);
        CPPUNIT_ASSERT_EQUAL(405, rig.remove("/console/assets/one.png").status);
        CPPUNIT_ASSERT_EQUAL(200, rig.send(rig.make("HEAD", "/console/assets/one.png")).status);
    }

    void paths_lead_nowhere_else() {
        Rig rig;
        for (const auto* path : {"/console/../etc/passwd", "/console/assets/../index.html", "/console/assets/%2e%2e/x",
                                 "/console//etc/passwd", "/console/assets/..%2f..%2fx"}) {
            const auto answer = rig.get(path);
            CPPUNIT_ASSERT_MESSAGE(path, answer.status == 404 || answer.body == "<html>");
        }
    }

    void a_broker_without_the_console_says_so() {
        SiteRig rig(false);
        const auto page = rig.get("/console/", {{"accept", "text/html"}});
        CPPUNIT_ASSERT_EQUAL(404, page.status);
        CPPUNIT_ASSERT(page.body.find("built without the web console") != std::string::npos);
        CPPUNIT_ASSERT_EQUAL(std::string("text/plain; charset=utf-8"), page.content_type);
        CPPUNIT_ASSERT_EQUAL(200, rig.get("/", {{"accept", "text/html"}}).status);
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(ConsoleTest);

}  // namespace giromq::test
