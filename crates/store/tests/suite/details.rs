//! What is known of one build beyond the list: the way it went, what it used, what it repeats.

use crate::place::{Place, new_build};
use domain::metrics::Figures;
use domain::{Build, Metric, Status, Usage};
use store::{Advanced, Details, Ending, NewBuild};

impl Place {
    async fn details(&self, build: &Build) -> Details {
        let found = self.store.build_with_details(&self.service.uid, &build.id);
        found.await.unwrap().unwrap().1
    }
}

fn ending(status: Status, usage: Option<Usage>) -> Ending {
    Ending {
        status,
        reason: None,
        message: "it ended".into(),
        image: None,
        usage,
    }
}

testkit::for_each_store! {
    async fn every_status_is_noted_once_and_when_it_began(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let store = &place.store;
        let (_, late) = store.hand_out(&build.uid, 0, -1).await.unwrap();
        let (handed, token) = store.hand_out(&build.uid, 1, 60_000).await.unwrap();
        assert!(matches!(handed, Advanced::Moved(_)), "{handed:?}");
        assert!(store.claim(late.expose(), "late", 60_000).await.unwrap().is_none());
        for _ in 0..2 {
            store.claim(token.expose(), "worker", 60_000).await.unwrap().unwrap();
        }
        for _ in 0..2 {
            store.advance(token.expose(), Status::Building, None).await.unwrap();
        }
        for _ in 0..2 {
            let ending = ending(Status::Failure, None);
            store.conclude_by_worker(token.expose(), &ending).await.unwrap();
        }
        let phases = place.details(&build).await.phases;
        let way: Vec<_> = phases.iter().map(|phase| phase.status).collect();
        let expected = [
            Status::Queued, Status::Pending, Status::Starting, Status::Building, Status::Failure,
        ];
        assert_eq!(way, expected);
        assert!(phases.is_sorted_by_key(|phase| phase.since));
        let build = store.build_by_uid(&build.uid).await.unwrap().unwrap();
        assert_eq!(phases[0].since, build.created_at);
        assert_eq!(Some(phases[2].since), build.started_at);
        assert_eq!(Some(phases[4].since), build.concluded_at);
    }

    async fn what_a_build_used_is_kept_with_its_end(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let cpu = Figures { average: 0.5, peak: 1.25 };
        let usage: Usage = [(Metric::Cpu, cpu)].into();
        let ending = ending(Status::Aborted, Some(usage.clone()));
        place.store.conclude_by_server(&build.uid, None, &ending).await.unwrap();
        assert_eq!(place.details(&build).await.usage, Some(usage));
    }

    async fn a_repetition_says_of_what_and_asks_for_the_same(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let request = place.store.build_request(&build.uid).await.unwrap().unwrap();
        assert_eq!(request, new_build().request);
        let again = NewBuild { request, retry_of: Some(build.id.clone()), ..new_build() };
        let again = place.store.accept_build(&place.service, again).await.unwrap();
        assert_eq!(place.details(&again).await.retry_of, Some(build.id));
    }
}
