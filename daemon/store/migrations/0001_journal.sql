-- The till's journal and what stands beside it. docs/journal-format.md describes a record; docs/durability.md the file.
--
-- Only `journal` is chained. Every other table either carries a check over its row (the first 8 octets of a SHA-256)
-- or is made again from the journal.

CREATE TABLE journal (
  sequence     INTEGER PRIMARY KEY,  -- as in the header
  header       BLOB NOT NULL,        -- 128 octets, format 1
  body         BLOB NOT NULL,
  hash         BLOB NOT NULL,
  -- Running sums over the records with an amount in this currency, up to and with this one, so that a backlog in money
  -- is a subtraction and never a sum over a million rows. Made again from the bodies at need.
  currency     TEXT,
  amount_minor INTEGER,
  total_minor  INTEGER,
  total_count  INTEGER
) STRICT;
CREATE INDEX journal_by_currency ON journal (currency, sequence) WHERE currency IS NOT NULL;

-- One row a key: what was asked, how far it came and what was answered.
CREATE TABLE operation (
  principal    TEXT NOT NULL,
  method       TEXT NOT NULL,
  key          TEXT NOT NULL,
  id           BLOB NOT NULL,        -- operation_id
  content_mac  BLOB NOT NULL,
  state        INTEGER NOT NULL,     -- 1 running, 2 done, 3 failed before the device could act, 4 unknown
  answer_kind  INTEGER NOT NULL,     -- 0 none, 1 result, 2 error, 3 sealed result, 4 sealed error, 5 expired
  answer       BLOB,
  device       TEXT,                 -- the plugin instance that was asked
  sequence     INTEGER,              -- the record that it made
  changed_ms   INTEGER NOT NULL,
  row_check    BLOB NOT NULL,
  PRIMARY KEY (principal, method, key)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX operation_by_id ON operation (id);
CREATE INDEX operation_unfinished ON operation (state) WHERE state IN (1, 4);

-- How far each destination is, and the proof of it that it signed.
CREATE TABLE destination (
  name         TEXT PRIMARY KEY,
  witness      BLOB NOT NULL,        -- as in wire/sync.hpp
  sequence     INTEGER NOT NULL,     -- the last record that it acknowledged
  row_check    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- What plugins keep.
CREATE TABLE plugin_state (
  instance     TEXT NOT NULL,
  key          TEXT NOT NULL,
  value        BLOB NOT NULL,
  row_check    BLOB NOT NULL,
  PRIMARY KEY (instance, key)
) STRICT, WITHOUT ROWID;

-- Who may speak over TCP. The token itself is nowhere; its hash is.
CREATE TABLE token (
  id           TEXT PRIMARY KEY,
  role         TEXT NOT NULL,
  note         TEXT NOT NULL,
  hash         BLOB NOT NULL,
  created_ms   INTEGER NOT NULL,
  row_check    BLOB NOT NULL
) STRICT, WITHOUT ROWID;

-- Small facts about this till: its name, how often it started, the digest of its configuration.
CREATE TABLE fact (
  name         TEXT PRIMARY KEY,
  value        BLOB NOT NULL,
  row_check    BLOB NOT NULL
) STRICT, WITHOUT ROWID;
