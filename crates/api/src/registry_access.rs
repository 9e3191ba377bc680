//! Who may pull and push: the same tokens, per project and service. The registry asks here.

use crate::edge::Caller;
use async_trait::async_trait;
use domain::build::Tags;
use domain::{Build, Permission, Status, repository};
use registry::{Action, Authorizer, Credentials, Verdict};
use store::{Store, StoreError};

/// Answers the registry's questions from the store.
pub struct RegistryAccess {
    store: Store,
    /// Whether pulling needs no login: while the server listens on loopback only.
    open_pulls: bool,
}

impl RegistryAccess {
    /// Access by `store`'s tokens; with `open_pulls`, pulling needs none.
    pub fn new(store: Store, open_pulls: bool) -> Self {
        RegistryAccess { store, open_pulls }
    }

    async fn judge(
        &self,
        credentials: Option<Credentials>,
        repository: &str,
        action: Action<'_>,
    ) -> Result<Verdict, StoreError> {
        let Some(credentials) = credentials else {
            let open = self.open_pulls && action == Action::Pull;
            return Ok(if open {
                Verdict::Allow
            } else {
                Verdict::NeedLogin
            });
        };
        if let Some(build) = self.store.build_of_worker(&credentials.password).await? {
            return self.judge_worker(&build, repository, action).await;
        }
        let Some(caller) = Caller::by_secret(&self.store, &credentials.password).await? else {
            return Ok(Verdict::NeedLogin);
        };
        let verdict = person(&caller, repository, action);
        if verdict == Verdict::Allow && matches!(action, Action::Push | Action::Tag(_)) {
            return self.push_to_project(repository).await;
        }
        Ok(verdict)
    }

    /// A build that is slow must not take its branch's tag back from one that overtook it.
    async fn judge_worker(
        &self,
        build: &Build,
        repository: &str,
        action: Action<'_>,
    ) -> Result<Verdict, StoreError> {
        let Some(own) = self.store.repository(&build.service_uid).await? else {
            return Ok(Verdict::Deny);
        };
        let from_fork = self.store.is_from_fork(build).await?;
        let verdict = worker(build, from_fork, &own, repository, action);
        let late = verdict == Verdict::Allow
            && moves_branch(build, action)
            && self.store.is_overtaken(build).await?;
        Ok(if late { Verdict::Deny } else { verdict })
    }

    /// What is pushed belongs to a project and goes with it, so there must be one.
    async fn push_to_project(&self, repository: &str) -> Result<Verdict, StoreError> {
        let (team, id) = repository::owner(repository);
        let project = self.store.project(team, id).await?;
        Ok(project.map_or(Verdict::NotVisible, |_| Verdict::Allow))
    }
}

/// A build's worker pulls from its project's repositories. It pushes to its own, once the build is at
/// its upload, and gives no other tags than the build's: the steps of a Dockerfile run before that,
/// and whoever gets hold of the token in one of them can change no image with it. One of a fork's pull
/// request is a stranger's: it sees no image while its steps run, and gives no tag that another build
/// could have given.
fn worker(
    build: &Build,
    from_fork: bool,
    own: &str,
    repository: &str,
    action: Action<'_>,
) -> Verdict {
    let uploads = own == repository && may_upload(build.status);
    match action {
        Action::Pull if from_fork && uploads => Verdict::Allow,
        Action::Pull if from_fork => Verdict::NotVisible,
        Action::Tag(tag) if from_fork && tag != build.id => Verdict::Deny,
        Action::Pull if repository::owner(own) == repository::owner(repository) => Verdict::Allow,
        Action::Pull => Verdict::NotVisible,
        Action::Push if uploads => Verdict::Allow,
        Action::Tag(tag) if uploads && is_own_tag(build, tag) => Verdict::Allow,
        Action::Push | Action::Tag(_) | Action::Delete => Verdict::Deny,
    }
}

/// A worker that cannot tell its phase may be at its upload.
fn may_upload(status: Status) -> bool {
    matches!(status, Status::Uploading | Status::InProgress)
}

fn is_own_tag(build: &Build, tag: &str) -> bool {
    !tag.is_empty() && tags(build).iter().any(|own| own == tag)
}

fn moves_branch(build: &Build, action: Action<'_>) -> bool {
    matches!(action, Action::Tag(tag) if tags(build).branch.as_deref() == Some(tag))
}

fn tags(build: &Build) -> Tags {
    // Which commit it is may not be known yet; its tag is then nobody's.
    Tags::of(&build.id, build.sha.as_deref(), build.branch.as_deref())
}

/// A person's or program's token: reading a service is pulling its images, starting its builds is
/// pushing them, deleting it is deleting them.
fn person(caller: &Caller, repository: &str, action: Action<'_>) -> Verdict {
    let (team, project) = repository::owner(repository);
    if !caller.acts_in(team) || !caller.token.rights.cover(project) {
        return Verdict::NotVisible;
    }
    let needed = match action {
        Action::Pull => Permission::ServiceRead,
        Action::Push | Action::Tag(_) => Permission::DeployBuild,
        Action::Delete => Permission::ServiceDelete,
    };
    if caller.has_in(needed, project) {
        Verdict::Allow
    } else {
        Verdict::Deny
    }
}

