//! Which repository it is, and by which login it is asked.

use domain::service::GitSource;
use git::RepoUrl;
use sha2::{Digest, Sha256};

/// A repository with a login. All services that build it by the same one are answered by one question.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Repository {
    /// The URL as it was given, which may hold the login.
    pub(super) url: String,
    /// The identity of the linked account.
    pub(super) link: Option<String>,
}

impl Repository {
    pub(super) fn of(source: &GitSource) -> Repository {
        Repository {
            url: source.project_url.clone(),
            link: source.vcs_link.clone(),
        }
    }

    /// What tells it from other repositories and accounts, without the login in its URL: another password
    /// opens the same repository.
    pub(super) fn digest(&self) -> String {
        let url = self.url.parse::<RepoUrl>();
        let url = url.map_or_else(|_| String::new(), |url| url.to_string());
        let mut hash = Sha256::new();
        hash.update(url.as_bytes());
        hash.update([0]);
        hash.update(self.link.as_deref().unwrap_or_default().as_bytes());
        hash.finalize()
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn digest(url: &str, link: Option<&str>) -> String {
        let (url, link) = (url.to_owned(), link.map(str::to_owned));
        Repository { url, link }.digest()
    }

    #[test]
    fn another_password_opens_the_same_repository() {
        let one = digest("https://ann:one@git.example.com/a", None);
        assert_eq!(digest("https://ann:two@git.example.com/a", None), one);
        for (url, link) in [
            ("https://git.example.com/b", None),
            ("https://git.example.com/a", Some("link")),
        ] {
            assert_ne!(digest(url, link), one, "{url}");
        }
    }
}
