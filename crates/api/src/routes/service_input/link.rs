//! Which linked account opens a service's repository.

use super::super::service_view::{has_password, without_login};
use super::VcsData;
use crate::edge::Problems;
use crate::linked::path_at;
use domain::ServiceSpec;
use domain::service::GitSource;
use domain::vcs::VcsLink;

/// A field, and what is wrong with it.
type Problem = (&'static str, String);

/// What a link may be asked for by.
type Trait = fn(&VcsLink) -> Option<String>;

impl VcsData {
    /// Whether links have to be looked up: one is named, or the service's may not fit any more.
    pub(in super::super) fn concerns_links(&self, before: &GitSource) -> bool {
        self.names_link() || before.vcs_link.is_some()
    }

    fn wishes(&self) -> [&Option<Option<String>>; 3] {
        [
            &self.self_hosted_vcs_id,
            &self.account_login,
            &self.vcs_link_id,
        ]
    }

    fn names_link(&self) -> bool {
        self.wishes().into_iter().flatten().any(Option::is_some)
    }

    /// Whether a link is taken back, by `null`.
    fn takes_link_back(&self) -> bool {
        self.wishes().contains(&&Some(None))
    }

    /// Lays the link that is named onto the specification, whose repository is what the input says
    /// already. A link that is not named stays as long as the repository stays with its forge.
    pub(super) fn apply_link(
        &self,
        prefix: &str,
        spec: &mut ServiceSpec,
        links: &[VcsLink],
        problems: &mut Problems,
    ) {
        let source = &mut spec.source;
        if !self.names_link() {
            if self.takes_link_back() {
                source.vcs_link = None;
            } else if self.project_url.is_some() || self.project_type.is_some() {
                let stays = |uid: &String| {
                    let link = links.iter().find(|link| link.uid == *uid);
                    link.is_some_and(|link| opens(link, source))
                        && !has_password(&source.project_url)
                };
                let kept = source.vcs_link.clone().filter(stays);
                source.vcs_link = kept;
            }
            return;
        }
        match self.named(source, links) {
            Ok(link) => {
                source.vcs_link = Some(link.uid.clone());
                // The link's takes its place.
                source.project_url = without_login(&source.project_url);
            }
            Err((field, problem)) => problems.add(&format!("{prefix}{field}"), problem),
        }
    }

    fn named<'a>(&self, source: &GitSource, links: &'a [VcsLink]) -> Result<&'a VcsLink, Problem> {
        if self.project_url.as_deref().is_some_and(has_password) {
            let problem = "holds a login, and so does the linked account: give one of them";
            return Err(("projectUrl", problem.to_owned()));
        }
        let fits = |link: &&VcsLink| link.fits(source.project_type);
        let mut left: Vec<&VcsLink> = links.iter().filter(fits).collect();
        let own: Trait = |link| link.is_self_hosted().then(|| link.id.clone());
        let login: Trait = |link| Some(link.login.clone());
        let id: Trait = |link| Some(link.id.clone());
        let wishes = [
            ("selfHostedVcsId", &self.self_hosted_vcs_id, own),
            ("accountLogin", &self.account_login, login),
            ("vcsLinkId", &self.vcs_link_id, id),
        ];
        for (field, wanted, of) in wishes {
            let Some(Some(wanted)) = wanted else {
                continue;
            };
            left.retain(|link| of(link).as_ref() == Some(wanted));
            if left.is_empty() {
                let problem =
                    format!("there is no such linked account of this `projectType`: `{wanted}`");
                return Err((field, problem));
            }
        }
        let elsewhere = || {
            let forges: Vec<_> = left.iter().map(|link| link.url.as_str()).collect();
            let problem = format!(
                "is not at the linked account's forge, {}",
                forges.join(", ")
            );
            ("projectUrl", problem)
        };
        let link = left.iter().find(|link| opens(link, source));
        link.copied().ok_or_else(elsewhere)
    }
}

