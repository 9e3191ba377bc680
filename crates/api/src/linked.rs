//! Repositories that a linked account opens: its token goes to the forge that it is of, and nowhere
//! else.

use crate::edge::ApiError;
use crate::routes::vcs;
use crate::state::State;
use domain::service::BuildSource;
use domain::vcs::VcsLink;
use domain::{BuildRequest, Service};
use git::forge::{Forge, ForgeError, RepositoryName};
use git::{Credentials, RepoUrl};
use http::StatusCode;
use std::time::Duration;
use store::StoreError;

/// How long a repository's server, or its forge, may take.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// A repository, with the login to it, and the account whose login that is.
pub(crate) struct Source {
    pub(crate) url: RepoUrl,
    pub(crate) link: Option<VcsLink>,
}

/// A repository as its forge's API knows it.
pub(crate) struct AtForge<'a> {
    pub(crate) link: &'a VcsLink,
    pub(crate) forge: Forge,
    pub(crate) name: RepositoryName,
}

impl Source {
    /// The repository, opened by the link with this identity, if one is named.
    pub(crate) async fn of(
        state: &State,
        project_url: &str,
        link: Option<&str>,
    ) -> Result<Source, ApiError> {
        let url = RepoUrl::parse(project_url, &state.settings.git_protocols);
        let url = url.map_err(|error| unavailable(&error))?;
        let Some(uid) = link else {
            return Ok(Source { url, link: None });
        };
        let link = state.store.vcs_link(uid).await?;
        let link = link.ok_or_else(|| unavailable(&GONE))?;
        if link.unreadable {
            return Err(unavailable(&LOST));
        }
        let login = login(&link, &url).ok_or_else(|| unavailable(&GONE))?;
        Ok(Source {
            url: url.with_credentials(Some(login)),
            link: Some(link),
        })
    }

    /// Where the forge's API has it; `None` where no account is linked.
    pub(crate) fn at_forge(&self, state: &State) -> Result<Option<AtForge<'_>>, ApiError> {
        let Some(link) = &self.link else {
            return Ok(None);
        };
        let path = path_at(link, &self.url);
        let name = path.and_then(|path| RepositoryName::at(link.kind, &path));
        let name = name.ok_or_else(|| unavailable(&"its address is none of a repository"))?;
        let forge = vcs::forge(state, link)?;
        Ok(Some(AtForge { link, forge, name }))
    }
}

impl AtForge<'_> {
    /// What the forge says, if it says so in time.
    pub(crate) async fn answered<T>(
        &self,
        asked: impl Future<Output = Result<T, ForgeError>>,
    ) -> Result<T, ApiError> {
        match tokio::time::timeout(PATIENCE, asked).await {
            Ok(answer) => answer.map_err(|error| vcs::unavailable(self.link, &error)),
            Err(_) => Err(unavailable(&"its forge does not answer")),
        }
    }
}

/// What is said when a link was removed.
const GONE: &str = "the linked account that opens it is gone";

/// What is said of a link whose token cannot be opened.
const LOST: &str = "the token of the linked account that opens it cannot be opened, since the key that it \
                    was sealed with is gone; the account has to be linked again";

/// The state of things is the repository's, not this server's.
pub(crate) fn unavailable(why: &impl std::fmt::Display) -> ApiError {
    let message = format!("The repository cannot be read: {why}.");
    ApiError::new(StatusCode::CONFLICT, "repository-unavailable", message)
}

/// Refuses to build a repository whose address cannot be opened any more.
pub(crate) fn has_address(service: &Service) -> Result<(), ApiError> {
    if service.unreadable && service.spec.build_source == BuildSource::Git {
        let why = "its address cannot be opened, since the key that it was sealed with is gone; \
                   give it again";
        return Err(unavailable(&why));
    }
    Ok(())
}

/// The repository's path at the link's forge; `None` when it is elsewhere.
pub(crate) fn path_at(link: &VcsLink, url: &RepoUrl) -> Option<String> {
    url.path_below(&link.url.parse().ok()?)
}

/// The link's login, for a repository at its forge.
fn login(link: &VcsLink, url: &RepoUrl) -> Option<Credentials> {
    path_at(link, url).filter(|_| !link.unreadable)?;
    let login = link.git_login();
    Some(Credentials {
        user: login.user,
        password: login.password.expose().to_owned(),
    })
}

/// The login that a worker is given with its job; `None` when the link was removed since the build was
/// accepted, or the build names none.
pub(crate) async fn git_login(
    state: &State,
    request: &BuildRequest,
) -> Result<Option<protocol::GitLogin>, StoreError> {
    let Some(uid) = &request.vcs_link else {
        return Ok(None);
    };
    let link = state.store.vcs_link(uid).await?;
    let url = request.project_url.parse().ok();
    let login = link.zip(url).and_then(|(link, url)| login(&link, &url));
    Ok(login.map(|login| protocol::GitLogin {
        user: login.user,
        password: login.password,
    }))
}
