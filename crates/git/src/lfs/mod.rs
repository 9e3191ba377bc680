//! What Git LFS keeps beside a repository: fetched here, not by the `git-lfs` program. That goes
//! wherever a repository and its server send it, this machine's own addresses included, and no
//! switch of it holds it to our rules for outbound requests.

mod pointer;
mod server;
mod store;

use std::collections::HashSet;
use std::ffi::OsStr;
use std::fs;
use std::io::Read;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::checkout::Others;
use crate::error::GitError;
use crate::lock::Mode;
use crate::mirror::Mirror;
use crate::names::CommitSha;
use crate::process::Progress;
use pointer::Object;
pub(crate) use store::FOLDER;
use store::Objects;

/// A file of a checkout whose content Git LFS keeps.
#[derive(Debug)]
pub(crate) struct Kept {
    file: PathBuf,
    object: Object,
}

/// Those of the listed files (each ended by a zero byte) that are pointers.
pub(crate) fn kept(root: &Path, listing: &[u8]) -> Vec<Kept> {
    let names = listing.split(|byte| *byte == 0);
    let files = names
        .filter(|name| !name.is_empty())
        .map(|name| root.join(OsStr::from_bytes(name)));
    files
        .filter_map(|file| {
            let object = read_pointer(&file)?;
            Some(Kept { file, object })
        })
        .collect()
}

fn read_pointer(file: &Path) -> Option<Object> {
    let meta = fs::symlink_metadata(file).ok()?;
    if !meta.is_file() || meta.len() >= pointer::MAX_BYTES {
        return None;
    }
    let mut text = String::new();
    let reader = fs::File::open(file).ok()?.take(pointer::MAX_BYTES);
    { reader }.read_to_string(&mut text).ok()?;
    pointer::parse(&text)
}

impl Mirror {
    /// Puts what is kept in the place of the files that point to it.
    pub(crate) async fn fill_in(
        &self,
        commit: &CommitSha,
        kept: &[Kept],
        root: &Path,
        others: Others,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        if kept.is_empty() {
            return Ok(());
        }
        let objects = Objects::of(self);
        // Two files may be the same.
        let wanted: HashSet<&Object> = kept.iter().map(|kept| &kept.object).collect();
        let missing: Vec<&Object> = wanted
            .into_iter()
            .filter(|object| !objects.has(object))
            .collect();
        if !missing.is_empty() {
            let _lock = self.lock(Mode::Exclusive).await?;
            let _watched = self.watched();
            let bytes: u64 = missing.iter().map(|object| object.size).sum();
            let (count, mb) = (missing.len(), bytes.div_ceil(1 << 20));
            progress(&format!("Git LFS: fetching {count} objects, {mb} MB"));
            server::fetch(self, commit, others, &missing, &objects).await?;
        }
        let _lock = self.lock(Mode::Shared).await?;
        for Kept { file, object } in kept {
            objects.put(object, file)?;
        }
        let name = root.file_name().unwrap_or_default().to_string_lossy();
        progress(&format!("Git LFS: {} files in {name}", kept.len()));
        Ok(())
    }
}
