//! Manifests: what they are, what they need, and what says something about them.

use super::blobs::{record_content, touch_link};
use super::{Catalog, tags, to_size};
use crate::sql::{Row, Session, params};
use crate::{StoreError, now};
use std::collections::BTreeMap;

/// A manifest whose file is in place, to be recorded.
#[derive(Clone, Debug)]
pub struct NewManifest<'a> {
    /// Where it is pushed to.
    pub repository: &'a str,
    /// Its digest.
    pub digest: &'a str,
    /// Its size in bytes.
    pub size: u64,
    /// Its media type.
    pub media_type: &'a str,
    /// What kind of artifact it is, where it says so.
    pub artifact_type: Option<&'a str>,
    /// The digest of the manifest that it says something about.
    pub subject: Option<&'a str>,
    /// Its annotations as a JSON object, kept for the list of referrers.
    pub annotations: Option<&'a str>,
    /// The configuration and layers it needs: digest and size. Sorted, so that two pushes lock in
    /// the same order.
    pub blobs: &'a BTreeMap<String, u64>,
    /// The manifests it needs, if it is an index: digest and size.
    pub manifests: &'a BTreeMap<String, u64>,
    /// The tag that shall name it.
    pub tag: Option<&'a str>,
}

/// Why a manifest was not taken: the first thing it needs that is not there as described.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Missing {
    /// The repository has no such blob or manifest.
    Absent(String),
    /// It is there, with another size: the real one, in bytes.
    Size(String, u64),
}

/// A manifest as recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ManifestEntry {
    /// Its digest.
    pub digest: String,
    /// Its media type.
    pub media_type: String,
    /// Its size in bytes.
    pub size: u64,
}

/// A manifest that says something about another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Referrer {
    /// The manifest itself.
    pub manifest: ManifestEntry,
    /// What kind of artifact it is.
    pub artifact_type: Option<String>,
    /// Its annotations as a JSON object.
    pub annotations: Option<String>,
}

fn entry(row: &Row<'_>) -> Result<ManifestEntry, StoreError> {
    Ok(ManifestEntry {
        digest: row.get(0)?,
        media_type: row.get(1)?,
        size: to_size(row.get(2)?),
    })
}

impl Catalog<'_> {
    /// Records a manifest, and moves its tag, if everything it needs is in the repository.
    ///
    /// # Errors
    /// When the database fails; then nothing is recorded.
    pub async fn add_manifest(
        &self,
        new: &NewManifest<'_>,
    ) -> Result<Result<(), Missing>, StoreError> {
        let mut tx = self.db.write().await?;
        if let Some(missing) = missing(&mut tx, new).await? {
            return Ok(Err(missing));
        }
        record_content(&mut tx, new.digest, new.size).await?;
        record_manifest(&mut tx, new).await?;
        let before = match new.tag {
            Some(tag) => tags::point(&mut tx, new.repository, tag, new.digest).await?,
            None => None,
        };
        tx.commit().await?;
        self.part_with(new.repository, before).await?;
        Ok(Ok(()))
    }

    /// The manifest with this digest. Whoever asks may rely on the answer, so it stays for another
    /// period of grace; touched again only if last touched before `stale_before` (milliseconds
    /// since 1970).
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_manifest(
        &self,
        repository: &str,
        digest: &str,
        stale_before: i64,
    ) -> Result<Option<ManifestEntry>, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .row(
                "SELECT m.digest, m.media_type, b.size, m.touched_at
                 FROM manifests m JOIN blobs b ON b.digest = m.digest
                 WHERE m.repository = $1 AND m.digest = $2",
                params![repository, digest],
                |row| Ok((entry(row)?, row.get::<i64>(3)?)),
            )
            .await?;
        drop(session);
        let Some((entry, touched)) = found else {
            return Ok(None);
        };
        if touched >= stale_before {
            return Ok(Some(entry));
        }
        let mut tx = self.db.write().await?;
        let there = touch(&mut tx, repository, digest).await?;
        tx.commit().await?;
        Ok(there.then_some(entry))
    }

    /// The manifest that a tag names.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tagged_manifest(
        &self,
        repository: &str,
        tag: &str,
    ) -> Result<Option<ManifestEntry>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT m.digest, m.media_type, b.size FROM tags t
                 JOIN manifests m ON m.repository = t.repository AND m.digest = t.digest
                 JOIN blobs b ON b.digest = m.digest
                 WHERE t.repository = $1 AND t.name = $2",
                params![repository, tag],
                entry,
            )
            .await
    }

    /// Everything that a manifest consists of, itself included, each once: digest and size.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn manifest_parts(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "WITH RECURSIVE parts (digest) AS (
                     SELECT CAST($2 AS TEXT)
                     UNION
                     SELECT r.target FROM parts p
                     JOIN manifest_references r ON r.repository = $1 AND r.digest = p.digest)
                 SELECT b.digest, b.size FROM parts p JOIN blobs b ON b.digest = p.digest",
                params![repository, digest],
                |row| Ok((row.get(0)?, to_size(row.get(1)?))),
            )
            .await
    }

    /// Removes a manifest and the tags that name it; `false` when it was not there.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn remove_manifest(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        if !touch(&mut tx, repository, digest).await? {
            return Ok(false);
        }
        tx.execute(
            "DELETE FROM tags WHERE repository = $1 AND digest = $2",
            params![repository, digest],
        )
        .await?;
        delete(&mut tx, repository, digest).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The manifests that say something about `subject`, ordered by digest, after `after`, `limit`
    /// at the most; only those of one kind where `artifact_type` names it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn referrers(
        &self,
        repository: &str,
        subject: &str,
        artifact_type: Option<&str>,
        after: &str,
        limit: i64,
    ) -> Result<Vec<Referrer>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT m.digest, m.media_type, b.size, m.artifact_type, m.annotations
                 FROM manifests m JOIN blobs b ON b.digest = m.digest
                 WHERE m.repository = $1 AND m.subject = $2 AND m.digest > $3
                     AND (CAST($4 AS TEXT) IS NULL OR m.artifact_type = $4)
                 ORDER BY m.digest LIMIT $5",
                params![repository, subject, after, artifact_type, limit],
                |row| {
                    Ok(Referrer {
                        manifest: entry(row)?,
                        artifact_type: row.get(3)?,
                        annotations: row.get(4)?,
                    })
                },
            )
            .await
    }
}

