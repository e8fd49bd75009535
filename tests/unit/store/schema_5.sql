-- What schema 5 added to a store of schema 4 (schema_4.sql), and a row in it. Never changed.
BEGIN;
CREATE TABLE permission (
  id           INTEGER PRIMARY KEY,
  grantee_kind TEXT NOT NULL,
  grantee      TEXT NOT NULL,
  pattern      TEXT NOT NULL,
  actions      TEXT NOT NULL,
  created_at   INTEGER,
  created_by   TEXT NOT NULL
) STRICT;
INSERT INTO permission VALUES (1700000000000, 'user', 'ledger', 'payments.*', 'send receive', 1700000000000, 'ann');
PRAGMA user_version = 5;
COMMIT;
