//! What garbage collection asks the catalogue: what looks unneeded, page by page without locks,
//! and then, one by one, to remove it if that is still so.

use super::{Catalog, manifests};
use crate::StoreError;
use crate::sql::params;

/// A digest in a repository.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RepositoryDigest {
    /// The repository; empty where content as such is meant.
    pub repository: String,
    /// The digest.
    pub digest: String,
}

/// One page of a sweep.
#[derive(Clone, Debug)]
pub struct Swept {
    /// What looks unneeded.
    pub unneeded: Vec<RepositoryDigest>,
    /// Where the next page starts; `None` after the last.
    pub next: Option<RepositoryDigest>,
}

/// Rows looked at in one statement: enough to be quick, few enough to hold up nobody.
const PAGE: i64 = 500;

const MANIFESTS: &str = "
    SELECT m.repository, m.digest, m.touched_at < $3
        AND NOT EXISTS (SELECT 1 FROM tags t
            WHERE t.repository = m.repository AND t.digest = m.digest)
        AND NOT EXISTS (SELECT 1 FROM manifest_references r
            WHERE r.repository = m.repository AND r.target = m.digest)
        AND NOT EXISTS (SELECT 1 FROM manifests s
            WHERE s.repository = m.repository AND s.digest = m.subject)
    FROM manifests m WHERE (m.repository, m.digest) > ($1, $2)
    ORDER BY m.repository, m.digest LIMIT $4";

const LINKS: &str = "
    SELECT l.repository, l.digest, l.touched_at < $3
        AND NOT EXISTS (SELECT 1 FROM manifest_references r
            WHERE r.repository = l.repository AND r.target = l.digest)
    FROM repository_blobs l WHERE (l.repository, l.digest) > ($1, $2)
    ORDER BY l.repository, l.digest LIMIT $4";

const BLOBS: &str = "
    SELECT $1, b.digest, b.touched_at < $3
        AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = b.digest)
        AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = b.digest)
    FROM blobs b WHERE b.digest > $2
    ORDER BY b.digest LIMIT $4";

impl Catalog<'_> {
    /// Manifests untouched since `cutoff` (milliseconds since 1970) that no tag names, no index
    /// needs, and that say nothing about a manifest that is there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_manifests(
        &self,
        from: &RepositoryDigest,
        cutoff: i64,
    ) -> Result<Swept, StoreError> {
        self.sweep(MANIFESTS, from, cutoff).await
    }

    /// Blobs untouched since `cutoff` in repositories where no manifest needs them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_links(
        &self,
        from: &RepositoryDigest,
        cutoff: i64,
    ) -> Result<Swept, StoreError> {
        self.sweep(LINKS, from, cutoff).await
    }

    /// Content untouched since `cutoff` that no repository shows.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn sweep_blobs(
        &self,
        from: &RepositoryDigest,
        cutoff: i64,
    ) -> Result<Swept, StoreError> {
        self.sweep(BLOBS, from, cutoff).await
    }

    async fn sweep(
        &self,
        page: &'static str,
        from: &RepositoryDigest,
        cutoff: i64,
    ) -> Result<Swept, StoreError> {
        let mut session = self.db.read().await?;
        let rows: Vec<(RepositoryDigest, bool)> = session
            .rows(
                page,
                params![&from.repository, &from.digest, cutoff, PAGE],
                |row| {
                    let at = RepositoryDigest {
                        repository: row.get(0)?,
                        digest: row.get(1)?,
                    };
                    Ok((at, row.get(2)?))
                },
            )
            .await?;
        let full = rows.len() as i64 == PAGE;
        Ok(Swept {
            next: rows.last().filter(|_| full).map(|(at, _)| at.clone()),
            unneeded: rows
                .into_iter()
                .filter_map(|(at, unneeded)| unneeded.then_some(at))
                .collect(),
        })
    }

    /// Removes a manifest if it is still unneeded and untouched; whether it did.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn collect_manifest(
        &self,
        at: &RepositoryDigest,
        cutoff: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        // An update that changes nothing: it locks the row, so that what is asked next stays true.
        let locked = tx
            .execute(
                "UPDATE manifests SET touched_at = touched_at
             WHERE repository = $1 AND digest = $2 AND touched_at < $3",
                params![&at.repository, &at.digest, cutoff],
            )
            .await?;
        if locked == 0 {
            return Ok(false);
        }
        let needed = tx.row(
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM tags t WHERE t.repository = $1 AND t.digest = $2)
                 OR EXISTS (SELECT 1 FROM manifest_references r
                     WHERE r.repository = $1 AND r.target = $2)
                 OR EXISTS (SELECT 1 FROM manifests m
                     JOIN manifests s ON s.repository = m.repository AND s.digest = m.subject
                     WHERE m.repository = $1 AND m.digest = $2)",
            params![&at.repository, &at.digest],
            |_| Ok(()),
        ).await?;
        if needed.is_some() {
            return Ok(false);
        }
        manifests::delete(&mut tx, &at.repository, &at.digest).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Hides a blob from a repository if it is still unneeded and untouched; whether it did.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn collect_link(
        &self,
        at: &RepositoryDigest,
        cutoff: i64,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let locked = tx
            .execute(
                "UPDATE repository_blobs SET touched_at = touched_at
             WHERE repository = $1 AND digest = $2 AND touched_at < $3",
                params![&at.repository, &at.digest, cutoff],
            )
            .await?;
        if locked == 0 {
            return Ok(false);
        }
        let removed = tx
            .execute(
                "DELETE FROM repository_blobs WHERE repository = $1 AND digest = $2
                     AND NOT EXISTS (SELECT 1 FROM manifest_references r
                         WHERE r.repository = $1 AND r.target = $2)",
                params![&at.repository, &at.digest],
            )
            .await?;
        tx.commit().await?;
        Ok(removed > 0)
    }

    /// Forgets content if it is still unneeded and untouched; whether it did. The caller removes
    /// the file afterwards, and keeps anyone from putting it there anew until then.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn collect_blob(&self, digest: &str, cutoff: i64) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let locked = tx
            .execute(
                "UPDATE blobs SET touched_at = touched_at WHERE digest = $1 AND touched_at < $2",
                params![digest, cutoff],
            )
            .await?;
        if locked == 0 {
            return Ok(false);
        }
        let removed = tx
            .execute(
                "DELETE FROM blobs WHERE digest = $1
                     AND NOT EXISTS (SELECT 1 FROM repository_blobs l WHERE l.digest = $1)
                     AND NOT EXISTS (SELECT 1 FROM manifests m WHERE m.digest = $1)",
                params![digest],
            )
            .await?;
        tx.commit().await?;
        Ok(removed > 0)
    }
}
