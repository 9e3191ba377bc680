//! Rows from before there were keys: their secrets move out of their JSON and are sealed.

use super::reseal::BATCH;
use super::{BUILD_SECRETS, PROJECT_URL, SERVICE_SECRETS};
use crate::request::split;
use crate::services::to_json;
use crate::sql::{Session, params};
use crate::{Store, StoreError};
use domain::SecretValues;
use serde_json::{Map, Value};
use vault::Vault;

/// A page of rows: each one's key and its JSON.
type Rows = Vec<(String, Map<String, Value>)>;

impl Store {
    /// Seals what is not sealed yet; how many rows that were.
    pub(super) async fn seal_plain(&self) -> Result<u64, StoreError> {
        const SERVICES: &str = "SELECT uid, spec FROM services
             WHERE uid > $1 AND project_url IS NULL ORDER BY uid LIMIT $2";
        const BUILDS: &str = "SELECT uid, request FROM builds
             WHERE uid > $1 AND secrets IS NULL ORDER BY uid LIMIT $2";
        let services = self.seal_rows(SERVICES, service).await?;
        Ok(services + self.seal_rows(BUILDS, build).await?)
    }

    async fn seal_rows(
        &self,
        page: &'static str,
        seal: impl AsyncFn(&mut Session<'_>, &Vault, &str, Map<String, Value>) -> Result<(), StoreError>,
    ) -> Result<u64, StoreError> {
        let mut after = String::new();
        let mut count = 0;
        loop {
            let mut tx = self.db.write().await?;
            let rows: Rows = tx
                .rows(page, params![&after, BATCH], |row| {
                    Ok((row.get(0)?, row.json(1)?))
                })
                .await?;
            let Some((last, _)) = rows.last() else {
                return Ok(count);
            };
            after.clone_from(last);
            for (uid, json) in rows {
                seal(&mut tx, &self.vault, &uid, json).await?;
                count += 1;
            }
            tx.commit().await?;
        }
    }
}

async fn service(
    tx: &mut Session<'_>,
    vault: &Vault,
    uid: &str,
    mut spec: Map<String, Value>,
) -> Result<(), StoreError> {
    let arguments = spec.remove("buildArguments").unwrap_or_default();
    let source = spec.get_mut("source").and_then(Value::as_object_mut);
    let url = source.and_then(|source| source.remove("projectUrl"));
    let url = url.as_ref().and_then(Value::as_str).unwrap_or_default();
    let values = SecretValues {
        variables: serde_json::from_value(arguments).unwrap_or_default(),
        ..SecretValues::default()
    };
    tx.execute(
        "UPDATE services SET spec = $2, project_url = $3, secrets = $4 WHERE uid = $1",
        params![
            uid,
            to_json(&spec)?,
            PROJECT_URL.seal(vault, uid, url)?,
            SERVICE_SECRETS.seal_json(vault, uid, &values)?
        ],
    )
    .await?;
    Ok(())
}

async fn build(
    tx: &mut Session<'_>,
    vault: &Vault,
    uid: &str,
    request: Map<String, Value>,
) -> Result<(), StoreError> {
    let (open, secret) = split(request);
    tx.execute(
        "UPDATE builds SET request = $2, secrets = $3 WHERE uid = $1",
        params![
            uid,
            to_json(&open)?,
            BUILD_SECRETS.seal_json(vault, uid, &secret)?
        ],
    )
    .await?;
    Ok(())
}
