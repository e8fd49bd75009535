-- A store as a program of schema 2 left it when it was killed: what schema_1.sql holds, and a prepared branch with one put and one get.
-- What sqlite3 .dump gave; a test makes a store of it and brings it forward. Never changed.
PRAGMA page_size = 4096;
PRAGMA application_id = 1198083409;
PRAGMA user_version = 2;
PRAGMA foreign_keys=OFF;
BEGIN TRANSACTION;
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
INSERT INTO broker VALUES(1,'9f3f8a8f-8cbf-4fe1-863a-aca5064f09e5',2,15,7,6,3,0);
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
, prepared_messages INTEGER NOT NULL DEFAULT 0, prepared_bytes INTEGER NOT NULL DEFAULT 0) STRICT;
INSERT INTO destination VALUES(1,'payments.in','queue','administrator',10,'DLQ',0,0,'refuse',20000,600000,1700000000000,0,3,83,0,0,0,4,1,8);
INSERT INTO destination VALUES(2,'DLQ','queue','administrator',10,'DLQ',0,0,'refuse',20000,600000,1700000000000,0,1,8,0,0,0,0,0,0);
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
INSERT INTO message VALUES(1,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1700000000000,NULL,NULL,4,1,8,0,0,2059218166,732393597,X'',X'005377a1036f6e65');
INSERT INTO message VALUES(2,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1700000000000,NULL,NULL,4,1,8,0,0,49360316,3082043771,X'',X'005377a10374776f');
INSERT INTO message VALUES(3,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1700000000000,NULL,NULL,4,1,10,0,0,2471571053,3283791481,X'',X'005377a1057468726565');
INSERT INTO message VALUES(4,'ID:large',NULL,NULL,NULL,NULL,NULL,NULL,1700000000000,NULL,NULL,4,1,65,2,40,648668784,615602632,X'',X'005373c00b01a10849443a6c61726765005377a10468656164');
INSERT INTO message VALUES(5,NULL,NULL,NULL,NULL,NULL,NULL,NULL,1700000000000,NULL,NULL,4,1,8,0,0,851301660,4268800644,X'',X'005377a103707574');
CREATE TABLE chunk (
  number   INTEGER NOT NULL,
  idx      INTEGER NOT NULL,
  checksum INTEGER NOT NULL,
  bytes    BLOB NOT NULL,
  PRIMARY KEY (number, idx)
) STRICT, WITHOUT ROWID;
INSERT INTO chunk VALUES(4,0,1289424808,X'3030303030303030303030303030303030303030');
INSERT INTO chunk VALUES(4,1,2512523182,X'3131313131313131313131313131313131313131');
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
INSERT INTO entry VALUES(1,4,1,1,8,2,NULL,974680798,X'36');
INSERT INTO entry VALUES(1,4,3,3,10,0,NULL,1874727183,NULL);
INSERT INTO entry VALUES(1,4,4,4,65,0,NULL,3544043877,NULL);
INSERT INTO entry VALUES(2,4,5,2,8,0,NULL,1124118984,NULL);
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
INSERT INTO dead_letter VALUES(2,5,'rejected','no such account','payments.in',1,1700000001000);
CREATE TABLE producer (
  id         INTEGER PRIMARY KEY,
  name       TEXT NOT NULL UNIQUE,
  high_water INTEGER NOT NULL,
  window     BLOB NOT NULL,
  last_used  INTEGER
) STRICT;
INSERT INTO producer VALUES(1,'producer-a',7,X'0303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303030303',5);
CREATE TABLE duplicate_id (
  destination INTEGER NOT NULL,
  position    INTEGER NOT NULL,
  id          TEXT NOT NULL,
  time        INTEGER,
  PRIMARY KEY (destination, position)
) STRICT, WITHOUT ROWID;
INSERT INTO duplicate_id VALUES(1,1,'id-1',1);
CREATE TABLE user (
  name       TEXT PRIMARY KEY,
  role       TEXT NOT NULL,
  salt       BLOB NOT NULL,
  iterations INTEGER NOT NULL,
  stored_key BLOB NOT NULL,
  server_key BLOB NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO user VALUES('ledger','administrator',X'010203',10000,X'0707070707070707070707070707070707070707070707070707070707070707',X'0909090909090909090909090909090909090909090909090909090909090909');
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
INSERT INTO branch VALUES(6,131077,X'67747269642d36',X'0062','prepared','ledger',1,1,100,1700000002000,NULL,NULL,NULL,1799271755);
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
INSERT INTO prepared_put VALUES(6,0,1,4,5,8,NULL,NULL,NULL,0,0,NULL,NULL,NULL,NULL,NULL,4192228351);
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
INSERT INTO prepared_get VALUES(6,1,4,1,1,8,'removed',0,1739744614);
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
DELETE FROM sqlite_sequence;
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
COMMIT;
PRAGMA journal_mode = WAL;
