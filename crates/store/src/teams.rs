//! Teams.

use crate::sql::{Row, params};
use crate::{Store, StoreError, now};
use domain::Team;

fn team(row: &Row<'_>) -> Result<Team, StoreError> {
    Ok(Team {
        id: row.get(0)?,
        name: row.get(1)?,
        description: row.get(2)?,
        email: row.get(3)?,
        number: row.get(4)?,
        created_at: row.get(5)?,
        updated_at: row.get(6)?,
    })
}

impl Store {
    /// Stores a new team; its number and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when there is a team with this id.
    pub async fn create_team(&self, mut team: Team) -> Result<Team, StoreError> {
        team.created_at = now();
        team.updated_at = team.created_at;
        let mut tx = self.db.write().await?;
        team.number = tx
            .row(
                "UPDATE organisation SET last_team_number = last_team_number + 1
                 RETURNING last_team_number",
                [],
                |row| row.get(0),
            )
            .await?
            .ok_or_else(|| StoreError::corrupt("a database without an organisation"))?;
        tx.execute(
            "INSERT INTO teams (id, name, description, email, number, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $6)",
            params![
                &team.id,
                &team.name,
                team.description.as_deref(),
                team.email.as_deref(),
                team.number,
                team.created_at
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(team)
    }

    /// The team with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn team(&self, id: &str) -> Result<Option<Team>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT id, name, description, email, number, created_at, updated_at
                 FROM teams WHERE id = $1",
                params![id],
                team,
            )
            .await
    }

    /// Teams, oldest first, with a number above `after`, skipping `offset`, `limit` at the most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn teams(
        &self,
        after: i64,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Team>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT id, name, description, email, number, created_at, updated_at
                 FROM teams WHERE number > $1 ORDER BY number LIMIT $2 OFFSET $3",
                params![after, limit, offset],
                team,
            )
            .await
    }

    /// Changes a team's description; `None` when there is no such team.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn describe_team(
        &self,
        id: &str,
        description: Option<String>,
    ) -> Result<Option<Team>, StoreError> {
        let mut tx = self.db.write().await?;
        let changed = tx
            .row(
                "UPDATE teams SET description = COALESCE($2, description), updated_at = $3
                 WHERE id = $1
                 RETURNING id, name, description, email, number, created_at, updated_at",
                params![id, description, now()],
                team,
            )
            .await?;
        tx.commit().await?;
        Ok(changed)
    }

    /// The team that is there from the start was made by a statement, which knows no time.
    pub(crate) async fn date_first_team(&self) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "UPDATE teams SET created_at = $1, updated_at = $1 WHERE created_at = 0",
            params![now()],
        )
        .await?;
        tx.commit().await
    }
}
