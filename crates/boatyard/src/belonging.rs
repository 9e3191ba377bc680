//! A data folder belongs to one database: its images and logs are what that database knows of. With
//! another one, an empty one say, all of them would be garbage, and be collected.

use anyhow::{Context, bail};
use std::path::{Path, PathBuf};
use store::Store;

/// The database's fact, and the folder's file, by which they know each other.
const FACT: &str = "id";
const FILE: &str = "database.id";

/// What the folder knows of its database.
struct Note {
    id: String,
    /// Where it was last, for people.
    address: String,
}

/// Opens the database for the folder, with its secrets still locked. With `claim`, a folder that belongs to none is given to it.
///
/// # Errors
/// When the folder belongs to another one, or the database cannot be opened.
pub async fn open(url: &str, data_dir: &Path, claim: bool) -> anyhow::Result<Store> {
    let note = read(data_dir);
    if let (Some(note), Some(file)) = (&note, sqlite_file(url))
        && !file.exists()
    {
        bail!(foreign(data_dir, &note.address, url));
    }
    let store = Store::open_locked(url)
        .await
        .context("cannot open the database")?;
    let id = store
        .fact_or(FACT, || uuid::Uuid::new_v4().to_string())
        .await?;
    match note {
        Some(note) if note.id != id => bail!(foreign(data_dir, &note.address, url)),
        Some(note) if note.address == shown(url) => {}
        _ if claim => write(data_dir, &id, url)?,
        _ => {}
    }
    Ok(store)
}

/// Where the folder's database is, when a server has used the folder.
pub fn address(data_dir: &Path) -> Option<String> {
    read(data_dir).map(|note| note.address)
}

fn read(data_dir: &Path) -> Option<Note> {
    let text = std::fs::read_to_string(data_dir.join(FILE)).ok()?;
    let (id, address) = text.split_once('\n')?;
    Some(Note {
        id: id.trim().to_owned(),
        address: address.trim().to_owned(),
    })
}

fn write(data_dir: &Path, id: &str, url: &str) -> anyhow::Result<()> {
    let path = data_dir.join(FILE);
    std::fs::write(&path, format!("{id}\n{}\n", shown(url)))
        .with_context(|| format!("cannot write {}", path.display()))
}

fn foreign(data_dir: &Path, address: &str, url: &str) -> String {
    format!(
        "the data folder {} belongs to the database {address}, not to {}; name that database with \
         --database-url or BOATYARD_DATABASE_URL, or another folder with --data-dir",
        data_dir.display(),
        shown(url)
    )
}

/// The file of an SQLite database.
fn sqlite_file(url: &str) -> Option<PathBuf> {
    url.strip_prefix("sqlite:").map(PathBuf::from)
}

/// A database's address without a password.
fn shown(url: &str) -> String {
    let Ok(mut parsed) = url::Url::parse(url) else {
        return url.to_owned();
    };
    if parsed.password().is_some() {
        // An address that has a password can have another one.
        let _ = parsed.set_password(None);
    }
    parsed.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_not_written_down() {
        let url = "postgres://ada:hush@db.example/boatyard";
        assert_eq!(shown(url), "postgres://ada@db.example/boatyard");
        assert_eq!(shown("sqlite:/var/b.db"), "sqlite:/var/b.db");
    }

    #[tokio::test]
    async fn a_folder_keeps_to_its_database() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| format!("sqlite:{}/b.db", dir.path().join(name).display());
        for name in ["data", "one", "two"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        let folder = dir.path().join("data");
        open(&at("one"), &folder, true).await.unwrap();
        open(&at("one"), &folder, true).await.unwrap();
        let refused = async |url: String| {
            let refused = open(&url, &folder, true).await.err();
            refused.unwrap().to_string()
        };
        assert!(refused(at("two")).await.contains(&at("one")));
        assert!(!dir.path().join("two/b.db").exists(), "nothing is made");
        open(&at("two"), dir.path(), false).await.unwrap();
        assert!(refused(at("two")).await.contains("--database-url"));
        // The same database at another place.
        std::fs::rename(dir.path().join("one"), dir.path().join("moved")).unwrap();
        open(&at("moved"), &folder, true).await.unwrap();
        assert_eq!(address(&folder), Some(at("moved")));
    }
}
