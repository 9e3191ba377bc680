//! The outbox: what happens is told to whoever wants to know, once, and to nobody else.

use crate::place::Place;
use crate::raw::holds;
use domain::notification::{Audience, Event, Integration, Provider, TagRule};
use domain::tag::TagMatch;
use domain::{Build, Reason, Secret, SecretValues, Status};
use std::collections::BTreeSet;
use store::{Delivery, DeliveryState, Ending, Store, StoreError};
use vault::{Key, Vault};

const LEASE_MS: i64 = 60_000;
const DAY_MS: i64 = 24 * 3600 * 1000;
/// Later than anything that happens in a test.
const LATER: i64 = i64::MAX;

fn wanting(name: &str, events: &[Event]) -> Integration {
    Integration {
        uid: String::new(),
        team: "default".into(),
        number: 0,
        id: name.into(),
        name: name.into(),
        provider: Provider::RawWebhook,
        webhook: Secret::new(format!("https://example.com/{name}")),
        unreadable: false,
        secret: Some(Secret::new("hush")),
        audience: Audience::default(),
        events: events.iter().copied().collect(),
        disabled: false,
        failing: None,
        created_at: 0,
        updated_at: 0,
    }
}

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
    async fn integrate(&self, new: Integration) -> Integration {
        self.store.create_notification(new).await.unwrap()
    }

    /// A worker takes the build and says how it ended.
    async fn run(&self, build: &Build, end: &Ending) {
        let (_, secret) = self
            .store
            .hand_out(&build.uid, build.attempt, LEASE_MS)
            .await
            .unwrap();
        let token = secret.expose();
        self.store
            .claim(token, "me", LEASE_MS)
            .await
            .unwrap()
            .unwrap();
        self.store.conclude_by_worker(token, end).await.unwrap();
    }

    async fn next(&self, integration: &Integration) -> Option<Delivery> {
        self.store
            .take_delivery(&integration.uid, LATER)
            .await
            .unwrap()
    }

    /// What the integration is told, in order; all of it counts as delivered then.
    async fn told(&self, integration: &Integration) -> Vec<Delivery> {
        let mut told = Vec::new();
        while let Some(delivery) = self.next(integration).await {
            self.store.delivered(&delivery, 0).await.unwrap();
            told.push(delivery);
        }
        told
    }

    async fn events(&self, integration: &Integration) -> Vec<Event> {
        let told = self.told(integration).await;
        told.into_iter()
            .map(|delivery| delivery.occurrence.event)
            .collect()
    }

    async fn again(&self, integration: &Integration) -> Integration {
        let found = self.store.notification("default", &integration.id).await;
        found.unwrap().unwrap()
    }
}

