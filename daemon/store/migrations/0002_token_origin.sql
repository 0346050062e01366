-- From where a token may be used: the origin of a web page, or empty for programs. It is covered by row_check only where it is
-- set, so that rows of version 1 stay what they are.
ALTER TABLE token ADD COLUMN origin TEXT NOT NULL DEFAULT '';
