-- Logins to registries. `login` is sealed: user name and password.
CREATE TABLE registry_credentials (
    uid        TEXT PRIMARY KEY,
    team       TEXT NOT NULL REFERENCES teams (id),
    number     BIGINT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    provider   TEXT NOT NULL,
    registry   TEXT NOT NULL,
    login      TEXT NOT NULL,
    pull       BOOLEAN NOT NULL,
    push       BOOLEAN NOT NULL,
    -- NULL: every project of the team; else the JSON list of the ids of those that may use it.
    projects   TEXT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (team, id),
    UNIQUE (team, number)
);

ALTER TABLE teams ADD COLUMN last_credential_number BIGINT NOT NULL DEFAULT 0;
