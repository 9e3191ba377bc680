//! What was seen of a repository: every new commit is answered for once.

use crate::place::{Place, new_build};
use domain::watch::{SkipReason, Skipped};
use domain::{Creator, Service, Trigger};
use std::collections::BTreeMap;
use store::{HeadMove, NewBuild, ServiceChanges, StoreError};

const MAIN: &str = "refs/heads/main";

fn heads(rows: &[(&str, &str)]) -> BTreeMap<String, String> {
    let row = |(name, sha): &(&str, &str)| ((*name).to_owned(), (*sha).to_owned());
    rows.iter().map(row).collect()
}

fn moved(from: Option<&str>, to: &str) -> HeadMove {
    HeadMove {
        source: "here".into(),
        name: MAIN.into(),
        from: from.map(str::to_owned),
        to: to.into(),
    }
}

fn by_commit() -> NewBuild {
    NewBuild {
        trigger: Trigger::Commit,
        created_by: None::<Creator>,
        ..new_build()
    }
}

/// Has the service build a repository by itself, or not.
async fn turn(place: &Place, on: bool) -> Service {
    change(place, "a", on).await
}

/// The same with a repository.
async fn change(place: &Place, repository: &str, on: bool) -> Service {
    let now = place.service_now().await;
    let mut spec = now.spec.clone();
    spec.source.project_url = format!("https://ann:hush-login@git.example.com/{repository}");
    spec.disabled_ci = !on;
    let changed = place
        .store
        .update_service(&now, ServiceChanges::of_spec(spec));
    changed.await.unwrap().unwrap()
}

async fn watching(url: &str) -> Place {
    let place = Place::new(url).await;
    let service = turn(&place, true).await;
    place
        .store
        .begin_watch(&service, "here", &heads(&[(MAIN, "one")]), false)
        .await
        .unwrap();
    place
}

