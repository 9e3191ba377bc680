-- Accounts at forges that the operator has linked.
CREATE TABLE vcs_links (
    uid        TEXT PRIMARY KEY,
    team       TEXT NOT NULL REFERENCES teams (id),
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    kind       TEXT NOT NULL,
    url        TEXT NOT NULL,
    login      TEXT NOT NULL,
    email      TEXT NOT NULL,
    token      TEXT NOT NULL,
    created_at BIGINT NOT NULL,
    UNIQUE (team, id)
);