/// Whether the link is of the forge that the repository is at: no other sees its token.
fn opens(link: &VcsLink, source: &GitSource) -> bool {
    let url = source.project_url.parse().ok();
    link.fits(source.project_type) && url.is_some_and(|url| path_at(link, &url).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::Secret;
    use domain::service::ProjectType;
    use domain::vcs::VcsKind;

    fn link(id: &str, login: &str) -> VcsLink {
        VcsLink {
            uid: format!("uid-{id}"),
            team: "default".into(),
            id: id.into(),
            name: id.into(),
            kind: VcsKind::Gitea,
            url: "https://git.example.com/".into(),
            login: login.into(),
            email: String::new(),
            token: Secret::new("s3cret"),
            unreadable: false,
            created_at: 0,
        }
    }

    /// The link and the address that a service has after this input, or the field that is refused.
    fn after(before: &GitSource, input: serde_json::Value) -> Result<GitSource, String> {
        let hub = VcsLink {
            kind: VcsKind::Github,
            url: "https://github.com".into(),
            ..link("hub", "ann")
        };
        let links = [link("one", "ann"), link("two", "bob"), hub];
        let data: VcsData = serde_json::from_value(input).unwrap();
        let mut spec = ServiceSpec {
            source: before.clone(),
            ..ServiceSpec::default()
        };
        let mut problems = Problems::default();
        let (url, kind) = (data.project_url.clone(), data.project_type);
        spec.source.project_url = url.unwrap_or(spec.source.project_url);
        spec.source.project_type = kind.unwrap_or(spec.source.project_type);
        data.apply_link("", &mut spec, &links, &mut problems);
        let refused = serde_json::to_value(&problems).unwrap();
        match refused[0]["field"].as_str() {
            Some(field) => Err(field.to_owned()),
            None => Ok(spec.source),
        }
    }

    fn at(url: &str, project_type: ProjectType, link: Option<&str>) -> GitSource {
        GitSource {
            project_url: url.into(),
            project_type,
            vcs_link: link.map(str::to_owned),
        }
    }

    const WEB: &str = "https://git.example.com/acme/web";

    #[test]
    fn the_link_that_is_named_is_taken() {
        let new = at(WEB, ProjectType::SelfHosted, None);
        for (named, uid) in [
            (serde_json::json!({"selfHostedVcsId": "two"}), "uid-two"),
            (serde_json::json!({"accountLogin": "bob"}), "uid-two"),
            (serde_json::json!({"accountLogin": "ann"}), "uid-one"),
            (serde_json::json!({"vcsLinkId": "one"}), "uid-one"),
        ] {
            let source = after(&new, named).unwrap();
            assert_eq!(source.vcs_link.as_deref(), Some(uid));
        }
        let login = at(
            "https://me:hush@git.example.com/acme/web",
            ProjectType::SelfHosted,
            None,
        );
        let source = after(&login, serde_json::json!({"vcsLinkId": "one"})).unwrap();
        assert_eq!(source.project_url, WEB, "its own login goes");
    }

    #[test]
    fn what_fits_no_link_is_refused_by_name() {
        let new = at(WEB, ProjectType::SelfHosted, None);
        for (input, field) in [
            (serde_json::json!({"vcsLinkId": "three"}), "vcsLinkId"),
            (serde_json::json!({"vcsLinkId": "hub"}), "vcsLinkId"),
            (
                serde_json::json!({"accountLogin": "ann", "vcsLinkId": "two"}),
                "vcsLinkId",
            ),
            (
                serde_json::json!({"selfHostedVcsId": "one", "accountLogin": "bob"}),
                "accountLogin",
            ),
            (
                serde_json::json!({"projectType": "github", "selfHostedVcsId": "hub"}),
                "selfHostedVcsId",
            ),
            (
                serde_json::json!({"projectUrl": "https://evil.example.com/a/b", "vcsLinkId": "one"}),
                "projectUrl",
            ),
            (
                serde_json::json!({"projectUrl": "http://git.example.com/a/b", "vcsLinkId": "one"}),
                "projectUrl",
            ),
            (
                serde_json::json!({"projectUrl": "https://u:p@git.example.com/a", "vcsLinkId": "one"}),
                "projectUrl",
            ),
        ] {
            assert_eq!(after(&new, input.clone()).unwrap_err(), field, "{input}");
        }
    }

    #[test]
    fn a_link_stays_with_its_forge() {
        let linked = at(WEB, ProjectType::SelfHosted, Some("uid-one"));
        for (input, kept) in [
            (serde_json::json!({}), true),
            (
                serde_json::json!({"projectUrl": WEB, "projectType": "self-hosted"}),
                true,
            ),
            (
                serde_json::json!({"projectUrl": "https://git.example.com/a/b"}),
                true,
            ),
            (
                serde_json::json!({"projectUrl": "https://evil.example.com/a/b"}),
                false,
            ),
            (
                serde_json::json!({"projectUrl": "https://u:p@git.example.com/a/b"}),
                false,
            ),
            (serde_json::json!({"projectType": "github"}), false),
            (serde_json::json!({"vcsLinkId": null}), false),
            (
                serde_json::json!({"vcsLinkId": null, "accountLogin": "ann"}),
                true,
            ),
        ] {
            let source = after(&linked, input.clone()).unwrap();
            assert_eq!(source.vcs_link.is_some(), kept, "{input}");
        }
    }
}
