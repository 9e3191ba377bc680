//! What is secret lies sealed, opens with its key only, and moves from key to key.

use crate::place::{Place, new_build, service};
use crate::raw::{holds, run};
use domain::{FileContent, SecretChanges, SecretValues};
use std::slice::from_ref;
use store::{NewBuild, ServiceChanges, Store, StoreError};
use vault::{Key, Vault};

const SECRETS: [&str; 4] = [
    "hush-login",
    "hush-argument",
    "aHVzaC1maWxl",
    "aHVzaC1tb3VudA",
];

fn file(data: &str) -> FileContent {
    FileContent {
        data: data.to_owned(),
        encoding: "utf-8".to_owned(),
    }
}

fn secrets() -> SecretValues {
    SecretValues {
        variables: [("KEY".to_owned(), "hush-argument".to_owned())].into(),
        files: [("/secret".to_owned(), file("aHVzaC1maWxl"))].into(),
        mounts: [("id".to_owned(), file("aHVzaC1tb3VudA=="))].into(),
    }
}

/// A service and a build with everything that is secret.
async fn fill(store: &Store) -> domain::Build {
    let project = store
        .create_project(testkit::project("bank"))
        .await
        .unwrap();
    let mut service = service(&project, "safe");
    service.spec.source.project_url = "https://ada:hush-login@example.com/a/b".into();
    let service = store.create_service(service, &secrets()).await.unwrap();
    let mut new = new_build();
    new.request
        .project_url
        .clone_from(&service.spec.source.project_url);
    new.request.build_arguments = secrets().variables;
    new.request.build_files = secrets().files;
    new.request.docker_secret_mounts = secrets().mounts;
    store.accept_build(&service, new).await.unwrap()
}

/// Everything is as it was stored.
async fn reads(store: &Store, build: &domain::Build) {
    let project = store.project("default", "bank").await.unwrap().unwrap();
    let service = store.service(&project.uid, "safe").await.unwrap().unwrap();
    assert!(service.spec.source.project_url.contains("hush-login"));
    assert_eq!(
        store.service_secrets(&service.uid).await.unwrap(),
        secrets()
    );
    let attempt = store
        .build_by_uid(&build.uid)
        .await
        .unwrap()
        .unwrap()
        .attempt;
    let (_, token) = store.hand_out(&build.uid, attempt, 1000).await.unwrap();
    let claimed = store
        .claim(token.expose(), "p", 1000)
        .await
        .unwrap()
        .unwrap();
    assert!(claimed.request.project_url.contains("hush-login"));
    assert_eq!(claimed.request.build_arguments, secrets().variables);
    assert_eq!(claimed.request.build_files, secrets().files);
    assert_eq!(claimed.request.docker_secret_mounts, secrets().mounts);
}

testkit::for_each_store! {
    async fn no_secret_lies_in_the_database(url: &str) {
        let store = Store::open(url, testkit::vault()).await.unwrap();
        let build = fill(&store).await;
        for secret in SECRETS {
            assert!(!holds(url, secret).await, "{secret}");
        }
        assert!(holds(url, "/Dockerfile").await, "what is no secret is there to be found");
        reads(&store, &build).await;
    }

    async fn secrets_from_before_there_were_keys_are_sealed_and_leave_no_trace(url: &str) {
        let vault = testkit::vault();
        let place = Place::new(url).await;
        let build = fill(&place.store).await;
        drop(place);
        // As the version before stored them.
        run(url, &format!(
            "UPDATE services SET secrets = NULL, project_url = NULL, spec = '{{\"buildArguments\":
                {{\"KEY\":\"hush-argument\"}},\"source\":{{\"projectUrl\":\"https://ada:hush-login@example.com/a/b\"}}}}';
             UPDATE builds SET secrets = NULL, request = '{request}';
             UPDATE facts SET value = 'plain' WHERE name = 'sealed-with'",
            request = plain_request(),
        )).await;
        assert!(holds(url, "hush-login").await);
        let store = Store::open(url, vault.clone()).await.unwrap();
        assert!(store.reseal().await.unwrap() >= 2);
        for secret in SECRETS {
            assert!(!holds(url, secret).await, "{secret}");
        }
        let project = store.project("default", "bank").await.unwrap().unwrap();
        let service = store.service(&project.uid, "safe").await.unwrap().unwrap();
        let changes = SecretChanges {
            files: Some(secrets().files),
            mounts: Some(secrets().mounts),
            ..SecretChanges::default()
        };
        assert!(store.change_service_secrets(&service, changes).await.unwrap());
        reads(&store, &build).await;
        assert_eq!(store.reseal().await.unwrap(), 0, "once is enough");
    }

    async fn a_database_opens_with_its_key_only(url: &str) {
        let (key, other) = (Key::random(), Key::random());
        let store = Store::open(url, Vault::new(from_ref(&key))).await.unwrap();
        let build = fill(&store).await;
        drop(store);
        for wrong in [Vault::default(), Vault::new(from_ref(&other))] {
            let refused = Store::open(url, wrong).await.err().unwrap();
            assert!(matches!(refused, StoreError::MissingKey(id) if id == key.id()));
        }
        let store = Store::open(url, Vault::new(&[other, key])).await.unwrap();
        reads(&store, &build).await;
    }

    async fn a_rotation_that_was_stopped_goes_on(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        let store = Store::open(url, Vault::new(from_ref(&old))).await.unwrap();
        let build = fill(&store).await;
        drop(store);
        // Stopped after the new key began to seal: both are needed.
        let store = Store::open(url, Vault::new(&[new.clone(), old.clone()])).await.unwrap();
        let project = store.project("default", "bank").await.unwrap().unwrap();
        let service = store.service(&project.uid, "safe").await.unwrap().unwrap();
        let changes = ServiceChanges {
            description: None,
            spec: service.spec.clone(),
            secrets: SecretChanges { variables: Some(secrets().variables), ..SecretChanges::default() },
        };
        store.update_service(&service, changes).await.unwrap();
        drop(store);
        for one in [&old, &new] {
            assert!(Store::open(url, Vault::new(from_ref(one))).await.is_err());
        }
        let store = Store::open(url, Vault::new(&[new.clone(), old])).await.unwrap();
        assert_eq!(store.reseal().await.unwrap(), 1, "the rest: what a build asks for");
        drop(store);
        let store = Store::open(url, Vault::new(&[new])).await.unwrap();
        reads(&store, &build).await;
    }

    async fn many_values_move_in_batches(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        let store = Store::open(url, Vault::new(from_ref(&old))).await.unwrap();
        let project = store.create_project(testkit::project("shop")).await.unwrap();
        let service = store.create_service(service(&project, "web"), &secrets()).await.unwrap();
        for _ in 0..450 {
            let new = NewBuild { created_by: None, ..new_build() };
            store.accept_build(&service, new).await.unwrap();
        }
        drop(store);
        let store = Store::open(url, Vault::new(&[new.clone(), old])).await.unwrap();
        assert_eq!(store.reseal().await.unwrap(), 452);
        let id = new.id();
        assert!(store.sealed_with().await.unwrap().keys.into_iter().eq([id]));
    }
}

fn plain_request() -> String {
    let mut request = testkit::build_request();
    request.project_url = "https://ada:hush-login@example.com/a/b".into();
    request.build_arguments = secrets().variables;
    request.build_files = secrets().files;
    request.docker_secret_mounts = secrets().mounts;
    serde_json::to_string(&request).unwrap()
}
