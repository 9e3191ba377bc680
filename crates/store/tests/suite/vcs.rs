//! Links to forges: the token is a secret like others.

use crate::place::link;
use crate::raw::holds;
use std::slice::from_ref;
use store::{Store, StoreError};
use vault::{Key, Vault};

testkit::for_each_store! {
    async fn a_forges_token_is_sealed_and_moves_to_the_next_key(url: &str) {
        let (old, new) = (Key::random(), Key::random());
        let store = Store::open(url, Vault::new(from_ref(&old))).await.unwrap();
        let made = store.create_vcs_link(link("one")).await.unwrap();
        let again = store.create_vcs_link(link("one")).await;
        assert!(matches!(again, Err(StoreError::Conflict)), "{again:?}");
        assert!(!holds(url, "hush-forge").await);
        drop(store);
        let store = Store::open(url, Vault::new(&[new.clone(), old])).await.unwrap();
        assert_eq!(store.reseal().await.unwrap(), 1);
        drop(store);
        let store = Store::open(url, Vault::new(&[new])).await.unwrap();
        assert_eq!(store.vcs_links("default").await.unwrap(), [made]);
        assert_eq!(store.vcs_links("other").await.unwrap(), []);
        let link = &store.vcs_links("default").await.unwrap()[0];
        assert_eq!(store.vcs_link(&link.uid).await.unwrap().as_ref(), Some(link));
        assert!(store.delete_vcs_link("default", "one").await.unwrap());
        assert!(!store.delete_vcs_link("default", "one").await.unwrap());
        assert_eq!(store.vcs_link(&link.uid).await.unwrap(), None);
    }
}
