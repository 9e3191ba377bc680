//! Migrations go forward only, and a history that is not this program's stops it.

use crate::place::{Place, new_build};
use crate::raw::run;
use domain::{Creator, PermissionSet, Role};
use store::{NewBuild, NewToken, Store, StoreError};

async fn refused(url: &str) -> String {
    match Store::open(url, testkit::vault()).await {
        Err(error @ StoreError::Migration(_)) => error.to_string(),
        Err(error) => panic!("{error}"),
        Ok(_) => panic!("it was opened"),
    }
}

testkit::for_each_store! {
    async fn a_migration_that_was_changed_after_it_ran_is_refused(url: &str) {
        drop(Store::open(url, testkit::vault()).await.unwrap());
        drop(Store::open(url, testkit::vault()).await.unwrap());
        run(url, "UPDATE refinery_schema_history SET checksum = '1' WHERE version = 1").await;
        let message = refused(url).await;
        assert!(message.contains("foundation"), "{message}");
    }

    async fn a_database_of_a_newer_program_is_refused(url: &str) {
        drop(Store::open(url, testkit::vault()).await.unwrap());
        run(url, "INSERT INTO refinery_schema_history (version, name, applied_on, checksum) \
            VALUES (99, 'tomorrow', '2030-01-01T00:00:00Z', '1')").await;
        let message = refused(url).await;
        assert!(message.contains("tomorrow"), "{message}");
    }

    async fn builds_from_before_get_the_names_of_the_tokens_that_are_still_there(url: &str) {
        let place = Place::new(url).await;
        let token = NewToken {
            name: "ci".into(),
            team: "default".into(),
            organisation: false,
            role: None,
            member: None,
            permissions: Role::Builder.permissions(),
            projects: None,
            expires_at: None,
        };
        let (token_id, _) = place.store.create_token(token).await.unwrap();
        let creator = |token_id: &str| Creator {
            token_id: token_id.into(),
            token_name: "what it is called".into(),
        };
        let mut builds = Vec::new();
        for creator in [Some(creator(&token_id)), Some(creator("revoked")), None] {
            let new = NewBuild { created_by: creator, ..new_build() };
            builds.push(place.store.accept_build(&place.service, new).await.unwrap());
        }
        run(url, "ALTER TABLE builds DROP COLUMN created_by_name").await;
        // The migration by itself: those after it have run.
        run(url, include_str!("../../migrations/V5__creators.sql")).await;
        let store = place.store;
        let mut names = Vec::new();
        for build in builds {
            let build = store.build_by_uid(&build.uid).await.unwrap().unwrap();
            names.push(build.created_by.map(|creator| creator.token_name));
        }
        assert_eq!(names, [Some("ci".to_owned()), Some(String::new()), None]);
    }

    /// An administrator's token of one team could do everything when there was one team.
    async fn an_administrator_from_before_is_one_of_the_organisation(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        let token = |role: &str, projects: Option<&str>| NewToken {
            name: "old".into(),
            team: "default".into(),
            organisation: false,
            role: Some(role.into()),
            member: None,
            permissions: PermissionSet::default(),
            projects: projects.map(|id| vec![id.to_owned()]),
            expires_at: None,
        };
        let old = [("admin", None), ("admin", Some("shop")), ("developer", None)];
        for (role, projects) in old {
            store.create_token(token(role, projects)).await.unwrap();
        }
        let migration = include_str!("../../migrations/V15__teams.sql");
        let update = migration.split_inclusive(';').find(|part| part.contains("UPDATE tokens"));
        run(url, update.unwrap()).await;
        let tokens = store.tokens(None).await.unwrap();
        let above: Vec<_> = tokens.iter().map(|token| token.organisation).collect();
        assert_eq!(above, [true, false, false]);
    }
}
