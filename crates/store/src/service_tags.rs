//! Tags of services.

use crate::sql::{Row, Session, params};
use crate::{Store, StoreError, now, numbers};
use domain::{ServiceSpec, Tag};

/// What changes in a tag; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct TagChanges {
    /// The new description.
    pub description: Option<String>,
    /// The new colour.
    pub color: Option<String>,
}

/// What became of a tag that was to be deleted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TagRemoval {
    /// It is gone.
    Deleted,
    /// There was none.
    NotFound,
    /// These services, as `project/service`, have it.
    InUse(Vec<String>),
}

fn tag(row: &Row<'_>) -> Result<Tag, StoreError> {
    Ok(Tag {
        team: row.get(0)?,
        id: row.get(1)?,
        name: row.get(2)?,
        description: row.get(3)?,
        color: row.get(4)?,
        number: row.get(5)?,
        created_at: row.get(6)?,
        updated_at: row.get(7)?,
    })
}

/// Takes hold of the tags that a service of the project is to have, so that none goes meanwhile.
///
/// # Errors
/// [`StoreError::Gone`] when one is not there.
pub(crate) async fn hold(
    tx: &mut Session<'_>,
    project_uid: &str,
    spec: &ServiceSpec,
) -> Result<(), StoreError> {
    // In one order, whoever takes them.
    let mut tags: Vec<_> = spec.tags.iter().collect();
    tags.sort();
    for id in tags {
        let held = tx
            .execute(
                "UPDATE service_tags SET updated_at = updated_at WHERE id = $2
                 AND team = (SELECT team FROM projects WHERE uid = $1)",
                params![project_uid, id],
            )
            .await?;
        if held == 0 {
            return Err(StoreError::Gone);
        }
    }
    Ok(())
}

impl Store {
    /// Stores a new tag; its number and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has a tag with this id.
    pub async fn create_tag(&self, mut tag: Tag) -> Result<Tag, StoreError> {
        tag.created_at = now();
        tag.updated_at = tag.created_at;
        let mut tx = self.db.write().await?;
        tag.number = numbers::TAGS.next(&mut tx, &tag.team).await?;
        tx.execute(
            "INSERT INTO service_tags (team, number, id, name, description, color, created_at,
                 updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $7)",
            params![
                &tag.team,
                tag.number,
                &tag.id,
                &tag.name,
                tag.description.as_deref(),
                tag.color.as_deref(),
                tag.created_at
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(tag)
    }

    /// The team's tag with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tag(&self, team: &str, id: &str) -> Result<Option<Tag>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT team, id, name, description, color, number, created_at, updated_at
                 FROM service_tags WHERE team = $1 AND id = $2",
                params![team, id],
                tag,
            )
            .await
    }

    /// The team's tags, oldest first, with a number above `after`, skipping `offset`, `limit` at the
    /// most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tags(
        &self,
        team: &str,
        after: i64,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Tag>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT team, id, name, description, color, number, created_at, updated_at
                 FROM service_tags WHERE team = $1 AND number > $2
                 ORDER BY number LIMIT $3 OFFSET $4",
                params![team, after, limit, offset],
                tag,
            )
            .await
    }

    /// Changes a tag; `None` when it is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn update_tag(
        &self,
        team: &str,
        id: &str,
        changes: TagChanges,
    ) -> Result<Option<Tag>, StoreError> {
        let mut tx = self.db.write().await?;
        let changed = tx
            .row(
                "UPDATE service_tags SET description = COALESCE($3, description),
                     color = COALESCE($4, color), updated_at = $5
                 WHERE team = $1 AND id = $2
                 RETURNING team, id, name, description, color, number, created_at, updated_at",
                params![team, id, changes.description, changes.color, now()],
                tag,
            )
            .await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Deletes a tag that no service has.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn delete_tag(&self, team: &str, id: &str) -> Result<TagRemoval, StoreError> {
        let mut tx = self.db.write().await?;
        let deleted = tx
            .execute(
                "DELETE FROM service_tags WHERE team = $1 AND id = $2",
                params![team, id],
            )
            .await?;
        if deleted == 0 {
            return Ok(TagRemoval::NotFound);
        }
        let services = tx
            .rows(
                "SELECT p.id, s.id, s.spec FROM services s JOIN projects p ON p.uid = s.project_uid
                 WHERE p.team = $1 ORDER BY p.number, s.number",
                params![team],
                |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?, row.json(2)?)),
            )
            .await?;
        let users = services
            .into_iter()
            .filter(|(_, _, spec): &(_, _, ServiceSpec)| spec.tags.iter().any(|tag| tag == id))
            .map(|(project, service, _)| format!("{project}/{service}"));
        let users: Vec<_> = users.collect();
        if !users.is_empty() {
            return Ok(TagRemoval::InUse(users));
        }
        tx.commit().await?;
        Ok(TagRemoval::Deleted)
    }
}
