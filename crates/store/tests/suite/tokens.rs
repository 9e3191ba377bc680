//! Tokens: the secret is shown once and only its hash is kept.

use domain::{Permission, PermissionSet};
use store::{NewToken, Store};

fn viewer() -> NewToken {
    NewToken {
        name: "viewer".into(),
        team: "default".into(),
        organisation: false,
        role: Some("viewer".into()),
        member: None,
        permissions: PermissionSet::default(),
        projects: Some(vec!["shop".into()]),
        expires_at: None,
    }
}

fn now() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.unwrap().as_millis() as i64
}

testkit::for_each_store! {
    async fn a_secret_finds_its_token(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        let (id, secret) = store.create_token(viewer()).await.unwrap();
        let found = store.token_by_secret(secret.expose()).await.unwrap().unwrap();
        assert_eq!(found.id, id);
        assert!(found.rights.allow_in(Permission::ServiceRead, "shop"));
        assert!(!found.rights.allow(Permission::DeployBuild));
        assert!(!found.rights.cover("bank"));
        assert!(store.token_by_secret("boatyard_guess").await.unwrap().is_none());
        assert_eq!(format!("{secret:?}"), "Secret(…)");
    }

    async fn a_revoked_or_expired_token_finds_nothing(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        let (id, secret) = store.create_token(viewer()).await.unwrap();
        assert!(store.delete_token(&id).await.unwrap());
        assert!(!store.delete_token(&id).await.unwrap());
        assert!(store.token_by_secret(secret.expose()).await.unwrap().is_none());
        // Known tokens are remembered: what another process does to them counts all the same.
        let (id, secret) = store.create_token(viewer()).await.unwrap();
        assert!(store.token_by_secret(secret.expose()).await.unwrap().is_some());
        assert!(Store::open(url, testkit::vault()).await.unwrap().delete_token(&id).await.unwrap());
        assert!(store.token_by_secret(secret.expose()).await.unwrap().is_none());
        let soon = now() + 50;
        let (_, secret) =
            store.create_token(NewToken { expires_at: Some(soon), ..viewer() }).await.unwrap();
        while now() < soon {
            store.token_by_secret(secret.expose()).await.unwrap();
        }
        assert!(store.token_by_secret(secret.expose()).await.unwrap().is_none());
        let past = NewToken { expires_at: Some(1), ..viewer() };
        let (_, secret) = store.create_token(past).await.unwrap();
        assert!(store.token_by_secret(secret.expose()).await.unwrap().is_none());
    }
}

#[tokio::test]
async fn the_database_file_does_not_hold_the_secret() {
    let database = testkit::Sqlite::temp();
    let store = Store::open(database.url(), testkit::vault()).await.unwrap();
    let (_, secret) = store.create_token(viewer()).await.unwrap();
    drop(store);
    let bytes = std::fs::read(database.url()).unwrap();
    let needle = secret.expose().as_bytes();
    assert!(!bytes.windows(needle.len()).any(|window| window == needle));
}
