//! The one writer of a status: forward only, fenced by the attempt's token, concluded once.

use crate::place::{Place, new_build, service};
use domain::{Build, Image, Reason, Secret, SecretValues, Status};
use store::{Advanced, Ending};

const LEASE_MS: i64 = 60_000;
/// A lease that is over as soon as it is given.
const EXPIRED: i64 = -1;

fn ending(status: Status, reason: Option<Reason>) -> Ending {
    Ending {
        status,
        reason,
        message: "it ended".into(),
        image: None,
        usage: None,
    }
}

impl Place {
    async fn handed_out(&self, build: &Build) -> (Build, Secret) {
        let handed = self
            .store
            .hand_out(&build.uid, build.attempt, LEASE_MS)
            .await
            .unwrap();
        match handed {
            (Advanced::Moved(build), secret) => (build, secret),
            (other, _) => panic!("{other:?}"),
        }
    }

    async fn accept_of(&self, branch: Option<&str>) -> Build {
        let mut new = new_build();
        new.request.branch = branch.map(str::to_owned);
        self.store.accept_build(&self.service, new).await.unwrap()
    }

    async fn overtaken(&self, build: &Build) -> bool {
        self.store.is_overtaken(build).await.unwrap()
    }

    async fn now(&self, build: &Build) -> Build {
        self.store.build_by_uid(&build.uid).await.unwrap().unwrap()
    }
}

