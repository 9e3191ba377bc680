//! How the registry's repositories are named after what they belong to.
//!
//! The first part of a name says whose it is: `shop` is the project of the default team, and
//! `acme__shop` that of the team `acme`. Ids hold no underscore, so no two projects share a name.

use crate::team::DEFAULT_TEAM;

/// What stands between a team and its project.
const OF_TEAM: &str = "__";

/// The front of the names of a project's repositories.
pub fn of_project(team: &str, project: &str) -> String {
    if team == DEFAULT_TEAM {
        project.to_owned()
    } else {
        format!("{team}{OF_TEAM}{project}")
    }
}

/// The repository of a service.
pub fn of_service(team: &str, project: &str, service: &str) -> String {
    format!("{}/{service}", of_project(team, project))
}

/// The team and project that a repository belongs to.
pub fn owner(repository: &str) -> (&str, &str) {
    let front = repository.split('/').next().unwrap_or_default();
    match front.split_once(OF_TEAM) {
        // The default team's have one name only.
        Some((DEFAULT_TEAM, _)) | None => (DEFAULT_TEAM, front),
        Some(owner) => owner,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_default_team_is_not_named() {
        assert_eq!(of_service("default", "shop", "web"), "shop/web");
        assert_eq!(of_service("acme", "shop", "web"), "acme__shop/web");
        assert_eq!(owner("shop/web/deeper"), ("default", "shop"));
        assert_eq!(owner("acme__shop/web"), ("acme", "shop"));
        let (team, project) = owner("default__shop/web");
        assert_eq!(
            (team, project),
            ("default", "default__shop"),
            "no other name for shop"
        );
    }

    proptest! {
        #[test]
        fn a_name_tells_its_owner(
            team in "[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}",
            project in "[a-z][a-z0-9]{0,9}(-[a-z0-9]{1,9}){0,2}",
            rest in "[a-z0-9]{1,9}((__|/|-)[a-z0-9]{1,9}){0,3}",
        ) {
            let name = of_service(&team, &project, &rest);
            prop_assert_eq!(owner(&name), (team.as_str(), project.as_str()));
        }
    }
}
