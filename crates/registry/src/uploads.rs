//! Uploads on their way: a file that grows while it is hashed. The hash lives in memory; after a
//! restart it is made again from the file, so that a client goes on where it was.
//!
//! One request at a time writes an upload, and a newer one takes its turn from an older one: a
//! client whose connection hangs comes back on another.

use crate::digest::Digest;
use crate::files::Files;
use crate::telemetry;
use axum::body::Body;
use futures::StreamExt;
use sha2::{Digest as _, Sha256};
use std::collections::HashMap;
use std::fs::File;
use std::io::{self, Read, Write};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex as Quick, PoisonError};
use std::time::Duration;
use tokio::fs;
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio_util::sync::CancellationToken;

/// How much of a file is read at a time when it is hashed again.
const CHUNK: usize = 1 << 20;
/// Uploads of one repository that were begun and not ended.
const MOST: usize = 1000;

#[derive(Default)]
pub(crate) struct Uploads {
    open: Quick<HashMap<String, Arc<Session>>>,
}

/// One upload, and whose turn it is to write it. Between turns it holds no file open: clients
/// abandon uploads, and files that a process may have open are few.
pub(crate) struct Session {
    upload: Arc<Mutex<Upload>>,
    /// As long as the upload, for who must not wait for its writer.
    length: Arc<AtomicU64>,
    /// Cancelled when another request wants to write.
    writer: Quick<CancellationToken>,
}

/// The right to write an upload until somebody else wants it.
pub(crate) struct Turn {
    /// With whoever writes; a request that is dropped meanwhile leaves it there, and the turn ends
    /// when that write has.
    writing: Option<Writing>,
    length: Arc<AtomicU64>,
    taken: CancellationToken,
}

/// What a write needs, and what ends with the turn.
struct Writing {
    upload: OwnedMutexGuard<Upload>,
    file: File,
}

/// The upload itself. Its file's name says which repository it is for, so that a restart knows it.
struct Upload {
    path: PathBuf,
    hasher: Sha256,
    length: Arc<AtomicU64>,
    /// The file is no longer this upload's: it became a blob, or was thrown away.
    over: bool,
}

impl Uploads {
    /// Begins an upload; its id, or `None` when the repository has too many already.
    pub(crate) async fn begin(
        &self,
        files: &Files,
        repository: &str,
    ) -> io::Result<Option<String>> {
        if count(files, repository).await? >= MOST {
            return Ok(None);
        }
        let id = uuid::Uuid::new_v4().to_string();
        let path = path(files, repository, &id);
        fs::File::create_new(&path).await?;
        let session = Session::new(Upload::new(path, Sha256::new(), 0));
        self.lock().insert(key(repository, &id), Arc::new(session));
        Ok(Some(id))
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
        let path = path(files, repository, id);
        let Some(upload) = blocking(move || Upload::recover(path)).await? else {
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

/// How many uploads of the repository there are, from before a restart, too.
async fn count(files: &Files, repository: &str) -> io::Result<usize> {
    let (folder, prefix) = (files.uploads(), key(repository, ""));
    blocking(move || {
        let mut count = 0;
        for entry in std::fs::read_dir(folder)? {
            let name = entry?.file_name();
            let id = name.to_str().and_then(|name| name.strip_prefix(&prefix));
            // What has another `~` is of a repository nested in this one.
            count += usize::from(id.is_some_and(|id| !id.contains('~')));
        }
        Ok(count)
    })
    .await
}

impl Session {
    fn new(upload: Upload) -> Session {
        Session {
            length: Arc::clone(&upload.length),
            upload: Arc::new(Mutex::new(upload)),
            writer: Quick::default(),
        }
    }

    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
    }

    /// Takes the turn from whoever has it; `None` when the upload has ended meanwhile.
    pub(crate) async fn turn(&self) -> io::Result<Option<Turn>> {
        let taken = CancellationToken::new();
        let before = std::mem::replace(
            &mut *self.writer.lock().unwrap_or_else(PoisonError::into_inner),
            taken.clone(),
        );
        before.cancel();
        let upload = Arc::clone(&self.upload).lock_owned().await;
        let writing = blocking(move || Writing::begin(upload)).await?;
        Ok(writing.map(|writing| Turn {
            writing: Some(writing),
            length: Arc::clone(&self.length),
            taken,
        }))
    }
}

impl Turn {
    /// Bytes so far.
    pub(crate) fn length(&self) -> u64 {
        self.length.load(Ordering::Acquire)
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
                Some(Ok(chunk)) => {
                    telemetry::got(chunk.len());
                    self.aside(move |writing| writing.write(&chunk)).await?;
                }
                Some(Err(error)) => return Err(aborted(error)),
                None => return Ok(()),
            }
        }
    }

