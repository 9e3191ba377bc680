//! The heads that were seen.

use super::Seen;
use crate::sql::{Session, params};
use crate::{Store, StoreError, now};
use domain::Millis;
use std::collections::BTreeMap;

/// How long a ref that is missed is remembered: one that comes back with the commit that it had brings
/// nothing new.
const REMEMBERED: Millis = 7 * 24 * 3600 * 1000;

/// A ref that has a new commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HeadMove {
    /// Which repository it is, as in [`Seen::source`].
    pub source: String,
    /// The ref, like `refs/heads/main`.
    pub name: String,
    /// The commit that was seen before; `None` for a new ref.
    pub from: Option<String>,
    /// The commit.
    pub to: String,
}

impl HeadMove {
    /// Moves the head, if it is still where it was; whether it was.
    pub(super) async fn make(
        &self,
        tx: &mut Session<'_>,
        service_uid: &str,
    ) -> Result<bool, StoreError> {
        // Locked, so that nobody forgets it or begins anew meanwhile.
        let there = tx
            .execute(
                "UPDATE watches SET source = source WHERE service_uid = $1 AND source = $2",
                params![service_uid, &self.source],
            )
            .await?;
        if there == 0 {
            return Ok(false);
        }
        let moved = match &self.from {
            Some(from) => {
                tx.execute(
                    "UPDATE watched_heads SET sha = $4, gone_since = NULL
                     WHERE service_uid = $1 AND ref = $2 AND sha = $3",
                    params![service_uid, &self.name, from, &self.to],
                )
                .await?
            }
            None => {
                tx.execute(
                    "INSERT INTO watched_heads (service_uid, ref, sha) VALUES ($1, $2, $3)
                     ON CONFLICT (service_uid, ref) DO NOTHING",
                    params![service_uid, &self.name, &self.to],
                )
                .await?
            }
        };
        Ok(moved == 1)
    }
}

impl Store {
    /// Notes which refs are missed at this look, and which of those that were are back. Those that have
    /// been missed for long are forgotten.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn note_missed_heads(
        &self,
        service_uid: &str,
        missed: &[String],
        back: &[String],
    ) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        for (names, since) in [(missed, Some(now())), (back, None)] {
            for name in names {
                tx.execute(
                    "UPDATE watched_heads SET gone_since = $3 WHERE service_uid = $1 AND ref = $2",
                    params![service_uid, name, since],
                )
                .await?;
            }
        }
        tx.execute(
            "DELETE FROM watched_heads WHERE service_uid = $1 AND gone_since < $2",
            params![service_uid, now() - REMEMBERED],
        )
        .await?;
        tx.commit().await
    }
}

pub(super) async fn read(
    session: &mut Session<'_>,
    service_uid: &str,
    seen: &mut Seen,
) -> Result<(), StoreError> {
    let rows = session
        .rows(
            "SELECT ref, sha, gone_since FROM watched_heads WHERE service_uid = $1 ORDER BY ref",
            params![service_uid],
            |row| {
                let gone: Option<Millis> = row.get(2)?;
                Ok((row.get::<String>(0)?, row.get::<String>(1)?, gone.is_some()))
            },
        )
        .await?;
    for (name, sha, gone) in rows {
        if gone {
            seen.missed.push(name.clone());
        }
        seen.heads.insert(name, sha);
    }
    Ok(())
}

pub(super) async fn insert(
    tx: &mut Session<'_>,
    service_uid: &str,
    heads: &BTreeMap<String, String>,
) -> Result<(), StoreError> {
    for (name, sha) in heads {
        tx.execute(
            "INSERT INTO watched_heads (service_uid, ref, sha) VALUES ($1, $2, $3)
             ON CONFLICT (service_uid, ref) DO UPDATE SET sha = excluded.sha, gone_since = NULL",
            params![service_uid, name, sha],
        )
        .await?;
    }
    Ok(())
}
