//! Projects and services: names, numbers, what belongs to what.

use crate::place::{Place, project, service};
use domain::{Project, SecretChanges, SecretValues};
use store::{ProjectChanges, ServiceChanges, Store, StoreError};

testkit::for_each_store! {
    async fn a_name_is_taken_once(url: &str) {
        let place = Place::new(url).await;
        let again = place.store.create_project(project("shop")).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
        let again = place.store.create_service(service(&place.project, "web"), &SecretValues::default()).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
    }

    async fn a_walk_through_projects_misses_none(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        for name in ["one", "two", "three", "four", "five"] {
            store.create_project(project(name)).await.unwrap();
        }
        let mut seen = Vec::new();
        let mut after = 0;
        loop {
            let page = store.projects("default", after, 0, 2).await.unwrap();
            let Some(last) = page.last() else { break };
            after = last.number;
            seen.extend(page.into_iter().map(|project| project.id));
        }
        assert_eq!(seen, ["one", "two", "three", "four", "five"]);
        let skipped = store.projects("default", 0, 3, 10).await.unwrap();
        assert_eq!(skipped.len(), 2);
    }

    async fn a_project_keeps_what_a_change_does_not_name(url: &str) {
        let place = Place::new(url).await;
        let color = ProjectChanges { color: Some("#fff".into()), ..Default::default() };
        let before = place.store.update_project(&place.project, color).await.unwrap().unwrap();
        let words = ProjectChanges { description: Some("words".into()), ..Default::default() };
        let after = place.store.update_project(&before, words).await.unwrap().unwrap();
        assert_eq!(after.color.as_deref(), Some("#fff"));
        assert_eq!(after.description.as_deref(), Some("words"));
        let nobody = Project { uid: "nobody".into(), ..after };
        let gone = place.store.update_project(&nobody, ProjectChanges::default()).await.unwrap();
        assert!(gone.is_none());
    }

    async fn a_service_reads_back_as_it_was_written(url: &str) {
        let place = Place::new(url).await;
        let mut spec = place.service.spec.clone();
        let variables = [("KEY".to_owned(), "a \"quoted\" ünicode value".to_owned())];
        let secrets = SecretValues { variables: variables.into(), ..SecretValues::default() };
        spec.dockerfile.target = Some("release".into());
        spec.source.project_url = "https://ada:hush@example.com/a/b".into();
        let changes = ServiceChanges {
            description: None,
            spec: spec.clone(),
            secrets: SecretChanges { variables: Some(secrets.variables.clone()), ..SecretChanges::default() },
        };
        place.store.update_service(&place.service, changes).await.unwrap();
        let now = place.service_now().await;
        assert_eq!(now.spec, spec);
        assert_eq!(place.store.service_secrets(&now.uid).await.unwrap(), secrets);
        assert_eq!(now.description.as_deref(), Some("a service"));
    }

    async fn only_an_empty_project_is_deleted(url: &str) {
        let place = Place::new(url).await;
        place.accept().await;
        assert!(!place.store.delete_project(&place.project.uid).await.unwrap());
        place.store.delete_service(&place.service.uid).await.unwrap();
        assert!(place.store.delete_project(&place.project.uid).await.unwrap());
        assert!(place.store.project("default", "shop").await.unwrap().is_none());
    }

    async fn a_service_of_a_deleted_project_cannot_be_made(url: &str) {
        let place = Place::new(url).await;
        let empty = place.store.create_project(project("empty")).await.unwrap();
        place.store.delete_project(&empty.uid).await.unwrap();
        let made = place.store.create_service(service(&empty, "late"), &SecretValues::default()).await;
        assert!(matches!(made, Err(StoreError::Gone)), "{made:?}");
    }

    async fn what_was_stored_is_there_after_a_restart(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        drop(place.store);
        let store = Store::open(url, testkit::vault()).await.unwrap();
        let found = store.build_by_uid(&build.uid).await.unwrap().unwrap();
        assert_eq!(found, build);
        let key = store.fact_or("key", || "first".into()).await.unwrap();
        assert_eq!(store.fact_or("key", || "second".into()).await.unwrap(), key);
    }
}
