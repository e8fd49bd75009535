#include "store/sqlite/schema.hpp"

#include <sys/random.h>

#include <array>
#include <cerrno>
#include <cstdio>

#include "store/sqlite/audit_row.hpp"

namespace giromq::store::sqlite {
namespace {

// Times are milliseconds since 1970 in UTC; NULL is "none". The view renders them.
constexpr const char* schema_1 = R"sql(
CREATE TABLE broker (
  id               INTEGER PRIMARY KEY CHECK (id = 1),
  instance         TEXT NOT NULL,
  epoch            INTEGER NOT NULL,
  batch            INTEGER NOT NULL,
  next_position    INTEGER NOT NULL,
  next_message     INTEGER NOT NULL,
  next_destination INTEGER NOT NULL,
  clean            INTEGER NOT NULL
) STRICT;

CREATE TABLE destination (
  id                  INTEGER PRIMARY KEY,
  name                TEXT NOT NULL UNIQUE,
  kind                TEXT NOT NULL,
  origin              TEXT NOT NULL,
  max_deliveries      INTEGER NOT NULL,
  dead_letter_queue   TEXT NOT NULL,
  max_messages        INTEGER NOT NULL,
  max_bytes           INTEGER NOT NULL,
  overflow            TEXT NOT NULL,
  duplicate_ids_max   INTEGER NOT NULL,
  duplicate_ids_age   INTEGER NOT NULL,
  created_at          INTEGER,
  closing             INTEGER NOT NULL DEFAULT 0,
  messages            INTEGER NOT NULL DEFAULT 0,
  bytes               INTEGER NOT NULL DEFAULT 0,
  volatile_messages   INTEGER NOT NULL DEFAULT 0,
  volatile_bytes      INTEGER NOT NULL DEFAULT 0,
  horizon             INTEGER NOT NULL DEFAULT 0,
  crash_horizon       INTEGER NOT NULL DEFAULT 0
) STRICT;

CREATE TABLE message (
  number         INTEGER PRIMARY KEY,
  message_id     TEXT,
  correlation_id TEXT,
  type           TEXT,
  reply_to       TEXT,
  content_type   TEXT,
  group_id       TEXT,
  created_at     INTEGER,
  arrived_at     INTEGER,
  expires_at     INTEGER,
  due_at         INTEGER,
  priority       INTEGER NOT NULL,
  durable        INTEGER NOT NULL,
  size           INTEGER NOT NULL,
  chunk_count    INTEGER NOT NULL,
  chunked_bytes  INTEGER NOT NULL,
  checksum       INTEGER NOT NULL,
  facts_checksum INTEGER NOT NULL,
  annotations    BLOB NOT NULL,
  bare           BLOB NOT NULL
) STRICT;

CREATE TABLE chunk (
  number   INTEGER NOT NULL,
  idx      INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  bytes    BLOB NOT NULL,
  PRIMARY KEY (number, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE entry (
  destination    INTEGER NOT NULL,
  priority       INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  message        INTEGER NOT NULL,
  message_bytes  INTEGER NOT NULL,
  delivery_count INTEGER NOT NULL,
  due_at         INTEGER,
  checksum       INTEGER NOT NULL,
  lock           BLOB,
  PRIMARY KEY (destination, priority DESC, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE volatile_entry (
  epoch          INTEGER NOT NULL,
  destination    INTEGER NOT NULL,
  priority       INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  message        INTEGER NOT NULL,
  message_bytes  INTEGER NOT NULL,
  delivery_count INTEGER NOT NULL,
  due_at         INTEGER,
  checksum       INTEGER NOT NULL,
  PRIMARY KEY (epoch, destination, priority DESC, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE dead_letter (
  destination    INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  cause          TEXT NOT NULL,
  description    TEXT NOT NULL,
  origin         TEXT NOT NULL,
  delivery_count INTEGER NOT NULL,
  time           INTEGER,
  PRIMARY KEY (destination, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE producer (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  high_water INTEGER NOT NULL,
  window     BLOB NOT NULL,
  last_used  INTEGER
) STRICT;

CREATE TABLE duplicate_id (
  destination INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  id          TEXT NOT NULL,
  time        INTEGER,
  PRIMARY KEY (destination, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE user (
  name       TEXT PRIMARY KEY,
  role       TEXT NOT NULL,
  salt       BLOB NOT NULL,
  iterations INTEGER NOT NULL,
  stored_key BLOB NOT NULL,
  server_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine (
  destination      INTEGER NOT NULL,
  position         INTEGER NOT NULL,
  destination_name TEXT,
  message          INTEGER NOT NULL,
  message_bytes    INTEGER NOT NULL,
  delivery_count   INTEGER NOT NULL,
  is_volatile      INTEGER NOT NULL,
  reason           TEXT NOT NULL,
  time             INTEGER,
  PRIMARY KEY (destination, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE quarantine_message (
  number         INTEGER PRIMARY KEY,
  message_id     TEXT,
  correlation_id TEXT,
  type           TEXT,
  reply_to       TEXT,
  content_type   TEXT,
  group_id       TEXT,
  created_at     INTEGER,
  arrived_at     INTEGER,
  expires_at     INTEGER,
  due_at         INTEGER,
  priority       INTEGER,
  durable        INTEGER,
  size           INTEGER,
  chunk_count    INTEGER,
  chunked_bytes  INTEGER,
  checksum       INTEGER,
  facts_checksum INTEGER,
  annotations    BLOB,
  bare           BLOB
);

CREATE VIEW queue_message AS
WITH place AS (
  SELECT destination, priority, position, message, delivery_count, due_at, 0 AS is_volatile FROM entry
  UNION ALL
  SELECT destination, priority, position, message, delivery_count, due_at, 1 FROM volatile_entry
   WHERE epoch = (SELECT epoch FROM broker)
)
SELECT d.name AS destination,
       p.position,
       m.number AS message_number,
       m.message_id,
       m.correlation_id,
       m.type,
       m.reply_to,
       m.content_type,
       m.group_id,
       m.priority,
       p.delivery_count,
       p.is_volatile,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.created_at / 1000.0, 'unixepoch') AS created,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.arrived_at / 1000.0, 'unixepoch') AS arrived,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.expires_at / 1000.0, 'unixepoch') AS expires,
       strftime('%Y-%m-%dT%H:%M:%fZ', p.due_at / 1000.0, 'unixepoch') AS due,
       m.size,
       m.chunk_count,
       l.cause AS dead_letter_cause,
       l.description AS dead_letter_description,
       l.origin AS dead_letter_origin,
       l.delivery_count AS dead_letter_deliveries,
       strftime('%Y-%m-%dT%H:%M:%fZ', l.time / 1000.0, 'unixepoch') AS dead_letter_time,
       m.bare
  FROM place AS p
  LEFT JOIN destination AS d ON d.id = p.destination
  LEFT JOIN message AS m ON m.number = p.message
  LEFT JOIN dead_letter AS l ON l.destination = p.destination AND l.position = p.position;

INSERT INTO broker VALUES (1, '', 0, 0, 1, 1, 1, 1);
)sql";

// Transactions: prepared branches and what they have put and got, outcomes that are remembered, the audit. entry.lock is the number of the
// branch, as text, so that a person can read it.
constexpr const char* schema_2 = R"sql(
ALTER TABLE destination ADD COLUMN prepared_messages INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN prepared_bytes INTEGER NOT NULL DEFAULT 0;

CREATE TABLE branch (
  number      INTEGER PRIMARY KEY,
  format_id   INTEGER NOT NULL,
  gtrid       BLOB NOT NULL,
  bqual       BLOB NOT NULL,
  state       TEXT NOT NULL,
  owner       TEXT NOT NULL,
  puts        INTEGER NOT NULL,
  gets        INTEGER NOT NULL,
  bytes       INTEGER NOT NULL,
  prepared_at INTEGER,
  decided_at  INTEGER,
  decided_by  TEXT,
  reason      TEXT,
  checksum    INTEGER NOT NULL
) STRICT;

CREATE TABLE prepared_put (
  branch                     INTEGER NOT NULL,
  idx                        INTEGER NOT NULL,
  destination                INTEGER NOT NULL,
  priority                   INTEGER NOT NULL,
  message                    INTEGER NOT NULL,
  message_bytes              INTEGER NOT NULL,
  due_at                     INTEGER,
  duplicate_id               TEXT,
  producer                   TEXT,
  sequence                   INTEGER NOT NULL,
  is_moved                   INTEGER NOT NULL,
  dead_letter_cause          TEXT,
  dead_letter_description    TEXT,
  dead_letter_origin         TEXT,
  dead_letter_delivery_count INTEGER,
  dead_letter_time           INTEGER,
  checksum                   INTEGER NOT NULL,
  PRIMARY KEY (branch, idx)
) STRICT, WITHOUT ROWID;

CREATE TABLE prepared_get (
  branch         INTEGER NOT NULL,
  destination    INTEGER NOT NULL,
  priority       INTEGER NOT NULL,
  position       INTEGER NOT NULL,
  message        INTEGER NOT NULL,
  message_bytes  INTEGER NOT NULL,
  outcome        TEXT NOT NULL,
  delivery_count INTEGER NOT NULL,
  checksum       INTEGER NOT NULL,
  PRIMARY KEY (branch, destination, priority DESC, position)
) STRICT, WITHOUT ROWID;

CREATE TABLE tombstone (
  position    INTEGER PRIMARY KEY,
  format_id   INTEGER NOT NULL,
  gtrid       BLOB NOT NULL,
  bqual       BLOB NOT NULL,
  outcome     TEXT NOT NULL,
  resolved_at INTEGER
) STRICT;

CREATE TABLE audit (
  number        INTEGER PRIMARY KEY AUTOINCREMENT,
  time          INTEGER,
  actor         TEXT NOT NULL,
  action        TEXT NOT NULL,
  subject       TEXT NOT NULL,
  outcome       TEXT NOT NULL,
  reason        TEXT NOT NULL,
  previous_hash BLOB,
  hash          BLOB
) STRICT;

CREATE TABLE selector (
  name       TEXT PRIMARY KEY,
  text       TEXT NOT NULL,
  changed_at INTEGER
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
CREATE TRIGGER audit_is_never_removed BEFORE DELETE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;

CREATE VIEW transaction_branch AS
SELECT number,
       format_id || ':' || lower(hex(gtrid)) || ':' || lower(hex(bqual)) AS xid,
       state,
       owner,
       puts,
       gets,
       bytes,
       strftime('%Y-%m-%dT%H:%M:%fZ', prepared_at / 1000.0, 'unixepoch') AS prepared,
       strftime('%Y-%m-%dT%H:%M:%fZ', decided_at / 1000.0, 'unixepoch') AS decided,
       decided_by,
       reason
  FROM branch;

CREATE VIEW transaction_message AS
WITH work AS (
  SELECT branch, 'put' AS work, destination, NULL AS position, message, message_bytes FROM prepared_put
  UNION ALL
  SELECT branch, 'get', destination, position, message, message_bytes FROM prepared_get
)
SELECT w.branch,
       w.work,
       d.name AS destination,
       w.position,
       w.message AS message_number,
       m.message_id,
       m.type,
       strftime('%Y-%m-%dT%H:%M:%fZ', m.arrived_at / 1000.0, 'unixepoch') AS arrived,
       w.message_bytes AS size,
       m.bare
  FROM work AS w
  LEFT JOIN destination AS d ON d.id = w.destination
  LEFT JOIN message AS m ON m.number = w.message;
)sql";

// Queues of which nothing is given out past what somebody has and has not decided about.
constexpr const char* schema_3 = R"sql(
ALTER TABLE destination ADD COLUMN strict INTEGER NOT NULL DEFAULT 0;
)sql";

// What an administrator has paused.
constexpr const char* schema_4 = R"sql(
ALTER TABLE destination ADD COLUMN sending_paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN receiving_paused INTEGER NOT NULL DEFAULT 0;
)sql";

// Permissions: what is not granted is refused. A store that was in use before there were any keeps what worked in it: every application
// could send, receive, browse, and create queues where the configuration lets it.
constexpr const char* schema_5 = R"sql(
CREATE TABLE permission (
  id           INTEGER PRIMARY KEY,
  grantee_kind TEXT NOT NULL,
  grantee      TEXT NOT NULL,
  pattern      TEXT NOT NULL,
  actions      TEXT NOT NULL,
  created_at   INTEGER,
  created_by   TEXT NOT NULL
) STRICT;

INSERT INTO permission (id, grantee_kind, grantee, pattern, actions, created_at, created_by)
SELECT 1, 'role', 'application', '#', 'send receive browse read-body create', CAST(strftime('%s', 'now') AS INTEGER) * 1000, 'upgrade'
 WHERE EXISTS (SELECT 1 FROM broker WHERE epoch > 0) OR EXISTS (SELECT 1 FROM user);
)sql";

// The audit: from where and over which protocol, and a hash of each record over the one before (security/audit_chain), for those that are
// there already, too.
constexpr const char* schema_6 = R"sql(
ALTER TABLE audit ADD COLUMN peer TEXT NOT NULL DEFAULT '';
ALTER TABLE audit ADD COLUMN protocol TEXT NOT NULL DEFAULT '';

DROP TRIGGER audit_is_never_changed;
WITH RECURSIVE chain(number, previous, hash) AS (
  SELECT number, zeroblob(32),
         giromq_audit_hash(zeroblob(32), number, time, actor, action, subject, outcome, reason, peer, protocol)
    FROM audit WHERE number = (SELECT min(number) FROM audit)
  UNION ALL
  SELECT a.number, c.hash,
         giromq_audit_hash(c.hash, a.number, a.time, a.actor, a.action, a.subject, a.outcome, a.reason, a.peer, a.protocol)
    FROM chain AS c JOIN audit AS a ON a.number = (SELECT min(number) FROM audit WHERE number > c.number)
)
UPDATE audit SET previous_hash = chain.previous, hash = chain.hash FROM chain WHERE chain.number = audit.number;
CREATE TRIGGER audit_is_never_changed BEFORE UPDATE ON audit
BEGIN SELECT RAISE(ABORT, 'the audit is append-only'); END;
)sql";

/// Migration N brings a store from user_version N to N + 1. Never changed once released; only appended to.
constexpr std::array migrations{schema_1, schema_2, schema_3, schema_4, schema_5, schema_6};

Result<void> set_pragma(Connection& connection, const std::string& name, std::int64_t value) {
    return connection.execute(("PRAGMA " + name + " = " + std::to_string(value)).c_str(), "setting " + name);
}

Result<void> run_migration(Connection& connection, std::size_t index) {
    const auto doing = "migrating the store to schema " + std::to_string(index + 1);
    if (auto begun = connection.execute("BEGIN IMMEDIATE", doing); !begun.ok()) return begun;
    if (auto run = connection.execute(migrations.at(index), doing); !run.ok()) return run;
    if (auto set = set_pragma(connection, "user_version", static_cast<std::int64_t>(index) + 1); !set.ok()) return set;
    return connection.execute("COMMIT", doing);
}

}  // namespace

std::int64_t newest_schema() { return static_cast<std::int64_t>(migrations.size()); }

Result<void> migrate(Connection& connection) {
    const auto version = connection.query_number("PRAGMA user_version");
    if (!version.ok()) return version.error();
    if (*version > newest_schema()) {
        return Error(errc::newer_schema, "the store has schema " + std::to_string(*version) + ", this program knows schemas up to " +
                                             std::to_string(newest_schema()) + "; use the newer program");
    }
    if (*version < 0) return Error(errc::not_a_store, "the schema number is negative");
    if (const int code = add_audit_hash(connection); code != SQLITE_OK) return error_of(connection.get(), code, "setting up the migration");
    for (auto index = static_cast<std::size_t>(*version); index < migrations.size(); ++index) {
        if (auto migrated = run_migration(connection, index); !migrated.ok()) return migrated;
    }
    return {};
}

Result<void> create_store_file(const std::string& path, std::uint32_t page_bytes, const std::string& vfs) {
    Connection connection;
    if (auto opened = connection.open(path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, vfs); !opened.ok()) return opened;
    if (auto set = set_pragma(connection, "page_size", page_bytes); !set.ok()) return set;
    if (auto set = set_pragma(connection, "auto_vacuum", 0); !set.ok()) return set;
    if (auto set = set_pragma(connection, "application_id", application_id); !set.ok()) return set;
    if (auto set = connection.execute("PRAGMA synchronous = FULL", "setting synchronous"); !set.ok()) return set;
    if (auto migrated = migrate(connection); !migrated.ok()) return migrated;
    if (auto named = rename_instance(connection); !named.ok()) return named;
    // Last: from here on the file says of itself that it is used with a write-ahead log.
    return connection.execute("PRAGMA journal_mode = WAL", "switching the new store to write-ahead logging");
}

Result<void> rename_instance(Connection& connection) {
    std::array<std::uint8_t, 16> bytes{};
    if (::getrandom(bytes.data(), bytes.size(), 0) != static_cast<ssize_t>(bytes.size())) {
        return Error(errc::io_error, "no random bytes from the system: " + std::to_string(errno));
    }
    bytes[6] = static_cast<std::uint8_t>((bytes[6] & 0x0fU) | 0x40U);  // RFC 4122 §4.4: version 4
    bytes[8] = static_cast<std::uint8_t>((bytes[8] & 0x3fU) | 0x80U);
    std::string uuid;
    for (std::size_t index = 0; index < bytes.size(); ++index) {
        if (index == 4 || index == 6 || index == 8 || index == 10) uuid += '-';
        constexpr std::string_view digits = "0123456789abcdef";
        uuid += digits[bytes.at(index) >> 4U];
        uuid += digits[bytes.at(index) & 0x0fU];
    }
    return connection.execute(("UPDATE broker SET instance = '" + uuid + "'").c_str(), "naming the store");
}

}  // namespace giromq::store::sqlite
