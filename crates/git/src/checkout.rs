//! From a commit in a mirror to files on disk.
//!
//! Git itself writes the files: it refuses to write through symbolic links and to paths that a
//! hostile tree might name, such as `.git/config`.

use std::fs;
use std::path::Path;

use crate::error::GitError;
use crate::lfs::{self, Kept};
use crate::lock::Mode;
use crate::mirror::Mirror;
use crate::names::CommitSha;
use crate::process::{Call, Progress, quiet};
use crate::submodules;

/// The `.git` folder of a checkout.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GitDir {
    /// There is none.
    None,
    /// One that stands alone, with this one commit.
    Commit,
    /// One that stands alone, with all that led to the commit, and all branches and tags. Belongs to
    /// [`crate::Want::with_history`].
    History,
}

/// As whom other repositories are opened that a commit names: submodules, and where it says that Git LFS
/// keeps its files. The repository itself is always opened with its own login.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Others {
    /// With the repository's login, where they are at the same server, and with the operator's key.
    AsOurselves,
    /// As nobody, and not in this machine's folders: a stranger wrote the commit.
    AsNobody,
}

/// What a checkout brings besides the files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CheckoutOptions {
    /// The `.git` folder.
    pub git_dir: GitDir,
    /// Also submodules, and theirs.
    pub submodules: bool,
    /// What Git LFS keeps, in place of the files that point to it; also in submodules.
    pub lfs: bool,
    /// As whom the other repositories are opened.
    pub others: Others,
}

impl Default for CheckoutOptions {
    fn default() -> Self {
        Self {
            git_dir: GitDir::None,
            submodules: true,
            lfs: false,
            others: Others::AsOurselves,
        }
    }
}

/// Where a repository of its own has the mirror's branches and tags.
const HISTORY: [&str; 2] = [
    "+refs/boatyard/heads/*:refs/remotes/origin/*",
    "+refs/boatyard/tags/*:refs/tags/*",
];

impl Mirror {
    /// Writes the files of a commit that was fetched into the folder `into`, which must be empty
    /// or missing. Submodules, and what Git LFS keeps, are fetched on the way.
    ///
    /// # Errors
    /// [`GitError::Io`] when the folder is not empty, [`GitError::BrokenMirror`] when objects are
    /// missing or damaged, [`GitError::Submodule`], [`GitError::Lfs`].
    pub async fn checkout(
        &self,
        commit: &CommitSha,
        into: &Path,
        options: CheckoutOptions,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        self.checkout_plain(commit, into, options, progress).await?;
        if options.submodules {
            submodules::checkout_all(self, commit, into, options, progress).await?;
        }
        Ok(())
    }

    /// The files of the commit, without submodules.
    pub(crate) async fn checkout_plain(
        &self,
        commit: &CommitSha,
        into: &Path,
        options: CheckoutOptions,
        progress: Progress<'_>,
    ) -> Result<(), GitError> {
        prepare_folder(into)?;
        let kept = self.write_commit(commit, into, options).await?;
        // Without the lock, since what is missing is fetched.
        let others = options.others;
        self.fill_in(commit, &kept, into, others, progress).await
    }

    /// Writes the files; those that point to what Git LFS keeps are told, if they are asked for.
    async fn write_commit(
        &self,
        commit: &CommitSha,
        into: &Path,
        options: CheckoutOptions,
    ) -> Result<Vec<Kept>, GitError> {
        let _lock = self.lock(Mode::Shared).await?;
        if options.git_dir != GitDir::None {
            self.make_git_dir(commit, into, options.git_dir).await?;
            let own = |call: Call| call.env("GIT_DIR", into.join(".git"));
            return self.write_files(commit, into, options.lfs, own).await;
        }
        // As large as the repository has files: it belongs where the caller keeps git's own.
        let home = &self.git.settings().home;
        let scratch = tempfile::tempdir_in(home).map_err(|error| GitError::io(home, error))?;
        let index = scratch.path().join("index");
        let shared = |call: Call| {
            let call = call.env("GIT_DIR", &self.dir);
            call.env("GIT_INDEX_FILE", &index)
        };
        self.write_files(commit, into, options.lfs, shared).await
    }

    async fn write_files(
        &self,
        commit: &CommitSha,
        into: &Path,
        lfs: bool,
        place: impl Fn(Call) -> Call,
    ) -> Result<Vec<Kept>, GitError> {
        let call = || {
            place(self.git.call().env("GIT_WORK_TREE", into))
                .arg("-C")
                .arg(into)
        };
        let read = call().args(["read-tree", commit.as_str()]);
        self.run(read, &quiet).await?;
        // "-u" notes each file's size and time, so that a later `git status` is clean and quick.
        let write = call().args(["-c", "checkout.workers=0"]);
        let write = write.args(["checkout-index", "--all", "--force", "-u", "--quiet"]);
        self.run(write, &quiet).await?;
        if !lfs {
            return Ok(Vec::new());
        }
        let list = call().args(["ls-files", "-z", "--cached", ":(attr:filter=lfs)"]);
        let listed = self.run(list, &quiet).await?;
        Ok(lfs::kept(into, &listed.stdout))
    }

    /// A repository of its own, so that a build may do as it likes with it.
    async fn make_git_dir(
        &self,
        commit: &CommitSha,
        into: &Path,
        extent: GitDir,
    ) -> Result<(), GitError> {
        let init = self.git.call().args(["init", "--quiet", "--template="]);
        self.run(init.arg("--end-of-options").arg(into), &quiet)
            .await?;
        let own = || self.git.call().arg("-C").arg(into);
        let name = format!("refs/boatyard/commits/{commit}");
        let fetch = own().args(["fetch", "--quiet", "--no-tags", "--no-write-fetch-head"]);
        let fetch = match extent {
            GitDir::History => fetch.arg("--end-of-options").arg(&self.dir).args(HISTORY),
            _ => fetch.args(["--depth=1", "--end-of-options"]).arg(&self.dir),
        };
        let fetch = fetch.arg(name);
        // From our own mirror, whatever the operator allows for others' repositories.
        self.run(fetch.env("GIT_ALLOW_PROTOCOL", "file"), &quiet)
            .await?;
        let head = own().args(["update-ref", "--no-deref", "HEAD", commit.as_str()]);
        self.run(head, &quiet).await?;
        let origin = own().args(["config", "remote.origin.url"]);
        let origin = origin.arg(self.url.to_string());
        self.run(origin, &quiet).await.map(|_| ())
    }
}

fn prepare_folder(into: &Path) -> Result<(), GitError> {
    let failed = |error| GitError::io(into, error);
    fs::create_dir_all(into).map_err(failed)?;
    if fs::read_dir(into).map_err(failed)?.next().is_some() {
        let error = std::io::Error::from(std::io::ErrorKind::DirectoryNotEmpty);
        return Err(failed(error));
    }
    Ok(())
}
