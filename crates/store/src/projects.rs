//! Projects.

use crate::catalog::remove_repositories;
use crate::services::to_json;
use crate::sql::{Row, Session, params};
use crate::{Store, StoreError, now, numbers, restrictions, revision};
use domain::project::CustomRegistry;
use domain::{Project, repository};

/// What may change in a project; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct ProjectChanges {
    /// The new description.
    pub description: Option<String>,
    /// The new colour.
    pub color: Option<String>,
    /// The registry that its images go to from now on; `Some(None)` is this server's own.
    pub custom_registry: Option<Option<CustomRegistry>>,
}

/// The columns of a project, in the order [`project`] reads them.
macro_rules! project_columns {
    () => {
        "p.uid, p.team, p.id, p.name, p.description, p.color, p.region, p.created_at, p.updated_at,
         p.number, p.custom_registry"
    };
}
pub(crate) use project_columns;

/// Reads a project whose columns begin at `at`.
pub(crate) fn project(row: &Row<'_>, at: usize) -> Result<Project, StoreError> {
    let custom: Option<String> = row.get(at + 10)?;
    let custom = custom.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Project {
        uid: row.get(at)?,
        team: row.get(at + 1)?,
        id: row.get(at + 2)?,
        name: row.get(at + 3)?,
        description: row.get(at + 4)?,
        color: row.get(at + 5)?,
        region: row.get(at + 6)?,
        created_at: row.get(at + 7)?,
        updated_at: row.get(at + 8)?,
        number: row.get(at + 9)?,
        custom_registry: custom.map_err(|e| StoreError::corrupt(e.to_string()))?,
    })
}

impl Store {
    /// Stores a new project; its `uid` and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has a project with this id, [`StoreError::Gone`] when the
    /// credential of its registry was deleted meanwhile.
    pub async fn create_project(&self, mut project: Project) -> Result<Project, StoreError> {
        project.uid = uuid::Uuid::now_v7().to_string();
        project.created_at = now();
        project.updated_at = project.created_at;
        let mut tx = self.db.write().await?;
        project.number = numbers::PROJECTS.next(&mut tx, &project.team).await?;
        tx.execute(
            "INSERT INTO projects (uid, team, id, name, description, color, region, created_at, updated_at, number)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
            params![
                &project.uid, &project.team, &project.id, &project.name,
                project.description.as_deref(), project.color.as_deref(), &project.region,
                project.created_at, project.updated_at, project.number
            ],
        )
        .await?;
        push_with(&mut tx, &project.uid, project.custom_registry.as_ref()).await?;
        tx.commit().await?;
        Ok(project)
    }

    /// The team's project with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn project(&self, team: &str, id: &str) -> Result<Option<Project>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    project_columns!(),
                    " FROM projects p WHERE p.team = $1 AND p.id = $2"
                ),
                params![team, id],
                |row| project(row, 0),
            )
            .await
    }

    /// The team's projects, oldest first, with a number above `after`, skipping `offset`, `limit`
    /// at the most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn projects(
        &self,
        team: &str,
        after: i64,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Project>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    project_columns!(),
                    " FROM projects p WHERE p.team = $1 AND p.number > $2 ORDER BY p.number LIMIT $3 OFFSET $4"
                ),
                params![team, after, limit, offset],
                |row| project(row, 0),
            )
            .await
    }

    /// Changes a project as it was `seen`; `None` when it is gone.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now, [`StoreError::Gone`] when the credential of
    /// its registry was deleted meanwhile.
    pub async fn update_project(
        &self,
        seen: &Project,
        changes: ProjectChanges,
    ) -> Result<Option<Project>, StoreError> {
        let uid = &seen.uid;
        let mut tx = self.db.write().await?;
        if !revision::project(uid)
            .hold(&mut tx, seen.updated_at)
            .await?
        {
            return Ok(None);
        }
        tx.execute(
            "UPDATE projects SET description = COALESCE($2, description),
                 color = COALESCE($3, color) WHERE uid = $1",
            params![uid, changes.description, changes.color],
        )
        .await?;
        if let Some(registry) = changes.custom_registry {
            push_with(&mut tx, uid, registry.as_ref()).await?;
        }
        let updated = tx
            .row(
                concat!(
                    "SELECT ",
                    project_columns!(),
                    " FROM projects p WHERE p.uid = $1"
                ),
                params![uid],
                |row| project(row, 0),
            )
            .await?;
        tx.commit().await?;
        Ok(updated)
    }

    /// Deletes an empty project, what was pushed to it by hand, and whatever was restricted to it; `false` when it still has services
    /// or groups of secrets.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn delete_project(&self, uid: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let deleted = tx
            .row(
                "DELETE FROM projects WHERE uid = $1
                 AND NOT EXISTS (SELECT 1 FROM services WHERE project_uid = $1)
                 AND NOT EXISTS (SELECT 1 FROM secret_groups WHERE project_uid = $1)
                 RETURNING team, id",
                params![uid],
                |row| Ok((row.get::<String>(0)?, row.get::<String>(1)?)),
            )
            .await?;
        if let Some((team, id)) = &deleted {
            remove_repositories(&mut tx, &repository::of_project(team, id)).await?;
            restrictions::forget_project(&mut tx, team, id).await?;
        }
        let left = tx
            .row(
                "SELECT 1 FROM projects WHERE uid = $1",
                params![uid],
                |_| Ok(()),
            )
            .await?;
        tx.commit().await?;
        Ok(left.is_none())
    }
}

/// Lets a project's images go to this registry, with a credential that is there.
async fn push_with(
    tx: &mut Session<'_>,
    project_uid: &str,
    registry: Option<&CustomRegistry>,
) -> Result<(), StoreError> {
    if let Some(registry) = registry {
        // Locked, so that it is not deleted meanwhile.
        let there = tx
            .execute(
                "UPDATE registry_credentials SET updated_at = updated_at
                 WHERE id = $2 AND team = (SELECT team FROM projects WHERE uid = $1)",
                params![project_uid, &registry.credential_id],
            )
            .await?;
        if there == 0 {
            return Err(StoreError::Gone);
        }
    }
    tx.execute(
        "UPDATE projects SET custom_registry = $2 WHERE uid = $1",
        params![project_uid, registry.map(to_json).transpose()?],
    )
    .await?;
    Ok(())
}
