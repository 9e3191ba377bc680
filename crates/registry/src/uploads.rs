//! Uploads on their way: a file that grows while it is hashed. The hash lives in memory; after a
//! restart it is made again from the file, so that a client goes on where it was.
//!
//! One request at a time writes an upload, and a newer one takes its turn from an older one: a
//! client whose connection hangs comes back on another.

use crate::digest::Digest;
use crate::files::Files;
use axum::body::Body;
use futures::StreamExt;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Quick, PoisonError};
use std::time::Duration;
use tokio::fs::{self, File};
use tokio::io::{AsyncReadExt, AsyncSeekExt, AsyncWriteExt};
use tokio::sync::{Mutex, MutexGuard};
use tokio_util::sync::CancellationToken;

/// How much of a file is read at a time when it is hashed again.
const CHUNK: usize = 1 << 20;

#[derive(Default)]
pub(crate) struct Uploads {
    open: Quick<HashMap<String, Arc<Session>>>,
}

/// One upload, and whose turn it is to write it.
pub(crate) struct Session {
    upload: Mutex<Upload>,
    /// As long as the upload, for who must not wait for its writer.
    length: Arc<AtomicU64>,
    /// Cancelled when another request wants to write.
    writer: Quick<CancellationToken>,
}

/// The right to write an upload until somebody else wants it.
pub(crate) struct Turn<'a> {
    upload: MutexGuard<'a, Upload>,
    taken: CancellationToken,
}

/// The upload itself. Its file's name says which repository it is for, so that a restart knows it.
struct Upload {
    path: PathBuf,
    file: File,
    hasher: Sha256,
    length: Arc<AtomicU64>,
    /// The file may hold more than was hashed: a request was dropped while it wrote.
    torn: bool,
    /// The file is no longer this upload's: it became a blob, or was thrown away.
    over: bool,
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
        let session = Session::new(Upload::new(path, file, Sha256::new(), 0));
        self.lock().insert(key(repository, &id), Arc::new(session));
        Ok(id)
    }

    /// The upload with this id in this repository.
    pub(crate) async fn find(
        &self,
        files: &Files,
        repository: &str,
        id: &str,
    ) -> io::Result<Option<Arc<Session>>> {
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
                .or_insert_with(|| Arc::new(Session::new(upload))),
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

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Session>>> {
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

impl Session {
    fn new(upload: Upload) -> Session {
        Session {
            length: Arc::clone(&upload.length),
            upload: Mutex::new(upload),
            writer: Quick::default(),
        }
    }

    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Takes the turn from whoever has it; `None` when the upload has ended meanwhile.
    pub(crate) async fn turn(&self) -> io::Result<Option<Turn<'_>>> {
        let taken = CancellationToken::new();
        let before = std::mem::replace(
            &mut *self.writer.lock().unwrap_or_else(PoisonError::into_inner),
            taken.clone(),
        );
        before.cancel();
        let mut upload = self.upload.lock().await;
        if upload.over {
            return Ok(None);
        }
        upload.mend().await?;
        Ok(Some(Turn { upload, taken }))
    }
}

impl Turn<'_> {
    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.upload.length.load(Ordering::Acquire)
    }

    /// Appends a body as it comes. What arrived before a broken connection stays; what a full
    /// disk cut short does not.
    pub(crate) async fn append(&mut self, body: Body) -> io::Result<()> {
        let mut stream = body.into_data_stream();
        loop {
            let next = tokio::select! {
                biased;
                () = self.taken.cancelled() => return Err(aborted("another request goes on")),
                next = stream.next() => next,
            };
            match next {
                Some(Ok(chunk)) => self.upload.write(&chunk).await?,
                Some(Err(error)) => return Err(aborted(error)),
                None => return Ok(()),
            }
        }
    }

    /// Syncs what came if it has the right digest, else throws it away; whether it has.
    pub(crate) async fn check(&mut self, wanted: &Digest) -> io::Result<bool> {
        if Digest::of(self.upload.hasher.clone()) != *wanted {
            self.discard().await?;
            return Ok(false);
        }
        self.upload.file.sync_all().await?;
        Ok(true)
    }

    /// Ends the upload: its file becomes the blob that [`Turn::check`] found it to be.
    pub(crate) async fn keep(&mut self, files: &Files, digest: &Digest) -> io::Result<()> {
        // Before the rename: from then on nothing may be appended, whatever comes between.
        self.upload.over = true;
        files.keep(&self.upload.path, digest).await
    }

    /// Throws the upload away.
    pub(crate) async fn discard(&mut self) -> io::Result<()> {
        self.upload.over = true;
        match fs::remove_file(&self.upload.path).await {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

impl Upload {
    fn new(path: PathBuf, file: File, hasher: Sha256, length: u64) -> Upload {
        Upload {
            path,
            file,
            hasher,
            length: Arc::new(AtomicU64::new(length)),
            torn: false,
            over: false,
        }
    }

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
                return Ok(Some(Upload::new(path, file, hasher, length)));
            }
            hasher.update(&buffer[..count]);
            length += count as u64;
        }
    }

    /// Writes, then hashes and counts. A request may be dropped at any await: then the file is
    /// torn, and the next turn mends it.
    async fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        self.torn = true;
        let written = async {
            self.file.write_all(chunk).await?;
            self.file.flush().await
        };
        if let Err(error) = written.await {
            self.mend().await?;
            return Err(error);
        }
        self.hasher.update(chunk);
        self.length.fetch_add(chunk.len() as u64, Ordering::AcqRel);
        self.torn = false;
        Ok(())
    }

    /// Cuts off what was written and not hashed.
    async fn mend(&mut self) -> io::Result<()> {
        if self.torn {
            // A write that is still under way ends first; whether it could is all the same.
            let _ = self.file.flush().await;
            let length = self.length.load(Ordering::Acquire);
            self.file.set_len(length).await?;
            self.torn = false;
        }
        Ok(())
    }
}

fn aborted(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why)
}
