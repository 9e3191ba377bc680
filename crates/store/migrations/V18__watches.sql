-- New commits that build by themselves: what started a build, and what was seen of a repository.

-- What started it: `call` or `commit`.
ALTER TABLE builds ADD COLUMN started_by TEXT NOT NULL DEFAULT 'call';

-- How the looks at a service's repository go.
CREATE TABLE watches (
    service_uid TEXT PRIMARY KEY REFERENCES services (uid) ON DELETE CASCADE,
    -- A digest of which repository it is, and through which account: another one begins anew.
    source      TEXT NOT NULL,
    -- When the heads of its branches, and those of its pull requests, were first noted.
    since       BIGINT,
    pulls_since BIGINT,
    problem     TEXT,
    -- The newest commit that was held back, as JSON.
    skipped     TEXT
);

-- The commits that were seen last. Whoever moves one accepts its build, or says why there is none, in
-- the same transaction.
CREATE TABLE watched_heads (
    service_uid TEXT NOT NULL REFERENCES watches (service_uid) ON DELETE CASCADE,
    ref         TEXT NOT NULL,
    sha         TEXT NOT NULL,
    -- When the ref was first missed: it is kept for a while, as servers that are being mended show
    -- nothing at times.
    gone_since  BIGINT,
    PRIMARY KEY (service_uid, ref)
);
