//! The build's ephemeral storage: how much this build has written, looked at while it runs.
//!
//! Walking folders costs, so a look at the disks' free space comes first: while the whole machine
//! has written little, this build has not written much. Only a full walk ever ends a build.

use std::collections::HashSet;
use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use domain::Reason;
use machine::SizeError;
use tokio::time::Instant;

use crate::failure::Failure;
use crate::growth::{Grown, Growth, size};

/// How often the free space is looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the folders are walked although the free space says nothing.
const WALK_AT_LEAST: Duration = Duration::from_secs(20);
/// A walk is repeated before that when it takes no more than such a part of the time.
const CHEAP: u32 = 100;
/// A walk that took long is followed by a rest of so many times its length.
const REST: u32 = 10;

/// Measures what one build has written.
#[derive(Debug)]
pub(crate) struct Meter {
    scratch: PathBuf,
    layer_folders: Vec<PathBuf>,
    /// Layers that were there before.
    known: HashSet<OsString>,
    /// What was fetched into mirrors.
    fetched: Growth,
    /// What steps mount as caches, which outlive the build.
    cache_mounts: Option<Grown>,
    /// A folder on each disk that is written to, with the space that was free there before. A disk
    /// that cannot be asked counts as shrunk.
    disks: Vec<(PathBuf, u64)>,
    limit_mb: u64,
}

impl Meter {
    /// Begins to measure on these disks; `layer_folders` hold a folder per layer, of which new ones
    /// count.
    pub(crate) fn start(
        scratch: PathBuf,
        disks: Vec<PathBuf>,
        mut layer_folders: Vec<PathBuf>,
        fetched: Growth,
        cache_mounts: Option<Grown>,
        limit_mb: u64,
    ) -> Meter {
        // What lies in the scratch folder counts with it.
        layer_folders.retain(|folder| !folder.starts_with(&scratch));
        let known = layers(&layer_folders)
            .filter_map(|layer| layer.file_name().map(ToOwned::to_owned))
            .collect();
        let with_free = |disk: PathBuf| {
            let free = machine::disk_free(&disk).unwrap_or(u64::MAX);
            (disk, free)
        };
        let disks = disks.into_iter().map(with_free).collect();
        Meter {
            scratch,
            layer_folders,
            known,
            fetched,
            cache_mounts,
            disks,
            limit_mb,
        }
    }

    /// Returns when the build has written more than it may. Tells what it has written whenever it was
    /// measured, in bytes.
    pub(crate) async fn exceeded(self, mut tell: impl FnMut(u64)) -> Failure {
        let mut meter = self;
        let limit = meter.limit();
        let mut walked = Instant::now();
        let (mut pause, mut due) = (LOOK, LOOK);
        loop {
            tokio::time::sleep(pause).await;
            let shrunk = |(disk, before): &(PathBuf, u64)| {
                before.saturating_sub(machine::disk_free(disk).unwrap_or(0))
            };
            let quiet = meter.disks.iter().all(|disk| shrunk(disk) < limit / 2);
            if quiet && walked.elapsed() < due {
                continue;
            }
            let began = Instant::now();
            let walk = tokio::task::spawn_blocking(move || (meter.written(), meter)).await;
            let Ok((written, back)) = walk else {
                // The walk itself never panics; without it there is nothing to measure.
                return std::future::pending().await;
            };
            meter = back;
            if let Ok(bytes) = written {
                tell(bytes);
            }
            if let Some(excess) = meter.excess(written) {
                return Failure::new(Reason::StorageLimitExceeded, excess);
            }
            walked = Instant::now();
            let took = began.elapsed();
            pause = LOOK.max(took * REST);
            due = (took * CHEAP).clamp(LOOK, WALK_AT_LEAST);
        }
    }

    fn limit(&self) -> u64 {
        self.limit_mb.saturating_mul(1 << 20)
    }

    /// In what the build has exceeded its storage, as a sentence.
    fn excess(&self, written: Result<u64, SizeError>) -> Option<String> {
        match written {
            Ok(bytes) if bytes <= self.limit() => None,
            Ok(bytes) => Some(format!(
                "The build wrote {} MB, more than its ephemeral storage of {} MB",
                bytes >> 20,
                self.limit_mb
            )),
            Err(error) => Some(format!(
                "The build's ephemeral storage of {} MB cannot be measured: {error}",
                self.limit_mb
            )),
        }
    }

    /// Bytes that the build has written.
    fn written(&self) -> Result<u64, SizeError> {
        let new_layers = layers(&self.layer_folders)
            .filter(|layer| layer.file_name().is_some_and(|id| !self.known.contains(id)));
        let folders = std::iter::once(self.scratch.clone()).chain(new_layers);
        let sizes = folders.map(|folder| size(&folder));
        let shared = [
            self.fetched.bytes(),
            self.cache_mounts.as_ref().map_or(Ok(0), Grown::bytes),
        ];
        sizes.chain(shared).sum()
    }
}

fn layers(folders: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    folders
        .iter()
        .filter_map(|folder| std::fs::read_dir(folder).ok())
        .flat_map(|entries| entries.flatten().map(|entry| entry.path()))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn old_layers_do_not_count() {
        let dir = tempfile::tempdir().unwrap();
        let (scratch, store) = (dir.path().join("scratch"), dir.path().join("overlay"));
        fs::create_dir_all(&scratch).unwrap();
        fs::create_dir_all(store.join("old")).unwrap();
        fs::write(store.join("old/file"), vec![1; 1 << 20]).unwrap();
        let mounts = dir.path().join("cache-mounts");
        fs::create_dir(&mounts).unwrap();
        fs::write(mounts.join("old"), vec![1; 1 << 20]).unwrap();
        let fetched = Growth::default();
        let disks = vec![scratch.clone()];
        let meter = Meter::start(
            scratch.clone(),
            disks,
            vec![store.clone()],
            fetched.clone(),
            Some(Grown::since_now(mounts.clone())),
            1,
        );
        let before = meter.written().unwrap();
        assert!(before < 1 << 20);
        fs::create_dir(store.join("new")).unwrap();
        fs::write(store.join("new/file"), vec![1; 1 << 20]).unwrap();
        fs::write(scratch.join("file"), vec![1; 1 << 20]).unwrap();
        assert!(meter.written().unwrap() >= before + (2 << 20));
        let mirror = dir.path().join("mirror");
        let fetching = fetched.of(&mirror);
        fs::create_dir(&mirror).unwrap();
        fs::write(mirror.join("pack"), vec![1; 1 << 20]).unwrap();
        assert!(meter.written().unwrap() >= before + (3 << 20));
        drop(fetching);
        fs::write(mounts.join("new"), vec![1; 1 << 20]).unwrap();
        assert!(meter.written().unwrap() >= before + (4 << 20));
    }

    #[test]
    fn what_is_too_deep_to_measure_exceeds_and_says_so() {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("d/".repeat(600))).unwrap();
        let scratch = dir.path().to_path_buf();
        let meter = Meter::start(
            scratch.clone(),
            vec![scratch],
            Vec::new(),
            Growth::default(),
            None,
            64,
        );
        let excess = meter.excess(meter.written()).unwrap();
        assert!(excess.contains("levels deep"), "{excess}");
    }
}
