//! Tokens: shown once, kept as SHA-256. They carry 256 random bits, so a plain hash is enough and
//! finding one by its hash gives nothing away through time.

use crate::services::to_json;
use crate::sql::{Row, Session, params};
use crate::{Remembered, Store, StoreError, Version, members, now, roles};
use domain::{Grant, Millis, PermissionSet, Projects, Rights, Secret};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A token as the store knows it: everything but the secret.
#[derive(Clone, Debug)]
pub struct Token {
    /// Its id, shown in lists and kept with what it started.
    pub id: String,
    /// What a person called it.
    pub name: String,
    /// The team it acts in unless it says otherwise.
    pub team: String,
    /// Whether it is of the organisation and acts in every team, or of that team alone.
    pub organisation: bool,
    /// The role it was made from, where it was made from one.
    pub role: Option<String>,
    /// The id of the member whose token it is, where it is somebody's.
    pub member: Option<String>,
    /// The ids of the only projects it may see; `None` means that it is not limited by itself.
    pub projects: Option<Vec<String>>,
    /// What it may do, now: what it was given itself, by its role and by its member's roles.
    pub rights: Rights,
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
    /// The team it acts in unless it says otherwise.
    pub team: String,
    /// Whether it is of the organisation.
    pub organisation: bool,
    /// The role it is made from, whose permissions it has as they are then.
    pub role: Option<String>,
    /// The id of the member of the team whose token it is.
    pub member: Option<String>,
    /// What it may do beside its role.
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

/// The columns of a token, in the order [`Record::read`] reads them.
macro_rules! token_columns {
    () => {
        "t.id, t.name, t.team, t.organisation, t.role, t.permissions, t.projects, t.created_at,
         t.expires_at, t.member_uid, m.id, m.finalized"
    };
}

/// A token's row, and what it says of its member.
struct Record {
    token: Token,
    permissions: PermissionSet,
    member: Option<Holder>,
}

struct Holder {
    uid: String,
    finalized: bool,
}

impl Record {
    fn read(row: &Row<'_>) -> Result<Record, StoreError> {
        let projects: Option<String> = row.get(6)?;
        let projects = projects.map(|text| serde_json::from_str(&text)).transpose();
        let member_uid: Option<String> = row.get(9)?;
        let member = match member_uid {
            None => None,
            Some(uid) => Some(Holder {
                uid,
                finalized: row.get(11)?,
            }),
        };
        Ok(Record {
            permissions: row.json(5)?,
            member,
            token: Token {
                id: row.get(0)?,
                name: row.get(1)?,
                team: row.get(2)?,
                organisation: row.get(3)?,
                role: row.get(4)?,
                member: row.get(10)?,
                projects: projects.map_err(|e| StoreError::corrupt(e.to_string()))?,
                rights: Rights::default(),
                created_at: row.get(7)?,
                expires_at: row.get(8)?,
            },
        })
    }

    /// The token with its rights, as roles are now.
    async fn complete(self, session: &mut Session<'_>) -> Result<Token, StoreError> {
        let Record {
            mut token,
            permissions,
            member,
        } = self;
        let mut roles: Vec<String> = token.role.iter().cloned().collect();
        if let Some(member) = member {
            let theirs = session.rows(
                "SELECT role FROM member_roles WHERE member_uid = $1 ORDER BY role",
                params![member.uid],
                |row| row.get(0),
            );
            roles.extend(theirs.await?);
        }
        // One that was given nothing itself sees no project by that.
        let own = (!permissions.is_empty()).then(|| Grant::everywhere(permissions));
        let mut grants = Vec::from_iter(own);
        for role in roles {
            let role = roles::find(session, &token.team, &role).await?;
            grants.extend(role.map(|role| role.grant()));
        }
        if let Some(ids) = &token.projects {
            let own = Projects::Only(ids.iter().cloned().collect());
            grants = grants.into_iter().map(|grant| grant.within(&own)).collect();
        }
        token.rights = if token.organisation {
            Rights::of_organisation(grants)
        } else {
            Rights::of_team(grants)
        };
        Ok(token)
    }
}

/// Makes a token and its secret, which is returned this once.
pub(crate) async fn insert(
    tx: &mut Session<'_>,
    new: NewToken,
) -> Result<(String, Secret), StoreError> {
    let id = uuid::Uuid::now_v7().to_string();
    let secret = fresh_secret();
    let projects = new.projects.as_ref().map(to_json).transpose()?;
    let member_uid: Option<String> = match &new.member {
        None => None,
        Some(member) => Some(
            members::hold(tx, &new.team, member)
                .await?
                .ok_or(StoreError::Gone)?,
        ),
    };
    if let Some(role) = &new.role
        && !roles::hold(tx, &new.team, role).await?
    {
        return Err(StoreError::Gone);
    }
    tx.execute(
        "INSERT INTO tokens (id, name, hash, team, organisation, role, member_uid, permissions,
             projects, created_at, expires_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)",
        params![
            &id,
            new.name,
            hash(secret.expose()),
            new.team,
            new.organisation,
            new.role,
            member_uid,
            to_json(&new.permissions)?,
            projects,
            now(),
            new.expires_at
        ],
    )
    .await?;
    Ok((id, secret))
}

impl Store {
    /// Makes a token; its id, and its secret, which is returned this once.
    ///
    /// # Errors
    /// [`StoreError::Gone`] when its role or member is not there.
    pub async fn create_token(&self, new: NewToken) -> Result<(String, Secret), StoreError> {
        let mut tx = self.db.write().await?;
        let made = insert(&mut tx, new).await?;
        tx.commit().await?;
        Ok(made)
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
        Ok(token.filter(|token| is_good(token)))
    }

    async fn token_by_hash(
        &self,
        hash: String,
        version: &Version,
    ) -> Result<Option<Arc<Token>>, StoreError> {
        let mut session = self.db.read().await?;
        let found = session
            .row(
                concat!(
                    "SELECT ",
                    token_columns!(),
                    " FROM tokens t LEFT JOIN members m ON m.uid = t.member_uid WHERE t.hash = $1"
                ),
                params![&hash],
                Record::read,
            )
            .await?;
        let Some(record) = found else { return Ok(None) };
        let newcomer = record.member.as_ref().filter(|member| !member.finalized);
        let newcomer = newcomer.map(|member| member.uid.clone());
        let token = Arc::new(record.complete(&mut session).await?);
        drop(session);
        if let Some(uid) = newcomer.filter(|_| is_good(&token)) {
            self.finalize(&uid).await?;
        }
        let version = version.clone();
        self.known_tokens.put(hash, version, Arc::clone(&token));
        Ok(Some(token))
    }

    /// Every token, oldest first; of one team, if it is named.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn tokens(&self, team: Option<&str>) -> Result<Vec<Token>, StoreError> {
        let mut session = self.db.read().await?;
        let records = session
            .rows(
                concat!(
                    "SELECT ",
                    token_columns!(),
                    " FROM tokens t LEFT JOIN members m ON m.uid = t.member_uid
                     WHERE CAST($1 AS TEXT) IS NULL OR t.team = $1 ORDER BY t.id"
                ),
                params![team],
                Record::read,
            )
            .await?;
        let mut tokens = Vec::new();
        for record in records {
            tokens.push(record.complete(&mut session).await?);
        }
        Ok(tokens)
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

fn is_good(token: &Token) -> bool {
    token.expires_at.is_none_or(|end| end > now())
}
