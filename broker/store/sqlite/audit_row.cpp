#include "store/sqlite/audit_row.hpp"

#include <algorithm>

#include "security/audit_chain.hpp"

namespace giromq::store::sqlite {
namespace {

constexpr int argument_count = 10;

std::string text_of(sqlite3_value* value) {
    const auto* const first = static_cast<const char*>(sqlite3_value_blob(value));
    return first == nullptr ? std::string() : std::string(first, static_cast<std::size_t>(sqlite3_value_bytes(value)));
}

void hash_of_values(sqlite3_context* context, int, sqlite3_value** values) {
    AuditHash previous{};
    const auto* const first = static_cast<const std::uint8_t*>(sqlite3_value_blob(values[0]));
    const auto length = static_cast<std::size_t>(sqlite3_value_bytes(values[0]));
    if (first != nullptr && length == previous.size()) std::copy_n(first, length, previous.begin());
    AuditEntry entry;
    entry.time = Timestamp{sqlite3_value_int64(values[2])};
    std::string* const texts[] = {&entry.user, &entry.action, &entry.object, &entry.outcome, &entry.detail, &entry.peer, &entry.protocol};
    for (std::size_t index = 0; index < std::size(texts); ++index) *texts[index] = text_of(values[3 + index]);
    const auto hash = security::audit_hash(previous, static_cast<std::uint64_t>(sqlite3_value_int64(values[1])), entry);
    if (!hash) return sqlite3_result_error(context, "the cryptography library failed", -1);
    sqlite3_result_blob(context, hash->data(), static_cast<int>(hash->size()), SQLITE_TRANSIENT);
}

}  // namespace

int add_audit_hash(Connection& connection) {
    return sqlite3_create_function_v2(connection.get(), "giromq_audit_hash", argument_count,
                                      SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_DIRECTONLY, nullptr, hash_of_values, nullptr, nullptr,
                                      nullptr);
}

AuditRecord read_audit_record(const Statement& row) {
    AuditRecord record;
    int column = 0;
    record.number = row.unsigned_number(column++);
    record.entry.time = Timestamp{row.number(column++)};
    for (std::string* const text : {&record.entry.user, &record.entry.action, &record.entry.object, &record.entry.outcome,
                                    &record.entry.detail, &record.entry.peer, &record.entry.protocol}) {
        *text = row.text(column++);
    }
    const auto hash = row.blob(column);
    if (hash.size() == record.hash.size()) std::copy(hash.begin(), hash.end(), record.hash.begin());
    return record;
}

}  // namespace giromq::store::sqlite
