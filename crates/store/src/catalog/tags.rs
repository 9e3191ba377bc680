//! Tags: names that move from one manifest to another in one step.

use super::{Catalog, manifests};
use crate::sql::{Database, Session, params};
use crate::{StoreError, now};

impl Catalog<'_> {
    /// Points a tag at a manifest of the repository; `false` when there is no such manifest.
    ///
    /// # Errors
    /// When the database fails; then the tag stays where it was.
    pub async fn tag(&self, repository: &str, tag: &str, digest: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        if !manifests::touch(&mut tx, repository, digest).await? {
            return Ok(false);
        }
        let before = point(&mut tx, repository, tag, digest).await?;
        tx.commit().await?;
        self.part_with(repository, before).await?;
        Ok(true)
    }

    /// Removes a tag and leaves its manifest; `false` when there is no such tag.
    ///
    /// # Errors
    /// When the database fails; then the tag stays.
    pub async fn remove_tag(&self, repository: &str, tag: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let named = tx
            .row(
                "DELETE FROM tags WHERE repository = $1 AND name = $2 RETURNING digest",
                params![repository, tag],
                |row| row.get::<String>(0),
            )
            .await?;
        let Some(digest) = named else {
            return Ok(false);
        };
        tx.commit().await?;
        self.part_with(repository, Some(digest)).await?;
        Ok(true)
    }

    /// A manifest that lost a tag keeps a period of grace from now on: someone may be pulling it.
    /// In a transaction of its own, as tags are locked after manifests, never before.
    pub(super) async fn part_with(
        &self,
        repository: &str,
        before: Option<String>,
    ) -> Result<(), StoreError> {
        let Some(before) = before else { return Ok(()) };
        let mut tx = self.db.write().await?;
        manifests::touch(&mut tx, repository, &before).await?;
        tx.commit().await
    }

    /// A repository's tags in byte order, after `after`, `limit` at the most; `None` when the
    /// repository has nothing in it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tags(
        &self,
        repository: &str,
        after: &str,
        limit: i64,
    ) -> Result<Option<Vec<String>>, StoreError> {
        let mut session = self.db.read().await?;
        // SQLite compares bytes; PostgreSQL compares as the database's language does, if not told.
        let page = match self.db {
            Database::Sqlite(_) => {
                "SELECT name FROM tags WHERE repository = $1 AND name > $2 ORDER BY name LIMIT $3"
            }
            Database::Postgres(_) => {
                "SELECT name FROM tags WHERE repository = $1 AND name > $2 COLLATE \"C\"
                 ORDER BY name COLLATE \"C\" LIMIT $3"
            }
        };
        let tags: Vec<String> = session
            .rows(page, params![repository, after, limit], |row| row.get(0))
            .await?;
        let exists = !tags.is_empty() || has_content(&mut session, repository).await?;
        Ok(exists.then_some(tags))
    }
}

async fn has_content(session: &mut Session<'_>, repository: &str) -> Result<bool, StoreError> {
    for statement in [
        "SELECT 1 FROM manifests WHERE repository = $1 LIMIT 1",
        "SELECT 1 FROM repository_blobs WHERE repository = $1 LIMIT 1",
    ] {
        let found = session
            .row(statement, params![repository], |_| Ok(()))
            .await?;
        if found.is_some() {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Points a tag at a manifest that the transaction has locked; the manifest that lost it.
pub(super) async fn point(
    tx: &mut Session<'_>,
    repository: &str,
    tag: &str,
    digest: &str,
) -> Result<Option<String>, StoreError> {
    let before = tx
        .row(
            "SELECT digest FROM tags WHERE repository = $1 AND name = $2",
            params![repository, tag],
            |row| row.get::<String>(0),
        )
        .await?;
    tx.execute(
        "INSERT INTO tags (repository, name, digest, updated_at) VALUES ($1, $2, $3, $4)
         ON CONFLICT (repository, name) DO UPDATE SET digest = $3, updated_at = $4",
        params![repository, tag, digest, now()],
    )
    .await?;
    Ok(before.filter(|before| before != digest))
}