testkit::for_each_store! {
    async fn a_build_that_starts_and_ends_is_told_with_what_it_was_then(url: &str) {
        let place = Place::new(url).await;
        let all = place.integrate(wanting("all", &Event::ALL)).await;
        let build = place.accept().await;
        place.run(&build, &ending(Status::Success, None)).await;
        let told = place.told(&all).await;
        let events: Vec<_> = told.iter().map(|told| told.occurrence.event).collect();
        assert_eq!(events, [Event::BuildStart, Event::BuildSuccess]);
        let statuses: Vec<_> = told.iter().map(|told| told.occurrence.build.status).collect();
        assert_eq!(statuses, [Status::Starting, Status::Success]);
        let last = &told[1].occurrence;
        assert_eq!(last.build, place.store.build_by_uid(&build.uid).await.unwrap().unwrap());
        assert_eq!((last.project.id.as_str(), last.service.id.as_str()), ("shop", "web"));
        assert_eq!(told[1].integration, all);
    }

    async fn every_event_is_told_once_however_often_a_worker_says_it(url: &str) {
        let place = Place::new(url).await;
        let all = place.integrate(wanting("all", &Event::ALL)).await;
        let build = place.accept().await;
        let (_, first) = place.store.hand_out(&build.uid, 0, LEASE_MS).await.unwrap();
        let (_, secret) = place.store.hand_out(&build.uid, 1, LEASE_MS).await.unwrap();
        assert!(place.store.claim(first.expose(), "me", LEASE_MS).await.unwrap().is_none());
        let token = secret.expose();
        for _ in 0..2 {
            place.store.claim(token, "me", LEASE_MS).await.unwrap().unwrap();
            place.store.advance(token, Status::Starting, Some("12c1")).await.unwrap();
        }
        for status in [Status::Cloning, Status::Building, Status::Uploading] {
            place.store.advance(token, status, None).await.unwrap();
        }
        for status in [Status::Failure, Status::Failure, Status::Crashed] {
            place.store.conclude_by_worker(token, &ending(status, None)).await.unwrap();
        }
        assert_eq!(place.events(&all).await, [Event::BuildStart, Event::BuildFailure]);
    }

    async fn a_build_that_never_started_tells_its_end_only(url: &str) {
        let place = Place::new(url).await;
        let all = place.integrate(wanting("all", &Event::ALL)).await;
        for status in [Status::SubmissionFailure, Status::Aborted] {
            let build = place.accept().await;
            let end = ending(status, None);
            place.store.conclude_by_server(&build.uid, None, &end).await.unwrap();
        }
        assert_eq!(place.events(&all).await, [Event::BuildFailure, Event::BuildAbort]);
    }

    async fn who_does_not_want_to_know_is_told_nothing(url: &str) {
        let place = Place::new(url).await;
        let restricted = |name: &str, audience| Integration {
            audience,
            ..wanting(name, &Event::ALL)
        };
        let projects = |ids: &[&str]| Audience {
            projects: Some(ids.iter().map(|id| (*id).to_owned()).collect()),
            tags: None,
        };
        let tags = |items: &[&str]| Audience {
            projects: None,
            tags: Some(TagRule {
                items: items.iter().map(|id| (*id).to_owned()).collect(),
                matching: TagMatch::Or,
            }),
        };
        place.store.create_tag(crate::tags::tag("backend")).await.unwrap();
        let mut tagged = crate::place::service(&place.project, "tagged");
        tagged.spec.tags = vec!["backend".into()];
        let tagged = place.store.create_service(tagged, &SecretValues::default()).await.unwrap();
        let here = place.integrate(restricted("here", projects(&["shop"]))).await;
        let there = place.integrate(restricted("there", projects(&["other"]))).await;
        let backend = place.integrate(restricted("backend", tags(&["backend", "x"]))).await;
        let aborts = place.integrate(wanting("aborts", &[Event::BuildAbort])).await;
        let off = place.integrate(Integration { disabled: true, ..wanting("off", &Event::ALL) }).await;
        let place = Place { service: tagged, ..place };
        let build = place.accept().await;
        place.run(&build, &ending(Status::Success, None)).await;
        let both = [Event::BuildStart, Event::BuildSuccess];
        let here = place.told(&here).await;
        let backend = place.told(&backend).await;
        for ((told, other), event) in here.iter().zip(&backend).zip(both) {
            assert_eq!(told.occurrence.event, event);
            assert_eq!(told.event_id, other.event_id, "it is the same event");
            assert_ne!(told.id, other.id);
        }
        assert_eq!((here.len(), backend.len()), (2, 2));
        for silent in [&there, &aborts, &off] {
            assert_eq!(place.events(silent).await, [], "{}", silent.id);
        }
    }

    async fn who_was_deleted_is_told_nothing_more(url: &str) {
        let place = Place::new(url).await;
        let gone = place.integrate(wanting("gone", &Event::ALL)).await;
        let build = place.accept().await;
        place.run(&build, &ending(Status::Success, None)).await;
        assert!(place.next(&gone).await.is_some());
        place.store.delete_notification(&gone.uid).await.unwrap();
        assert!(place.next(&gone).await.is_none());
        assert_eq!(place.store.waiting_integrations().await.unwrap(), []);
        let new = place.integrate(wanting("gone", &Event::ALL)).await;
        assert_eq!(place.events(&new).await, [], "another one of that name");
    }

    async fn who_is_disabled_finds_what_waited_when_it_is_not_any_more(url: &str) {
        let place = Place::new(url).await;
        let mut paused = place.integrate(wanting("paused", &Event::ALL)).await;
        let build = place.accept().await;
        place.run(&build, &ending(Status::Success, None)).await;
        paused.disabled = true;
        let mut paused = place.store.update_notification(&paused).await.unwrap().unwrap();
        assert!(place.next(&paused).await.is_none());
        assert_eq!(place.store.waiting_integrations().await.unwrap(), []);
        paused.disabled = false;
        place.store.update_notification(&paused).await.unwrap().unwrap();
        assert_eq!(place.events(&paused).await, [Event::BuildStart, Event::BuildSuccess]);
    }

    async fn what_fails_is_due_again_and_dies_in_the_end_until_somebody_retries_it(url: &str) {
        let place = Place::new(url).await;
        let starts = place.integrate(wanting("starts", &[Event::BuildStart])).await;
        let build = place.accept().await;
        place.run(&build, &ending(Status::Success, None)).await;
        let first = place.next(&starts).await.unwrap();
        place.store.delivery_failed(&first, "it answered 500", 1000, Some(2000)).await.unwrap();
        let waiting = place.store.waiting_integrations().await.unwrap();
        assert_eq!(waiting, [(starts.uid.clone(), 2000)]);
        assert!(place.store.take_delivery(&starts.uid, 1999).await.unwrap().is_none());
        let second = place.store.take_delivery(&starts.uid, 2000).await.unwrap().unwrap();
        assert_eq!((&second.id, &second.event_id, second.tries), (&first.id, &first.event_id, 2));
        place.store.delivery_failed(&second, "it answered 501", 2000, None).await.unwrap();
        assert!(place.next(&starts).await.is_none());
        let failing = place.again(&starts).await.failing.unwrap();
        assert_eq!((failing.since, failing.requests), (1000, 2));
        assert_eq!(failing.error, "it answered 501");
        let dead = place.store.deliveries(Some(DeliveryState::Dead), 10).await.unwrap();
        assert_eq!(dead.len(), 1);
        assert_eq!((dead[0].tries, dead[0].integration.as_str()), (2, "starts"));
        assert_eq!(dead[0].last_error.as_deref(), Some("it answered 501"));
        assert!(place.store.retry_delivery(&first.id).await.unwrap());
        assert!(!place.store.retry_delivery("none-such").await.unwrap());
        let third = place.next(&starts).await.unwrap();
        assert_eq!((&third.event_id, third.tries), (&first.event_id, 1));
        place.store.delivered(&third, 3000).await.unwrap();
        assert_eq!(place.again(&starts).await.failing, None);
        assert!(!place.store.retry_delivery(&first.id).await.unwrap(), "it was delivered");
        assert_eq!(place.store.retry_dead_deliveries().await.unwrap(), 0);
    }

    async fn a_receiver_that_nobody_looks_after_is_disabled(url: &str) {
        let place = Place::new(url).await;
        let starts = place.integrate(wanting("starts", &[Event::BuildStart])).await;
        for _ in 0..3 {
            let build = place.accept().await;
            place.run(&build, &ending(Status::Success, None)).await;
        }
        for (day, disabled) in [(0, false), (4, false), (6, true)] {
            let delivery = place.next(&starts).await.unwrap();
            place.store.delivery_failed(&delivery, "away", day * DAY_MS, None).await.unwrap();
            assert_eq!(place.again(&starts).await.disabled, disabled, "day {day}");
        }
        let changed = Integration { disabled: false, ..place.again(&starts).await };
        let changed = place.store.update_notification(&changed).await.unwrap().unwrap();
        assert_eq!(changed.failing, None, "somebody did");
    }

    async fn what_ended_long_ago_is_forgotten(url: &str) {
        let place = Place::new(url).await;
        let all = place.integrate(wanting("all", &Event::ALL)).await;
        for _ in 0..2 {
            let build = place.accept().await;
            place.run(&build, &ending(Status::Success, None)).await;
        }
        let delivery = place.next(&all).await.unwrap();
        place.store.delivered(&delivery, 1000).await.unwrap();
        let delivery = place.next(&all).await.unwrap();
        place.store.delivered(&delivery, 2000).await.unwrap();
        place.store.forget_deliveries(2000).await.unwrap();
        let left = place.store.deliveries(None, 10).await.unwrap();
        let states: Vec<_> = left.iter().map(|entry| entry.state).collect();
        assert_eq!(states, [DeliveryState::Waiting, DeliveryState::Waiting, DeliveryState::Delivered]);
    }

    async fn integrations_are_listed_in_order_and_keep_what_was_changed(url: &str) {
        let place = Place::new(url).await;
        for name in ["one", "two", "three"] {
            place.integrate(wanting(name, &[])).await;
        }
        let taken = place.store.create_notification(wanting("two", &[])).await;
        assert!(matches!(taken, Err(StoreError::Conflict)));
        let page = place.store.notifications("default", 1, 0, 1).await.unwrap();
        assert_eq!(page.len(), 1);
        let changed = Integration {
            name: "Second".into(),
            webhook: Secret::new("https://example.com/moved"),
            secret: None,
            events: BTreeSet::from([Event::BuildAbort]),
            ..page[0].clone()
        };
        let changed = place.store.update_notification(&changed).await.unwrap().unwrap();
        assert_eq!(changed, place.again(&page[0]).await);
        assert_eq!((changed.id.as_str(), changed.name.as_str()), ("two", "Second"));
        assert!(changed.secret.is_none() && changed.updated_at >= changed.created_at);
        assert_eq!(place.store.notifications("other", 0, 0, 9).await.unwrap(), []);
        place.store.delete_notification(&changed.uid).await.unwrap();
        assert_eq!(place.store.update_notification(&changed).await.unwrap(), None);
    }

    async fn where_it_is_sent_lies_sealed_and_moves_from_key_to_key(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        let store = Store::open(url, Vault::new(std::slice::from_ref(&old))).await.unwrap();
        let made = store.create_notification(wanting("quiet", &Event::ALL)).await.unwrap();
        let made = store.update_notification(&made).await.unwrap().unwrap();
        for secret in ["hush", "example.com/quiet"] {
            assert!(!holds(url, secret).await, "{secret}");
        }
        drop(store);
        let both = Vault::new(&[new.clone(), old]);
        Store::open(url, both).await.unwrap().reseal().await.unwrap();
        let store = Store::open(url, Vault::new(&[new])).await.unwrap();
        assert_eq!(store.notification("default", "quiet").await.unwrap(), Some(made));
    }
}
