//! Teams, their roles and members: what a token may do is what the roles say at that moment.

use crate::place::{Place, project, service};
use domain::{Permission as P, PermissionSet, Restrictions, Secret, TeamRole};
use std::sync::Arc;
use store::{MemberRange, NewToken, RoleChanges, Store, StoreError, Token};

const ALL: MemberRange<'static> = MemberRange {
    role: None,
    after: 0,
    offset: 0,
    limit: 100,
};

async fn team(store: &Store, id: &str) {
    store.create_team(testkit::team(id)).await.unwrap();
}

fn role(id: &str, permissions: &[P]) -> TeamRole {
    TeamRole {
        id: id.into(),
        name: id.into(),
        description: None,
        permissions: permissions.iter().copied().collect(),
        restrictions: Restrictions::default(),
        number: 0,
        created_at: None,
        updated_at: None,
    }
}

async fn token(store: &Store, secret: &Secret) -> Option<Arc<Token>> {
    store.token_by_secret(secret.expose()).await.unwrap()
}

/// Whether the secret's token may start builds in the project `shop`.
async fn builds(store: &Store, secret: &Secret) -> bool {
    let token = token(store, secret).await.unwrap();
    token.rights.allow_in(P::DeployBuild, "shop")
}

testkit::for_each_store! {
    async fn a_member_acts_with_the_roles_they_have_at_that_moment(url: &str) {
        let (store, other) = (Store::open(url, testkit::vault()).await.unwrap(), Store::open(url, testkit::vault()).await.unwrap());
        team(&store, "acme").await;
        let reader = store.create_role("acme", role("reader", &[P::ServiceRead])).await.unwrap();
        let roles = ["reader".to_owned()];
        let (ann, secret) = store.invite("acme", "Ann@example.com", &roles).await.unwrap();
        assert_eq!((ann.id.as_str(), ann.finalized), ("ann", false));
        assert!(!builds(&store, &secret).await);
        let seen = store.member("acme", "ann").await.unwrap().unwrap();
        assert!(seen.finalized, "she has used her token");

        other.give_role("acme", "builder", "ann").await.unwrap();
        assert!(builds(&store, &secret).await, "one that every team has");
        let rights = token(&store, &secret).await.unwrap().rights.clone();
        assert!(rights.allow(P::ServiceRead) && !rights.allow(P::ProjectDelete));
        assert!(other.take_role("acme", "builder", "ann").await.unwrap());
        assert!(!other.take_role("acme", "builder", "ann").await.unwrap());
        assert!(!builds(&store, &secret).await);

        let changes = RoleChanges {
            permissions: Some([P::DeployBuild].into_iter().collect()),
            ..RoleChanges::default()
        };
        let reader = other.update_role("acme", &reader, changes).await.unwrap().unwrap();
        assert!(builds(&store, &secret).await);
        let restrictions = Restrictions { enabled: true, ..Restrictions::default() };
        let changes = RoleChanges { restrictions: Some(restrictions), ..RoleChanges::default() };
        other.update_role("acme", &reader, changes).await.unwrap().unwrap();
        assert!(!builds(&store, &secret).await);
        assert!(other.delete_role("acme", "reader").await.unwrap());
        assert!(!token(&store, &secret).await.unwrap().rights.allow(P::DeployBuild));

        assert!(other.delete_member("acme", "ann").await.unwrap());
        assert!(token(&store, &secret).await.is_none());
        assert!(!other.delete_member("acme", "ann").await.unwrap());
    }

    async fn a_role_that_went_gives_nothing_back_under_its_old_name(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        store.create_role("default", role("night", &[P::DeployBuild])).await.unwrap();
        let new = NewToken {
            name: "ci".into(),
            team: "default".into(),
            organisation: false,
            role: Some("night".into()),
            member: None,
            permissions: PermissionSet::default(),
            projects: None,
            expires_at: None,
        };
        let (_, secret) = store.create_token(new.clone()).await.unwrap();
        assert!(builds(&store, &secret).await);
        store.delete_role("default", "night").await.unwrap();
        assert!(!builds(&store, &secret).await);
        assert!(matches!(store.create_token(new).await, Err(StoreError::Gone)));
        store.create_role("default", role("night", &[P::DeployBuild])).await.unwrap();
        assert!(!builds(&store, &secret).await);
    }

    async fn a_name_is_taken_once_in_a_team(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        team(&store, "acme").await;
        let again = store.create_team(testkit::team("acme")).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
        let fixed = store.create_role("acme", role("developer", &[])).await;
        assert!(matches!(fixed, Err(StoreError::Conflict)), "{fixed:?}");
        for team in ["acme", "default"] {
            store.create_role(team, role("night", &[])).await.unwrap();
            store.invite(team, "ann@example.com", &[]).await.unwrap();
        }
        let again = store.invite("acme", "ANN@example.com", &[]).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
        let (second, _) = store.invite("acme", "ann@example.org", &[]).await.unwrap();
        assert_eq!(second.id, "ann-2");
        let gone = store.invite("acme", "bob@example.com", &["no-such-role".to_owned()]).await;
        assert!(matches!(gone, Err(StoreError::Gone)), "{gone:?}");
        assert_eq!(store.members("acme", ALL).await.unwrap().len(), 2, "half of bob is nobody");
    }

    async fn a_walk_misses_nobody(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        for name in ["one", "two", "three"] {
            team(&store, name).await;
            let roles = if name == "two" { vec![] } else { vec!["viewer".to_owned()] };
            store.invite("one", &format!("{name}@example.com"), &roles).await.unwrap();
        }
        let first = store.teams(0, 0, 3).await.unwrap();
        let ids: Vec<_> = first.iter().map(|team| team.id.as_str()).collect();
        assert_eq!(ids, ["default", "one", "two"]);
        assert!(first[0].created_at > 0);
        assert_eq!(store.teams(first[2].number, 0, 3).await.unwrap()[0].id, "three");
        let viewers = MemberRange { role: Some("viewer"), after: 1, ..ALL };
        let viewers = store.members("one", viewers).await.unwrap();
        assert_eq!(viewers.iter().map(|m| m.id.as_str()).collect::<Vec<_>>(), ["three"]);
        let skipped = MemberRange { offset: 1, limit: 1, ..ALL };
        assert_eq!(store.members("one", skipped).await.unwrap()[0].id, "two");
    }

    async fn projects_of_two_teams_share_an_id_and_no_repository(url: &str) {
        let place = Place::new(url).await;
        team(&place.store, "acme").await;
        let theirs = domain::Project { team: "acme".into(), ..project("shop") };
        let theirs = place.store.create_project(theirs).await.unwrap();
        let web = place.store.create_service(service(&theirs, "web"), &Default::default()).await.unwrap();
        let ours = place.store.repository(&place.service.uid).await.unwrap();
        assert_eq!(ours.as_deref(), Some("shop/web"));
        let repository = place.store.repository(&web.uid).await.unwrap();
        assert_eq!(repository.as_deref(), Some("acme__shop/web"));
    }
}
