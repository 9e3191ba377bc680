//! No change is lost: of those that were made from the same thing one is stored, and the others are told.

use crate::place::{Place, project};
use domain::{SecretChanges, Service};
use store::{ProjectChanges, ServiceChanges, Store, StoreError};

fn described(words: &str) -> ProjectChanges {
    ProjectChanges {
        description: Some(words.to_owned()),
        ..ProjectChanges::default()
    }
}

fn changed<T>(outcome: &Result<T, StoreError>) -> bool {
    matches!(outcome, Err(StoreError::Changed))
}

fn variable(name: &str) -> SecretChanges {
    let variables = [(name.to_owned(), "1".to_owned())];
    SecretChanges {
        variables: Some(variables.into()),
        ..SecretChanges::default()
    }
}

/// Several at once, all of which saw the same.
async fn at_once(store: &Store, seen: &Service) -> Vec<Result<bool, StoreError>> {
    let changes = (0..4).map(|n| {
        let (store, seen) = (store.clone(), seen.clone());
        tokio::spawn(async move {
            store
                .change_service_secrets(&seen, variable(&format!("V{n}")))
                .await
        })
    });
    let mut outcomes = Vec::new();
    for change in changes.collect::<Vec<_>>() {
        outcomes.push(change.await.unwrap());
    }
    outcomes
}

testkit::for_each_store! {
    async fn what_was_read_before_another_change_is_not_written(url: &str) {
        let place = Place::new(url).await;
        let seen = place.store.create_project(project("bank")).await.unwrap();
        let first = place.store.update_project(&seen, described("first")).await.unwrap().unwrap();
        // However soon after another a change is made, it is told from that.
        assert!(first.updated_at > seen.updated_at);
        let late = place.store.update_project(&seen, described("late")).await;
        assert!(changed(&late), "{late:?}");
        let second = place.store.update_project(&first, described("second")).await.unwrap().unwrap();
        assert_eq!(second.description.as_deref(), Some("second"));
        place.store.delete_project(&seen.uid).await.unwrap();
        let gone = place.store.update_project(&second, described("gone")).await.unwrap();
        assert!(gone.is_none(), "that is another matter");
    }

    async fn of_changes_at_once_one_is_stored(url: &str) {
        let place = Place::new(url).await;
        let outcomes = at_once(&place.store, &place.service).await;
        let stored = outcomes.iter().filter(|outcome| matches!(outcome, Ok(true))).count();
        let told = outcomes.iter().filter(|outcome| changed(outcome)).count();
        assert_eq!((stored, told), (1, 3), "{outcomes:?}");
        let values = place.store.service_secrets(&place.service.uid).await.unwrap();
        assert_eq!(values.variables.len(), 1);
    }

    async fn a_change_that_is_refused_leaves_no_trace(url: &str) {
        let place = Place::new(url).await;
        let mut changes = ServiceChanges::of_spec(place.service.spec.clone());
        changes.description = Some("new".into());
        let now = place.store.update_service(&place.service, changes.clone()).await.unwrap().unwrap();
        changes.description = Some("late".into());
        changes.secrets = variable("LATE");
        assert!(changed(&place.store.update_service(&place.service, changes).await));
        assert_eq!(place.service_now().await, now);
        let values = place.store.service_secrets(&now.uid).await.unwrap();
        assert!(values.variables.is_empty(), "{values:?}");
    }
}
