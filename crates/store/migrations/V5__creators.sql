-- What the token that started a build was called then: it may be revoked and forgotten later.
ALTER TABLE builds ADD COLUMN created_by_name TEXT;

UPDATE builds SET created_by_name = (SELECT name FROM tokens WHERE id = created_by)
    WHERE created_by IS NOT NULL;
