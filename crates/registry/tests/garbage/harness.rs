//! A registry without a server around it, called as a client calls it, and emptied by hand.

use async_trait::async_trait;
use boatyard_registry::{
    Action, Authorizer, Credentials, GcReport, Registry, RegistryConfig, Verdict,
};
use serde_json::{Value, json};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};
use store::Store;
use tempfile::TempDir;
use tokio::net::TcpListener;

/// Lets everybody do everything: who may is not the matter here.
struct Everybody;

#[async_trait]
impl Authorizer for Everybody {
    async fn authorize(&self, _: Option<Credentials>, _: &str, _: Action<'_>) -> Verdict {
        Verdict::Allow
    }

    async fn login(&self, _: Option<Credentials>) -> Verdict {
        Verdict::Allow
    }
}

/// A registry that answers on a port.
pub struct Place {
    pub registry: Registry,
    store: Store,
    folder: TempDir,
    url: String,
    http: reqwest::Client,
    server: tokio::task::JoinHandle<()>,
}

impl Drop for Place {
    fn drop(&mut self) {
        self.server.abort();
    }
}

impl Place {
    pub async fn open(database: &str, grace: Duration) -> Place {
        let _ = rustls::crypto::ring::default_provider().install_default();
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(database, testkit::vault()).await.unwrap();
        let config = RegistryConfig {
            grace,
            ..RegistryConfig::default()
        };
        let dir = folder.path().join("registry");
        let registry = Registry::new(store.clone(), dir, config, Arc::new(Everybody));
        let registry = registry.await.unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = registry.router();
        let server = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Place {
            registry,
            store,
            folder,
            url,
            http: reqwest::Client::new(),
            server,
        }
    }

    pub async fn collect(&self) -> GcReport {
        self.registry.collect_garbage().await.unwrap()
    }

    /// Pushes an image; sends its parts again as long as the registry says that one is missing.
    pub async fn push(&self, repository: &str, tag: &str, image: &Image) {
        loop {
            self.push_parts(repository, image).await;
            match self.put_manifest(repository, tag, image).await {
                201 => return,
                status => assert_eq!(status, 400, "only a missing part is a reason to refuse"),
            }
        }
    }

    /// Sends the parts that the registry does not have, as clients do.
    pub async fn push_parts(&self, repository: &str, image: &Image) {
        for part in [&image.config, &image.layer, &image.shared] {
            let digest = boatyard_registry::digest_of(part);
            let path = format!("{}/v2/{repository}/blobs/{digest}", self.url);
            if self.http.head(path).send().await.unwrap().status() == 200 {
                continue;
            }
            let path = format!(
                "{}/v2/{repository}/blobs/uploads/?digest={digest}",
                self.url
            );
            let sent = self
                .http
                .post(path)
                .body(part.clone())
                .send()
                .await
                .unwrap();
            assert_eq!(sent.status(), 201);
        }
    }

    /// Puts the manifest alone; the status.
    pub async fn put_manifest(&self, repository: &str, tag: &str, image: &Image) -> u16 {
        let path = format!("{}/v2/{repository}/manifests/{tag}", self.url);
        let request = self.http.put(path).header("content-type", IMAGE);
        let sent = request.body(image.manifest()).send().await.unwrap();
        sent.status().as_u16()
    }

    /// Deletes an image; its parts are garbage from then on.
    pub async fn delete(&self, repository: &str, image: &Image) {
        let digest = boatyard_registry::digest_of(&image.manifest());
        let path = format!("{}/v2/{repository}/manifests/{digest}", self.url);
        let gone = self.http.delete(path).send().await.unwrap();
        assert_eq!(gone.status(), 202);
    }

    /// Makes the service that a repository belongs to, and deletes it.
    pub async fn delete_service(&self, project: &str, service: &str) {
        let project = testkit::project(project);
        let project = self.store.create_project(project).await.unwrap();
        let service = testkit::service(&project, service);
        let service = self
            .store
            .create_service(service, &Default::default())
            .await
            .unwrap();
        let _no_pushes = self.registry.hold_pushes().await;
        self.store.delete_service(&service.uid).await.unwrap();
    }

    /// Pulls an image and compares every byte.
    pub async fn pulls(&self, repository: &str, tag: &str, image: &Image) {
        let manifest = self.get(&format!("{repository}/manifests/{tag}")).await;
        assert_eq!(manifest, image.manifest());
        for part in [&image.config, &image.layer, &image.shared] {
            let digest = boatyard_registry::digest_of(part);
            assert_eq!(
                &self.get(&format!("{repository}/blobs/{digest}")).await,
                part
            );
        }
    }

    async fn get(&self, path: &str) -> Vec<u8> {
        let got = self
            .http
            .get(format!("{}/v2/{path}", self.url))
            .send()
            .await;
        let got = got.unwrap();
        assert_eq!(got.status(), 200, "{path}");
        got.bytes().await.unwrap().to_vec()
    }

    /// Begins an upload; where it goes on.
    pub async fn begin_upload(&self, repository: &str) -> String {
        let path = format!("{}/v2/{repository}/blobs/uploads/", self.url);
        let begun = self.http.post(path).send().await.unwrap();
        begun.headers()["location"].to_str().unwrap().to_owned()
    }

    /// The status of a GET.
    pub async fn status(&self, path: &str) -> u16 {
        let got = self.http.get(format!("{}{path}", self.url)).send().await;
        got.unwrap().status().as_u16()
    }

    /// Makes the uploads of now look as if last written then.
    pub fn touch_uploads(&self, then: SystemTime) {
        let uploads = self.folder.path().join("registry/uploads");
        for entry in std::fs::read_dir(uploads).unwrap() {
            let file = File::options().append(true).open(entry.unwrap().path());
            file.unwrap().set_modified(then).unwrap();
        }
    }

    /// How many content files there are.
    pub async fn files(&self) -> usize {
        files_below(&self.blobs())
    }

    /// Leaves a content file that no row knows.
    pub fn leave_file(&self, content: &[u8]) {
        let digest = boatyard_registry::digest_of(content);
        let hex = digest.strip_prefix("sha256:").unwrap();
        let folder = self.blobs().join(&hex[..2]);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(hex), content).unwrap();
    }

    fn blobs(&self) -> PathBuf {
        self.folder.path().join("registry/blobs/sha256")
    }
}

fn files_below(folder: &Path) -> usize {
    let entries = std::fs::read_dir(folder).unwrap();
    let count = |path: PathBuf| if path.is_dir() { files_below(&path) } else { 1 };
    entries.map(|entry| count(entry.unwrap().path())).sum()
}

const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

/// An image of two layers, of which one is every image's.
pub struct Image {
    pub config: Vec<u8>,
    pub layer: Vec<u8>,
    pub shared: Vec<u8>,
}

impl Image {
    /// Files that an image takes, its manifest included.
    pub const PARTS: usize = 4;

    pub fn of(text: &str) -> Image {
        Image {
            config: json!({"os": "linux", "comment": text}).to_string().into(),
            layer: format!("the layer of {text}").into(),
            shared: b"the base of all".to_vec(),
        }
    }

    fn manifest(&self) -> Vec<u8> {
        let layer = "application/vnd.oci.image.layer.v1.tar";
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": IMAGE,
            "config": described("application/vnd.oci.image.config.v1+json", &self.config),
            "layers": [described(layer, &self.layer), described(layer, &self.shared)],
        });
        manifest.to_string().into()
    }
}

fn described(media_type: &str, bytes: &[u8]) -> Value {
    json!({"mediaType": media_type, "digest": boatyard_registry::digest_of(bytes), "size": bytes.len()})
}
