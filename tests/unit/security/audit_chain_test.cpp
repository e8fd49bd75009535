#include <cppunit/extensions/HelperMacros.h>

#include <algorithm>
#include <array>
#include <vector>

#include "security/audit_chain.hpp"

namespace giromq::security {
namespace {

class AuditChainTest : public CppUnit::TestFixture {
    CPPUNIT_TEST_SUITE(AuditChainTest);
    CPPUNIT_TEST(a_chain_as_it_was_written_is_intact);
    CPPUNIT_TEST(every_change_of_a_record_is_found);
    CPPUNIT_TEST(a_record_that_is_removed_is_found);
    CPPUNIT_TEST(texts_cannot_be_moved_from_one_field_to_the_next);
    CPPUNIT_TEST_SUITE_END();

public:
    using Records = std::vector<AuditRecord>;

    static Records chain(std::uint64_t count) {
        Records records;
        AuditHash previous{};
        for (std::uint64_t number = 1; number <= count; ++number) {
            AuditEntry entry;
            entry.time = Timestamp{static_cast<std::int64_t>(1000 * number)};
            entry.user = "ann";
            entry.action = "queue.purge";
            entry.object = "q" + std::to_string(number);
            previous = audit_hash(previous, number, entry).value();
            records.push_back({number, entry, previous});
        }
        return records;
    }
    static AuditVerifier::Finding verify(const Records& records) {
        AuditVerifier verifier;
        for (auto record = records.rbegin(); record != records.rend(); ++record) verifier.look_at(*record);
        verifier.finish();
        return verifier.finding();
    }

    void a_chain_as_it_was_written_is_intact() {
        for (const auto count : std::array<std::uint64_t, 4>{0, 1, 2, 10}) {
            const auto records = chain(count);
            const auto finding = verify(records);
            CPPUNIT_ASSERT(!finding.first_bad);
            CPPUNIT_ASSERT_EQUAL(count, finding.records);
            CPPUNIT_ASSERT(finding.head == (count == 0 ? AuditHash{} : records.back().hash));
        }
    }

    void every_change_of_a_record_is_found() {
        const auto sound = chain(5);
        const auto bad_after = [&](auto change) {
            auto records = sound;
            change(records[2]);
            return verify(records).first_bad.value_or(0);
        };
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, bad_after([](AuditRecord& record) { record.entry.user = "bob"; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, bad_after([](AuditRecord& record) { record.entry.time.milliseconds += 1; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, bad_after([](AuditRecord& record) { record.entry.outcome = "refused"; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, bad_after([](AuditRecord& record) { record.entry.peer = "192.0.2.1:1"; }));
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{3}, bad_after([](AuditRecord& record) { record.hash[31] ^= 1; }));
        // One who makes the record's own hash right breaks the next one.
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, bad_after([&](AuditRecord& record) {
                                 record.entry.user = "bob";
                                 record.hash = audit_hash(sound[1].hash, record.number, record.entry).value();
                             }));
    }

    void a_record_that_is_removed_is_found() {
        auto middle = chain(5);
        middle.erase(middle.begin() + 2);
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{4}, verify(middle).first_bad.value_or(0));
        auto first = chain(5);
        first.erase(first.begin());
        CPPUNIT_ASSERT_EQUAL(std::uint64_t{2}, verify(first).first_bad.value_or(0));
        // What is missing at the end is only seen by who has kept the head.
        auto last = chain(5);
        last.pop_back();
        CPPUNIT_ASSERT(verify(last).head != chain(5).back().hash);
    }

    void texts_cannot_be_moved_from_one_field_to_the_next() {
        AuditEntry one;
        one.user = "ab";
        one.action = "c";
        AuditEntry other;
        other.user = "a";
        other.action = "bc";
        CPPUNIT_ASSERT(audit_hash({}, 1, one).value() != audit_hash({}, 1, other).value());
    }
};

CPPUNIT_TEST_SUITE_REGISTRATION(AuditChainTest);

}  // namespace
}  // namespace giromq::security
