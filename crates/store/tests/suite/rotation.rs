//! A change of the key: stopped anywhere it loses nothing, and when it is over nothing sealed with the
//! old one is left.

use crate::place::{link, service};
use crate::raw::{during, remains, run};
use domain::SecretValues;
use std::pin::pin;
use std::slice::from_ref;
use std::task::Poll;
use store::{Store, StoreError};
use vault::{Key, Vault};

/// How many services there are: more than are written in one transaction.
const SERVICES: usize = 210;

fn secrets() -> SecretValues {
    SecretValues {
        variables: [("KEY".to_owned(), "hush-argument".to_owned())].into(),
        ..SecretValues::default()
    }
}

async fn opened(url: &str, keys: &[&Key]) -> Store {
    let keys: Vec<Key> = keys.iter().map(|key| (*key).clone()).collect();
    Store::open(url, Vault::new(&keys)).await.unwrap()
}

/// Stores secrets in some columns.
async fn fill(store: &Store, services: usize) {
    let bank = testkit::project("bank");
    let bank = store.create_project(bank).await.unwrap();
    for n in 0..services {
        let mut safe = service(&bank, &format!("safe-{n}"));
        safe.spec.source.project_url = "https://ada:hush-login@example.com/a/b".into();
        store.create_service(safe, &secrets()).await.unwrap();
    }
    store.create_vcs_link(link("forge")).await.unwrap();
}

/// Everything opens.
async fn reads(store: &Store, services: usize) {
    let bank = store.project("default", "bank").await.unwrap().unwrap();
    for n in 0..services {
        let safe = store
            .service(&bank.uid, &format!("safe-{n}"))
            .await
            .unwrap();
        let safe = safe.unwrap();
        assert!(safe.spec.source.project_url.contains("hush-login"));
        assert_eq!(store.service_secrets(&safe.uid).await.unwrap(), secrets());
    }
    let links = store.vcs_links("default").await.unwrap();
    assert_eq!(links[0].token.expose(), "hush-forge");
}

/// What every value begins with that is sealed with the key.
fn sealed_with(key: &Key) -> String {
    vault::head(&key.id())
}

/// Goes on with something until it has waited so many times, and then gives it up as a kill does;
/// its result when it was done by then.
async fn killed_after<T>(waits: usize, work: impl Future<Output = T>) -> Option<T> {
    let mut work = pin!(work);
    let mut waited = 0;
    std::future::poll_fn(|context| match work.as_mut().poll(context) {
        Poll::Ready(done) => Poll::Ready(Some(done)),
        Poll::Pending if waited == waits => Poll::Ready(None),
        Poll::Pending => {
            waited += 1;
            Poll::Pending
        }
    })
    .await
}

