//! Who may pull and push: the same tokens, per project and service. The registry asks here.

use crate::edge::Caller;
use async_trait::async_trait;
use domain::Permission;
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
        action: Action,
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
            let own = self.store.repository(&build.service_uid).await?;
            return Ok(own.map_or(Verdict::Deny, |own| worker(&own, repository, action)));
        }
        let Some(caller) = Caller::by_secret(&self.store, &credentials.password).await? else {
            return Ok(Verdict::NeedLogin);
        };
        let verdict = person(&caller, repository, action);
        if verdict == Verdict::Allow && action == Action::Push {
            return self.push_to_project(&caller, project_of(repository)).await;
        }
        Ok(verdict)
    }

    /// What is pushed belongs to a project and goes with it, so there must be one.
    async fn push_to_project(&self, caller: &Caller, id: &str) -> Result<Verdict, StoreError> {
        let project = self.store.project(&caller.token.team, id).await?;
        Ok(project.map_or(Verdict::NotVisible, |_| Verdict::Allow))
    }
}

/// A build's worker pushes to its own repository and pulls from its project's.
fn worker(own: &str, repository: &str, action: Action) -> Verdict {
    let same_project = project_of(own) == project_of(repository);
    match action {
        Action::Pull | Action::Push if own == repository => Verdict::Allow,
        Action::Pull if same_project => Verdict::Allow,
        Action::Pull => Verdict::NotVisible,
        Action::Push | Action::Delete => Verdict::Deny,
    }
}

/// A person's or program's token: reading a service is pulling its images, starting its builds is
/// pushing them, deleting it is deleting them.
fn person(caller: &Caller, repository: &str, action: Action) -> Verdict {
    if !caller.sees_project_id(project_of(repository)) {
        return Verdict::NotVisible;
    }
    let needed = match action {
        Action::Pull => Permission::ServiceRead,
        Action::Push => Permission::DeployBuild,
        Action::Delete => Permission::ServiceDelete,
    };
    if caller.token.permissions.allows(needed) {
        Verdict::Allow
    } else {
        Verdict::Deny
    }
}

fn project_of(repository: &str) -> &str {
    repository.split('/').next().unwrap_or_default()
}

#[async_trait]
impl Authorizer for RegistryAccess {
    async fn authorize(
        &self,
        credentials: Option<Credentials>,
        repository: &str,
        action: Action,
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

    #[test]
    fn a_worker_writes_only_its_own_repository() {
        assert_eq!(worker("shop/web", "shop/web", Action::Push), Verdict::Allow);
        assert_eq!(
            worker("shop/web", "shop/base", Action::Pull),
            Verdict::Allow
        );
        assert_eq!(worker("shop/web", "shop/base", Action::Push), Verdict::Deny);
        assert_eq!(
            worker("shop/web", "shop/web", Action::Delete),
            Verdict::Deny
        );
        assert_eq!(
            worker("shop/web", "bank/web", Action::Pull),
            Verdict::NotVisible
        );
        assert_eq!(
            worker("shop/web", "shop-b/web", Action::Pull),
            Verdict::NotVisible
        );
    }
}
