//! What cannot be opened any more is shown without it, and stays until something takes its place.

use crate::place::{Place, service};
use crate::raw::run;
use domain::SecretValues;
use store::ServiceChanges;

const GARBLE: &str = "UPDATE services SET project_url = 'nonsense' WHERE id = 'web'";

testkit::for_each_store! {
    async fn one_service_that_cannot_be_opened_does_not_hide_the_others(url: &str) {
        let place = Place::new(url).await;
        let store = &place.store;
        let mut spec = place.service.spec.clone();
        spec.source.project_url = "https://ann:hush@example.com/web".into();
        store.update_service(&place.service, ServiceChanges::of_spec(spec)).await.unwrap();
        let other = service(&place.project, "api");
        store.create_service(other, &SecretValues::default()).await.unwrap();
        run(url, GARBLE).await;
        let list = store.services(&place.project.uid, 0, 0, 9).await.unwrap();
        let marks: Vec<_> = list.iter().map(|(service, _)| (service.id.as_str(), service.unreadable)).collect();
        assert_eq!(marks, [("web", true), ("api", false)]);

        let lost = place.service_now().await;
        assert_eq!(lost.spec.source.project_url, "");
        let mut changes = ServiceChanges::of_spec(lost.spec.clone());
        changes.description = Some("words".into());
        let described = store.update_service(&lost, changes).await.unwrap().unwrap();
        assert!(described.unreadable, "it is not written over with nothing");
        let mut spec = described.spec.clone();
        spec.source.project_url = "https://example.com/again".into();
        let healed = store.update_service(&described, ServiceChanges::of_spec(spec)).await.unwrap().unwrap();
        assert!(!healed.unreadable);
        assert_eq!(healed.spec.source.project_url, "https://example.com/again");
    }
}
