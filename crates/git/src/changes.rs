//! What changed between two commits: enough to tell whether to build, without a checkout.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::PathBuf;

use crate::classify;
use crate::error::GitError;
use crate::fetch::Want;
use crate::lock::Mode;
use crate::mirror::Mirror;
use crate::names::{CommitSha, RefName};
use crate::process::quiet;

/// As much of a list of paths as is read, in bytes.
const MAX_LIST: usize = 4 << 20;

/// What a commit brings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Changes {
    /// The commit's message.
    pub message: String,
    /// The files that are other ones than in the commit that it is compared with; `None` when there is
    /// none to compare with, or when they are too many to list.
    pub paths: Option<Vec<PathBuf>>,
}

impl Mirror {
    /// What a commit of a branch brings, compared with another commit, if that is still to be had. Fetches
    /// what is not here yet. A broken mirror is made anew once on the way.
    ///
    /// # Errors
    /// Any error of reaching the server; [`GitError::BrokenMirror`] when making it anew was of no
    /// help.
    pub async fn changes(
        &self,
        commit: &CommitSha,
        branch: &RefName,
        since: Option<&CommitSha>,
    ) -> Result<Changes, GitError> {
        match self.compared(commit, branch, since).await {
            Err(GitError::BrokenMirror { detail, .. }) => {
                tracing::warn!(url = %self.url, detail, "mirror is broken, making it anew");
                self.remove().await?;
                self.compared(commit, branch, since).await
            }
            done => done,
        }
    }

    async fn compared(
        &self,
        commit: &CommitSha,
        branch: &RefName,
        since: Option<&CommitSha>,
    ) -> Result<Changes, GitError> {
        let want = Want::commit(commit.clone()).on_branch(branch.clone());
        self.fetch(&want, &quiet).await?;
        let message = self.commit_info(commit).await?.message;
        let paths = match since {
            Some(since) if self.fetch_if_there(since).await? => {
                self.differing(since, commit).await?
            }
            _ => None,
        };
        Ok(Changes { message, paths })
    }

    async fn differing(
        &self,
        from: &CommitSha,
        to: &CommitSha,
    ) -> Result<Option<Vec<PathBuf>>, GitError> {
        let _lock = self.lock(Mode::Shared).await?;
        let call = self.local().args([
            "diff-tree",
            "-r",
            "-z",
            "--name-only",
            "--no-renames",
            "--no-ext-diff",
            "--end-of-options",
            from.as_str(),
            to.as_str(),
        ]);
        let call = call.answers_within(MAX_LIST);
        let (settings, about) = (self.git.settings(), self.url.to_string());
        let asked = call.run(&settings.program, &about, settings.question_timeout, &quiet);
        match asked.await {
            Ok(output) if output.success => Ok(Some(paths(&output.stdout))),
            Ok(output) => Err(classify::to_error(&output.stderr, &about, "")),
            // Small to fetch and endless to look through: it can be made so.
            Err(GitError::TooMuch { .. } | GitError::Timeout { .. }) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

fn paths(list: &[u8]) -> Vec<PathBuf> {
    let names = list
        .split(|byte| *byte == 0)
        .filter(|name| !name.is_empty());
    names.map(|name| OsStr::from_bytes(name).into()).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;
    use std::process::{Command, Stdio};

    use super::*;
    use crate::runner::{Git, GitSettings};
    use crate::url::RepoUrl;

    fn git(dir: &Path, args: &[&str]) -> String {
        let as_somebody = ["-c", "user.name=Ann", "-c", "user.email=ann@example.com"];
        let output = Command::new("git")
            .arg("-C")
            .arg(dir)
            .args(as_somebody)
            .args(args)
            .stderr(Stdio::inherit())
            .output()
            .unwrap();
        assert!(output.status.success(), "{args:?}");
        String::from_utf8(output.stdout)
            .unwrap()
            .trim_end()
            .to_owned()
    }

    fn commit(dir: &Path, file: &str) -> CommitSha {
        fs::write(dir.join(file), file).unwrap();
        git(dir, &["add", "--all"]);
        git(dir, &["commit", "--quiet", "--message", file]);
        CommitSha::parse(&git(dir, &["rev-parse", "HEAD"])).unwrap()
    }

    /// Leaves nothing of a mirror's objects but the commits.
    fn damage(mirror: &Path, commits: [&CommitSha; 2]) {
        let saved = commits.map(|sha| git(mirror, &["cat-file", "commit", sha.as_str()]));
        for pack in fs::read_dir(mirror.join("objects/pack")).unwrap() {
            fs::remove_file(pack.unwrap().path()).unwrap();
        }
        for (sha, text) in commits.iter().zip(saved) {
            fs::write(mirror.join("commit"), text + "\n").unwrap();
            let again = git(mirror, &["hash-object", "-w", "-t", "commit", "commit"]);
            assert_eq!(again, sha.as_str());
        }
    }

    #[tokio::test]
    async fn a_mirror_that_lacks_what_it_should_have_is_made_anew() {
        let dir = tempfile::tempdir().unwrap();
        let repository = dir.path().join("repository");
        fs::create_dir(&repository).unwrap();
        git(&repository, &["init", "--quiet", "--initial-branch=main"]);
        let one = commit(&repository, "one");
        let two = commit(&repository, "two");
        git(
            &repository,
            &["config", "uploadpack.allowAnySHA1InWant", "true"],
        );
        let protocols = "file".parse().unwrap();
        let mut settings = GitSettings::new(dir.path().join("home"));
        let url = format!("file://{}", repository.display());
        let url = RepoUrl::parse(&url, &protocols).unwrap();
        settings.protocols = protocols;
        let cache = dir.path().join("cache");
        let mirror = Mirror::open(&Git::new(settings).unwrap(), &cache, &url, "somebody");
        let main = RefName::branch("main").unwrap();
        let changes = async || mirror.changes(&two, &main, Some(&one)).await.unwrap();
        let known = changes().await;
        assert_eq!(known.paths, Some(vec![PathBuf::from("two")]));
        damage(&mirror.dir, [&one, &two]);
        assert_eq!(changes().await, known);
    }
}
