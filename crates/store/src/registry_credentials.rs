//! Logins to registries. User name and password are sealed in here and opened for who needs them.

use crate::sealing::REGISTRY_LOGIN;
use crate::services::to_json;
use crate::sql::{Row, params};
use crate::unreadable::opened;
use crate::{Store, StoreError, now, numbers, revision};
use domain::project::CustomRegistry;
use domain::registry_credential::{CredentialAccess, Provider, RegistryLogin};
use domain::{RegistryCredential, Secret};
use serde::{Deserialize, Serialize};
use vault::Vault;

/// What changes in a credential; `None` leaves it.
#[derive(Clone, Debug, Default)]
pub struct CredentialChanges {
    /// The new login.
    pub login: Option<RegistryLogin>,
    /// How it may be used from now on, and by whom.
    pub access: Option<CredentialAccess>,
}

/// What became of a deletion.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum CredentialDeletion {
    /// It is gone.
    Deleted,
    /// It was not there.
    NotFound,
    /// The project with this id pushes its images with it.
    InUse(String),
}

/// A login as it is sealed.
#[derive(Default, Serialize, Deserialize)]
struct Login {
    username: String,
    password: String,
}

macro_rules! columns {
    () => {
        "c.uid, c.team, c.number, c.id, c.name, c.provider, c.registry, c.login, c.pull, c.push,
         c.projects, c.created_at, c.updated_at"
    };
}

fn credential(vault: &Vault, row: &Row<'_>) -> Result<RegistryCredential, StoreError> {
    let uid: String = row.get(0)?;
    let provider: String = row.get(5)?;
    let login: String = row.get(7)?;
    let login = REGISTRY_LOGIN.open_json(vault, &uid, &login);
    let login: Option<Login> = opened("a registry credential", &uid, login)?;
    let unreadable = login.is_none();
    let login = login.unwrap_or_default();
    let projects: Option<String> = row.get(10)?;
    let projects = projects.map(|text| serde_json::from_str(&text)).transpose();
    Ok(RegistryCredential {
        uid,
        unreadable,
        team: row.get(1)?,
        number: row.get(2)?,
        id: row.get(3)?,
        name: row.get(4)?,
        provider: Provider::parse(&provider)
            .ok_or_else(|| StoreError::corrupt(format!("unknown provider {provider}")))?,
        registry: row.get(6)?,
        login: RegistryLogin {
            username: login.username,
            password: Secret::new(login.password),
        },
        access: CredentialAccess {
            pull: row.get(8)?,
            push: row.get(9)?,
            projects: projects.map_err(|e| StoreError::corrupt(e.to_string()))?,
        },
        created_at: row.get(11)?,
        updated_at: row.get(12)?,
    })
}

impl Store {
    fn sealed_login(&self, uid: &str, login: &RegistryLogin) -> Result<String, StoreError> {
        let login = Login {
            username: login.username.clone(),
            password: login.password.expose().to_owned(),
        };
        REGISTRY_LOGIN.seal_json(&self.vault, uid, &login)
    }

    /// Stores a new credential; its `uid`, number and times are set here.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] when the team has a credential with this id.
    pub async fn create_registry_credential(
        &self,
        mut credential: RegistryCredential,
    ) -> Result<RegistryCredential, StoreError> {
        credential.uid = uuid::Uuid::now_v7().to_string();
        credential.created_at = now();
        credential.updated_at = credential.created_at;
        let login = self.sealed_login(&credential.uid, &credential.login)?;
        let projects = credential.access.projects.as_ref();
        let projects = projects.map(to_json).transpose()?;
        let mut tx = self.db.write().await?;
        credential.number = numbers::CREDENTIALS.next(&mut tx, &credential.team).await?;
        tx.execute(
            "INSERT INTO registry_credentials (uid, team, number, id, name, provider, registry, login,
                 pull, push, projects, created_at, updated_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            params![
                &credential.uid,
                &credential.team,
                credential.number,
                &credential.id,
                &credential.name,
                credential.provider.as_str(),
                &credential.registry,
                login,
                credential.access.pull,
                credential.access.push,
                projects,
                credential.created_at,
                credential.updated_at
            ],
        )
        .await?;
        tx.commit().await?;
        Ok(credential)
    }

