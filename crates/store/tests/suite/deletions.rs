//! What goes with a service and a project, and what is still known of it.

use crate::place::Place;
use std::collections::BTreeMap;
use store::{NewManifest, Store};

const REPOSITORY: &str = "shop/web";

fn digest(content: usize) -> String {
    format!("sha256:{content:064x}")
}

/// Records an image as the registry does.
async fn push(store: &Store) {
    let catalog = store.catalog();
    let layers: BTreeMap<String, u64> = [(digest(1), 1), (digest(2), 1)].into();
    for layer in layers.keys() {
        catalog.add_blob(REPOSITORY, layer, 1).await.unwrap();
    }
    let new = NewManifest {
        repository: REPOSITORY,
        digest: &digest(3),
        size: 1,
        media_type: "application/vnd.oci.image.manifest.v1+json",
        artifact_type: None,
        subject: None,
        annotations: None,
        blobs: &layers,
        manifests: &BTreeMap::new(),
        tag: Some("main"),
    };
    catalog.add_manifest(&new).await.unwrap().unwrap();
}

testkit::for_each_store! {
    async fn a_service_goes_with_its_images(url: &str) {
        let place = Place::new(url).await;
        push(&place.store).await;
        let catalog = place.store.catalog();
        assert!(catalog.tags(REPOSITORY, "", 10).await.unwrap().is_some());
        place.store.delete_service(&place.service.uid).await.unwrap();
        assert!(catalog.tags(REPOSITORY, "", 10).await.unwrap().is_none());
    }

    async fn a_project_goes_with_what_was_pushed_by_hand(url: &str) {
        let place = Place::new(url).await;
        place.store.delete_service(&place.service.uid).await.unwrap();
        push(&place.store).await;
        assert!(place.store.delete_project(&place.project.uid).await.unwrap());
        assert!(place.store.catalog().tags(REPOSITORY, "", 10).await.unwrap().is_none());
    }

    async fn deleted_builds_are_known_until_their_logs_are_gone(url: &str) {
        let place = Place::new(url).await;
        let mut uids = vec![place.accept().await.uid, place.accept().await.uid];
        uids.sort();
        place.store.delete_service(&place.service.uid).await.unwrap();
        place.store.deletion().await;
        assert_eq!(place.store.deleted_builds("", 10).await.unwrap(), uids);
        assert_eq!(place.store.deleted_builds(&uids[0], 10).await.unwrap(), uids[1..]);
        place.store.forget_deleted_builds(&uids[..1]).await.unwrap();
        assert_eq!(place.store.deleted_builds("", 10).await.unwrap(), uids[1..]);
    }
}
