-- The registry's catalogue. Content lies in files named by digest (`sha256:…`); these rows say
-- which file exists, in which repository it may be seen, and what still needs it.
-- `touched_at` is when a push last relied on the row: garbage collection leaves recent rows alone.

-- A content file: a layer, a configuration, a manifest.
CREATE TABLE blobs (
    digest     TEXT PRIMARY KEY,
    size       BIGINT NOT NULL,
    created_at BIGINT NOT NULL,
    touched_at BIGINT NOT NULL
);

-- A blob is visible only in a repository that it was pushed or mounted to.
CREATE TABLE repository_blobs (
    repository TEXT NOT NULL,
    digest     TEXT NOT NULL REFERENCES blobs (digest),
    touched_at BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX repository_blobs_digest ON repository_blobs (digest);

CREATE TABLE manifests (
    repository    TEXT NOT NULL,
    digest        TEXT NOT NULL REFERENCES blobs (digest),
    media_type    TEXT NOT NULL,
    artifact_type TEXT,
    -- The manifest that this one says something about; it need not exist.
    subject       TEXT,
    annotations   TEXT,
    touched_at    BIGINT NOT NULL,
    PRIMARY KEY (repository, digest)
);
CREATE INDEX manifests_digest ON manifests (digest);
CREATE INDEX manifests_subject ON manifests (repository, subject, digest) WHERE subject IS NOT NULL;

-- What a manifest cannot be without: its configuration and layers, or an index's manifests.
CREATE TABLE manifest_references (
    repository TEXT NOT NULL,
    digest     TEXT NOT NULL,
    target     TEXT NOT NULL,
    PRIMARY KEY (repository, digest, target),
    FOREIGN KEY (repository, digest) REFERENCES manifests (repository, digest)
);
CREATE INDEX manifest_references_target ON manifest_references (repository, target);

CREATE TABLE tags (
    repository TEXT NOT NULL,
    name       TEXT NOT NULL,
    digest     TEXT NOT NULL,
    updated_at BIGINT NOT NULL,
    PRIMARY KEY (repository, name),
    FOREIGN KEY (repository, digest) REFERENCES manifests (repository, digest)
);
CREATE INDEX tags_digest ON tags (repository, digest);
