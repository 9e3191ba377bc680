-- Groups of secrets of a project. Their values are sealed.
ALTER TABLE projects ADD COLUMN last_secret_number BIGINT NOT NULL DEFAULT 0;

CREATE TABLE secret_groups (
    uid         TEXT PRIMARY KEY,
    project_uid TEXT NOT NULL REFERENCES projects (uid),
    number      BIGINT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    settings    TEXT NOT NULL,
    secrets     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (project_uid, id),
    UNIQUE (project_uid, number)
);
