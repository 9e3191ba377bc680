-- One schema for SQLite and PostgreSQL: only what both read the same way.
-- Times are milliseconds since 1970; JSON is text; digests are hex.

-- Lists are walked by dense numbers, given out by the row above: short cursors, no gaps.
CREATE TABLE teams (
    id                  TEXT PRIMARY KEY,
    name                TEXT NOT NULL,
    last_project_number BIGINT NOT NULL DEFAULT 0
);

INSERT INTO teams (id, name) VALUES ('default', 'Default');

CREATE TABLE projects (
    uid         TEXT PRIMARY KEY,
    team        TEXT NOT NULL REFERENCES teams (id),
    number      BIGINT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    color       TEXT,
    region      TEXT NOT NULL,
    last_service_number BIGINT NOT NULL DEFAULT 0,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (team, id),
    UNIQUE (team, number)
);

CREATE TABLE services (
    uid               TEXT PRIMARY KEY,
    project_uid       TEXT NOT NULL REFERENCES projects (uid),
    number            BIGINT NOT NULL,
    id                TEXT NOT NULL,
    name              TEXT NOT NULL,
    description       TEXT,
    spec              TEXT NOT NULL,
    last_build_number BIGINT NOT NULL DEFAULT 0,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    UNIQUE (project_uid, id),
    UNIQUE (project_uid, number)
);

-- A list page is one range read on the primary key.
CREATE TABLE builds (
    service_uid      TEXT NOT NULL,
    number           BIGINT NOT NULL,
    uid              TEXT NOT NULL UNIQUE,
    project_uid      TEXT NOT NULL,
    id               TEXT NOT NULL,
    status           TEXT NOT NULL,
    reason           TEXT,
    message          TEXT,
    branch           TEXT,
    pull_request_id  BIGINT,
    sha              TEXT,
    image_name       TEXT,
    image_digest     TEXT,
    image_size       BIGINT,
    attempt          BIGINT NOT NULL DEFAULT 0,
    created_by       TEXT,
    created_at       BIGINT NOT NULL,
    started_at       BIGINT,
    status_since     BIGINT NOT NULL,
    concluded_at     BIGINT,
    request          TEXT NOT NULL,
    -- The hash of the present attempt's one-build token; NULL when no worker may write.
    worker_token     TEXT,
    -- The worker's process, as its executor names it.
    worker_process   TEXT,
    lease_expires_at BIGINT,
    PRIMARY KEY (service_uid, number),
    UNIQUE (service_uid, id)
);

-- The builds that are not over: few, whatever the history's length.
CREATE INDEX builds_open ON builds (status, project_uid, service_uid, number)
    WHERE concluded_at IS NULL;
CREATE UNIQUE INDEX builds_worker_token ON builds (worker_token) WHERE worker_token IS NOT NULL;

CREATE TABLE tokens (
    id          TEXT PRIMARY KEY,
    name        TEXT NOT NULL,
    hash        TEXT NOT NULL UNIQUE,
    team        TEXT NOT NULL,
    role        TEXT,
    permissions TEXT NOT NULL,
    -- NULL: every project of the team; else the JSON list of project ids it may see.
    projects    TEXT,
    created_at  BIGINT NOT NULL,
    expires_at  BIGINT
);

-- Small facts about the whole store: the key that seals cursors, the last served project.
CREATE TABLE facts (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
);