testkit::for_each_store! {
    async fn a_newer_build_of_the_branch_overtakes_from_its_upload_on(url: &str) {
        let place = Place::new(url).await;
        let older = place.accept_of(Some("main")).await;
        let other = place.accept_of(Some("other")).await;
        let none = place.accept_of(None).await;
        let newer = place.accept_of(Some("main")).await;
        let (_, secret) = place.handed_out(&newer).await;
        assert!(!place.overtaken(&older).await, "by one that waits");
        let token = secret.expose();
        place.store.claim(token, "me", LEASE_MS).await.unwrap().unwrap();
        for (status, overtakes) in [
            (Status::Cloning, false),
            (Status::Building, false),
            (Status::Uploading, true),
            (Status::InProgress, true),
        ] {
            let moved = place.store.advance(token, status, None).await.unwrap();
            assert!(matches!(moved, Advanced::Moved(_)), "{moved:?}");
            assert_eq!(place.overtaken(&older).await, overtakes, "by one that is {status}");
        }
        place.store.conclude_by_worker(token, &ending(Status::Success, None)).await.unwrap();
        assert!(place.overtaken(&older).await, "by one that succeeded");
        let newest = place.accept_of(Some("main")).await;
        for build in [&newer, &newest, &other, &none] {
            assert!(!place.overtaken(build).await, "{}", build.number);
        }
    }

    async fn a_build_that_did_not_succeed_overtakes_nothing(url: &str) {
        let place = Place::new(url).await;
        let older = place.accept_of(Some("main")).await;
        let newer = place.accept_of(Some("main")).await;
        let (_, secret) = place.handed_out(&newer).await;
        let token = secret.expose();
        place.store.claim(token, "me", LEASE_MS).await.unwrap().unwrap();
        place.store.advance(token, Status::Uploading, None).await.unwrap();
        let failed = ending(Status::Failure, Some(Reason::PushFailed));
        place.store.conclude_by_worker(token, &failed).await.unwrap();
        assert!(!place.overtaken(&older).await);
    }

    async fn a_build_walks_from_the_queue_to_success(url: &str) {
        let place = Place::new(url).await;
        let mut changes = place.store.changes();
        let build = place.accept().await;
        let (build, secret) = place.handed_out(&build).await;
        assert_eq!((build.status, build.attempt), (Status::Pending, 1));
        let token = secret.expose();
        let claimed = place.store.claim(token, "me", LEASE_MS).await.unwrap().unwrap();
        assert_eq!(claimed.build.status, Status::Starting);
        assert_eq!(claimed.request, new_build().request);
        for status in [Status::Cloning, Status::Building, Status::Uploading] {
            let moved = place.store.advance(token, status, Some("abc")).await.unwrap();
            assert!(matches!(moved, Advanced::Moved(_)), "{moved:?}");
        }
        let image = Image { registry: Some("r.example".into()), name: "shop/web:x".into(), digest: "sha256:1".into(), size: 5 };
        let success =
            Ending { image: Some(image.clone()), ..ending(Status::Success, None) };
        place.store.conclude_by_worker(token, &success).await.unwrap();
        let build = place.now(&build).await;
        assert_eq!(build.status, Status::Success);
        assert_eq!(build.image, Some(image));
        assert_eq!(build.sha.as_deref(), Some("abc"));
        assert!(build.concluded_at.is_some());
        let mut seen = Vec::new();
        while seen.last() != Some(&Status::Success) {
            seen.push(changes.next().await.unwrap().status);
        }
        use Status::*;
        assert_eq!(seen, [Queued, Pending, Starting, Cloning, Building, Uploading, Success]);
    }

    async fn a_concluded_build_never_changes_again(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let (build, secret) = place.handed_out(&build).await;
        let token = secret.expose();
        place.store.claim(token, "me", LEASE_MS).await.unwrap().unwrap();
        let abort = ending(Status::Aborted, Some(Reason::AbortedByRequest));
        place.store.conclude_by_server(&build.uid, None, &abort).await.unwrap();
        let over = place.now(&build).await;
        for status in Status::ALL {
            let again = ending(status, None);
            let by_server = place.store.conclude_by_server(&build.uid, None, &again).await.unwrap();
            assert!(!matches!(by_server, Advanced::Moved(_)), "{status} {by_server:?}");
            let by_worker = place.store.conclude_by_worker(token, &again).await.unwrap();
            assert!(!matches!(by_worker, Advanced::Moved(_)), "{status} {by_worker:?}");
            let step = place.store.advance(token, status, None).await.unwrap();
            assert!(!matches!(step, Advanced::Moved(_)), "{status} {step:?}");
        }
        assert!(!place.store.heartbeat(token, LEASE_MS).await.unwrap());
        assert!(place.store.build_of_worker(token).await.unwrap().is_none());
        assert_eq!(place.now(&build).await, over);
    }

    async fn an_older_attempt_can_write_nothing(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let (build, first) = place.handed_out(&build).await;
        let (build, second) = place.handed_out(&build).await;
        assert_eq!(build.attempt, 2);
        let old = first.expose();
        assert!(place.store.claim(old, "old", LEASE_MS).await.unwrap().is_none());
        assert_eq!(place.store.advance(old, Status::Building, None).await.unwrap(), Advanced::NotFound);
        let failure = ending(Status::Failure, None);
        assert_eq!(place.store.conclude_by_worker(old, &failure).await.unwrap(), Advanced::NotFound);
        assert!(!place.store.heartbeat(old, LEASE_MS).await.unwrap());
        assert!(place.store.claim(second.expose(), "new", LEASE_MS).await.unwrap().is_some());
    }

    async fn two_servers_do_not_hand_out_the_same_build(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let mut racing = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let (store, build) = (place.store.clone(), build.clone());
            racing.spawn(async move { store.hand_out(&build.uid, build.attempt, LEASE_MS).await.unwrap().0 });
        }
        let outcomes = racing.join_all().await;
        let moved = outcomes.iter().filter(|o| matches!(o, Advanced::Moved(_))).count();
        assert_eq!(moved, 1);
        assert_eq!(place.now(&build).await.attempt, 1);
    }

    async fn a_claim_sent_twice_is_one_claim_and_a_thief_gets_nothing(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let (_, secret) = place.handed_out(&build).await;
        let token = secret.expose();
        assert!(place.store.claim(token, "me", LEASE_MS).await.unwrap().is_some());
        assert!(place.store.claim(token, "me", LEASE_MS).await.unwrap().is_some());
        assert!(place.store.claim(token, "thief", LEASE_MS).await.unwrap().is_none());
    }

    async fn a_late_word_of_an_attempt_that_is_over_does_not_count(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let (first, _) = place.handed_out(&build).await;
        let (_, _) = place.handed_out(&first).await;
        let lost = ending(Status::Crashed, Some(Reason::WorkerLost));
        let late = place.store.conclude_by_server(&build.uid, Some(1), &lost).await.unwrap();
        assert!(matches!(late, Advanced::Refused(_)), "{late:?}");
    }

    async fn a_worker_that_was_heard_of_meanwhile_is_not_given_up(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let (_, secret) = place.handed_out(&build).await;
        let token = secret.expose();
        let build = place.store.claim(token, "me", LEASE_MS).await.unwrap().unwrap().build;
        let lost = ending(Status::Crashed, Some(Reason::WorkerLost));
        let give_up = async |attempt| place.store.conclude_expired(&build.uid, attempt, &lost).await.unwrap();
        // The lease was seen to have run out; before that is acted upon, a heartbeat comes.
        place.store.heartbeat(token, EXPIRED).await.unwrap();
        place.store.heartbeat(token, LEASE_MS).await.unwrap();
        assert_eq!(give_up(build.attempt).await, Advanced::Refused(build.clone()));
        assert_eq!(place.now(&build).await.status, Status::Starting);
        place.store.heartbeat(token, EXPIRED).await.unwrap();
        assert_eq!(give_up(build.attempt + 1).await, Advanced::Refused(build.clone()));
        let given_up = give_up(build.attempt).await;
        assert!(matches!(given_up, Advanced::Moved(_)), "{given_up:?}");
        assert_eq!(place.now(&build).await.reason, Some(Reason::WorkerLost));
        assert!(matches!(give_up(build.attempt).await, Advanced::Unchanged(_)));
    }

    async fn a_build_stays_with_its_commit(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let (_, secret) = place.handed_out(&build).await;
        let token = secret.expose();
        place.store.claim(token, "me", LEASE_MS).await.unwrap().unwrap();
        let says = async |status, sha| place.store.advance(token, status, sha).await.unwrap();
        says(Status::Cloning, None).await;
        says(Status::Cloning, Some("abc")).await;
        for status in [Status::Cloning, Status::Building] {
            let other = says(status, Some("def")).await;
            assert!(matches!(other, Advanced::Refused(_)), "{other:?}");
        }
        says(Status::Building, Some("abc")).await;
        let build = place.now(&build).await;
        assert_eq!((build.status, build.sha.as_deref()), (Status::Building, Some("abc")));
    }

    async fn success_needs_a_worker_that_runs_it(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        let (_, secret) = place.handed_out(&build).await;
        let success = ending(Status::Success, None);
        let refused = place.store.conclude_by_worker(secret.expose(), &success).await.unwrap();
        assert!(matches!(refused, Advanced::Refused(_)), "{refused:?}");
    }

    async fn the_queue_shows_the_oldest_of_each_service(url: &str) {
        let place = Place::new(url).await;
        let other = place.store.create_service(service(&place.project, "api"), &SecretValues::default()).await.unwrap();
        let first = place.accept().await;
        place.accept().await;
        let third = place.store.accept_build(&other, new_build()).await.unwrap();
        let uids = |heads: Vec<store::QueueHead>| -> Vec<String> {
            heads.into_iter().map(|head| head.build.uid).collect()
        };
        let heads = uids(place.store.queue_heads().await.unwrap());
        assert_eq!(heads, [first.uid.clone(), third.uid.clone()]);
        place.handed_out(&first).await;
        assert_eq!(place.store.queue_heads().await.unwrap().len(), 2);
        let open = place.store.open_builds().await.unwrap();
        assert_eq!(open.len(), 1);
        assert_eq!(open[0].build.uid, first.uid);
        assert_eq!(place.store.unfinished_builds(&place.service.uid).await.unwrap().len(), 2);
    }

    async fn an_unschedulable_build_says_why_and_goes_on_later(url: &str) {
        let place = Place::new(url).await;
        let build = place.accept().await;
        place.store.hold(&build.uid, Reason::PlanTooLarge, "too large").await.unwrap();
        let held = place.now(&build).await;
        assert_eq!((held.status, held.reason), (Status::Unschedulable, Some(Reason::PlanTooLarge)));
        let again = place.store.hold(&build.uid, Reason::PlanTooLarge, "x").await.unwrap();
        assert!(matches!(again, Advanced::Unchanged(_)), "{again:?}");
        let (build, _) = place.handed_out(&held).await;
        assert_eq!((build.status, build.reason, build.message), (Status::Pending, None, None));
    }
}
