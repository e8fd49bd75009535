#include "arrivals.hpp"

#include "pacs.hpp"

namespace payments {

void make_arrival_tables(Database& database) {
    database.run(R"sql(
        CREATE TABLE IF NOT EXISTS arrival (
            transaction_id TEXT NOT NULL,
            jms_message_id TEXT NOT NULL,
            delivery_count INTEGER NOT NULL,
            kind           TEXT NOT NULL CHECK (kind IN ('redelivered', 'recognised', 'doubled')),
            arrived_at     TEXT NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS unreadable (
            jms_message_id TEXT PRIMARY KEY,
            reason         TEXT NOT NULL,
            document       TEXT NOT NULL
        ) STRICT;
    )sql");
}

void note_arrival(Database& database, const std::string& transaction_id, const Arrival& arrival, std::string_view kind) {
    Statement row(database,
                  "INSERT INTO arrival (transaction_id, jms_message_id, delivery_count, kind, arrived_at) VALUES (?1, ?2, ?3, ?4, ?5)");
    row.bind(1, transaction_id).bind(2, arrival.jms_message_id).bind(3, arrival.delivery_count).bind(4, kind).bind(5, utc_now()).run();
}

void note_unreadable(Database& database, const Arrival& arrival, std::string_view reason) {
    Statement row(database, "INSERT INTO unreadable (jms_message_id, reason, document) VALUES (?1, ?2, ?3) ON CONFLICT DO NOTHING");
    row.bind(1, arrival.jms_message_id).bind(2, reason).bind(3, arrival.document).run();
}

}  // namespace payments
