//! The registry that is probed: ours or the oracle, called the same way.

use super::debian::Debian;
use super::{Blob, Image, Reply};
use crate::harness::{PATIENCE, Server};
use reqwest::{Client, Method, RequestBuilder, Url};
use serde_json::json;

/// A registry under test.
pub struct Subject {
    base: Url,
    token: Option<String>,
    http: Client,
    running: Running,
}

#[allow(dead_code, reason = "held for their drops")]
enum Running {
    Boatyard(Server),
    Debian(Debian),
    /// A server that the test itself holds.
    Elsewhere,
}

impl Subject {
    /// A `boatyard serve` over this database, with a project `shop`, called as its administrator.
    pub async fn boatyard(database: &str) -> Subject {
        let server = Server::with().database(database).start().await;
        let api = server.api();
        let project = json!({"name": "shop", "region": "local"});
        api.call("PUT", "/v1/projects", Some(project)).await.data();
        Subject {
            base: server.url().parse().unwrap(),
            token: Some(server.token()),
            http: client(),
            running: Running::Boatyard(server),
        }
    }

    /// A running `boatyard serve` as the holder of a token, or a stranger, sees it.
    pub fn seen_by(server: &Server, token: Option<&str>) -> Subject {
        Subject {
            base: server.url().parse().unwrap(),
            token: token.map(str::to_owned),
            http: client(),
            running: Running::Elsewhere,
        }
    }

    /// Debian's docker-registry, which has no tokens.
    pub async fn debian() -> Subject {
        let debian = Debian::start().await;
        Subject {
            base: debian.url().parse().unwrap(),
            token: None,
            http: client(),
            running: Running::Debian(debian),
        }
    }

    /// What is expected here: `ours` of Boatyard, `debians` of the oracle, and why they differ.
    pub fn either<T>(&self, ours: T, debians: T, _why: &str) -> T {
        match self.running {
            Running::Boatyard(_) | Running::Elsewhere => ours,
            Running::Debian(_) => debians,
        }
    }

    /// Whether this is Boatyard and not the oracle, which lacks what follows; `_why` says so.
    pub fn goes_further(&self, _why: &str) -> bool {
        self.either(true, false, _why)
    }

    /// Host and port.
    pub fn host(&self) -> String {
        self.base.authority().to_owned()
    }

    /// A request with a path, or with a `Location` that the registry gave.
    pub fn request(&self, method: &str, path: &str) -> RequestBuilder {
        let method: Method = method.parse().unwrap();
        let request = self.http.request(method, self.base.join(path).unwrap());
        match &self.token {
            Some(token) => request.basic_auth("boatyard", Some(token)),
            None => request,
        }
    }

    /// The `Authorization` header that [`Subject::request`] sends, for requests written by hand.
    pub fn authorization(&self) -> String {
        let token = self.token.as_deref().unwrap_or("none");
        format!("Authorization: Bearer {token}\r\n")
    }

    /// Sends a request as it stands.
    pub async fn deliver(&self, request: RequestBuilder) -> Reply {
        Reply::of(request.send().await.unwrap()).await
    }

    /// A call without a body.
    pub async fn call(&self, method: &str, path: &str) -> Reply {
        self.deliver(self.request(method, path)).await
    }

    /// A call with a body.
    pub async fn send(&self, method: &str, path: &str, body: impl Into<Vec<u8>>) -> Reply {
        let request = self.request(method, path).body(body.into());
        self.deliver(request).await
    }

    /// A call without a body and with one header.
    pub async fn call_with(&self, method: &str, path: &str, header: (&str, &str)) -> Reply {
        let request = self.request(method, path).header(header.0, header.1);
        self.deliver(request).await
    }

    /// Begins an upload; where it goes on.
    pub async fn begin(&self, repository: &str) -> String {
        let path = format!("/v2/{repository}/blobs/uploads/");
        let begun = self.call("POST", &path).await.is(202);
        begun.header("location").to_owned()
    }

    /// Sends a chunk that says where it lies, as the specification has it; no verdict yet.
    pub async fn chunk(&self, location: &str, first: usize, bytes: &[u8]) -> Reply {
        let last = first + bytes.len() - 1;
        let request = self
            .request("PATCH", location)
            .header("content-type", "application/octet-stream")
            .header("content-range", format!("{first}-{last}"))
            .body(bytes.to_vec());
        self.deliver(request).await
    }

    /// Ends an upload with a last piece; no verdict yet.
    pub async fn finish(&self, location: &str, digest: &str, rest: &[u8]) -> Reply {
        let mut url = self.base.join(location).unwrap();
        url.query_pairs_mut().append_pair("digest", digest);
        let request = self
            .request("PUT", url.as_str())
            .header("content-type", "application/octet-stream")
            .body(rest.to_vec());
        self.deliver(request).await
    }

    /// Pushes a blob in two calls.
    pub async fn push_blob(&self, repository: &str, blob: &Blob) {
        let location = self.begin(repository).await;
        let done = self.finish(&location, &blob.digest, &blob.bytes).await;
        assert_eq!(done.is(201).header("docker-content-digest"), blob.digest);
    }

    /// Gets a blob's bytes.
    pub async fn pull_blob(&self, repository: &str, digest: &str) -> Vec<u8> {
        let path = format!("/v2/{repository}/blobs/{digest}");
        self.call("GET", &path).await.is(200).body
    }

    /// Puts a manifest under a tag or digest; no verdict yet.
    pub async fn put_manifest(
        &self,
        repository: &str,
        reference: &str,
        media_type: &str,
        bytes: impl Into<Vec<u8>>,
    ) -> Reply {
        let request = self
            .request("PUT", &format!("/v2/{repository}/manifests/{reference}"))
            .header("content-type", media_type)
            .body(bytes.into());
        self.deliver(request).await
    }

    /// Gets a manifest as a client that knows every type does; no verdict yet.
    pub async fn get_manifest(&self, repository: &str, reference: &str) -> Reply {
        let path = format!("/v2/{repository}/manifests/{reference}");
        let accept = [
            super::IMAGE,
            super::INDEX,
            "application/vnd.docker.distribution.manifest.v2+json",
            "application/vnd.docker.distribution.manifest.list.v2+json",
        ];
        self.call_with("GET", &path, ("accept", &accept.join(", ")))
            .await
    }

    /// Pushes a whole image under a tag.
    pub async fn push_image(&self, repository: &str, tag: &str, image: &Image) {
        self.push_blob(repository, &image.config).await;
        self.push_blob(repository, &image.layer).await;
        self.put_manifest(repository, tag, super::IMAGE, image.manifest.bytes.clone())
            .await
            .is(201);
    }
}

/// A client that gives up on a registry that never answers.
fn client() -> Client {
    Client::builder().read_timeout(PATIENCE).build().unwrap()
}
