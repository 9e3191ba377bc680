//! Build services.

use crate::catalog::remove_repositories;
use crate::sealing::{PROJECT_URL, SERVICE_SECRETS};
use crate::sql::{Row, Session, params};
use crate::{Store, StoreError, deletions, now, numbers, revision, service_tags, watches};
use domain::service::LatestBuild;
use domain::{SecretChanges, SecretValues, Service, ServiceSpec, Status, repository};
use serde_json::Value;
use vault::Vault;

/// What changes in a service.
#[derive(Clone, Debug)]
pub struct ServiceChanges {
    /// The new description; `None` leaves it.
    pub description: Option<String>,
    /// The whole new specification.
    pub spec: ServiceSpec,
    /// What changes in its arguments, files and mounts.
    pub secrets: SecretChanges,
}

impl ServiceChanges {
    /// Another specification, and nothing else.
    #[must_use]
    pub fn of_spec(spec: ServiceSpec) -> ServiceChanges {
        ServiceChanges {
            description: None,
            spec,
            secrets: SecretChanges::default(),
        }
    }
}

/// The columns of a service, in the order [`service`] reads them.
macro_rules! service_columns {
    () => {
        "s.uid, s.project_uid, s.id, s.name, s.description, s.spec, s.last_build_number,
         s.created_at, s.updated_at, s.number, s.project_url"
    };
}
pub(crate) use service_columns;

/// How many columns that is: where further columns of a statement begin.
pub(crate) const SERVICE_COLUMNS: usize = 11;

pub(crate) fn service(vault: &Vault, row: &Row<'_>) -> Result<Service, StoreError> {
    let uid: String = row.get(0)?;
    let mut spec: ServiceSpec = row.json(5)?;
    // There is none only in a row from before there were keys, until the next start.
    let url: Option<String> = row.get(10)?;
    if let Some(sealed) = url {
        spec.source.project_url = PROJECT_URL.open(vault, &uid, &sealed)?;
    }
    Ok(Service {
        uid,
        project_uid: row.get(1)?,
        id: row.get(2)?,
        name: row.get(3)?,
        description: row.get(4)?,
        spec,
        last_build_number: row.get(6)?,
        created_at: row.get(7)?,
        updated_at: row.get(8)?,
        number: row.get(9)?,
    })
}

pub(crate) fn to_json<T: serde::Serialize>(value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(|e| StoreError::corrupt(e.to_string()))
}

/// What is stored of a specification, without the repository's URL.
fn spec_json(spec: &ServiceSpec) -> Result<String, StoreError> {
    let json = serde_json::to_value(spec);
    let mut json = json.map_err(|e| StoreError::corrupt(e.to_string()))?;
    if let Some(source) = json.get_mut("source").and_then(Value::as_object_mut) {
        source.remove("projectUrl");
    }
    to_json(&json)
}

