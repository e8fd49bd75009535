-- What schema 3 added to a store of schema 2 (schema_2.sql), and rows in it. Never changed.
BEGIN;
ALTER TABLE destination ADD COLUMN strict INTEGER NOT NULL DEFAULT 0;
UPDATE destination SET strict = 1 WHERE id = 1;
INSERT INTO audit (time, actor, action, subject, outcome, reason) VALUES
  (1700000000000, 'ann', 'transaction.commit', '1:61:62', 'done', 'the manager is gone'),
  (1700000000001, 'bob', 'transaction.forget', '1:61:62', 'done', 'it was told');
INSERT INTO selector VALUES ('large', 'amount > 1', 1700000000000);
PRAGMA user_version = 3;
COMMIT;
