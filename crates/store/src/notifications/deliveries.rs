//! What waits to be delivered, as the deliverer sees it.

use super::integrations::{INTEGRATION_COLUMNS, integration, integration_columns};
use crate::sql::{Row, params};
use crate::{Store, StoreError};
use domain::Millis;
use domain::notification::{Integration, Occurrence};
use vault::Vault;

/// Something to be told to an integration.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// Its id.
    pub id: String,
    /// What the event is called: the same for every try, so that a receiver knows it again.
    pub event_id: String,
    /// To whom.
    pub integration: Integration,
    /// What.
    pub occurrence: Occurrence,
    /// How often it was tried, with this time.
    pub tries: u32,
}

fn delivery(vault: &Vault, row: &Row<'_>) -> Result<Delivery, StoreError> {
    let tries: i64 = row.get(INTEGRATION_COLUMNS + 3)?;
    Ok(Delivery {
        integration: integration(vault, row)?,
        id: row.get(INTEGRATION_COLUMNS)?,
        event_id: row.get(INTEGRATION_COLUMNS + 1)?,
        occurrence: row.json(INTEGRATION_COLUMNS + 2)?,
        tries: u32::try_from(tries).unwrap_or(u32::MAX).saturating_add(1),
    })
}

impl Store {
    /// The integrations for which something waits, by their uid, and when it is due. One that is
    /// disabled is none of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn waiting_integrations(&self) -> Result<Vec<(String, Millis)>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT d.integration_uid, MIN(d.due_at) FROM notification_deliveries d
                 JOIN notification_integrations n ON n.uid = d.integration_uid
                 WHERE d.state = 'WAITING' AND NOT n.disabled
                 GROUP BY d.integration_uid ORDER BY d.integration_uid",
                [],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .await
    }

    /// Takes what has been due to an integration for longest, to be tried now. That it is tried is
    /// stored first: where nothing can be stored, nothing is sent again and again either.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn take_delivery(
        &self,
        integration_uid: &str,
        now: Millis,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut tx = self.db.write().await?;
        let taken = tx
            .row(
                concat!(
                    "SELECT ",
                    integration_columns!(),
                    ", d.id, d.event_id, d.occurrence, d.tries
                     FROM notification_deliveries d
                     JOIN notification_integrations n ON n.uid = d.integration_uid
                     WHERE d.integration_uid = $1 AND d.state = 'WAITING' AND d.due_at <= $2
                         AND NOT n.disabled
                     ORDER BY d.due_at, d.id LIMIT 1"
                ),
                params![integration_uid, now],
                |row| delivery(&self.vault, row),
            )
            .await?;
        if let Some(delivery) = &taken {
            tx.execute(
                "UPDATE notification_deliveries SET tries = tries + 1 WHERE id = $1",
                params![&delivery.id],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(taken)
    }

    /// The receiver took it.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivered(&self, delivery: &Delivery, now: Millis) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "UPDATE notification_deliveries SET state = 'DELIVERED', due_at = $2
             WHERE id = $1",
            params![&delivery.id, now],
        )
        .await?;
        tx.execute(
            "UPDATE notification_integrations
             SET failed_since = NULL, failed_requests = 0, last_error = NULL
             WHERE uid = $1 AND failed_since IS NOT NULL",
            params![&delivery.integration.uid],
        )
        .await?;
        tx.commit().await
    }

    /// The receiver did not take it. It is due again at `again`, or dead without it. A receiver that
    /// has long failed is disabled when something dies.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delivery_failed(
        &self,
        delivery: &Delivery,
        error: &str,
        now: Millis,
        again: Option<Millis>,
    ) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        tx.execute(
            "UPDATE notification_deliveries
             SET state = $2, due_at = $3, last_error = $4
             WHERE id = $1",
            params![
                &delivery.id,
                if again.is_some() { "WAITING" } else { "DEAD" },
                again.unwrap_or(now),
                error
            ],
        )
        .await?;
        let failing = delivery.integration.failing.as_ref();
        let hopeless = again.is_none() && failing.is_some_and(|failing| failing.is_hopeless(now));
        tx.execute(
            "UPDATE notification_integrations
             SET failed_since = COALESCE(failed_since, $2), failed_requests = failed_requests + 1,
                 last_error = $3, disabled = disabled OR $4
             WHERE uid = $1",
            params![&delivery.integration.uid, now, error, hopeless],
        )
        .await?;
        tx.commit().await
    }
}
