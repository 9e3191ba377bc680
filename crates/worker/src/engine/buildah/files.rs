//! The files that tell Buildah everything it would otherwise take from the host: registries,
//! signature policy, storage, credentials. All of them lie in the build's scratch folder.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use base64::Engine as _;
use serde_json::json;

use crate::engine::is_loopback;
use crate::token::Token;

/// The user name that goes with a worker's token.
pub(crate) const REGISTRY_USER: &str = "boatyard";

/// What there is to know about registries.
#[derive(Debug)]
pub(crate) struct Registries<'a> {
    /// Host and port of our own registry, as this machine reaches it.
    pub(crate) own: &'a str,
    /// Host and port of our own registry, as Dockerfiles name it.
    pub(crate) own_public: &'a str,
    /// Upstream host and its mirror.
    pub(crate) mirrors: &'a [(String, String)],
    /// What opens our own registry.
    pub(crate) token: &'a Token,
}

/// Where the files are.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) registries: PathBuf,
    /// The folder that says where signatures are; Buildah's switch for it has another's name.
    pub(super) registries_dir: PathBuf,
    /// Where Buildah notes which registry a short name was found in: else a file of the machine's.
    pub(super) short_names: PathBuf,
    pub(super) policy: PathBuf,
    pub(super) containers: PathBuf,
    pub(super) storage: PathBuf,
    pub(super) auth: PathBuf,
    pub(super) home: PathBuf,
    pub(super) tmp: PathBuf,
    pub(super) image_id: PathBuf,
    pub(super) digest: PathBuf,
}

impl Files {
    /// Writes the files into the folder.
    pub(super) fn write(folder: &Path, registries: &Registries<'_>) -> io::Result<Files> {
        let files = Files {
            registries: folder.join("registries.conf"),
            registries_dir: folder.join("registries.d"),
            short_names: folder.join("short-names.conf"),
            policy: folder.join("policy.json"),
            containers: folder.join("containers.conf"),
            storage: folder.join("storage.conf"),
            auth: folder.join("auth.json"),
            home: folder.join("home"),
            tmp: folder.join("tmp"),
            image_id: folder.join("image-id"),
            digest: folder.join("digest"),
        };
        for folder in [&files.registries_dir, &files.home, &files.tmp] {
            fs::create_dir_all(folder)?;
        }
        fs::write(&files.registries, registries_conf(registries))?;
        let policy = json!({"default": [{"type": "insecureAcceptAnything"}]});
        fs::write(&files.policy, policy.to_string())?;
        fs::write(&files.containers, "[containers]\n")?;
        fs::write(&files.storage, "[storage]\ndriver = \"overlay\"\n")?;
        files.write_signatures()?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&files.auth)?
            .write_all(auth_json(registries).as_bytes())?;
        Ok(files)
    }

    /// Lets signatures of images be looked for in an empty folder: else it is one of the machine's,
    /// which the engine may not read. The policy asks for none.
    fn write_signatures(&self) -> io::Result<()> {
        let place = self.home.join("signatures");
        let text = format!(
            "default-docker:\n  lookaside: \"file://{}\"\n",
            place.display()
        );
        fs::write(self.registries_dir.join("default.yaml"), text)
    }
}

fn auth_json(registries: &Registries<'_>) -> String {
    let pair = format!("{REGISTRY_USER}:{}", registries.token.reveal());
    let auth = base64::engine::general_purpose::STANDARD.encode(pair);
    json!({"auths": {registries.own: {"auth": auth}}}).to_string()
}

/// Registries in the format of `containers-registries.conf`. Host names were checked when they
/// were read and hold nothing that would end a string here; `{:?}` quotes them all the same.
fn registries_conf(registries: &Registries<'_>) -> String {
    let mut text = String::from(
        "unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"permissive\"\n",
    );
    let mut named = vec![registries.own];
    text += &entry(registries.own, registries.own);
    if registries.own_public != registries.own {
        named.push(registries.own_public);
        text += &entry(registries.own_public, registries.own);
    }
    for (upstream, mirror) in registries.mirrors {
        // A registry named twice would make the whole file invalid.
        if named.contains(&upstream.as_str()) {
            continue;
        }
        named.push(upstream);
        text += &entry(upstream, upstream);
        text += &format!(
            "[[registry.mirror]]\nlocation = {mirror:?}\ninsecure = {}\n",
            is_loopback(mirror)
        );
    }
    text
}

fn entry(prefix: &str, location: &str) -> String {
    format!(
        "\n[[registry]]\nprefix = {prefix:?}\nlocation = {location:?}\ninsecure = {}\n",
        is_loopback(location)
    )
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_files_say_what_was_asked() {
        let dir = tempfile::tempdir().unwrap();
        let mirrors = [
            ("docker.io".to_owned(), "127.0.0.1:5000".to_owned()),
            ("docker.io".to_owned(), "127.0.0.1:5001".to_owned()),
            ("quay.io".to_owned(), "mirror.example:5000".to_owned()),
        ];
        let registries = Registries {
            own: "127.0.0.1:8484",
            own_public: "builds.example",
            mirrors: &mirrors,
            token: &Token::new("hush"),
        };
        let files = Files::write(dir.path(), &registries).unwrap();
        let text = fs::read_to_string(&files.registries).unwrap();
        assert_eq!(text.matches("prefix = \"docker.io\"").count(), 1);
        assert!(text.contains(
            "prefix = \"builds.example\"\nlocation = \"127.0.0.1:8484\"\ninsecure = true"
        ));
        assert!(text.contains("location = \"mirror.example:5000\"\ninsecure = false"));
        let mode = fs::metadata(&files.auth).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert!(!fs::read_to_string(&files.auth).unwrap().contains("hush"));
    }
}