    /// Syncs what came if it has the right digest, else throws it away; whether it has.
    pub(crate) async fn check(&mut self, wanted: &Digest) -> io::Result<bool> {
        let wanted = wanted.clone();
        self.aside(move |writing| {
            if Digest::of(writing.upload.hasher.clone()) == wanted {
                return writing.file.sync_all().map(|()| true);
            }
            writing.upload.discard().map(|()| false)
        })
        .await
    }

    /// Ends the upload: its file becomes the blob that [`Turn::check`] found it to be.
    pub(crate) async fn keep(&mut self, files: &Files, digest: &Digest) -> io::Result<()> {
        let writing = self.writing.as_mut().ok_or_else(lost)?;
        // Before the rename: from then on nothing may be appended, whatever comes between.
        writing.upload.over = true;
        files.keep(&writing.upload.path, digest).await
    }

    /// Throws the upload away.
    pub(crate) async fn discard(&mut self) -> io::Result<()> {
        self.aside(|writing| writing.upload.discard()).await
    }

    /// Does something that waits for the disk, to its end, even when the request is dropped.
    async fn aside<T: Send + 'static>(
        &mut self,
        work: impl FnOnce(&mut Writing) -> io::Result<T> + Send + 'static,
    ) -> io::Result<T> {
        let mut writing = self.writing.take().ok_or_else(lost)?;
        let (writing, outcome) = blocking(move || {
            let outcome = work(&mut writing);
            Ok((writing, outcome))
        })
        .await?;
        self.writing = Some(writing);
        outcome
    }
}

impl Writing {
    /// Opens the file of an upload that has not ended.
    fn begin(mut upload: OwnedMutexGuard<Upload>) -> io::Result<Option<Writing>> {
        if upload.over {
            return Ok(None);
        }
        let file = match File::options().append(true).open(&upload.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                upload.over = true;
                return Ok(None);
            }
            opened => opened?,
        };
        let writing = Writing { upload, file };
        writing.mend()?;
        Ok(Some(writing))
    }

    fn write(&mut self, chunk: &[u8]) -> io::Result<()> {
        if let Err(error) = self.file.write_all(chunk) {
            self.mend()?;
            return Err(error);
        }
        self.upload.hasher.update(chunk);
        let length = &self.upload.length;
        length.fetch_add(chunk.len() as u64, Ordering::AcqRel);
        Ok(())
    }

    /// Cuts off what was written and not hashed: a write that failed may have left something.
    fn mend(&self) -> io::Result<()> {
        let length = self.upload.length.load(Ordering::Acquire);
        match self.file.metadata()?.len() {
            there if there < length => Err(io::Error::other("an upload lost what was written")),
            there if there > length => self.file.set_len(length),
            _ => Ok(()),
        }
    }
}

impl Upload {
    fn new(path: PathBuf, hasher: Sha256, length: u64) -> Upload {
        Upload {
            path,
            hasher,
            length: Arc::new(AtomicU64::new(length)),
            over: false,
        }
    }

    /// Reads what an earlier server left of it.
    fn recover(path: PathBuf) -> io::Result<Option<Upload>> {
        let mut file = match File::open(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            opened => opened?,
        };
        let mut hasher = Sha256::new();
        let mut length = 0;
        let mut buffer = vec![0; CHUNK];
        loop {
            let count = file.read(&mut buffer)?;
            if count == 0 {
                return Ok(Some(Upload::new(path, hasher, length)));
            }
            hasher.update(&buffer[..count]);
            length += count as u64;
        }
    }

    fn discard(&mut self) -> io::Result<()> {
        self.over = true;
        match std::fs::remove_file(&self.path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            outcome => outcome,
        }
    }
}

/// Runs what waits for the disk where it may.
async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(io::Error::other)?
}

fn aborted(why: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionAborted, why)
}

/// A write panicked and took the turn with it.
fn lost() -> io::Error {
    io::Error::other("the turn to write was lost")
}
