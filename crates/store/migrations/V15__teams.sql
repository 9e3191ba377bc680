-- The organisation, which is the installation, gives teams their numbers.
CREATE TABLE organisation (
    last_team_number BIGINT NOT NULL
);
INSERT INTO organisation (last_team_number) VALUES (1);

ALTER TABLE teams ADD COLUMN number BIGINT NOT NULL DEFAULT 1;
ALTER TABLE teams ADD COLUMN description TEXT;
ALTER TABLE teams ADD COLUMN email TEXT;
-- 0: when the store is next opened.
ALTER TABLE teams ADD COLUMN created_at BIGINT NOT NULL DEFAULT 0;
ALTER TABLE teams ADD COLUMN updated_at BIGINT NOT NULL DEFAULT 0;
-- The first ones are of the roles that every team has.
ALTER TABLE teams ADD COLUMN last_role_number BIGINT NOT NULL DEFAULT 4;
ALTER TABLE teams ADD COLUMN last_member_number BIGINT NOT NULL DEFAULT 0;
CREATE UNIQUE INDEX teams_number ON teams (number);

-- The roles that a team makes for itself.
CREATE TABLE roles (
    team         TEXT NOT NULL REFERENCES teams (id),
    number       BIGINT NOT NULL,
    id           TEXT NOT NULL,
    name         TEXT NOT NULL,
    description  TEXT,
    permissions  TEXT NOT NULL,
    restrictions TEXT NOT NULL,
    created_at   BIGINT NOT NULL,
    updated_at   BIGINT NOT NULL,
    PRIMARY KEY (team, id),
    UNIQUE (team, number)
);

CREATE TABLE members (
    uid        TEXT PRIMARY KEY,
    team       TEXT NOT NULL REFERENCES teams (id),
    number     BIGINT NOT NULL,
    id         TEXT NOT NULL,
    email      TEXT NOT NULL,
    finalized  BOOLEAN NOT NULL DEFAULT FALSE,
    created_at BIGINT NOT NULL,
    UNIQUE (team, number),
    UNIQUE (team, id),
    UNIQUE (team, email)
);

-- The role's id is that of a role of the member's team, or of one that every team has.
CREATE TABLE member_roles (
    member_uid TEXT NOT NULL REFERENCES members (uid),
    role       TEXT NOT NULL,
    PRIMARY KEY (member_uid, role)
);

-- A token is of a team, or of the organisation; then `team` is where it acts unless it says otherwise.
-- Until now an administrator's token could do everything there was.
ALTER TABLE tokens ADD COLUMN organisation BOOLEAN NOT NULL DEFAULT FALSE;
UPDATE tokens SET organisation = TRUE WHERE role = 'admin' AND projects IS NULL;
-- Whose token it is: it may do what they may.
ALTER TABLE tokens ADD COLUMN member_uid TEXT;
CREATE INDEX tokens_member ON tokens (member_uid) WHERE member_uid IS NOT NULL;
