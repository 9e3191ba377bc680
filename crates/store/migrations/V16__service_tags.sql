-- Words that a team puts on its services; which ones a service has is in its `spec`.
ALTER TABLE teams ADD COLUMN last_tag_number BIGINT NOT NULL DEFAULT 0;

CREATE TABLE service_tags (
    team        TEXT NOT NULL REFERENCES teams (id),
    number      BIGINT NOT NULL,
    id          TEXT NOT NULL,
    name        TEXT NOT NULL,
    description TEXT,
    color       TEXT,
    created_at  BIGINT NOT NULL,
    updated_at  BIGINT NOT NULL,
    PRIMARY KEY (team, id),
    UNIQUE (team, number)
);
