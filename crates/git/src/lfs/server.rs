//! The server that keeps the objects: asked where each is, then for each.
//!
//! Source: the Git LFS API, `docs/api/batch.md`, `docs/api/basic-transfers.md`,
//! `docs/api/server-discovery.md`.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HeaderMap, HeaderName, HeaderValue};
use serde::{Deserialize, Serialize};
use url::Url;

use super::pointer::Object;
use super::store::Objects;
use crate::checkout::Others;
use crate::error::GitError;
use crate::http::{HttpClient, HttpError};
use crate::mirror::Mirror;
use crate::names::CommitSha;
use crate::process::quiet;
use crate::runner::Git;
use crate::url::{Protocol, RepoUrl};

/// Objects that are asked for at once.
const BATCH: usize = 100;
/// The longest answer about a batch, in bytes.
const MAX_ANSWER: usize = 4 << 20;
const MEDIA_TYPE: HeaderValue = HeaderValue::from_static("application/vnd.git-lfs+json");

/// Fetches the objects from where the commit or its repository's address says they are.
pub(super) async fn fetch(
    mirror: &Mirror,
    commit: &CommitSha,
    others: Others,
    wanted: &[&Object],
    into: &Objects,
) -> Result<(), GitError> {
    let named = named_by(mirror, commit, others).await?;
    let address = named.as_ref().unwrap_or(&mirror.url);
    if address.protocol() == Protocol::File {
        return copy(Path::new(address.path()), wanted, into);
    }
    let http = mirror.git.http();
    let server = match address.protocol() {
        Protocol::Ssh => {
            let others = named.as_ref().map_or(Others::AsOurselves, |_| others);
            authenticated(&mirror.git.for_others(others), address).await?
        }
        _ => Server::at(address, named.is_none())?,
    };
    for batch in wanted.chunks(BATCH) {
        let mut places = server.places(&http, batch).await?;
        for object in batch {
            let place = places.remove(&object.oid);
            server.download(&http, object, place, into).await?;
        }
    }
    Ok(())
}

/// The address in the commit's `.lfsconfig`, if it has one. It may not lead to this machine's folders,
/// and gets the repository's login only where it is the same server, and no stranger wrote it.
async fn named_by(
    mirror: &Mirror,
    commit: &CommitSha,
    others: Others,
) -> Result<Option<RepoUrl>, GitError> {
    let blob = format!("--blob={commit}:.lfsconfig");
    let call = mirror.local();
    let call = call.args(["config", &blob, "--no-includes", "--get", "lfs.url"]);
    let about = mirror.url.to_string();
    let output = mirror.git.run(call, &about, &quiet).await?;
    if !output.success {
        return Ok(None);
    }
    let text = output.text();
    let url = RepoUrl::parse(text.trim(), &mirror.git.settings().protocols)
        .map_err(|error| GitError::Lfs(format!("the address in .lfsconfig: {error}")))?;
    let strangers = others == Others::AsNobody;
    if url.protocol() == Protocol::File && (strangers || mirror.url.protocol() != Protocol::File) {
        let refused = "a remote repository, or a stranger's commit, cannot have its objects on \
                       this machine";
        return Err(GitError::Lfs(refused.to_owned()));
    }
    if !strangers && url.credentials().is_none() && url.same_origin(&mirror.url) {
        return Ok(Some(
            url.with_credentials(mirror.url.credentials().cloned()),
        ));
    }
    Ok(Some(url))
}

/// From a repository on this machine.
fn copy(repository: &Path, wanted: &[&Object], into: &Objects) -> Result<(), GitError> {
    let theirs = Objects::of_repository(repository);
    for object in wanted {
        let from = theirs.place(object);
        if !theirs.has(object) {
            return Err(not_there(object, "the repository does not have it"));
        }
        let failed = |error| GitError::io(&from, error);
        let mut reader = fs::File::open(&from).map_err(failed)?;
        let mut draft = into.begin(object)?;
        let mut bytes = vec![0; 1 << 16];
        loop {
            match reader.read(&mut bytes).map_err(failed)? {
                0 => break,
                count => draft.write(&bytes[..count])?,
            }
        }
        draft.finish()?;
    }
    Ok(())
}

/// The server of an ssh repository says over ssh where its objects are, and with which login.
async fn authenticated(git: &Git, address: &RepoUrl) -> Result<Server, GitError> {
    let said = git.ask_over_ssh(address, "git-lfs-authenticate").await?;
    let answer: Place = serde_json::from_slice(&said)
        .map_err(|_| GitError::Lfs(format!("{address} does not say where its objects are")))?;
    Ok(Server {
        endpoint: folder(&answer.href)?,
        login: headers(&answer.header),
    })
}

/// An LFS server and our login to it.
struct Server {
    /// With a slash at its end.
    endpoint: Url,
    login: HeaderMap,
}

#[derive(Serialize)]
struct Question<'a> {
    operation: &'static str,
    transfers: [&'static str; 1],
    hash_algo: &'static str,
    objects: Vec<Named<'a>>,
}

