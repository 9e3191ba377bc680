//! The roles that teams make for themselves. Those that every team has are no rows.

use crate::services::to_json;
use crate::sql::{Row, Session, params};
use crate::{Store, StoreError, now, numbers, revision};
use domain::{PermissionSet, Restrictions, TeamRole};

/// What changes in a role; `None` leaves a field as it is.
#[derive(Clone, Debug, Default)]
pub struct RoleChanges {
    /// The new description.
    pub description: Option<String>,
    /// All of its permissions.
    pub permissions: Option<PermissionSet>,
    /// The new restrictions.
    pub restrictions: Option<Restrictions>,
}

fn role(row: &Row<'_>) -> Result<TeamRole, StoreError> {
    Ok(TeamRole {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        permissions: row.json(3)?,
        restrictions: row.json(4)?,
        number: row.get(5)?,
        created_at: Some(row.get(6)?),
        updated_at: Some(row.get(7)?),
    })
}

/// Takes hold of a role, so that it does not go while it is given to somebody; `false` when there is
/// none.
pub(crate) async fn hold(tx: &mut Session<'_>, team: &str, id: &str) -> Result<bool, StoreError> {
    if TeamRole::fixed(id).is_some() {
        return Ok(true);
    }
    let held = tx
        .execute(
            "UPDATE roles SET updated_at = updated_at WHERE team = $1 AND id = $2",
            params![team, id],
        )
        .await?;
    Ok(held > 0)
}

/// The role with this id: one that every team has, or the team's own.
pub(crate) async fn find(
    session: &mut Session<'_>,
    team: &str,
    id: &str,
) -> Result<Option<TeamRole>, StoreError> {
    if let Some(fixed) = TeamRole::fixed(id) {
        return Ok(Some(fixed));
    }
    session
        .row(
            "SELECT id, name, description, permissions, restrictions, number, created_at, updated_at
             FROM roles WHERE team = $1 AND id = $2",
            params![team, id],
            role,
        )
        .await
}

impl Store {
    /// Stores a new role of a team; its number and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has a role with this id.
    pub async fn create_role(
        &self,
        team: &str,
        mut role: TeamRole,
    ) -> Result<TeamRole, StoreError> {
        if TeamRole::fixed(&role.id).is_some() {
            return Err(StoreError::Conflict);
        }
        let now = now();
        (role.created_at, role.updated_at) = (Some(now), Some(now));
        let mut tx = self.db.write().await?;
        role.number = numbers::ROLES.next(&mut tx, team).await?;
        tx.execute(
            "INSERT INTO roles (team, number, id, name, description, permissions, restrictions,
                 created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8)",
            params![
                team,
                role.number,
                &role.id,
                &role.name,
                role.description.as_deref(),
                to_json(&role.permissions)?,
                to_json(&role.restrictions)?,
                now
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(role)
    }

    /// The role with this id: one that every team has, or the team's own.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn role(&self, team: &str, id: &str) -> Result<Option<TeamRole>, StoreError> {
        find(&mut self.db.read().await?, team, id).await
    }

    /// The roles of a team: those that every team has, then its own, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn roles(&self, team: &str) -> Result<Vec<TeamRole>, StoreError> {
        let mut session = self.db.read().await?;
        let own = session
            .rows(
                "SELECT id, name, description, permissions, restrictions, number, created_at,
                     updated_at
                 FROM roles WHERE team = $1 ORDER BY number",
                params![team],
                role,
            )
            .await?;
        Ok(TeamRole::all_fixed().chain(own).collect())
    }

    /// Changes a team's own role as it was `seen`; `None` when there is none.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now.
    pub async fn update_role(
        &self,
        team: &str,
        seen: &TeamRole,
        changes: RoleChanges,
    ) -> Result<Option<TeamRole>, StoreError> {
        let id = &seen.id;
        let permissions = changes.permissions.as_ref().map(to_json).transpose()?;
        let restrictions = changes.restrictions.as_ref().map(to_json).transpose()?;
        let mut tx = self.db.write().await?;
        let revised = revision::role(team, id);
        let seen_at = seen.updated_at.unwrap_or_default();
        if !revised.hold(&mut tx, seen_at).await? {
            return Ok(None);
        }
        let changed = tx
            .row(
                "UPDATE roles SET description = COALESCE($3, description),
                     permissions = COALESCE($4, permissions),
                     restrictions = COALESCE($5, restrictions)
                 WHERE team = $1 AND id = $2
                 RETURNING id, name, description, permissions, restrictions, number, created_at,
                     updated_at",
                params![team, id, changes.description, permissions, restrictions],
                role,
            )
            .await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// Deletes a team's own role: nobody has it any more, and no token. `false` when there is none.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn delete_role(&self, team: &str, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let deleted = tx
            .execute(
                "DELETE FROM roles WHERE team = $1 AND id = $2",
                params![team, id],
            )
            .await?;
        if deleted > 0 {
            tx.execute(
                "DELETE FROM member_roles WHERE role = $2
                 AND member_uid IN (SELECT uid FROM members WHERE team = $1)",
                params![team, id],
            )
            .await?;
            tx.execute(
                "UPDATE tokens SET role = NULL WHERE team = $1 AND role = $2",
                params![team, id],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(deleted > 0)
    }
}
