//! Tokens: shown once, kept as SHA-256. They carry 256 random bits, so a plain hash is enough and
//! finding one by its hash gives nothing away through time.

use crate::services::to_json;
use crate::sql::{Row, params};
use crate::{Remembered, Store, StoreError, Version, now};
use domain::{Millis, PermissionSet, Secret};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A token as the store knows it: everything but the secret.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its id, shown in lists and kept with what it started.
    pub id: String,
    /// What a person called it.
    pub name: String,
    /// The team it belongs to.
    pub team: String,
    /// The role it was made from, where it was made from one.
    pub role: Option<String>,
    /// What it may do.
    pub permissions: PermissionSet,
    /// The ids of the only projects it may see; `None` means all of the team's.
    pub projects: Option<Vec<String>>,
    /// When it was made.
    pub created_at: Millis,
    /// When it stops working.
    pub expires_at: Option<Millis>,
}

/// A token to be stored.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// What a person calls it.
    pub name: String,
    /// The team it belongs to.
    pub team: String,
    /// The role it is made from.
    pub role: Option<String>,
    /// What it may do.
    pub permissions: PermissionSet,
    /// The ids of the only projects it may see.
    pub projects: Option<Vec<String>>,
    /// When it stops working.
    pub expires_at: Option<Millis>,
}

/// A fresh secret: 256 random bits behind a prefix that leak scanners can look for.
pub(crate) fn fresh_secret() -> Secret {
    let bits: [u8; 32] = rand::random();
    Secret::new(format!("boatyard_{}", hex::encode(bits)))
}

/// 256 random bits in hex, for a key that is made once and kept.
pub fn random_key() -> String {
    hex::encode(rand::random::<[u8; 32]>())
}

/// What is kept of a secret.
pub(crate) fn hash(secret: &str) -> String {
    hex::encode(Sha256::digest(secret.as_bytes()))
}

/// Tokens that were looked up lately. Each takes some hundred bytes.
pub(crate) fn remembered() -> Remembered<Arc<Token>> {
    Remembered::new(1000, 1000 * 1024, |_| 1024)
}

fn token(row: &Row<'_>) -> Result<Token, StoreError> {
    let projects: Option<String> = row.get(5)?;
    let projects = projects.map(|text| serde_json::from_str(&text)).transpose();
    Ok(Token {
        id: row.get(0)?,
        name: row.get(1)?,
        team: row.get(2)?,
        role: row.get(3)?,
        permissions: row.json(4)?,
        projects: projects.map_err(|e| StoreError::corrupt(e.to_string()))?,
        created_at: row.get(6)?,
        expires_at: row.get(7)?,
    })
}

impl Store {
    /// Makes a token and its secret, which is returned this once.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn create_token(&self, new: NewToken) -> Result<(Token, Secret), StoreError> {
        let secret = fresh_secret();
        let token = Token {
            id: uuid::Uuid::now_v7().to_string(),
            name: new.name,
            team: new.team,
            role: new.role,
            permissions: new.permissions,
            projects: new.projects,
            created_at: now(),
            expires_at: new.expires_at,
        };
        let projects = token.projects.as_ref().map(to_json).transpose()?;
        let mut tx = self.db.write().await?;
        tx.execute(
            "INSERT INTO tokens (id, name, hash, team, role, permissions, projects, created_at, expires_at)
             VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
            params![
                &token.id, &token.name, hash(secret.expose()), &token.team, token.role.as_deref(),
                to_json(&token.permissions)?, projects, token.created_at, token.expires_at
            ],
        )
        .await?;
        tx.commit().await?;
        Ok((token, secret))
    }

    /// The token with this secret, unless it has expired.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_by_secret(&self, secret: &str) -> Result<Option<Arc<Token>>, StoreError> {
        let version = self.version().await?;
        self.token_at(secret, &version).await
    }

    /// The same, for a caller who knows the database's version from before.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn token_at(
        &self,
        secret: &str,
        version: &Version,
    ) -> Result<Option<Arc<Token>>, StoreError> {
        let hash = hash(secret);
        let token = match self.known_tokens.get(&hash, version) {
            Some(token) => Some(token),
            None => self.token_by_hash(hash, version).await?,
        };
        Ok(token.filter(|token| token.expires_at.is_none_or(|end| end > now())))
    }

    async fn token_by_hash(
        &self,
        hash: String,
        version: &Version,
    ) -> Result<Option<Arc<Token>>, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .row(
                "SELECT id, name, team, role, permissions, projects, created_at, expires_at
                 FROM tokens WHERE hash = $1",
                params![&hash],
                token,
            )
            .await?
            .map(Arc::new);
        if let Some(token) = &found {
            let version = version.clone();
            self.known_tokens.put(hash, version, Arc::clone(token));
        }
        Ok(found)
    }

    /// Every token of a team, oldest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self, team: &str) -> Result<Vec<Token>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .rows(
                "SELECT id, name, team, role, permissions, projects, created_at, expires_at
                 FROM tokens WHERE team = $1 ORDER BY id",
                params![team],
                token,
            )
            .await
    }

    /// Deletes a token; `false` when there is none with this id.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn delete_token(&self, id: &str) -> Result<bool, StoreError> {
        let mut tx = self.db.write().await?;
        let deleted = tx
            .execute("DELETE FROM tokens WHERE id = $1", params![id])
            .await?;
        tx.commit().await?;
        Ok(deleted > 0)
    }
}
