-- What schema 4 added to a store of schema 3 (schema_3.sql). Never changed.
BEGIN;
ALTER TABLE destination ADD COLUMN sending_paused INTEGER NOT NULL DEFAULT 0;
ALTER TABLE destination ADD COLUMN receiving_paused INTEGER NOT NULL DEFAULT 0;
UPDATE destination SET sending_paused = 1 WHERE id = 1;
PRAGMA user_version = 4;
COMMIT;
