//! What became of deliveries, for the operator.

use crate::sql::{Row, params};
use crate::{Store, StoreError, now};
use domain::Millis;

/// Where a delivery stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// It is to be tried, or tried again.
    Waiting,
    /// The receiver took it.
    Delivered,
    /// It was tried often enough.
    Dead,
}

impl DeliveryState {
    const ALL: [DeliveryState; 3] = [
        DeliveryState::Waiting,
        DeliveryState::Delivered,
        DeliveryState::Dead,
    ];

    /// The word in the store and in lists.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryState::Waiting => "WAITING",
            DeliveryState::Delivered => "DELIVERED",
            DeliveryState::Dead => "DEAD",
        }
    }

    fn parse(word: &str) -> Result<DeliveryState, StoreError> {
        let mut all = DeliveryState::ALL.into_iter();
        all.find(|state| state.as_str() == word)
            .ok_or_else(|| StoreError::corrupt(format!("unknown state {word}")))
    }
}

/// A delivery in a list.
#[derive(Clone, Debug)]
pub struct DeliveryEntry {
    /// Its id.
    pub id: String,
    /// The integration's team.
    pub team: String,
    /// The integration's id.
    pub integration: String,
    /// What happened, as in `build:start`.
    pub event: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// How often it was tried.
    pub tries: i64,
    /// What was wrong with the last try that failed.
    pub last_error: Option<String>,
    /// When it happened.
    pub created_at: Millis,
    /// When it is tried next, while it waits; then when that ended.
    pub due_at: Millis,
}

fn entry(row: &Row<'_>) -> Result<DeliveryEntry, StoreError> {
    Ok(DeliveryEntry {
        id: row.get(0)?,
        team: row.get(1)?,
        integration: row.get(2)?,
        event: row.get(3)?,
        state: DeliveryState::parse(&row.get::<String>(4)?)?,
        tries: row.get(5)?,
        last_error: row.get(6)?,
        created_at: row.get(7)?,
        due_at: row.get(8)?,
    })
}

impl Store {
    /// Deliveries, newest first, `limit` at the most; with `state` those in it only.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn deliveries(
        &self,
        state: Option<DeliveryState>,
        limit: i64,
    ) -> Result<Vec<DeliveryEntry>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT d.id, n.team, n.id, d.event, d.state, d.tries, d.last_error, d.created_at,
                     d.due_at
                 FROM notification_deliveries d
                 JOIN notification_integrations n ON n.uid = d.integration_uid
                 WHERE d.state = COALESCE($1, d.state) ORDER BY d.id DESC LIMIT $2",
                params![state.map(DeliveryState::as_str), limit],
                entry,
            )
            .await
    }

    /// Tries a delivery again at once, and as often as a new one: one that waits or is dead. `false`
    /// when there is none with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_delivery(&self, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let found = tx
            .execute(
                "UPDATE notification_deliveries SET state = 'WAITING', tries = 0, due_at = $2
                 WHERE id = $1 AND state <> 'DELIVERED'",
                params![id, now()],
            )
            .await?;
        tx.commit().await?;
        self.outbox.notify_one();
        Ok(found > 0)
    }

    /// The same for every dead one; how many there were.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn retry_dead_deliveries(&self) -> Result<u64, StoreError> {
        let mut tx = self.db.write().await?;
        let found = tx
            .execute(
                "UPDATE notification_deliveries SET state = 'WAITING', tries = 0, due_at = $1
                 WHERE state = 'DEAD'",
                params![now()],
            )
            .await?;
        tx.commit().await?;
        self.outbox.notify_one();
        Ok(found)
    }

    /// Forgets deliveries that ended before `before`, and those of integrations that are gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn forget_deliveries(&self, before: Millis) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "DELETE FROM notification_deliveries WHERE state <> 'WAITING' AND due_at < $1",
            params![before],
        )
        .await?;
        tx.execute(
            "DELETE FROM notification_deliveries WHERE NOT EXISTS (
                 SELECT 1 FROM notification_integrations n WHERE n.uid = integration_uid)",
            [],
        )
        .await?;
        tx.commit().await
    }
}
