//! The data folder: made at the first start, held by one server at a time, with the
//! administrator's token inside.

use anyhow::{Context, bail};
use domain::Role;
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use store::{NewToken, Store};

/// The file that holds the administrator's token.
pub const TOKEN_FILE: &str = "admin.token";

/// Makes the data folder and takes its lock, which the returned file holds.
pub(super) fn prepare(data_dir: &Path) -> anyhow::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
    let path = data_dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => bail!(
            "another server uses the data folder {}; choose another with --data-dir",
            data_dir.display()
        ),
        Err(TryLockError::Error(error)) => {
            Err(error).with_context(|| format!("cannot lock {}", path.display()))
        }
    }
}

/// At the first start, makes the administrator's token, kept in the data folder and readable by its
/// owner only; the line that tells a person, once.
pub(super) async fn administrator(
    store: &Store,
    data_dir: &Path,
) -> anyhow::Result<Option<String>> {
    let path = data_dir.join(TOKEN_FILE);
    let known = match std::fs::read_to_string(&path) {
        Ok(secret) => store.token_by_secret(secret.trim()).await?.is_some(),
        Err(_) => !store.tokens(api::DEFAULT_TEAM).await?.is_empty(),
    };
    if known {
        return Ok(None);
    }
    let new = NewToken {
        name: "administrator".to_owned(),
        team: api::DEFAULT_TEAM.to_owned(),
        role: Some(Role::Admin.as_str().to_owned()),
        permissions: Role::Admin.permissions(),
        projects: None,
        expires_at: None,
    };
    let (_, secret) = store.create_token(new).await?;
    let mut file = OpenOptions::new()
        .create(true)
        .truncate(true)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    writeln!(file, "{}", secret.expose())?;
    file.sync_all()?;
    Ok(Some(format!(
        "Administrator's token (also in {}): {}",
        path.display(),
        secret.expose()
    )))
}
