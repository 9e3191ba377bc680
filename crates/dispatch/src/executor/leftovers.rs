//! The folders that workers leave. They may hold millions of files, whose removal nobody waits for:
//! a folder is renamed, so that it is out of everybody's way at once, and removed at leisure.

use machine::Cgroup;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

/// Names of folders that only wait for their removal begin so; no build's does.
const DOOMED: &str = ".removing-";

/// Ends what is left of a build and has its folder removed. Belongs on a blocking thread.
pub(super) fn clear(work_dir: &Path, build_uid: &str, output: &Path) {
    kill(build_uid);
    match set_aside(work_dir, build_uid) {
        Ok(Some(doomed)) => remove_later(doomed),
        Ok(None) => {}
        Err(error) => {
            tracing::error!(%error, build_uid, "a build's folder could not be moved away")
        }
    }
    log_failure(std::fs::remove_file(output), output);
}

/// The names of all that lies in the folder of workers' folders; a missing one is empty.
pub(super) fn names(work_dir: &Path) -> io::Result<Vec<String>> {
    let entries = match std::fs::read_dir(work_dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries?,
    };
    let names = entries.flatten().map(|entry| entry.file_name());
    Ok(names.filter_map(|name| name.into_string().ok()).collect())
}

/// Whether the name is of a folder that was set aside.
pub(super) fn is_doomed(name: &str) -> bool {
    name.starts_with(DOOMED)
}

/// Removes on a thread of its own, for which nobody waits, a stop of the server neither: what is left
/// then goes at the next start.
pub(super) fn remove_later(folder: PathBuf) {
    std::thread::spawn(move || log_failure(machine::remove_tree(&folder), &folder));
}

fn kill(build_uid: &str) {
    let Ok(group) = Cgroup::open(&format!("boatyard/{build_uid}")) else {
        return;
    };
    if let Err(error) = group.kill_all().and_then(|()| group.remove()) {
        tracing::warn!(%error, build_uid, "a build's control group stays for now");
    }
}

/// Renames the build's folder; `None` when there is none.
fn set_aside(work_dir: &Path, build_uid: &str) -> io::Result<Option<PathBuf>> {
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let (process, count) = (std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
    let doomed = work_dir.join(format!("{DOOMED}{build_uid}-{process}-{count}"));
    match std::fs::rename(work_dir.join(build_uid), &doomed) {
        Ok(()) => Ok(Some(doomed)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn log_failure(removed: io::Result<()>, path: &Path) {
    match removed {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            tracing::error!(%error, path = %path.display(), "a build's leftovers stay for now");
        }
        _ => {}
    }
}
