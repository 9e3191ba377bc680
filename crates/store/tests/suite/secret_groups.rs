//! Groups of secrets: a project has so many and no more.

use crate::place::Place;
use domain::secret_group::{GROUPS, GroupSettings};
use domain::{SecretGroup, SecretValues};
use store::StoreError;

fn group(place: &Place, id: String) -> SecretGroup {
    SecretGroup {
        uid: String::new(),
        project_uid: place.project.uid.clone(),
        number: 0,
        name: id.clone(),
        id,
        settings: GroupSettings::default(),
        created_at: 0,
        updated_at: 0,
    }
}

testkit::for_each_store! {
    async fn a_project_is_full_of_groups_at_some_point(url: &str) {
        let place = Place::new(url).await;
        let make = |n: i64| {
            let group = group(&place, format!("group-{n}"));
            let place = &place;
            async move { place.store.create_secret_group(group, &SecretValues::default()).await }
        };
        for n in 1..GROUPS {
            make(n).await.unwrap();
        }
        let last = make(GROUPS).await.unwrap();
        let refused = make(GROUPS + 1).await;
        assert!(matches!(refused, Err(StoreError::TooMany)), "{refused:?}");
        place.store.delete_secret_group(&last.project_uid, &last.id).await.unwrap();
        make(GROUPS + 1).await.unwrap();
    }
}
