-- Which device has the till's name since a person replaced the one before: its key and its epoch. Zero and empty until then;
-- central.yaml says it as long as its own number is higher.
ALTER TABLE till ADD COLUMN replaced_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE till ADD COLUMN replaced_key BLOB;

-- What central.yaml said of the till when it was written into the chain last.
ALTER TABLE till ADD COLUMN listed_epoch INTEGER NOT NULL DEFAULT 0;
ALTER TABLE till ADD COLUMN listed_key BLOB;