#[async_trait]
impl Authorizer for RegistryAccess {
    async fn authorize(
        &self,
        credentials: Option<Credentials>,
        repository: &str,
        action: Action<'_>,
    ) -> Verdict {
        self.judge(credentials, repository, action)
            .await
            .unwrap_or_else(|error| {
                tracing::error!(%error, "the registry cannot look up a token");
                Verdict::Unavailable
            })
    }

    async fn login(&self, credentials: Option<Credentials>) -> Verdict {
        let Some(Credentials { password, .. }) = credentials else {
            return if self.open_pulls {
                Verdict::Allow
            } else {
                Verdict::NeedLogin
            };
        };
        let known = async {
            Ok::<_, StoreError>(
                self.store.token_by_secret(&password).await?.is_some()
                    || self.store.build_of_worker(&password).await?.is_some(),
            )
        };
        match known.await {
            Ok(true) => Verdict::Allow,
            Ok(false) => Verdict::NeedLogin,
            Err(_) => Verdict::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHA: &str = "262ed9817b3cad5142fbceabe0c9e371e390d616";

    fn build(status: Status) -> Build {
        Build {
            uid: String::new(),
            service_uid: String::new(),
            project_uid: String::new(),
            number: 1,
            id: "joyous-view-6290".into(),
            status,
            reason: None,
            message: None,
            branch: Some("feature/login".into()),
            pull_request_id: None,
            sha: Some(SHA.into()),
            image: None,
            attempt: 1,
            trigger: domain::Trigger::Call,
            created_by: None,
            created_at: 0,
            started_at: Some(0),
            status_since: 0,
            concluded_at: None,
        }
    }

    fn may(status: Status, repository: &str, action: Action<'_>) -> Verdict {
        worker(&build(status), false, "shop/web", repository, action)
    }

    #[test]
    fn a_forks_build_sees_no_image_while_its_steps_run() {
        let may = |status, repository, action| {
            worker(&build(status), true, "shop/web", repository, action)
        };
        let own_tag = Action::Tag("joyous-view-6290");
        for (status, repository, action, verdict) in [
            (
                Status::Building,
                "shop/web",
                Action::Pull,
                Verdict::NotVisible,
            ),
            (
                Status::Building,
                "shop/base",
                Action::Pull,
                Verdict::NotVisible,
            ),
            (
                Status::Uploading,
                "shop/base",
                Action::Pull,
                Verdict::NotVisible,
            ),
            (Status::Uploading, "shop/web", Action::Pull, Verdict::Allow),
            (Status::Uploading, "shop/web", Action::Push, Verdict::Allow),
            (Status::Uploading, "shop/web", own_tag, Verdict::Allow),
            (
                Status::Uploading,
                "shop/web",
                Action::Tag(SHA),
                Verdict::Deny,
            ),
            (
                Status::Uploading,
                "shop/web",
                Action::Tag("feature-login"),
                Verdict::Deny,
            ),
        ] {
            let judged = may(status, repository, action);
            assert_eq!(judged, verdict, "{status} {repository} {action:?}");
        }
    }

    #[test]
    fn a_worker_writes_only_its_own_repository() {
        for (repository, action, verdict) in [
            ("shop/web", Action::Push, Verdict::Allow),
            ("shop/web", Action::Delete, Verdict::Deny),
            ("shop/base", Action::Pull, Verdict::Allow),
            ("shop/base", Action::Push, Verdict::Deny),
            ("shop/base", Action::Tag(SHA), Verdict::Deny),
            ("bank/web", Action::Pull, Verdict::NotVisible),
            ("shop-b/web", Action::Pull, Verdict::NotVisible),
            ("acme__shop/web", Action::Pull, Verdict::NotVisible),
        ] {
            let judged = may(Status::Uploading, repository, action);
            assert_eq!(judged, verdict, "{repository} {action:?}");
        }
    }

    #[test]
    fn a_worker_writes_only_at_its_upload() {
        for status in Status::ALL {
            let verdict = match status {
                Status::Uploading | Status::InProgress => Verdict::Allow,
                _ => Verdict::Deny,
            };
            for action in [Action::Push, Action::Tag(SHA)] {
                assert_eq!(may(status, "shop/web", action), verdict, "{status}");
            }
            assert_eq!(may(status, "shop/web", Action::Pull), Verdict::Allow);
        }
    }

    #[test]
    fn a_worker_gives_only_its_builds_tags() {
        for (tag, verdict) in [
            ("joyous-view-6290", Verdict::Allow),
            (SHA, Verdict::Allow),
            ("feature-login", Verdict::Allow),
            ("main", Verdict::Deny),
            ("calm-view-1", Verdict::Deny),
            ("", Verdict::Deny),
        ] {
            let judged = may(Status::Uploading, "shop/web", Action::Tag(tag));
            assert_eq!(judged, verdict, "{tag}");
        }
    }
}