testkit::for_each_store! {
    async fn a_rotation_that_is_killed_anywhere_loses_nothing(url: &str) {
        let mut old = Key::random();
        fill(&opened(url, &[&old]).await, 2).await;
        // Not at each single wait, so that it takes no minute over PostgreSQL.
        for waits in (0..).step_by(9) {
            let new = Key::random();
            let rotation = async { opened(url, &[&new, &old]).await.reseal().await };
            let done = killed_after(waits, rotation).await;
            // A server that starts now has both.
            reads(&opened(url, &[&new, &old]).await, 2).await;
            let store = opened(url, &[&new, &old]).await;
            if done.is_none() {
                store.reseal().await.unwrap();
            }
            drop(store);
            reads(&opened(url, &[&new]).await, 2).await;
            assert!(!remains(url, &sealed_with(&old)).await, "after {waits} waits");
            old = new;
            if done.is_some() {
                return;
            }
        }
    }

    async fn the_old_key_is_needed_until_nothing_of_it_is_left(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        fill(&opened(url, &[&old]).await, SERVICES).await;
        assert!(remains(url, &sealed_with(&old)).await);
        let rotation = opened(url, &[&new, &old]).await;
        rotation.reseal().await.unwrap();
        assert!(!remains(url, &sealed_with(&old)).await);
        assert!(remains(url, &sealed_with(&new)).await);
        drop(rotation);
        reads(&opened(url, &[&new]).await, SERVICES).await;
    }

    async fn what_was_deleted_before_goes_with_the_old_key(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        let store = opened(url, &[&old]).await;
        let forges = ["one", "two", "three"];
        for id in forges {
            store.create_vcs_link(link(id)).await.unwrap();
        }
        // As when the planner has looked at the table while there was something in it.
        if url.starts_with("postgres") {
            run(url, "ALTER TABLE vcs_links ALTER COLUMN token SET STATISTICS -1; ANALYZE vcs_links").await;
        }
        for id in forges {
            store.delete_vcs_link("default", id).await.unwrap();
        }
        assert!(remains(url, &sealed_with(&old)).await);
        drop(store);
        let rotation = opened(url, &[&new, &old]).await;
        assert_eq!(rotation.reseal().await.unwrap(), 0, "nothing is there to be sealed anew");
        assert!(!remains(url, &sealed_with(&old)).await);
    }

    async fn a_row_that_no_key_opens_keeps_the_old_key_and_nothing_else(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        fill(&opened(url, &[&old]).await, 2).await;
        run(url, "UPDATE services SET secrets = 'nonsense' WHERE id = 'safe-0'").await;
        let rotation = opened(url, &[&new, &old]).await;
        let held = rotation.reseal().await;
        let Err(StoreError::Unreadable(places)) = held else {
            panic!("{held:?}");
        };
        let bank = rotation.project("default", "bank").await.unwrap().unwrap();
        let lost = rotation.service(&bank.uid, "safe-0").await.unwrap().unwrap();
        assert_eq!(places, format!("services.secrets:{}", lost.uid));
        let other = rotation.service(&bank.uid, "safe-1").await.unwrap().unwrap();
        assert_eq!(rotation.service_secrets(&other.uid).await.unwrap(), secrets());
        assert!(Store::open(url, Vault::new(from_ref(&new))).await.is_err(), "the old key is still needed");
        rotation.delete_service(&lost.uid).await.unwrap();
        assert_eq!(rotation.reseal().await.unwrap(), 0, "the others were sealed anew all the same");
        assert!(!remains(url, &sealed_with(&old)).await);
        drop(rotation);
        opened(url, &[&new]).await;
    }

    async fn who_changes_the_key_is_not_overtaken(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        let slow = opened(url, &[&old]).await;
        let rotation = opened(url, &[&new, &old]).await;
        rotation.reseal().await.unwrap();
        let late = slow.create_vcs_link(link("late")).await;
        assert!(matches!(late, Err(StoreError::KeyChanged)), "{late:?}");
        assert_eq!(rotation.vcs_links("default").await.unwrap(), []);
        // One that lies there all the same, whatever is noted, is found by a rotation.
        slow_link(url, &old, &new).await;
        assert_eq!(rotation.reseal().await.unwrap(), 0);
        assert_eq!(rotation.reseal_all().await.unwrap(), 1);
        reads(&opened(url, &[&new]).await, 0).await;
    }
}

/// Puts a link there that is sealed with the old key, though everything is noted to be with the new.
async fn slow_link(url: &str, old: &Key, new: &Key) {
    let note = |key: &Key| {
        let id = key.id();
        format!("UPDATE facts SET value = '{id}' WHERE name = 'sealed-with'")
    };
    let bank = testkit::project("bank");
    run(url, &note(old)).await;
    let store = Store::open(url, Vault::new(from_ref(old))).await.unwrap();
    store.create_project(bank).await.unwrap();
    store.create_vcs_link(link("forge")).await.unwrap();
    run(url, &note(new)).await;
}

/// PostgreSQL keeps dead rows for transactions that could see them; such a one may be about
/// something else, and last.
#[test]
fn a_transaction_elsewhere_keeps_nothing_of_the_old_key() {
    testkit::tell_over_postgres(async |url: &str| {
        let (old, new) = (Key::random(), Key::random());
        fill(&opened(url, &[&old]).await, 3).await;
        let elsewhere = "BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT * FROM facts";
        during(url, elsewhere, async || {
            let rotation = opened(url, &[&new, &old]).await;
            rotation.reseal().await.unwrap();
            assert!(!remains(url, &sealed_with(&old)).await);
        })
        .await;
    });
}

/// SQLite keeps its write-ahead log for whoever reads.
#[test]
fn a_rotation_is_not_over_while_somebody_reads_the_file() {
    testkit::tell_over_sqlite(async |url: &str| {
        let (old, new) = (Key::random(), Key::random());
        fill(&opened(url, &[&old]).await, 3).await;
        let rotation = opened(url, &[&new, &old]).await;
        during(
            url,
            "PRAGMA busy_timeout = 0; BEGIN; SELECT * FROM facts",
            async || {
                let held = rotation.reseal().await;
                assert!(matches!(held, Err(StoreError::Unavailable(_))), "{held:?}");
                assert!(Store::open(url, Vault::new(from_ref(&new))).await.is_err());
            },
        )
        .await;
        assert_eq!(
            rotation.reseal().await.unwrap(),
            0,
            "what was left is what is on the disk"
        );
        assert!(!remains(url, &sealed_with(&old)).await);
        reads(&opened(url, &[&new]).await, 3).await;
    });
}