impl Store {
    /// Stores a new service with its arguments, files and mounts; its `uid` and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the project has a service with this id, [`StoreError::Gone`]
    /// when the project or a tag is gone.
    pub async fn create_service(
        &self,
        mut service: Service,
        secrets: &SecretValues,
    ) -> Result<Service, StoreError> {
        service.uid = uuid::Uuid::now_v7().to_string();
        service.created_at = now();
        service.updated_at = service.created_at;
        let mut tx = self.db.write().await?;
        service_tags::hold(&mut tx, &service.project_uid, &service.spec).await?;
        service.number = numbers::SERVICES
            .next(&mut tx, &service.project_uid)
            .await?;
        tx.execute(
            "INSERT INTO services (uid, project_uid, id, name, description, spec, created_at, updated_at,
                 number, project_url, secrets)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
            params![
                &service.uid, &service.project_uid, &service.id, &service.name,
                service.description.as_deref(), spec_json(&service.spec)?, service.created_at,
                service.updated_at, service.number, self.sealed_url(&service.uid, &service.spec)?,
                SERVICE_SECRETS.seal_json(&self.vault, &service.uid, secrets)?
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(service)
    }

    /// The project's service with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn service(
        &self,
        project_uid: &str,
        id: &str,
    ) -> Result<Option<Service>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    service_columns!(),
                    " FROM services s WHERE s.project_uid = $1 AND s.id = $2"
                ),
                params![project_uid, id],
                |row| service(&self.vault, row),
            )
            .await
    }

    /// The project's services, oldest first, with a number above `after`, skipping `offset`, `limit`
    /// at the most, each with its newest build.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn services(
        &self,
        project_uid: &str,
        after: i64,
        offset: i64,
        limit: i64,
    ) -> Result<Vec<(Service, Option<LatestBuild>)>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    service_columns!(),
                    ", b.status, b.status_since
                     FROM services s
                     LEFT JOIN builds b ON b.service_uid = s.uid AND b.number = s.last_build_number
                     WHERE s.project_uid = $1 AND s.number > $2 ORDER BY s.number LIMIT $3 OFFSET $4"
                ),
                params![project_uid, after, limit, offset],
                |row| Ok((service(&self.vault, row)?, latest(row, SERVICE_COLUMNS)?)),
            )
            .await
    }

    /// A service's repository in the registry; `None` when the service is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn repository(&self, service_uid: &str) -> Result<Option<String>, StoreError> {
        repository_of(&mut self.db.read().await?, service_uid).await
    }

    /// The ids of a service's project and of itself, for whoever tells people of it; empty when it is gone.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn names_of(&self, service_uid: &str) -> Result<(String, String), StoreError> {
        let mut session = self.db.read().await?;
        let names = session
            .row(
                "SELECT p.id, s.id FROM services s JOIN projects p ON p.uid = s.project_uid
                 WHERE s.uid = $1",
                params![service_uid],
                |row| Ok((row.get(0)?, row.get(1)?)),
            )
            .await?;
        Ok(names.unwrap_or_default())
    }

    /// The service's newest build.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn latest_build(&self, service: &Service) -> Result<Option<LatestBuild>, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .row(
                "SELECT status, status_since FROM builds WHERE service_uid = $1
                 ORDER BY number DESC LIMIT 1",
                params![&service.uid],
                |row| latest(row, 0),
            )
            .await?;
        Ok(found.flatten())
    }

    /// Changes a service as it was `seen`; `None` when it is gone.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now, [`StoreError::Gone`] when a tag is gone.
    pub async fn update_service(
        &self,
        seen: &Service,
        changes: ServiceChanges,
    ) -> Result<Option<Service>, StoreError> {
        let uid = &seen.uid;
        let mut tx = self.db.write().await?;
        if !revision::service(uid)
            .hold(&mut tx, seen.updated_at)
            .await?
        {
            return Ok(None);
        }
        service_tags::hold(&mut tx, &seen.project_uid, &changes.spec).await?;
        tx.execute(
            "UPDATE services SET description = COALESCE($2, description), spec = $3, project_url = $4
             WHERE uid = $1",
            params![
                uid,
                changes.description,
                spec_json(&changes.spec)?,
                self.sealed_url(uid, &changes.spec)?
            ],
        )
        .await?;
        if !changes.spec.builds_by_itself() {
            watches::forget(&mut tx, uid).await?;
        }
        self.change_secrets(&mut tx, uid, changes.secrets).await?;
        let updated = self.service_by_uid(&mut tx, uid).await?;
        tx.commit().await?;
        Ok(updated)
    }

    fn sealed_url(&self, uid: &str, spec: &ServiceSpec) -> Result<String, StoreError> {
        PROJECT_URL.seal(&self.vault, uid, &spec.source.project_url)
    }

    pub(crate) async fn service_by_uid(
        &self,
        tx: &mut Session<'_>,
        uid: &str,
    ) -> Result<Option<Service>, StoreError> {
        tx.row(
            concat!(
                "SELECT ",
                service_columns!(),
                " FROM services s WHERE s.uid = $1"
            ),
            params![uid],
            |row| service(&self.vault, row),
        )
        .await
    }

    /// Deletes a service with its builds and what its repository shows, all or nothing. The caller
    /// has aborted what runs; logs are left to whoever waits for [`Store::deletion`].
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn delete_service(&self, uid: &str) -> Result<(), StoreError> {
        let mut tx = self.db.write().await?;
        // Locked first: a build that is being accepted just now is deleted with the others, or not
        // accepted.
        tx.execute(
            "UPDATE services SET updated_at = updated_at WHERE uid = $1",
            params![uid],
        )
        .await?;
        let Some(repository) = repository_of(&mut tx, uid).await? else {
            return Ok(());
        };
        remove_repositories(&mut tx, &repository).await?;
        deletions::note(&mut tx, uid).await?;
        tx.execute("DELETE FROM builds WHERE service_uid = $1", params![uid])
            .await?;
        tx.execute("DELETE FROM services WHERE uid = $1", params![uid])
            .await?;
        tx.commit().await?;
        self.deletions.notify_one();
        Ok(())
    }
}

async fn repository_of(
    session: &mut Session<'_>,
    service_uid: &str,
) -> Result<Option<String>, StoreError> {
    session
        .row(
            "SELECT p.team, p.id, s.id FROM services s JOIN projects p ON p.uid = s.project_uid
             WHERE s.uid = $1",
            params![service_uid],
            |row| {
                let (team, project): (String, String) = (row.get(0)?, row.get(1)?);
                Ok(repository::of_service(
                    &team,
                    &project,
                    &row.get::<String>(2)?,
                ))
            },
        )
        .await
}

/// The two columns of a joined newest build, from `at`.
fn latest(row: &Row<'_>, at: usize) -> Result<Option<LatestBuild>, StoreError> {
    let status: Option<String> = row.get(at)?;
    let Some(status) = status else {
        return Ok(None);
    };
    let status = Status::parse(&status)
        .ok_or_else(|| StoreError::corrupt(format!("unknown status {status}")))?;
    Ok(Some(LatestBuild {
        status,
        since: row.get(at + 1)?,
    }))
}
