//! Content on disk: one file per digest, and uploads on their way. A file under `blobs/` is whole
//! and synced: it gets there by a rename.

use crate::digest::Digest;
use std::io;
use std::path::{Path, PathBuf};
use tokio::fs;
use tokio::io::AsyncWriteExt;

pub(crate) struct Files {
    dir: PathBuf,
}

impl Files {
    pub(crate) async fn open(dir: PathBuf) -> io::Result<Files> {
        fs::create_dir_all(dir.join("uploads")).await?;
        fs::create_dir_all(dir.join("blobs/sha256")).await?;
        Ok(Files { dir })
    }

    pub(crate) fn blob(&self, digest: &Digest) -> PathBuf {
        let hex = digest.hex();
        self.dir.join("blobs/sha256").join(&hex[..2]).join(hex)
    }

    pub(crate) fn uploads(&self) -> PathBuf {
        self.dir.join("uploads")
    }

    /// Moves a whole file to its digest's place. The file must be synced.
    pub(crate) async fn keep(&self, from: &Path, digest: &Digest) -> io::Result<()> {
        let to = self.blob(digest);
        let Some(folder) = to.parent() else {
            return Ok(());
        };
        fs::create_dir_all(folder).await?;
        fs::rename(from, &to).await?;
        // The rename itself must survive a power cut too.
        fs::File::open(folder).await?.sync_all().await
    }

    /// Writes small content, a manifest, at its digest's place.
    pub(crate) async fn write(&self, digest: &Digest, bytes: &[u8]) -> io::Result<()> {
        if fs::try_exists(self.blob(digest)).await? {
            return Ok(());
        }
        let path = self.uploads().join(uuid::Uuid::new_v4().to_string());
        let written = async {
            let mut file = fs::File::create_new(&path).await?;
            file.write_all(bytes).await?;
            file.sync_all().await?;
            self.keep(&path, digest).await
        };
        let outcome = written.await;
        if outcome.is_err() {
            let _ = fs::remove_file(&path).await;
        }
        outcome
    }

    pub(crate) async fn read(&self, digest: &Digest) -> io::Result<Vec<u8>> {
        fs::read(self.blob(digest)).await
    }

    /// The digests of the files in one of the 256 folders.
    pub(crate) async fn in_shard(&self, shard: u8) -> io::Result<Vec<Digest>> {
        let folder = self.dir.join(format!("blobs/sha256/{shard:02x}"));
        let mut entries = match fs::read_dir(folder).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            outcome => outcome?,
        };
        let mut found = Vec::new();
        while let Some(entry) = entries.next_entry().await? {
            let name = entry.file_name().to_string_lossy().into_owned();
            found.extend(Digest::parse(&format!("sha256:{name}")));
        }
        Ok(found)
    }

    pub(crate) async fn remove(&self, digest: &Digest) -> io::Result<()> {
        match fs::remove_file(self.blob(digest)).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}
