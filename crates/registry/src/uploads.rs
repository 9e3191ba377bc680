//! Uploads on their way: a file that grows while it is hashed. The hash lives in memory; after a
//! restart it is made again from the file, so that a client goes on where it was.

use crate::digest::Digest;
use crate::files::Files;
use axum::body::Body;
use futures::StreamExt;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Quick, PoisonError};
use std::time::Duration;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::Mutex;

/// How much of a file is read at a time when it is hashed again.
const CHUNK: usize = 1 << 20;

#[derive(Default)]
pub(crate) struct Uploads {
    open: Quick<HashMap<String, Arc<Mutex<Upload>>>>,
}

/// One upload. Its file's name says which repository it is for, so that a restart knows it.
pub(crate) struct Upload {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    length: u64,
}

impl Uploads {
    /// Begins an upload; its id.
    pub(crate) async fn begin(&self, files: &Files, repository: &str) -> io::Result<String> {
        let id = uuid::Uuid::new_v4().to_string();
        let path = path(files, repository, &id);
        let file = File::options()
            .create_new(true)
            .read(true)
            .append(true)
            .open(&path)
            .await?;
        let upload = Upload {
            path,
            file,
            hasher: Sha256::new(),
            length: 0,
        };
        self.lock()
            .insert(key(repository, &id), Arc::new(Mutex::new(upload)));
        Ok(id)
    }

    /// The upload with this id in this repository.
    pub(crate) async fn find(
        &self,
        files: &Files,
        repository: &str,
        id: &str,
    ) -> io::Result<Option<Arc<Mutex<Upload>>>> {
        // Only ids that were given out here name a file.
        if uuid::Uuid::parse_str(id).is_err() {
            return Ok(None);
        }
        let key = key(repository, id);
        if let Some(open) = self.lock().get(&key) {
            return Ok(Some(Arc::clone(open)));
        }
        let Some(upload) = Upload::reopen(path(files, repository, id)).await? else {
            return Ok(None);
        };
        let mut open = self.lock();
        Ok(Some(Arc::clone(
            open.entry(key)
                .or_insert_with(|| Arc::new(Mutex::new(upload))),
        )))
    }

    /// Forgets an upload; its file is gone or moved.
    pub(crate) fn forget(&self, repository: &str, id: &str) {
        self.lock().remove(&key(repository, id));
    }

    /// Removes uploads that nobody touched for `age`; how many.
    pub(crate) async fn remove_old(&self, files: &Files, age: Duration) -> io::Result<usize> {
        let mut removed = 0;
        let mut entries = fs::read_dir(files.uploads()).await?;
        while let Some(entry) = entries.next_entry().await? {
            let touched = entry
                .metadata()
                .await
                .and_then(|metadata| metadata.modified());
            let old = touched.is_ok_and(|at| at.elapsed().is_ok_and(|elapsed| elapsed > age));
            if old {
                fs::remove_file(entry.path()).await?;
                self.lock()
                    .remove(&entry.file_name().to_string_lossy().into_owned());
                removed += 1;
            }
        }
        Ok(removed)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Mutex<Upload>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Repository and id in one file name: `~` is in neither.
fn key(repository: &str, id: &str) -> String {
    format!("{}~{id}", repository.replace('/', "~"))
}

fn path(files: &Files, repository: &str, id: &str) -> PathBuf {
    files.uploads().join(key(repository, id))
}

impl Upload {
    async fn reopen(path: PathBuf) -> io::Result<Option<Upload>> {
        let mut file = match File::options().read(true).append(true).open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let mut hasher = Sha256::new();
        let mut length = 0;
        let mut buffer = vec![0; CHUNK];
        file.rewind().await?;
        loop {
            let count = file.read(&mut buffer).await?;
            if count == 0 {
                return Ok(Some(Upload {
                    path,
                    file,
                    hasher,
                    length,
                }));
            }
            hasher.update(&buffer[..count]);
            length += count as u64;
        }
    }

    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Appends a body as it comes. What arrived before a broken connection stays; what a full
    /// disk cut short does not.
    pub(crate) async fn append(&mut self, body: Body) -> io::Result<()> {
        let mut stream = body.into_data_stream();
        while let Some(chunk) = stream.next().await {
            let chunk =
                chunk.map_err(|error| io::Error::new(io::ErrorKind::ConnectionAborted, error))?;
            let written = async {
                self.file.write_all(&chunk).await?;
                self.file.flush().await
            };
            if let Err(error) = written.await {
                self.file.set_len(self.length).await?;
                return Err(error);
            }
            self.hasher.update(&chunk);
            self.length += chunk.len() as u64;
        }
        Ok(())
    }

    /// Ends the upload: with the right digest its file becomes the blob, else it is thrown away.
    pub(crate) async fn finish(&mut self, files: &Files, wanted: &Digest) -> io::Result<bool> {
        if Digest::of(self.hasher.clone()) != *wanted {
            self.discard().await?;
            return Ok(false);
        }
        self.file.sync_all().await?;
        files.keep(&self.path, wanted).await?;
        Ok(true)
    }

    pub(crate) async fn discard(&mut self) -> io::Result<()> {
        match fs::remove_file(&self.path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}
