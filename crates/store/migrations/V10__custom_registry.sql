-- The registry that a project's images go to, as JSON; NULL: this server's own.
ALTER TABLE projects ADD COLUMN custom_registry TEXT;
-- The host of the registry that an image is in; NULL: this server's own.
ALTER TABLE builds ADD COLUMN image_registry TEXT;
