-- Who is told about builds, and what waits to be told.
ALTER TABLE teams ADD COLUMN last_notification_number BIGINT NOT NULL DEFAULT 0;

CREATE TABLE notification_integrations (
    uid           TEXT PRIMARY KEY,
    team          TEXT NOT NULL REFERENCES teams (id),
    number        BIGINT NOT NULL,
    id            TEXT NOT NULL,
    name          TEXT NOT NULL,
    provider      TEXT NOT NULL,
    -- Where it sends to, and what it is known by there; sealed.
    receiver      TEXT NOT NULL,
    audience      TEXT NOT NULL,
    events        TEXT NOT NULL,
    disabled      BOOLEAN NOT NULL DEFAULT FALSE,
    -- The requests that failed since the last one that succeeded.
    failed_since    BIGINT,
    failed_requests BIGINT NOT NULL DEFAULT 0,
    last_error      TEXT,
    created_at    BIGINT NOT NULL,
    updated_at    BIGINT NOT NULL,
    UNIQUE (team, id),
    UNIQUE (team, number)
);

-- The outbox: a row for each integration that an event concerns, written together with the build's
-- new status. No foreign key: a build must not fail to end because an integration is just going.
CREATE TABLE notification_deliveries (
    -- Ordered by time.
    id              TEXT PRIMARY KEY,
    integration_uid TEXT NOT NULL,
    -- The same for all integrations that are told, and for every try.
    event_id        TEXT NOT NULL,
    event           TEXT NOT NULL,
    occurrence      TEXT NOT NULL,
    created_at      BIGINT NOT NULL,
    -- WAITING, DELIVERED or DEAD.
    state           TEXT NOT NULL DEFAULT 'WAITING',
    tries           BIGINT NOT NULL DEFAULT 0,
    -- When it is tried next, while it waits; then when that ended.
    due_at          BIGINT NOT NULL,
    last_error      TEXT
);
CREATE INDEX notification_deliveries_waiting ON notification_deliveries (integration_uid, due_at)
    WHERE state = 'WAITING';
CREATE INDEX notification_deliveries_ended ON notification_deliveries (due_at)
    WHERE state <> 'WAITING';
