-- Secrets of a team, which its projects may refer to. Their values are sealed.
ALTER TABLE teams ADD COLUMN last_secret_number BIGINT NOT NULL DEFAULT 0;

CREATE TABLE account_secrets (
    uid         TEXT PRIMARY KEY,
    team        TEXT NOT NULL REFERENCES teams (id),
    number      BIGINT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    kind        TEXT NOT NULL,
    secrets     TEXT NOT NULL,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    UNIQUE (team, id),
    UNIQUE (team, number)
);
