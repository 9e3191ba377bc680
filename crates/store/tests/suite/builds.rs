//! Accepting and listing builds: dense numbers, unique ids, pages that cost one range read.

use crate::place::{Place, new_build, service};
use domain::SecretValues;
use std::collections::HashSet;
use store::{Page, StoreError};

testkit::for_each_store! {
    async fn numbers_have_no_gaps_even_when_many_start_at_once(url: &str) {
        let place = Place::new(url).await;
        let mut starting = tokio::task::JoinSet::new();
        for _ in 0..40 {
            let (store, service) = (place.store.clone(), place.service.clone());
            starting.spawn(async move { store.accept_build(&service, new_build()).await.unwrap() });
        }
        let builds = starting.join_all().await;
        let mut numbers: Vec<_> = builds.iter().map(|build| build.number).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (1..=40).collect::<Vec<_>>());
        let ids: HashSet<_> = builds.iter().map(|build| &build.id).collect();
        assert_eq!(ids.len(), 40);
    }

    async fn pages_and_cursors_show_the_same_builds_newest_first(url: &str) {
        let place = Place::new(url).await;
        for _ in 0..25 {
            place.accept().await;
        }
        let service = place.service_now().await;
        let mut by_page = Vec::new();
        for page in 0..4 {
            by_page.extend(place.store.builds(&service, Page::Skip(page * 7), 7).await.unwrap());
        }
        let mut by_cursor = Vec::new();
        let mut before = i64::MAX;
        loop {
            let page = place.store.builds(&service, Page::Before(before), 7).await.unwrap();
            let Some(last) = page.last() else { break };
            before = last.number;
            by_cursor.extend(page);
        }
        assert_eq!(by_page, by_cursor);
        let numbers: Vec<_> = by_page.iter().map(|build| build.number).collect();
        assert_eq!(numbers, (1..=25).rev().collect::<Vec<_>>());
        assert!(place.store.builds(&service, Page::Skip(i64::MAX), 7).await.unwrap().is_empty());
    }

    async fn a_walk_neither_repeats_nor_skips_while_builds_arrive(url: &str) {
        let place = Place::new(url).await;
        for _ in 0..10 {
            place.accept().await;
        }
        let mut seen = Vec::new();
        let mut before = i64::MAX;
        loop {
            let service = place.service_now().await;
            let page = place.store.builds(&service, Page::Before(before), 3).await.unwrap();
            let Some(last) = page.last() else { break };
            before = last.number;
            seen.extend(page.into_iter().map(|build| build.number));
            place.accept().await;
        }
        assert_eq!(seen, (1..=10).rev().collect::<Vec<_>>());
    }

    async fn builds_of_one_service_are_not_anothers(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let other = place.store.create_service(service(&place.project, "api"), &SecretValues::default()).await.unwrap();
        assert!(place.store.build(&other.uid, &build.id).await.unwrap().is_none());
        let first = place.store.accept_build(&other, new_build()).await.unwrap();
        assert_eq!(first.number, 1);
    }

    async fn a_deleted_service_accepts_nothing(url: &str) {
        let place = Place::new(url).await;
        place.store.delete_service(&place.service.uid).await.unwrap();
        let refused = place.store.accept_build(&place.service, new_build()).await;
        assert!(matches!(refused, Err(StoreError::Gone)), "{refused:?}");
    }

    async fn a_service_gets_a_long_history_by_copies_of_its_newest_build(url: &str) {
        let place = Place::new(url).await;
        let running = place.accept().await;
        let refused = place.store.copy_newest_build(&place.service, 3).await;
        assert!(matches!(refused, Err(StoreError::Gone)), "{refused:?}");
        let ending = store::Ending {
            status: domain::Status::Aborted,
            reason: None,
            message: "enough".into(),
            image: None,
            usage: None,
        };
        place.store.conclude_by_server(&running.uid, None, &ending).await.unwrap();
        place.store.copy_newest_build(&place.service, 3000).await.unwrap();
        let next = place.accept().await;
        assert_eq!(next.number, 3002);
        let service = place.service_now().await;
        let page = place.store.builds(&service, Page::Skip(0), 5000).await.unwrap();
        let ids: HashSet<_> = page.iter().map(|build| &build.id).collect();
        assert_eq!((page.len(), ids.len()), (3002, 3002));
        assert!(page[1..].iter().all(|build| build.message.as_deref() == Some("enough")));
    }
}
