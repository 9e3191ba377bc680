//! What is to be told, written in the transaction in which it happens: a server that is killed at any
//! moment has told it, or finds it here.

use crate::services::to_json;
use crate::sql::{Row, Session, params};
use crate::{Store, StoreError, now};
use domain::Build;
use domain::notification::{Audience, Event, Named, Occurrence};
use serde::Deserialize;
use std::collections::BTreeSet;

/// An integration of the build's team, and what it may be told.
struct Listener {
    uid: String,
    audience: Audience,
    events: BTreeSet<Event>,
    project: Named,
    service: Named,
    tags: Vec<String>,
}

impl Listener {
    fn wants(&self, event: Event) -> bool {
        self.events.contains(&event) && self.audience.admits(&self.project.id, &self.tags)
    }
}

/// What of a service's specification counts here.
#[derive(Deserialize)]
struct Tagged {
    #[serde(default)]
    tags: Vec<String>,
}

fn listener(row: &Row<'_>) -> Result<Listener, StoreError> {
    let named = |at| {
        Ok::<_, StoreError>(Named {
            id: row.get(at)?,
            name: row.get(at + 1)?,
        })
    };
    let service: Tagged = row.json(7)?;
    Ok(Listener {
        uid: row.get(0)?,
        audience: row.json(1)?,
        events: row.json(2)?,
        project: named(3)?,
        service: named(5)?,
        tags: service.tags,
    })
}

/// Notes the event that the build's new status is, for each integration that wants to know; whether
/// any does. Where a team has no integration, that is one question without an answer.
pub(crate) async fn note(tx: &mut Session<'_>, build: &Build) -> Result<bool, StoreError> {
    let Some(event) = Event::of(build.status) else {
        return Ok(false);
    };
    let listeners = tx
        .rows(
            "SELECT n.uid, n.audience, n.events, p.id, p.name, s.id, s.name, s.spec
             FROM projects p
             JOIN notification_integrations n ON n.team = p.team AND NOT n.disabled
             JOIN services s ON s.uid = $2
             WHERE p.uid = $1 ORDER BY n.number",
            params![&build.project_uid, &build.service_uid],
            listener,
        )
        .await?;
    let event_id = uuid::Uuid::now_v7().to_string();
    let mut noted = false;
    for listener in listeners.into_iter().filter(|l| l.wants(event)) {
        let occurrence = Occurrence {
            event,
            build: build.clone(),
            project: listener.project,
            service: listener.service,
        };
        insert(tx, &listener.uid, &event_id, &occurrence).await?;
        noted = true;
    }
    Ok(noted)
}

async fn insert(
    tx: &mut Session<'_>,
    integration_uid: &str,
    event_id: &str,
    occurrence: &Occurrence,
) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO notification_deliveries (id, integration_uid, event_id, event, occurrence,
             created_at, due_at)
         VALUES ($1, $2, $3, $4, $5, $6, $6)",
        params![
            uuid::Uuid::now_v7().to_string(),
            integration_uid,
            event_id,
            occurrence.event.as_str(),
            to_json(occurrence)?,
            now()
        ],
    )
    .await?;
    Ok(())
}

impl Store {
    /// Waits until something is to be told that was not when the last wait ended. A hint: what other
    /// processes write is found by looking.
    pub async fn outbox(&self) {
        self.outbox.notified().await;
    }
}
