//! The integrations of a team.

use super::receiver;
use crate::services::to_json;
use crate::sql::{Row, params};
use crate::unreadable::opened;
use crate::{Store, StoreError, now, numbers, revision};
use domain::Secret;
use domain::notification::{Failing, Integration, Provider};
use vault::Vault;

/// The columns of an integration, in the order [`integration`] reads them.
macro_rules! integration_columns {
    () => {
        "n.uid, n.team, n.number, n.id, n.name, n.provider, n.receiver, n.audience, n.events,
         n.disabled, n.failed_since, n.failed_requests, n.last_error, n.created_at, n.updated_at"
    };
}
pub(super) use integration_columns;

/// How many columns that is: where further columns of a statement begin.
pub(super) const INTEGRATION_COLUMNS: usize = 15;

pub(super) fn integration(vault: &Vault, row: &Row<'_>) -> Result<Integration, StoreError> {
    let uid: String = row.get(0)?;
    let provider: String = row.get(5)?;
    let receiver = receiver::open(vault, &uid, &row.get::<String>(6)?);
    let receiver = opened("a notification integration", &uid, receiver)?;
    let unreadable = receiver.is_none();
    let (webhook, secret) = receiver.unwrap_or((Secret::new(""), None));
    Ok(Integration {
        uid,
        unreadable,
        team: row.get(1)?,
        number: row.get(2)?,
        id: row.get(3)?,
        name: row.get(4)?,
        provider: Provider::parse(&provider)
            .ok_or_else(|| StoreError::corrupt(format!("unknown provider {provider}")))?,
        webhook,
        secret,
        audience: row.json(7)?,
        events: row.json(8)?,
        disabled: row.get(9)?,
        failing: failing(row)?,
        created_at: row.get(13)?,
        updated_at: row.get(14)?,
    })
}

fn failing(row: &Row<'_>) -> Result<Option<Failing>, StoreError> {
    let since: Option<i64> = row.get(10)?;
    let Some(since) = since else { return Ok(None) };
    let error: Option<String> = row.get(12)?;
    Ok(Some(Failing {
        since,
        requests: row.get(11)?,
        error: error.unwrap_or_default(),
    }))
}

impl Store {
    /// Stores a new integration; its `uid`, number and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has an integration with this id.
    pub async fn create_notification(
        &self,
        mut new: Integration,
    ) -> Result<Integration, StoreError> {
        new.uid = uuid::Uuid::now_v7().to_string();
        new.created_at = now();
        new.updated_at = new.created_at;
        let mut tx = self.db.write().await?;
        new.number = numbers::NOTIFICATIONS.next(&mut tx, &new.team).await?;
        tx.execute(
            "INSERT INTO notification_integrations (uid, team, number, id, name, provider, receiver,
                 audience, events, disabled, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $11)",
            params![
                &new.uid,
                &new.team,
                new.number,
                &new.id,
                &new.name,
                new.provider.as_str(),
                receiver::seal(&self.vault, &new)?,
                to_json(&new.audience)?,
                to_json(&new.events)?,
                new.disabled,
                new.created_at
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(new)
    }

    /// The team's integration with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notification(
        &self,
        team: &str,
        id: &str,
    ) -> Result<Option<Integration>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    integration_columns!(),
                    " FROM notification_integrations n WHERE n.team = $1 AND n.id = $2"
                ),
                params![team, id],
                |row| integration(&self.vault, row),
            )
            .await
    }

    /// The team's integrations, oldest first, with a number above `after`, skipping `offset`,
    /// `limit` at the most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn notifications(
        &self,
        team: &str,
        after: i64,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<Integration>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    integration_columns!(),
                    " FROM notification_integrations n WHERE n.team = $1 AND n.number > $2
                     ORDER BY n.number LIMIT $3 OFFSET $4"
                ),
                params![team, after, limit, offset],
                |row| integration(&self.vault, row),
            )
            .await
    }

    /// Writes what a person may change of an integration; its `updated_at` is still that of what was
    /// changed. `None` when it is gone. Somebody has looked after it, so it begins anew: its failures are
    /// forgotten, and what waits is tried at once.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now.
    pub async fn update_notification(
        &self,
        changed: &Integration,
    ) -> Result<Option<Integration>, StoreError> {
        let mut tx = self.db.write().await?;
        let revised = revision::integration(&changed.uid);
        if !revised.hold(&mut tx, changed.updated_at).await? {
            return Ok(None);
        }
        tx.execute(
            "UPDATE notification_integrations SET name = $2, receiver = $3, audience = $4,
                 events = $5, disabled = $6,
                 failed_since = NULL, failed_requests = 0, last_error = NULL
             WHERE uid = $1",
            params![
                &changed.uid,
                &changed.name,
                receiver::seal(&self.vault, changed)?,
                to_json(&changed.audience)?,
                to_json(&changed.events)?,
                changed.disabled
            ],
        )
        .await?;
        tx.execute(
            "UPDATE notification_deliveries SET due_at = $2, tries = 0
             WHERE integration_uid = $1 AND state = 'WAITING' AND tries > 0",
            params![&changed.uid, now()],
        )
        .await?;
        let updated = tx
            .row(
                concat!(
                    "SELECT ",
                    integration_columns!(),
                    " FROM notification_integrations n WHERE n.uid = $1"
                ),
                params![&changed.uid],
                |row| integration(&self.vault, row),
            )
            .await?;
        tx.commit().await?;
        self.outbox.notify_one();
        Ok(updated)
    }

    /// Deletes an integration and whatever was to be told to it.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn delete_notification(&self, uid: &str) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "DELETE FROM notification_integrations WHERE uid = $1",
            params![uid],
        )
        .await?;
        tx.execute(
            "DELETE FROM notification_deliveries WHERE integration_uid = $1",
            params![uid],
        )
        .await?;
        tx.commit().await
    }
}
