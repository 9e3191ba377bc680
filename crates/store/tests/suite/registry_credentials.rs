//! Logins to registries: sealed, numbered, kept for those who may use them.

use crate::place::{Place, project};
use domain::project::CustomRegistry;
use domain::registry_credential::{CredentialAccess, Provider, RegistryLogin};
use domain::{RegistryCredential, Secret};
use store::{CredentialChanges, CredentialDeletion, ProjectChanges, StoreError};

fn credential(id: &str, projects: Option<&[&str]>) -> RegistryCredential {
    RegistryCredential {
        uid: String::new(),
        team: "default".into(),
        number: 0,
        id: id.into(),
        name: id.into(),
        provider: Provider::Custom,
        registry: "registry.example.com:5000/images".into(),
        access: CredentialAccess {
            pull: true,
            push: false,
            projects: projects.map(|ids| ids.iter().map(ToString::to_string).collect()),
        },
        unreadable: false,
        login: login("me", "hush-hush"),
        created_at: 0,
        updated_at: 0,
    }
}

fn login(username: &str, password: &str) -> RegistryLogin {
    RegistryLogin {
        username: username.into(),
        password: Secret::new(password),
    }
}

fn changes(custom_registry: Option<CustomRegistry>) -> ProjectChanges {
    ProjectChanges {
        custom_registry: Some(custom_registry),
        ..ProjectChanges::default()
    }
}

testkit::for_each_store! {
    async fn a_credential_reads_back_and_changes(url: &str) {
        let store = Place::new(url).await.store;
        let made = store.create_registry_credential(credential("ours", Some(&["shop"]))).await.unwrap();
        assert_eq!(store.registry_credential("default", "ours").await.unwrap().as_ref(), Some(&made));
        let again = store.create_registry_credential(credential("ours", None)).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");

        let new = CredentialChanges { login: Some(login("you", "quiet-quiet")), access: None };
        assert!(store.update_registry_credential(&made, new).await.unwrap());
        let access = CredentialAccess { pull: false, push: true, projects: None };
        let new = CredentialChanges { login: None, access: Some(access.clone()) };
        let made = store.registry_credential("default", "ours").await.unwrap().unwrap();
        assert!(store.update_registry_credential(&made, new).await.unwrap());
        let now = store.registry_credential("default", "ours").await.unwrap().unwrap();
        assert_eq!((now.login, now.access), (login("you", "quiet-quiet"), access));
        for secret in ["hush-hush", "quiet-quiet"] {
            assert!(!crate::raw::holds(url, secret).await, "{secret}");
        }
        let nobody = RegistryCredential { uid: "nobody".into(), ..made };
        let gone = store.update_registry_credential(&nobody, CredentialChanges::default()).await;
        assert!(!gone.unwrap());
    }

    async fn a_project_has_those_that_are_for_it(url: &str) {
        let place = Place::new(url).await;
        let bank = place.store.create_project(project("bank")).await.unwrap();
        for (id, projects) in [
            ("everybody", None),
            ("shop-only", Some(&["shop"][..])),
            ("bank-only", Some(&["bank"][..])),
            ("nobody", Some(&[][..])),
        ] {
            place.store.create_registry_credential(credential(id, projects)).await.unwrap();
        }
        let of = async |uid: &str| {
            let found = place.store.credentials_for_project(uid).await.unwrap();
            found.into_iter().map(|credential| credential.id).collect::<Vec<_>>()
        };
        assert_eq!(of(&place.project.uid).await, ["everybody", "shop-only"]);
        assert_eq!(of(&bank.uid).await, ["everybody", "bank-only"]);
        assert_eq!(place.store.registry_credentials("default").await.unwrap().len(), 4);
    }

    async fn what_a_project_pushes_with_stays(url: &str) {
        let place = Place::new(url).await;
        let store = &place.store;
        store.create_registry_credential(credential("ours", None)).await.unwrap();
        let ours = CustomRegistry { enabled: true, credential_id: "ours".into(), provider: Provider::Custom };
        let project = &place.project;
        let project = store.update_project(project, changes(Some(ours.clone()))).await.unwrap().unwrap();
        assert_eq!(project.custom_registry.as_ref(), Some(&ours));
        let delete = async || store.delete_registry_credential("default", "ours").await.unwrap();
        assert_eq!(delete().await, CredentialDeletion::InUse("shop".into()));
        let project = store.update_project(&project, changes(None)).await.unwrap().unwrap();
        assert_eq!(delete().await, CredentialDeletion::Deleted);
        assert_eq!(delete().await, CredentialDeletion::NotFound);
        let late = store.update_project(&project, changes(Some(ours))).await;
        assert!(matches!(late, Err(StoreError::Gone)), "{late:?}");
    }
}
