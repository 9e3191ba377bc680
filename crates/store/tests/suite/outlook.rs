//! What a waiting build has before it.

use crate::place::{Place, new_build, project, service};
use domain::queue::ahead;

testkit::for_each_store! {
    async fn a_waiting_build_knows_what_is_before_it(url: &str) {
        let place = Place::new(url).await;
        let store = &place.store;
        let running = place.accept().await;
        store.hand_out(&running.uid, 0, 60_000).await.unwrap();
        place.accept().await;
        let third = place.accept().await;
        let bank = store.create_project(project("bank")).await.unwrap();
        let other = store.create_service(service(&bank, "api"), &Default::default()).await.unwrap();
        for _ in 0..3 {
            store.accept_build(&other, new_build()).await.unwrap();
        }
        let outlook = store.outlook(&third).await.unwrap().unwrap();
        assert_eq!((outlook.mine.waiting, outlook.mine.in_flight, outlook.before), (2, 1, 1));
        assert_eq!((outlook.others[0].waiting, outlook.others[0].in_flight), (3, 0));
        assert_eq!((outlook.running.len(), outlook.typical), (1, None));
        // The other project has nothing in flight: two of its builds catch up first.
        assert_eq!(ahead(&outlook.mine, outlook.before, &outlook.others), 3);
        let running = store.build_by_uid(&running.uid).await.unwrap().unwrap();
        assert_eq!(store.outlook(&running).await.unwrap(), None);
    }

    async fn how_long_builds_take_is_known_from_those_that_succeeded(url: &str) {
        let place = Place::new(url).await;
        let store = &place.store;
        let build = place.accept().await;
        let (_, token) = store.hand_out(&build.uid, 0, 60_000).await.unwrap();
        store.claim(token.expose(), "worker", 60_000).await.unwrap().unwrap();
        let ending = store::Ending {
            status: domain::Status::Success,
            reason: None,
            message: "built".into(),
            image: None,
            usage: None,
        };
        store.conclude_by_worker(token.expose(), &ending).await.unwrap();
        let ended = store.build_by_uid(&build.uid).await.unwrap().unwrap();
        let took = ended.concluded_at.unwrap() - ended.started_at.unwrap();
        let waiting = place.accept().await;
        let outlook = store.outlook(&waiting).await.unwrap().unwrap();
        assert_eq!(outlook.typical, Some(took));
    }
}
