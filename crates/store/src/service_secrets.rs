//! The arguments, files and mounts of a service: read only by who needs them.

use crate::sealing::SERVICE_SECRETS;
use crate::sql::{Session, params};
use crate::{Store, StoreError, revision};
use domain::{SecretChanges, SecretValues, Service};

impl Store {
    /// A service's own arguments, files and mounts.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn service_secrets(&self, uid: &str) -> Result<SecretValues, StoreError> {
        self.secrets_of(&mut self.db.read().await?, uid).await
    }

    /// Changes the arguments, files and mounts of a service as it was `seen`; `false` when it is gone.
    ///
    /// # Errors
    /// [`StoreError::Changed`] when it is another one by now.
    pub async fn change_service_secrets(
        &self,
        seen: &Service,
        changes: SecretChanges,
    ) -> Result<bool, StoreError> {
        let uid = &seen.uid;
        let mut tx = self.db.write().await?;
        if !revision::service(uid)
            .hold(&mut tx, seen.updated_at)
            .await?
        {
            return Ok(false);
        }
        self.change_secrets(&mut tx, uid, changes).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// The same in a transaction that has written the service's row.
    pub(crate) async fn change_secrets(
        &self,
        tx: &mut Session<'_>,
        uid: &str,
        changes: SecretChanges,
    ) -> Result<(), StoreError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut values = self.secrets_of(tx, uid).await?;
        changes.apply(&mut values);
        let sealed = SERVICE_SECRETS.seal_json(&self.vault, uid, &values)?;
        tx.execute(
            "UPDATE services SET secrets = $2 WHERE uid = $1",
            params![uid, sealed],
        )
        .await?;
        Ok(())
    }

    async fn secrets_of(
        &self,
        session: &mut Session<'_>,
        uid: &str,
    ) -> Result<SecretValues, StoreError> {
        let sealed: Option<Option<String>> = session
            .row(
                "SELECT secrets FROM services WHERE uid = $1",
                params![uid],
                |row| row.get(0),
            )
            .await?;
        match sealed.flatten() {
            Some(sealed) => SERVICE_SECRETS.open_json(&self.vault, uid, &sealed),
            None => Ok(SecretValues::default()),
        }
    }
}
