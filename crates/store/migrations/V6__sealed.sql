-- What is secret lies sealed in columns of its own, by the keys that the fact `sealed-with` names.
-- `plain` among them: there may be rows whose secrets are still in their JSON. The next start seals
-- those.
ALTER TABLE services ADD COLUMN project_url TEXT;
ALTER TABLE services ADD COLUMN secrets TEXT;
ALTER TABLE builds ADD COLUMN secrets TEXT;

INSERT INTO facts (name, value) VALUES ('sealed-with', 'plain');