#[derive(Serialize)]
struct Named<'a> {
    oid: &'a str,
    size: u64,
}

#[derive(Deserialize)]
struct Answer {
    objects: Vec<Found>,
}

#[derive(Deserialize)]
struct Found {
    oid: String,
    #[serde(default)]
    actions: Actions,
    error: Option<Refusal>,
}

#[derive(Default, Deserialize)]
struct Actions {
    download: Option<Place>,
}

#[derive(Deserialize)]
struct Refusal {
    message: String,
}

/// Where something is, and what to say there.
#[derive(Deserialize)]
struct Place {
    href: String,
    #[serde(default)]
    header: HashMap<String, String>,
}

impl Server {
    /// The server at an address: `PATH.git/info/lfs` of a repository, or the very address.
    fn at(address: &RepoUrl, is_repository: bool) -> Result<Server, GitError> {
        let address_text = address.to_string();
        let mut endpoint = folder(&address_text)?;
        if is_repository {
            let path = endpoint.path().trim_end_matches('/');
            let suffix = if path.ends_with(".git") { "" } else { ".git" };
            let path = format!("{path}{suffix}/info/lfs/");
            endpoint.set_path(&path);
        }
        let mut login = HeaderMap::new();
        if let Some(credentials) = address.credentials() {
            let pair = format!("{}:{}", credentials.user, credentials.password);
            let basic = format!("Basic {}", BASE64.encode(pair));
            login.extend(HeaderValue::from_str(&basic).map(|value| (AUTHORIZATION, value)));
        }
        Ok(Server { endpoint, login })
    }

    /// Where each of the objects is.
    async fn places(
        &self,
        http: &HttpClient,
        batch: &[&Object],
    ) -> Result<HashMap<String, Found>, GitError> {
        let url = self.endpoint.join("objects/batch").map_err(|_| nowhere())?;
        let mut headers = self.login.clone();
        headers.insert(ACCEPT, MEDIA_TYPE);
        headers.insert(CONTENT_TYPE, MEDIA_TYPE);
        let objects = batch.iter().map(|object| Named {
            oid: &object.oid,
            size: object.size,
        });
        let question = Question {
            operation: "download",
            transfers: ["basic"],
            hash_algo: "sha256",
            objects: objects.collect(),
        };
        let body = serde_json::to_vec(&question).map_err(|_| nowhere())?;
        let mut answer = http.post(&url, headers, body).await.map_err(failed)?;
        let mut bytes = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(|e| broken(&url, e))? {
            bytes.extend_from_slice(&chunk);
            if bytes.len() > MAX_ANSWER {
                return Err(nowhere());
            }
        }
        let answer: Answer = serde_json::from_slice(&bytes).map_err(|_| nowhere())?;
        let found = answer.objects.into_iter();
        Ok(found.map(|found| (found.oid.clone(), found)).collect())
    }

    async fn download(
        &self,
        http: &HttpClient,
        object: &Object,
        found: Option<Found>,
        into: &Objects,
    ) -> Result<(), GitError> {
        let found = found.ok_or_else(|| not_there(object, "the server does not know it"))?;
        if let Some(refusal) = found.error {
            return Err(not_there(object, &refusal.message));
        }
        let place = found.actions.download;
        let place = place.ok_or_else(|| not_there(object, "the server does not hand it out"))?;
        let url = self.endpoint.join(&place.href).map_err(|_| nowhere())?;
        let mut said = headers(&place.header);
        if url.origin() == self.endpoint.origin() && !said.contains_key(AUTHORIZATION) {
            said.extend(self.login.clone());
        }
        let mut answer = http.get(&url, said).await.map_err(failed)?;
        let mut draft = into.begin(object)?;
        while let Some(chunk) = answer.chunk().await.map_err(|e| broken(&url, e))? {
            draft.write(&chunk)?;
        }
        draft.finish()
    }
}

/// An address that others are relative to.
fn folder(text: &str) -> Result<Url, GitError> {
    let text = format!("{}/", text.trim_end_matches('/'));
    text.parse().map_err(|_| nowhere())
}

/// Those that can be said.
fn headers(given: &HashMap<String, String>) -> HeaderMap {
    let pairs = given.iter().filter_map(|(name, value)| {
        let name = name.parse::<HeaderName>().ok()?;
        Some((name, HeaderValue::from_str(value).ok()?))
    });
    pairs.collect()
}

fn nowhere() -> GitError {
    GitError::Lfs("the server does not speak the protocol of Git LFS".to_owned())
}

fn not_there(object: &Object, why: &str) -> GitError {
    let why: String = why.chars().filter(|c| !c.is_control()).take(200).collect();
    GitError::Lfs(format!("the object {}: {why}", object.oid))
}

fn failed(error: HttpError) -> GitError {
    match error {
        HttpError::Address(error) => GitError::AddressNotAllowed(error),
        other => GitError::Lfs(other.to_string()),
    }
}

fn broken(url: &Url, error: reqwest::Error) -> GitError {
    failed(HttpError::broken(url.host_str().unwrap_or_default(), error))
}
