//! Facts about a commit.

use jiff::Timestamp;

use crate::error::GitError;
use crate::lock::Mode;
use crate::mirror::Mirror;
use crate::names::CommitSha;
use crate::process::quiet;

/// As much of a message as is of use to anybody.
const MAX_MESSAGE: usize = 16 << 10;

/// What is said about a commit in lists and notifications.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitInfo {
    /// The commit.
    pub sha: CommitSha,
    /// The whole message, subject first, without the newline at its end.
    pub message: String,
    /// The author's name.
    pub author_name: String,
    /// The author's e-mail address.
    pub author_email: String,
    /// When it was committed.
    pub time: Timestamp,
}

impl Mirror {
    /// Facts about a commit that was fetched.
    ///
    /// # Errors
    /// [`GitError::BrokenMirror`] when it was not.
    pub async fn commit_info(&self, commit: &CommitSha) -> Result<CommitInfo, GitError> {
        let _lock = self.lock(Mode::Shared).await?;
        let call = self.local().args([
            "log",
            "-1",
            "--no-show-signature",
            "--no-color",
            "--no-mailmap",
            "--encoding=UTF-8",
            "--format=%an%x00%ae%x00%ct%x00%B",
            "--end-of-options",
            commit.as_str(),
        ]);
        let output = self.run(call, &quiet).await?;
        parse(commit, &output.text())
            .ok_or_else(|| GitError::Other(format!("the commit {commit} cannot be read")))
    }
}

fn parse(commit: &CommitSha, text: &str) -> Option<CommitInfo> {
    let mut fields = text.splitn(4, '\0');
    let (name, email) = (fields.next()?, fields.next()?);
    let time = fields.next()?.parse().ok()?;
    let message = fields.next()?.trim_end();
    let cut = message.floor_char_boundary(MAX_MESSAGE);
    Some(CommitInfo {
        sha: commit.clone(),
        message: message[..cut].to_owned(),
        author_name: name.to_owned(),
        author_email: email.to_owned(),
        time: Timestamp::from_second(time).ok()?,
    })
}
