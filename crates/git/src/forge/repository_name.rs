//! What a forge's API calls a repository, from where its pages are.

use domain::vcs::VcsKind;

/// A repository's name and its owner's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RepositoryName {
    /// Its owner; of Azure, the project.
    pub owner: String,
    /// Its name.
    pub name: String,
}

impl RepositoryName {
    /// The repository whose page is at this path below the forge's; `None` when none can be there.
    #[must_use]
    pub fn at(kind: VcsKind, path: &str) -> Option<RepositoryName> {
        let parts: Vec<&str> = path.split('/').collect();
        if parts.iter().any(|part| matches!(*part, "" | "." | "..")) {
            return None;
        }
        let (owner, name) = match (kind, &parts[..]) {
            (VcsKind::Gitlab, [owner @ .., name]) if !owner.is_empty() => (owner.join("/"), name),
            (VcsKind::Azure, [project, "_git", name]) => ((*project).to_owned(), name),
            // The repository that is called like its project.
            (VcsKind::Azure, ["_git", name]) => ((*name).to_owned(), name),
            (VcsKind::Github | VcsKind::Gitea | VcsKind::Bitbucket, [owner, name]) => {
                ((*owner).to_owned(), name)
            }
            _ => return None,
        };
        Some(RepositoryName {
            owner,
            name: (*name).to_owned(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_forge_has_its_own_places() {
        for (kind, path, expected) in [
            (VcsKind::Github, "acme/web", Some(("acme", "web"))),
            (VcsKind::Gitea, "acme/web", Some(("acme", "web"))),
            (VcsKind::Bitbucket, "acme/web", Some(("acme", "web"))),
            (VcsKind::Github, "acme", None),
            (VcsKind::Github, "acme/web/tree", None),
            (VcsKind::Github, "acme/..", None),
            (VcsKind::Gitlab, "a/b/web", Some(("a/b", "web"))),
            (VcsKind::Gitlab, "web", None),
            (VcsKind::Azure, "shop/_git/web", Some(("shop", "web"))),
            (VcsKind::Azure, "_git/web", Some(("web", "web"))),
            (VcsKind::Azure, "shop/web", None),
        ] {
            let name = RepositoryName::at(kind, path);
            let name = name.as_ref().map(|n| (n.owner.as_str(), n.name.as_str()));
            assert_eq!(name, expected, "{path}");
        }
    }
}
