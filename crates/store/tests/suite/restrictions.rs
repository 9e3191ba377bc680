//! Restrictions go with the projects and services that they name.

use crate::place::{Place, project, service};
use crate::raw::run;
use domain::notification::{Audience, Integration, Provider};
use domain::registry_credential::{self, CredentialAccess, RegistryLogin};
use domain::secret_group::{GroupSettings, NfObject, NfObjectKind, Restrictions};
use domain::{
    PermissionSet, RegistryCredential, Secret, SecretGroup, SecretValues, TeamRole, team,
};
use store::{NewToken, RoleChanges, StoreError};

fn only(ids: &[&str]) -> Vec<String> {
    ids.iter().map(|id| (*id).to_owned()).collect()
}

fn group(place: &Place, services: &[&str]) -> SecretGroup {
    let object = |id: &&str| NfObject {
        id: (*id).to_owned(),
        kind: NfObjectKind::Service,
    };
    SecretGroup {
        uid: String::new(),
        project_uid: place.project.uid.clone(),
        number: 0,
        id: "group".into(),
        name: "group".into(),
        settings: GroupSettings {
            restrictions: Restrictions {
                restricted: true,
                nf_objects: services.iter().map(object).collect(),
                ..Restrictions::default()
            },
            ..GroupSettings::default()
        },
        created_at: 0,
        updated_at: 0,
    }
}

fn role(projects: &[&str]) -> TeamRole {
    TeamRole {
        id: "role".into(),
        name: "role".into(),
        description: None,
        permissions: PermissionSet::default(),
        restrictions: team::Restrictions {
            enabled: true,
            projects: only(projects),
            ..team::Restrictions::default()
        },
        number: 0,
        created_at: None,
        updated_at: None,
    }
}

fn credential(projects: &[&str]) -> RegistryCredential {
    RegistryCredential {
        uid: String::new(),
        team: "default".into(),
        number: 0,
        id: "ours".into(),
        name: "ours".into(),
        provider: registry_credential::Provider::Custom,
        registry: "registry.example.com".into(),
        access: CredentialAccess {
            pull: true,
            push: false,
            projects: Some(only(projects)),
        },
        unreadable: false,
        login: RegistryLogin {
            username: "me".into(),
            password: Secret::new("hush"),
        },
        created_at: 0,
        updated_at: 0,
    }
}

fn integration(projects: &[&str]) -> Integration {
    Integration {
        uid: String::new(),
        team: "default".into(),
        number: 0,
        id: "bell".into(),
        name: "bell".into(),
        provider: Provider::RawWebhook,
        webhook: Secret::new("https://example.com/bell"),
        unreadable: false,
        secret: None,
        audience: Audience {
            projects: Some(only(projects)),
            tags: None,
        },
        events: [].into(),
        disabled: false,
        failing: None,
        created_at: 0,
        updated_at: 0,
    }
}

fn token(organisation: bool, projects: &[&str]) -> NewToken {
    NewToken {
        name: "ci".into(),
        team: "default".into(),
        organisation,
        role: None,
        member: None,
        permissions: PermissionSet::default(),
        projects: Some(only(projects)),
        expires_at: None,
    }
}

testkit::for_each_store! {
    async fn a_group_forgets_a_service_that_is_deleted(url: &str) {
        let place = Place::new(url).await;
        let store = &place.store;
        let other = service(&place.project, "api");
        store.create_service(other, &SecretValues::default()).await.unwrap();
        let made = store.create_secret_group(group(&place, &["web", "api"]), &SecretValues::default()).await.unwrap();
        store.delete_service(&place.service.uid).await.unwrap();
        let (now, _) = store.secret_group(&place.project.uid, "group").await.unwrap().unwrap();
        let named: Vec<_> = now.settings.restrictions.nf_objects.iter().map(|object| object.id.as_str()).collect();
        assert_eq!(named, ["api"]);
        assert!(now.settings.restrictions.restricted);
        // Whoever was just changing it would have written the service back.
        let late = store.update_secret_group(&made, &made.settings, Default::default()).await;
        assert!(matches!(late, Err(StoreError::Changed)), "{late:?}");
        let again = service(&place.project, "web");
        store.create_service(again, &SecretValues::default()).await.unwrap();
        let inherited = store.inherited_secrets(&place.project.uid, "web", &[]).await.unwrap();
        assert!(inherited.is_empty(), "it is another service of that name");
    }

    async fn what_is_for_a_project_is_not_for_the_next_of_that_name(url: &str) {
        let place = Place::new(url).await;
        let store = &place.store;
        let bank = store.create_project(project("bank")).await.unwrap();
        let both = ["shop", "bank"];
        let made = store.create_role("default", role(&both)).await.unwrap();
        store.create_registry_credential(credential(&["bank"])).await.unwrap();
        store.create_notification(integration(&both)).await.unwrap();
        let (_, own) = store.create_token(token(false, &both)).await.unwrap();
        let (_, above) = store.create_token(token(true, &both)).await.unwrap();
        // Whatever the clock was when it was made.
        run(url, "UPDATE tokens SET created_at = 9000000000000").await;
        assert!(store.delete_project(&bank.uid).await.unwrap());
        assert_eq!(store.role("default", "role").await.unwrap().unwrap().restrictions.projects, ["shop"]);
        let late = store.update_role("default", &made, RoleChanges::default()).await;
        assert!(matches!(late, Err(StoreError::Changed)), "{late:?}");
        let credential = store.registry_credential("default", "ours").await.unwrap().unwrap();
        assert_eq!(credential.access.projects, Some(Vec::new()), "for none, not for all");
        let told = store.notification("default", "bell").await.unwrap().unwrap();
        assert_eq!(told.audience.projects, Some(only(&["shop"])));
        let projects = async |secret: &Secret| store.token_by_secret(secret.expose()).await.unwrap().unwrap().projects.clone();
        assert_eq!(projects(&own).await, Some(only(&["shop"])));
        assert_eq!(projects(&above).await, Some(only(&both)), "another team may have one");
    }
}
