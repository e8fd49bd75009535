#include "status_book.hpp"

#include "pacs.hpp"

namespace payments {

StatusBook::StatusBook(const std::filesystem::path& file, Database::Mode mode) : database_(file, mode) {
    if (mode != Database::Mode::write) return;
    database_.run(R"sql(
        CREATE TABLE IF NOT EXISTS status (
            transaction_id TEXT PRIMARY KEY,
            jms_message_id TEXT NOT NULL,
            status         TEXT NOT NULL,
            reason         TEXT NOT NULL,
            received_at    TEXT NOT NULL
        ) STRICT;
    )sql");
    make_arrival_tables(database_);
}

std::int64_t StatusBook::record(SchemaParser& parser, const std::vector<Arrival>& arrivals) {
    std::int64_t recorded = 0;
    Transaction transaction(database_);
    for (const Arrival& arrival : arrivals) recorded += record_one(parser, arrival) ? 1 : 0;
    transaction.commit();
    return recorded;
}

bool StatusBook::record_one(SchemaParser& parser, const Arrival& arrival) {
    PaymentStatus status;
    try {
        status = read_pacs_002(parser, arrival.document);
    } catch (const InvalidDocument& failure) {
        note_unreadable(database_, arrival, failure.what());
        return false;
    }
    Statement known(database_, "SELECT jms_message_id FROM status WHERE transaction_id = ?1");
    known.bind(1, status.transaction_id);
    const bool is_known = known.step();
    if (is_known || arrival.delivery_count > 1) {
        const bool is_redelivery = arrival.delivery_count > 1 && (!is_known || known.text(0) == arrival.jms_message_id);
        const auto kind = !is_redelivery ? "doubled" : is_known ? "recognised" : "redelivered";
        note_arrival(database_, status.transaction_id, arrival, kind);
    }
    if (is_known) return false;
    Statement row(database_,
                  "INSERT INTO status (transaction_id, jms_message_id, status, reason, received_at) VALUES (?1, ?2, ?3, ?4, ?5)");
    row.bind(1, status.transaction_id)
        .bind(2, arrival.jms_message_id)
        .bind(3, status.status)
        .bind(4, status.reason)
        .bind(5, utc_now())
        .run();
    return true;
}

std::int64_t StatusBook::count() { return query_integer(database_, "SELECT count(*) FROM status"); }

}  // namespace payments