/// Locks everything the manifest needs; the first thing that is not there.
async fn missing(
    tx: &mut Session<'_>,
    new: &NewManifest<'_>,
) -> Result<Option<Missing>, StoreError> {
    for (digest, described) in new.blobs {
        let real = touch_link(tx, new.repository, digest).await?;
        if let Some(missing) = compare(digest, *described, real) {
            return Ok(Some(missing));
        }
    }
    for (digest, described) in new.manifests {
        let there = touch(tx, new.repository, digest).await?;
        let real = if there {
            content_size(tx, digest).await?
        } else {
            None
        };
        if let Some(missing) = compare(digest, *described, real) {
            return Ok(Some(missing));
        }
    }
    Ok(None)
}

fn compare(digest: &str, described: u64, real: Option<u64>) -> Option<Missing> {
    match real {
        None => Some(Missing::Absent(digest.to_owned())),
        Some(real) if real != described => Some(Missing::Size(digest.to_owned(), real)),
        Some(_) => None,
    }
}

async fn content_size(tx: &mut Session<'_>, digest: &str) -> Result<Option<u64>, StoreError> {
    tx.row(
        "SELECT size FROM blobs WHERE digest = $1",
        params![digest],
        |row| Ok(to_size(row.get(0)?)),
    )
    .await
}

async fn record_manifest(tx: &mut Session<'_>, new: &NewManifest<'_>) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO manifests
             (repository, digest, media_type, artifact_type, subject, annotations, touched_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7)
         ON CONFLICT (repository, digest) DO UPDATE SET media_type = $3, touched_at = $7",
        params![
            new.repository,
            new.digest,
            new.media_type,
            new.artifact_type,
            new.subject,
            new.annotations,
            now()
        ],
    )
    .await?;
    for target in new.blobs.keys().chain(new.manifests.keys()) {
        tx.execute(
            "INSERT INTO manifest_references (repository, digest, target) VALUES ($1, $2, $3)
             ON CONFLICT (repository, digest, target) DO NOTHING",
            params![new.repository, new.digest, target],
        )
        .await?;
    }
    Ok(())
}

/// Locks and touches a manifest; whether it is there.
pub(super) async fn touch(
    tx: &mut Session<'_>,
    repository: &str,
    digest: &str,
) -> Result<bool, StoreError> {
    let touched = tx
        .execute(
            "UPDATE manifests SET touched_at = $3 WHERE repository = $1 AND digest = $2",
            params![repository, digest, now()],
        )
        .await?;
    Ok(touched > 0)
}

/// Deletes a manifest that no tag names.
pub(super) async fn delete(
    tx: &mut Session<'_>,
    repository: &str,
    digest: &str,
) -> Result<(), StoreError> {
    for statement in [
        "DELETE FROM manifest_references WHERE repository = $1 AND digest = $2",
        "DELETE FROM manifests WHERE repository = $1 AND digest = $2",
    ] {
        tx.execute(statement, params![repository, digest]).await?;
    }
    Ok(())
}
