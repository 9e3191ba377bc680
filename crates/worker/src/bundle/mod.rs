//! A build's source as an archive from a URL: downloaded by the rules for outbound requests, then
//! unpacked by a process of its own, which has the limits of the build's plan.

mod download;
mod unpack;

use std::path::{Path, PathBuf};
use std::process::Stdio;

use domain::Reason;
use git::{HttpClient, Supervisor};
use tokio::io::AsyncWriteExt;
use url::Url;

use crate::failure::Failure;
use crate::git_limits::GitLimits;
use crate::server::Log;
pub use unpack::unpack_errand;
use unpack::{Plan, UnpackError};

/// Fetches the archive and unpacks it into the folder, both together within `limit` bytes; `scratch`
/// has the archive meanwhile.
pub(crate) async fn fetch(
    http: &HttpClient,
    url: &Url,
    into: &Path,
    scratch: &Path,
    limit: u64,
    limits: &GitLimits,
    log: &Log,
) -> Result<(), Failure> {
    let archive = scratch.join("bundle");
    let size = download::download(http, url, &archive, limit, log).await?;
    let plan = Plan {
        archive: archive.clone(),
        into: into.to_path_buf(),
        budget: limit.saturating_sub(size),
    };
    let unpacked = unpack(&plan, limits).await;
    let removed = std::fs::remove_file(&archive);
    unpacked.map_err(|error| failed(&error, limit))?;
    removed.map_err(|error| by_disk(&error))
}

/// The folder in which the source begins. Archives that forges make have all of it in one folder: that
/// is entered, unless the Dockerfile is where it should be already.
pub(crate) fn root(unpacked: &Path, dockerfile: &str, log: &Log) -> PathBuf {
    let is_there = |folder: &Path| git::safe_join(folder, dockerfile).is_ok();
    let Some(only) = only_folder(unpacked).filter(|_| !is_there(unpacked)) else {
        return unpacked.to_path_buf();
    };
    let name = only.file_name().unwrap_or_default().to_string_lossy();
    log.say(format_args!("All of the bundle is in its folder {name}"));
    only
}

fn only_folder(folder: &Path) -> Option<PathBuf> {
    let mut entries = std::fs::read_dir(folder).ok()?;
    let only = entries.next()?.ok()?;
    let alone = entries.next().is_none() && only.file_type().is_ok_and(|kind| kind.is_dir());
    alone.then(|| only.path())
}

/// Unpacks in a process that can be held to limits, and be ended.
async fn unpack(plan: &Plan, limits: &GitLimits) -> Result<(), UnpackError> {
    let io = |error: std::io::Error| UnpackError::from_disk(&error);
    let mut command = tokio::process::Command::from(machine::behind_gate());
    command
        .arg(std::env::current_exe().map_err(io)?)
        .args(["worker", "--unpack"])
        .arg(serde_json::to_string(plan).map_err(|error| io(error.into()))?)
        .env_clear()
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true);
    let mut child = command.spawn().map_err(io)?;
    if let Some(pid) = child.id() {
        limits.enroll(pid).map_err(io)?;
    }
    if let Some(mut gate) = child.stdin.take() {
        gate.write_all(b"\n").await.map_err(io)?;
    }
    let output = child.wait_with_output().await.map_err(io)?;
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| {
        let how = format!("its unpacking ended early ({})", output.status);
        Err(UnpackError::Invalid(how))
    })
}

fn failed(error: &UnpackError, limit: u64) -> Failure {
    match error {
        UnpackError::Invalid(why) => Failure::new(
            Reason::BundleInvalid,
            format!("The bundle is invalid: {why}"),
        ),
        UnpackError::TooLarge => too_large(limit),
        UnpackError::DiskFull => Failure::new(
            Reason::DiskFull,
            "The machine's disk is full: unpacking the bundle",
        ),
        UnpackError::Disk(why) => {
            let message = format!("The bundle cannot be unpacked here: {why}");
            Failure::new(Reason::EngineFailed, message)
        }
    }
}

fn too_large(limit: u64) -> Failure {
    let mb = limit >> 20;
    let message = format!("The bundle is larger than the build's ephemeral storage of {mb} MB");
    Failure::new(Reason::BundleTooLarge, message)
}

fn by_disk(error: &std::io::Error) -> Failure {
    failed(&UnpackError::from_disk(error), 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mask::Mask;

    #[test]
    fn a_single_folder_is_entered_only_where_the_dockerfile_is_not_outside() {
        let log = Log::new(0, Mask::default());
        let dir = tempfile::tempdir().unwrap();
        let top = dir.path().join("web-1.0");
        std::fs::create_dir(&top).unwrap();
        assert_eq!(root(dir.path(), "/Dockerfile", &log), top);
        std::fs::write(top.join("Dockerfile"), "FROM scratch").unwrap();
        assert_eq!(root(dir.path(), "/Dockerfile", &log), top);
        assert_eq!(root(dir.path(), "/web-1.0/Dockerfile", &log), dir.path());
        std::fs::write(dir.path().join("README"), "").unwrap();
        assert_eq!(root(dir.path(), "/Dockerfile", &log), dir.path());
    }
}