testkit::for_each_store! {
    async fn whoever_looks_a_new_commit_builds_once(url: &str) {
        let place = watching(url).await;
        let (store, uid) = (&place.store, &place.service.uid);
        let looks: Vec<_> = (0..8).map(|_| {
            let (store, service) = (store.clone(), place.service.clone());
            tokio::spawn(async move {
                store.accept_new_commit(&service, by_commit(), &moved(Some("one"), "two")).await
            })
        }).collect();
        let mut builds = Vec::new();
        for look in looks {
            builds.extend(look.await.unwrap().unwrap());
        }
        assert_eq!(builds.len(), 1);
        let stored = store.build(uid, &builds[0].id).await.unwrap().unwrap();
        assert_eq!((stored.trigger, stored.created_by), (Trigger::Commit, None));
        assert_eq!(place.service_now().await.last_build_number, 1, "numbers have no gaps");
        assert_eq!(store.seen(uid).await.unwrap().unwrap().heads, heads(&[(MAIN, "two")]));
        // What a call starts says so.
        assert_eq!(place.accept().await.trigger, Trigger::Call);
    }

    async fn a_commit_that_is_held_back_says_why(url: &str) {
        let place = watching(url).await;
        let (store, uid) = (&place.store, &place.service.uid);
        let skipped = Skipped { sha: "two".into(), name: MAIN.into(), reason: SkipReason::Paths, at: 7 };
        let head = moved(Some("one"), "two");
        assert!(store.pass_over(uid, &head, Some(&skipped)).await.unwrap());
        assert!(!store.pass_over(uid, &head, None).await.unwrap(), "it was moved already");
        assert!(store.pass_over(uid, &moved(Some("two"), "three"), None).await.unwrap());
        let watch = store.watch(uid).await.unwrap().unwrap();
        assert_eq!(watch.last_skipped, Some(skipped));
        let late = store.accept_new_commit(&place.service, by_commit(), &head).await.unwrap();
        assert_eq!(late, None);
        assert_eq!(place.service_now().await.last_build_number, 0);
    }

    async fn another_repository_and_a_service_that_is_turned_off_begin_anew(url: &str) {
        let place = watching(url).await;
        let (store, uid) = (&place.store, &place.service.uid);
        let on = place.service_now().await;
        store.begin_watch(&on, "there", &heads(&[(MAIN, "other")]), true).await.unwrap();
        let head = moved(Some("one"), "two");
        assert_eq!(store.accept_new_commit(&place.service, by_commit(), &head).await.unwrap(), None);
        assert!(!store.pass_over(uid, &head, None).await.unwrap());
        let seen = store.seen(uid).await.unwrap().unwrap();
        assert_eq!((seen.source.as_str(), seen.heads), ("there", heads(&[(MAIN, "other")])));
        assert!(seen.pulls_since.is_some());

        let off = turn(&place, false).await;
        assert_eq!(store.seen(uid).await.unwrap(), None);
        assert_eq!(store.watched_services().await.unwrap(), []);
        let begun = store.begin_watch(&on, "here", &heads(&[]), false).await;
        assert!(matches!(begun, Err(StoreError::Gone)), "{begun:?}");
        let noted = store.note_watch_problem(&on, "here", Some("late")).await;
        assert!(matches!(noted, Err(StoreError::Gone)), "{noted:?}");
        let on = turn(&place, true).await;
        assert_eq!(store.watched_services().await.unwrap(), [on]);
        assert!(off.spec.disabled_ci);
    }

    async fn a_late_look_at_the_repository_before_changes_nothing(url: &str) {
        let place = watching(url).await;
        let (store, uid) = (&place.store, &place.service.uid);
        let before = place.service_now().await;
        let now = change(&place, "another", true).await;
        store.begin_watch(&now, "there", &heads(&[(MAIN, "other")]), false).await.unwrap();
        let known = store.seen(uid).await.unwrap();
        let begun = store.begin_watch(&before, "here", &heads(&[(MAIN, "two")]), false).await;
        assert!(matches!(begun, Err(StoreError::Gone)), "{begun:?}");
        let noted = store.note_watch_problem(&before, "here", Some("nobody answers")).await;
        assert!(matches!(noted, Err(StoreError::Gone)), "{noted:?}");
        assert_eq!(store.seen(uid).await.unwrap(), known);
    }

    async fn pull_requests_are_noted_when_they_are_first_asked_for(url: &str) {
        let place = watching(url).await;
        let (store, uid) = (&place.store, &place.service.uid);
        for round in ["five", "six"] {
            let pulls = heads(&[("refs/pull/5", round)]);
            store.begin_pulls(uid, "here", &pulls).await.unwrap();
        }
        let seen = store.seen(uid).await.unwrap().unwrap();
        assert_eq!(seen.heads, heads(&[(MAIN, "one"), ("refs/pull/5", "five")]));

        // Nobody asks for them any more, and then somebody does.
        store.end_pulls(uid, "there").await.unwrap();
        assert_eq!(store.seen(uid).await.unwrap().unwrap(), seen);
        store.end_pulls(uid, "here").await.unwrap();
        let seen = store.seen(uid).await.unwrap().unwrap();
        assert_eq!((seen.pulls_since, seen.heads), (None, heads(&[(MAIN, "one")])));
        store.begin_pulls(uid, "here", &heads(&[("refs/pull/5", "seven")])).await.unwrap();
        let seen = store.seen(uid).await.unwrap().unwrap();
        assert_eq!(seen.heads, heads(&[(MAIN, "one"), ("refs/pull/5", "seven")]));
    }

    async fn a_ref_that_is_missed_for_a_moment_is_not_new_when_it_is_back(url: &str) {
        let place = watching(url).await;
        let (store, uid) = (&place.store, &place.service.uid);
        let main = [MAIN.to_owned()];
        store.note_missed_heads(uid, &main, &[]).await.unwrap();
        let seen = store.seen(uid).await.unwrap().unwrap();
        assert_eq!((seen.missed, seen.heads), (main.to_vec(), heads(&[(MAIN, "one")])));
        store.note_missed_heads(uid, &[], &main).await.unwrap();
        assert_eq!(store.seen(uid).await.unwrap().unwrap().missed, [""; 0]);
        let again = store.pass_over(uid, &moved(None, "one"), None).await.unwrap();
        assert!(!again, "it is known");
    }

    async fn a_problem_is_told_until_it_is_over(url: &str) {
        let place = Place::new(url).await;
        let service = turn(&place, true).await;
        let (store, uid) = (&place.store, &place.service.uid);
        store.note_watch_problem(&service, "here", None).await.unwrap();
        assert_eq!(store.watch(uid).await.unwrap(), None);
        store.note_watch_problem(&service, "here", Some("nobody answers")).await.unwrap();
        let watch = store.watch(uid).await.unwrap().unwrap();
        assert_eq!((watch.since, watch.problem.as_deref()), (None, Some("nobody answers")));
        store.begin_watch(&service, "here", &heads(&[]), false).await.unwrap();
        let watch = store.watch(uid).await.unwrap().unwrap();
        assert!(watch.since.is_some() && watch.problem.is_none());
    }

    async fn what_was_seen_goes_with_its_service(url: &str) {
        let place = watching(url).await;
        let (store, uid) = (&place.store, &place.service.uid);
        let service = place.service_now().await;
        store.delete_service(uid).await.unwrap();
        assert_eq!(store.seen(uid).await.unwrap(), None);
        assert_eq!(store.service_with_project(uid).await.unwrap(), None);
        let late = store.accept_new_commit(&place.service, by_commit(), &moved(None, "two")).await;
        assert!(matches!(late, Err(StoreError::Gone)), "{late:?}");
        assert!(!store.pass_over(uid, &moved(None, "two"), None).await.unwrap());
        let begun = store.begin_watch(&service, "here", &heads(&[]), false).await;
        assert!(matches!(begun, Err(StoreError::Gone)), "{begun:?}");
        assert!(store.delete_project(&place.project.uid).await.unwrap());
    }

    async fn a_service_is_found_with_its_project(url: &str) {
        let place = watching(url).await;
        let found = place.store.service_with_project(&place.service.uid).await.unwrap();
        assert_eq!(found, Some((place.project.clone(), place.service_now().await)));
    }
}
