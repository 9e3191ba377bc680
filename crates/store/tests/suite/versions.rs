//! The database's version: what was read is good for as long as it is the same.

use crate::place::{Place, new_build};
use std::collections::HashMap;
use store::Store;

testkit::for_each_store! {
    async fn every_change_by_anybody_is_another_version(url: &str) {
        let place = Place::new(url).await;
        let mut before = place.store.version().await.unwrap();
        let other = Store::open(url, testkit::vault()).await.unwrap();
        for store in [&place.store, &other] {
            store.accept_build(&place.service, new_build()).await.unwrap();
            let after = place.store.version().await.unwrap();
            assert_ne!(after, before);
            before = after;
        }
    }

    async fn a_change_counts_when_it_is_committed_however_long_that_took(url: &str) {
        let place = Place::new(url).await;
        let other = Store::open(url, testkit::vault()).await.unwrap();
        let mut starting = tokio::task::JoinSet::new();
        for store in [&place.store, &other, &place.store, &other] {
            let (store, service) = (store.clone(), place.service.clone());
            starting.spawn(async move {
                for _ in 0..25 {
                    store.accept_build(&service, new_build()).await.unwrap();
                }
            });
        }
        // What is seen under one version is the same for as long as that is the version.
        let mut seen = HashMap::new();
        let mut look = async || {
            let before = place.store.version().await.unwrap();
            let builds = place.store.unfinished_builds(&place.service.uid).await.unwrap().len();
            if place.store.version().await.unwrap() == before {
                let earlier = *seen.entry(format!("{before:?}")).or_insert(builds);
                assert_eq!(builds, earlier, "{before:?}");
            }
        };
        while !starting.is_empty() {
            look().await;
            if let Some(done) = starting.try_join_next() {
                done.unwrap();
            }
        }
        look().await;
    }

    async fn reading_is_no_change(url: &str) {
        let place = Place::new(url).await;
        place.accept().await;
        // Whoever else uses the database's server may write between two looks, but not for ever.
        loop {
            let before = place.store.version().await.unwrap();
            place.service_now().await;
            if place.store.version().await.unwrap() == before {
                break;
            }
        }
    }
}
