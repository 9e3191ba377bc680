//! Links to version control.

use crate::sealing::VCS_TOKEN;
use crate::sql::{Row, params};
use crate::unreadable::opened;
use crate::{Store, StoreError, now};
use domain::Secret;
use domain::vcs::{VcsKind, VcsLink};
use vault::Vault;

fn link(row: &Row<'_>, vault: &Vault) -> Result<VcsLink, StoreError> {
    let kind: String = row.get(4)?;
    let uid: String = row.get(0)?;
    let token = VCS_TOKEN.open(vault, &uid, &row.get::<String>(8)?);
    let token = opened("a linked account", &uid, token)?;
    Ok(VcsLink {
        uid,
        team: row.get(1)?,
        id: row.get(2)?,
        name: row.get(3)?,
        kind: VcsKind::parse(&kind)
            .ok_or_else(|| StoreError::corrupt(format!("unknown forge {kind}")))?,
        url: row.get(5)?,
        login: row.get(6)?,
        email: row.get(7)?,
        unreadable: token.is_none(),
        token: Secret::new(token.unwrap_or_default()),
        created_at: row.get(9)?,
    })
}

impl Store {
    /// Stores a new link; its `uid` and time are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has a link with this id, [`StoreError::KeyChanged`] when
    /// the key was changed since this store was unlocked.
    pub async fn create_vcs_link(&self, mut link: VcsLink) -> Result<VcsLink, StoreError> {
        link.uid = uuid::Uuid::now_v7().to_string();
        link.created_at = now();
        let token = VCS_TOKEN.seal(&self.vault, &link.uid, link.token.expose())?;
        let mut tx = self.db.write().await?;
        self.keep_key(&mut tx).await?;
        tx.execute(
            "INSERT INTO vcs_links (uid, team, id, name, kind, url, login, email, token, created_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                &link.uid, &link.team, &link.id, &link.name, link.kind.as_str(), &link.url,
                &link.login, &link.email, token, link.created_at
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(link)
    }

    /// The links of a team, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn vcs_links(&self, team: &str) -> Result<Vec<VcsLink>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT uid, team, id, name, kind, url, login, email, token, created_at
                 FROM vcs_links WHERE team = $1 ORDER BY uid",
                params![team],
                |row| link(row, &self.vault),
            )
            .await
    }

    /// A link by its identity; `None` when it was removed.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn vcs_link(&self, uid: &str) -> Result<Option<VcsLink>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT uid, team, id, name, kind, url, login, email, token, created_at
                 FROM vcs_links WHERE uid = $1",
                params![uid],
                |row| link(row, &self.vault),
            )
            .await
    }

    /// Deletes a team's link with its token; `false` when there is none.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_vcs_link(&self, team: &str, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let deleted = tx
            .execute(
                "DELETE FROM vcs_links WHERE team = $1 AND id = $2",
                params![team, id],
            )
            .await?;
        tx.commit().await?;
        Ok(deleted > 0)
    }
}
