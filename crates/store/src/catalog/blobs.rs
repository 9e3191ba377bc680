//! Content and the repositories it may be seen in.

use super::{Catalog, from_size, to_size};
use crate::sql::{Session, params};
use crate::{StoreError, now};

impl Catalog<'_> {
    /// The size of a blob as seen from a repository; `None` when it is not visible there.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn blob(&self, repository: &str, digest: &str) -> Result<Option<u64>, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .row(
                "SELECT b.size FROM repository_blobs l JOIN blobs b ON b.digest = l.digest
             WHERE l.repository = $1 AND l.digest = $2",
                params![repository, digest],
                |row| Ok(to_size(row.get(0)?)),
            )
            .await?;
        Ok(found)
    }

    /// The same, for a client that may rely on the answer: the blob stays for another period of
    /// grace. Touches again only what was last touched before `stale_before` (milliseconds since
    /// 1970), so that asking often costs no writes.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn keep_blob(
        &self,
        repository: &str,
        digest: &str,
        stale_before: i64,
    ) -> Result<Option<u64>, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .row(
                "SELECT b.size, l.touched_at FROM repository_blobs l JOIN blobs b ON b.digest = l.digest
                 WHERE l.repository = $1 AND l.digest = $2",
                params![repository, digest],
                |row| Ok((to_size(row.get(0)?), row.get::<i64>(1)?)),
            )
            .await?;
        drop(session);
        match found {
            Some((size, touched)) if touched >= stale_before => Ok(Some(size)),
            Some(_) => {
                let mut tx = self.db.write().await?;
                let size = touch_link(&mut tx, repository, digest).await?;
                tx.commit().await?;
                Ok(size)
            }
            None => Ok(None),
        }
    }

    /// Records content whose file is in place, and shows it in a repository.
    ///
    /// # Errors
    /// When the database fails; then nothing is recorded.
    pub async fn add_blob(
        &self,
        repository: &str,
        digest: &str,
        size: u64,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        record_content(&mut tx, digest, size).await?;
        link(&mut tx, repository, digest).await?;
        tx.commit().await
    }

    /// Shows a blob of one repository in another; `false` when the first does not have it.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn mount_blob(
        &self,
        from: &str,
        repository: &str,
        digest: &str,
    ) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        // Locks the blob before its links, as garbage collection does.
        let touched = tx
            .execute(
                "UPDATE blobs SET touched_at = $3 WHERE digest = $2 AND EXISTS
                     (SELECT 1 FROM repository_blobs l WHERE l.repository = $1 AND l.digest = $2)",
                params![from, digest, now()],
            )
            .await?;
        if touched == 0 {
            return Ok(false);
        }
        link(&mut tx, repository, digest).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Hides a blob from a repository.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn remove_blob(
        &self,
        repository: &str,
        digest: &str,
    ) -> Result<BlobRemoval, StoreError> {
        let mut tx = self.db.write().await?;
        if touch_link(&mut tx, repository, digest).await?.is_none() {
            return Ok(BlobRemoval::Unknown);
        }
        let needed = tx
            .row(
                "SELECT 1 FROM manifest_references WHERE repository = $1 AND target = $2 LIMIT 1",
                params![repository, digest],
                |_| Ok(()),
            )
            .await?;
        if needed.is_some() {
            return Ok(BlobRemoval::Needed);
        }
        tx.execute(
            "DELETE FROM repository_blobs WHERE repository = $1 AND digest = $2",
            params![repository, digest],
        )
        .await?;
        tx.commit().await?;
        Ok(BlobRemoval::Removed)
    }

    /// Whether any repository needs the content.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn knows_content(&self, digest: &str) -> Result<bool, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .row(
                "SELECT 1 FROM blobs WHERE digest = $1",
                params![digest],
                |_| Ok(()),
            )
            .await?;
        Ok(found.is_some())
    }

    /// The digests of all known content from `first` up to, and without, `end`.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn content_between(&self, first: &str, end: &str) -> Result<Vec<String>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT digest FROM blobs WHERE digest >= $1 AND digest < $2",
                params![first, end],
                |row| row.get(0),
            )
            .await
    }
}

/// What became of a wish to remove a blob from a repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BlobRemoval {
    /// It is no longer visible there.
    Removed,
    /// A manifest of the repository still refers to it; it stays.
    Needed,
    /// The repository does not have it.
    Unknown,
}

/// Records a content file, or keeps the record that is there from being collected.
pub(super) async fn record_content(
    tx: &mut Session<'_>,
    digest: &str,
    size: u64,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO blobs (digest, size, created_at, touched_at) VALUES ($1, $2, $3, $3)
         ON CONFLICT (digest) DO UPDATE SET touched_at = $3",
        params![digest, from_size(size), now()],
    )
    .await?;
    Ok(())
}

async fn link(tx: &mut Session<'_>, repository: &str, digest: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO repository_blobs (repository, digest, touched_at) VALUES ($1, $2, $3)
         ON CONFLICT (repository, digest) DO UPDATE SET touched_at = $3",
        params![repository, digest, now()],
    )
    .await?;
    Ok(())
}

/// Locks and touches a repository's link to a blob; the blob's size, if the link is there.
pub(super) async fn touch_link(
    tx: &mut Session<'_>,
    repository: &str,
    digest: &str,
) -> Result<Option<u64>, StoreError> {
    let touched = tx
        .execute(
            "UPDATE repository_blobs SET touched_at = $3 WHERE repository = $1 AND digest = $2",
            params![repository, digest, now()],
        )
        .await?;
    if touched == 0 {
        return Ok(None);
    }
    let size = tx
        .row(
            "SELECT size FROM blobs WHERE digest = $1",
            params![digest],
            |row| Ok(to_size(row.get(0)?)),
        )
        .await?;
    Ok(size)
}
