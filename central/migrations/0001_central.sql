-- Central's chain. A row is a record of a till, as it came, or an event of central's own. Rows are only ever added.
CREATE TABLE entry (
  sequence      INTEGER PRIMARY KEY,   -- central's number, from 1, without gaps
  kind          INTEGER NOT NULL,      -- central/chain.hpp, entry_kind
  till          TEXT NOT NULL,
  till_sequence INTEGER,               -- of a record: its number in the till's journal
  header        BLOB,                  -- of a record: 128 octets as they came
  record_hash   BLOB,                  -- of a record
  content       BLOB NOT NULL,         -- body of a record, text of an event; octets as hashed
  recorded_ms   INTEGER NOT NULL,      -- when it came here, UTC; for people, order never depends on it
  hash          BLOB NOT NULL
) STRICT;

-- Applied at most once, also if the program were wrong.
CREATE UNIQUE INDEX entry_of_till ON entry (till, till_sequence) WHERE till_sequence IS NOT NULL;

CREATE INDEX entry_of_central ON entry (sequence) WHERE till_sequence IS NULL;

CREATE TRIGGER entry_is_never_changed BEFORE UPDATE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never changed'); END;
CREATE TRIGGER entry_is_never_removed BEFORE DELETE ON entry
BEGIN SELECT RAISE(ABORT, 'an entry is never removed'); END;

-- Where central stands with each till. All of it follows from the entries, or is evidence beside them.
CREATE TABLE till (
  till                TEXT PRIMARY KEY,
  epoch               INTEGER NOT NULL,
  sequence            INTEGER NOT NULL,
  hash                BLOB NOT NULL,
  start_counter       INTEGER NOT NULL,
  instance            BLOB NOT NULL,
  stopped_code        INTEGER,
  stopped_reason      TEXT,
  stopped_since_ms    INTEGER,
  restored            INTEGER NOT NULL,
  noted_witness       BLOB NOT NULL,
  -- The last acknowledgement that was signed for this till, octets as sent.
  acknowledgement     BLOB,
  -- The last proof with which the till signed on: it signed its own head, which nobody here could have done for it.
  proof_text          BLOB,
  proof_signature     BLOB,
  proof_key           BLOB
) STRICT, WITHOUT ROWID;

-- One row: the key that this database belongs to, and the newest head, which a cut tail contradicts.
CREATE TABLE central (
  id         INTEGER PRIMARY KEY CHECK (id = 1),
  public_key BLOB NOT NULL,
  sequence   INTEGER NOT NULL,
  hash       BLOB NOT NULL
) STRICT;
