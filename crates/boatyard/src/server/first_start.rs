//! The data folder: made at the first start, held by one server at a time, with the
//! administrator's token inside.

use super::address_file::AddressFile;
use anyhow::{Context, bail};
use domain::team::DEFAULT_TEAM;
use domain::{PermissionSet, Role};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io::Write;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;
use store::{NewToken, Store};

/// The file that holds the administrator's token.
pub const TOKEN_FILE: &str = "admin.token";
/// How often the lock is tried. The command line takes a shared one for a moment, to see whether a
/// server is here: that must not keep a server from starting.
const TRIES: usize = 20;
const PAUSE: Duration = Duration::from_millis(50);

/// Makes the data folder and takes its lock, which the returned file holds.
pub(super) async fn prepare(data_dir: &Path) -> anyhow::Result<File> {
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(data_dir)
        .with_context(|| format!("cannot make the data folder {}", data_dir.display()))?;
    let Some(file) = lock(data_dir).await? else {
        bail!(
            "another server uses the data folder {}; choose another with --data-dir",
            data_dir.display()
        );
    };
    AddressFile::remove_old(data_dir);
    Ok(file)
}

/// Takes the lock of a data folder for as long as the returned file lives; `None` when somebody else
/// has it.
pub async fn lock(data_dir: &Path) -> anyhow::Result<Option<File>> {
    let path = data_dir.join("lock");
    let file = OpenOptions::new()
        .create(true)
        .truncate(false)
        .write(true)
        .mode(0o600)
        .open(&path)
        .with_context(|| format!("cannot write {}", path.display()))?;
    let locked = try_lock(&file).await;
    let locked = locked.with_context(|| format!("cannot lock {}", path.display()))?;
    Ok(locked.then_some(file))
}

/// Locks the file; `false` when somebody else keeps it.
async fn try_lock(file: &File) -> std::io::Result<bool> {
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(true),
            Err(TryLockError::WouldBlock) => tokio::time::sleep(PAUSE).await,
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
    Ok(false)
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
        Err(_) => !store.tokens(None).await?.is_empty(),
    };
    if known {
        return Ok(None);
    }
    let new = NewToken {
        name: "administrator".to_owned(),
        team: DEFAULT_TEAM.to_owned(),
        organisation: true,
        role: Some(Role::Admin.as_str().to_owned()),
        member: None,
        permissions: PermissionSet::default(),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_who_looks_at_the_lock_keeps_no_server_from_starting() {
        let folder = tempfile::tempdir().unwrap();
        let looks = File::create(folder.path().join("lock")).unwrap();
        looks.lock_shared().unwrap();
        let prepare = prepare(folder.path());
        let (server, ()) = tokio::join!(prepare, async { drop(looks) });
        let _lock = server.unwrap();
        let other = super::prepare(folder.path()).await.err().unwrap();
        assert!(other.to_string().contains("another server"), "{other}");
    }

    #[tokio::test]
    async fn a_killed_servers_address_goes_with_the_lock_to_nobody() {
        let folder = tempfile::tempdir().unwrap();
        let address = folder.path().join("server.address");
        std::fs::write(&address, "http://127.0.0.1:9999\n").unwrap();
        let _lock = prepare(folder.path()).await.unwrap();
        assert!(!address.exists());
    }
}
