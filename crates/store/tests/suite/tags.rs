//! Tags, and the services that have them.

use crate::place::{Place, service};
use domain::Tag;
use store::{ServiceChanges, StoreError, TagChanges, TagRemoval};

pub(crate) fn tag(id: &str) -> Tag {
    Tag {
        team: "default".into(),
        id: id.into(),
        name: id.into(),
        description: None,
        color: Some("#fff".into()),
        number: 0,
        created_at: 0,
        updated_at: 0,
    }
}

testkit::for_each_store! {
    async fn a_tag_stays_while_a_service_has_it(url: &str) {
        let place = Place::new(url).await;
        place.store.create_tag(tag("backend")).await.unwrap();
        let again = place.store.create_tag(tag("backend")).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
        let mut changes = ServiceChanges { description: None, spec: place.service.spec.clone(), secrets: Default::default() };
        changes.spec.tags = vec!["backend".into()];
        let tagged = place.store.update_service(&place.service, changes.clone()).await.unwrap();
        assert_eq!(tagged.unwrap().spec.tags, ["backend"]);
        let kept = place.store.delete_tag("default", "backend").await.unwrap();
        assert_eq!(kept, TagRemoval::InUse(vec!["shop/web".to_owned()]));
        assert!(place.store.tag("default", "backend").await.unwrap().is_some());
        changes.spec.tags.clear();
        place.store.update_service(&place.service_now().await, changes).await.unwrap();
        let gone = place.store.delete_tag("default", "backend").await.unwrap();
        assert_eq!(gone, TagRemoval::Deleted);
        let gone = place.store.delete_tag("default", "backend").await.unwrap();
        assert_eq!(gone, TagRemoval::NotFound);
    }

    async fn no_service_has_a_tag_that_is_not_there(url: &str) {
        let place = Place::new(url).await;
        let mut api = service(&place.project, "api");
        api.spec.tags = vec!["nope".into()];
        let refused = place.store.create_service(api, &Default::default()).await;
        assert!(matches!(refused, Err(StoreError::Gone)), "{refused:?}");
    }

    async fn a_tag_keeps_what_a_change_does_not_name(url: &str) {
        let place = Place::new(url).await;
        place.store.create_tag(tag("one")).await.unwrap();
        place.store.create_tag(tag("two")).await.unwrap();
        let words = TagChanges { description: Some("words".into()), color: None };
        let changed = place.store.update_tag("default", "one", words).await.unwrap().unwrap();
        assert_eq!(changed.color.as_deref(), Some("#fff"));
        assert_eq!(changed.description.as_deref(), Some("words"));
        assert_eq!(place.store.tags("default", 0, 1, 5).await.unwrap()[0].id, "two");
        assert!(place.store.tag("other", "one").await.unwrap().is_none());
    }
}
