//! Links to version control: an account at a forge, by a token that an operator gave.

use crate::service::ProjectType;
use crate::{Millis, Secret};

/// A link of a team to a forge.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VcsLink {
    /// Stable identity (uuid v7), never shown.
    pub uid: String,
    /// The team.
    pub team: String,
    /// The id in URLs, derived from the name when it was made.
    pub id: String,
    /// The name a person gave it.
    pub name: String,
    /// Which forge it is.
    pub kind: VcsKind,
    /// Where its pages are.
    pub url: String,
    /// The name of the account there.
    pub login: String,
    /// Its address; empty where the forge does not tell.
    pub email: String,
    /// The account's token.
    pub token: Secret,
    /// What is sealed of it cannot be opened, and is empty here.
    pub unreadable: bool,
    /// When it was made.
    pub created_at: Millis,
}

macro_rules! kinds {
    ($( $(#[$doc:meta])* $variant:ident = $word:literal at $home:expr; )+) => {
        /// The forges that can be linked.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum VcsKind {
            $( $(#[$doc])* $variant, )+
        }

        impl VcsKind {
            /// Every kind.
            pub const ALL: &'static [VcsKind] = &[ $( VcsKind::$variant, )+ ];

            /// Its word.
            pub fn as_str(self) -> &'static str {
                match self { $( VcsKind::$variant => $word, )+ }
            }

            /// The host of the one that everybody means, where there is one.
            pub fn home(self) -> Option<&'static str> {
                match self { $( VcsKind::$variant => $home, )+ }
            }
        }
    };
}

kinds! {
    /// GitHub.
    Github = "github" at Some("github.com");
    /// GitLab.
    Gitlab = "gitlab" at Some("gitlab.com");
    /// Gitea or Forgejo.
    Gitea = "gitea" at None;
    /// Bitbucket Cloud.
    Bitbucket = "bitbucket" at Some("bitbucket.org");
    /// Azure DevOps.
    Azure = "azure" at Some("dev.azure.com");
}

impl VcsKind {
    /// Reads the word back.
    pub fn parse(word: &str) -> Option<VcsKind> {
        VcsKind::ALL.iter().copied().find(|k| k.as_str() == word)
    }

    /// The type whose refs and pages are like its own.
    pub fn project_type(self) -> ProjectType {
        match self {
            VcsKind::Github => ProjectType::Github,
            VcsKind::Gitlab => ProjectType::Gitlab,
            VcsKind::Bitbucket => ProjectType::Bitbucket,
            VcsKind::Azure => ProjectType::Azure,
            // Gitea has no type of its own.
            VcsKind::Gitea => ProjectType::SelfHosted,
        }
    }
}

/// What the contract calls a forge of somebody's own.
const SELF_HOSTED: &str = "self-hosted";

/// A login to a forge's git server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GitLogin {
    /// The user name.
    pub user: String,
    /// The password or token.
    pub password: Secret,
}

impl VcsLink {
    /// Whether the forge is somebody's own, rather than the one that everybody means.
    pub fn is_self_hosted(&self) -> bool {
        let rest = self.url.split_once("://").map_or("", |(_, rest)| rest);
        let host = rest.split(['/', ':']).next();
        self.kind.home() != host
    }

    /// The forge in the contract's words: `github`, … or `self-hosted`.
    pub fn service(&self) -> &'static str {
        if self.is_self_hosted() {
            SELF_HOSTED
        } else {
            self.kind.as_str()
        }
    }

    /// Whether services of this type can build through it.
    pub fn fits(&self, project_type: ProjectType) -> bool {
        match project_type {
            ProjectType::SelfHosted => self.is_self_hosted(),
            public => self.kind.project_type() == public && !self.is_self_hosted(),
        }
    }

    /// What git logs in with. A token with a colon is a user and a password; forges take any other
    /// as the password of a user that some of them want to have a certain name.
    pub fn git_login(&self) -> GitLogin {
        let token = self.token.expose();
        let (user, password) = token.split_once(':').unwrap_or((self.token_user(), token));
        GitLogin {
            user: user.to_owned(),
            password: Secret::new(password),
        }
    }

    /// Source: each forge's documentation of access tokens over https.
    fn token_user(&self) -> &'static str {
        match self.kind {
            VcsKind::Github => "x-access-token",
            VcsKind::Bitbucket => "x-token-auth",
            VcsKind::Gitlab | VcsKind::Gitea | VcsKind::Azure => "oauth2",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link(kind: VcsKind, url: &str) -> VcsLink {
        VcsLink {
            uid: String::new(),
            team: "default".into(),
            id: "forge".into(),
            name: "Forge".into(),
            kind,
            url: url.into(),
            login: "ann".into(),
            email: String::new(),
            token: Secret::new("s3cret"),
            unreadable: false,
            created_at: 0,
        }
    }

    #[test]
    fn a_forge_of_ones_own_is_self_hosted() {
        for (kind, url, service) in [
            (VcsKind::Github, "https://github.com/", "github"),
            (
                VcsKind::Github,
                "https://github.com.example.com",
                "self-hosted",
            ),
            (
                VcsKind::Gitlab,
                "https://gitlab.example.com:8443/x",
                "self-hosted",
            ),
            (VcsKind::Gitea, "https://git.example.com", "self-hosted"),
            (VcsKind::Azure, "https://dev.azure.com/acme", "azure"),
        ] {
            assert_eq!(link(kind, url).service(), service, "{url}");
        }
    }

    #[test]
    fn a_link_fits_services_at_its_forge() {
        let hub = link(VcsKind::Github, "https://github.com");
        assert!(hub.fits(ProjectType::Github));
        assert!(!hub.fits(ProjectType::Gitlab) && !hub.fits(ProjectType::SelfHosted));
        let own = link(VcsKind::Github, "https://git.example.com");
        assert!(own.fits(ProjectType::SelfHosted) && !own.fits(ProjectType::Github));
    }

    #[test]
    fn git_logs_in_with_the_token() {
        let mut link = link(VcsKind::Bitbucket, "https://bitbucket.org");
        let login = link.git_login();
        assert_eq!(
            (login.user.as_str(), login.password.expose()),
            ("x-token-auth", "s3cret")
        );
        link.token = Secret::new("ann:pass:word");
        let login = link.git_login();
        assert_eq!(
            (login.user.as_str(), login.password.expose()),
            ("ann", "pass:word")
        );
    }

    #[test]
    fn words_round_trip() {
        for kind in VcsKind::ALL {
            assert_eq!(VcsKind::parse(kind.as_str()), Some(*kind));
        }
    }
}
