//! Each service's layer cache has its own generations.

use crate::place::Place;
use domain::SecretValues;

testkit::for_each_store! {
    async fn a_reset_begins_the_next_generation_of_one_service(url: &str) {
        let place = Place::new(url).await;
        let (store, uid) = (&place.store, place.service.uid.as_str());
        let other = testkit::service(&place.project, "other");
        let other = store.create_service(other, &SecretValues::default()).await.unwrap();
        assert_eq!(store.cache_generation(uid).await.unwrap(), Some(0));
        assert!(store.reset_cache(uid).await.unwrap());
        store.cache_reset().await;
        assert!(store.reset_cache(uid).await.unwrap());
        assert_eq!(store.cache_generation(uid).await.unwrap(), Some(2));
        assert_eq!(store.cache_generation(&other.uid).await.unwrap(), Some(0));
        assert!(!store.reset_cache("none").await.unwrap());
        assert_eq!(store.cache_generation("none").await.unwrap(), None);
    }
}