    /// The team's credential with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_credential(
        &self,
        team: &str,
        id: &str,
    ) -> Result<Option<RegistryCredential>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM registry_credentials c WHERE c.team = $1 AND c.id = $2"
                ),
                params![team, id],
                |row| credential(&self.vault, row),
            )
            .await
    }

    /// The team's credentials, oldest first. A team has some dozens at the most.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn registry_credentials(
        &self,
        team: &str,
    ) -> Result<Vec<RegistryCredential>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                concat!(
                    "SELECT ",
                    columns!(),
                    " FROM registry_credentials c WHERE c.team = $1 ORDER BY c.number"
                ),
                params![team],
                |row| credential(&self.vault, row),
            )
            .await
    }

    /// The credentials that builds of a project may use for what their scope allows, oldest first. One that
    /// cannot be opened is none of them.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn credentials_for_project(
        &self,
        project_uid: &str,
    ) -> Result<Vec<RegistryCredential>, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .rows(
                concat!(
                    "SELECT ",
                    columns!(),
                    ", p.id FROM projects p JOIN registry_credentials c ON c.team = p.team
                     WHERE p.uid = $1 ORDER BY c.number"
                ),
                params![project_uid],
                |row| Ok((credential(&self.vault, row)?, row.get::<String>(13)?)),
            )
            .await?;
        let usable = found
            .into_iter()
            .filter(|(credential, project)| credential.is_for(project) && !credential.unreadable);
        Ok(usable.map(|(credential, _)| credential).collect())
    }

    /// Changes a credential as it was `seen`; `false` when it is gone.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now.
    pub async fn update_registry_credential(
        &self,
        seen: &RegistryCredential,
        changes: CredentialChanges,
    ) -> Result<bool, StoreError> {
        let uid = &seen.uid;
        let mut tx = self.db.write().await?;
        let revised = revision::registry_credential(uid);
        if !revised.hold(&mut tx, seen.updated_at).await? {
            return Ok(false);
        }
        if let Some(login) = &changes.login {
            tx.execute(
                "UPDATE registry_credentials SET login = $2 WHERE uid = $1",
                params![uid, self.sealed_login(uid, login)?],
            )
            .await?;
        }
        if let Some(access) = changes.access {
            let projects = access.projects.as_ref().map(to_json).transpose()?;
            tx.execute(
                "UPDATE registry_credentials SET pull = $2, push = $3, projects = $4
                 WHERE uid = $1",
                params![uid, access.pull, access.push, projects],
            )
            .await?;
        }
        tx.commit().await?;
        Ok(true)
    }

    /// Deletes a credential that no project pushes its images with.
    ///
    /// # Errors
    /// When the database fails; then nothing changes.
    pub async fn delete_registry_credential(
        &self,
        team: &str,
        id: &str,
    ) -> Result<CredentialDeletion, StoreError> {
        let mut tx = self.db.write().await?;
        // Locked first: a project that is about to push with it waits here, or is seen below.
        let locked = tx
            .execute(
                "UPDATE registry_credentials SET updated_at = updated_at WHERE team = $1 AND id = $2",
                params![team, id],
            )
            .await?;
        if locked == 0 {
            return Ok(CredentialDeletion::NotFound);
        }
        let projects: Vec<(String, CustomRegistry)> = tx
            .rows(
                "SELECT id, custom_registry FROM projects
                 WHERE team = $1 AND custom_registry IS NOT NULL ORDER BY number",
                params![team],
                |row| Ok((row.get(0)?, row.json(1)?)),
            )
            .await?;
        let user = projects
            .into_iter()
            .find(|(_, registry)| registry.credential_id == id);
        if let Some((project, _)) = user {
            return Ok(CredentialDeletion::InUse(project));
        }
        tx.execute(
            "DELETE FROM registry_credentials WHERE team = $1 AND id = $2",
            params![team, id],
        )
        .await?;
        tx.commit().await?;
        Ok(CredentialDeletion::Deleted)
    }
}
