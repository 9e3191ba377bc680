//! The files that tell Buildah everything it would otherwise take from the host: registries,
//! signature policy, storage, credentials. All of them lie in the build's scratch folder.

use std::collections::BTreeMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::FileContent;
use serde_json::json;

use super::secret_mounts::SecretMounts;
use super::untrusted;
use crate::engine::{Registries, is_loopback};
use crate::failure::Failure;
use crate::gateway;

/// How much of a file with a digest is read, in bytes.
const MAX_WORD: u64 = 1024;

/// Where the files are.
#[derive(Debug)]
pub(super) struct Files {
    folder: PathBuf,
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
    /// Writes the files into the folder, all but those about registries.
    pub(super) fn write(folder: &Path) -> io::Result<Files> {
        let files = Files {
            folder: folder.to_owned(),
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
        let policy = json!({"default": [{"type": "insecureAcceptAnything"}]});
        fs::write(&files.policy, policy.to_string())?;
        fs::write(&files.containers, containers_conf())?;
        fs::write(&files.storage, "[storage]\ndriver = \"overlay\"\n")?;
        files.write_signatures()?;
        Ok(files)
    }

    /// Says where registries are reached. Belongs before the engine first runs: what is in the folder
    /// afterwards is its own.
    pub(super) fn write_registries(&self, registries: &Registries<'_>) -> io::Result<()> {
        fs::write(&self.registries, registries_conf(registries))?;
        OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&self.auth)?
            .write_all(auth_json(registries).as_bytes())
    }

    /// What `RUN --mount=type=secret` finds, ready for the engine.
    pub(super) fn secrets(
        &self,
        mounts: &BTreeMap<String, FileContent>,
    ) -> Result<SecretMounts, Failure> {
        SecretMounts::prepare(&self.folder, mounts)
    }

    /// The digest that the engine wrote into one of these files, `sha256:…`. Anything else could lead
    /// elsewhere, in a registry's address or among a program's arguments.
    pub(super) fn digest(&self, file: &Path) -> io::Result<String> {
        let name = file.file_name().unwrap_or_default();
        let text = untrusted::read(&self.folder, name, MAX_WORD)?;
        let text = String::from_utf8_lossy(&text);
        let hex = text.trim().trim_start_matches("sha256:");
        if hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Ok(format!("sha256:{hex}"));
        }
        Err(io::Error::new(
            io::ErrorKind::InvalidData,
            format!("the engine wrote no digest into {}", file.display()),
        ))
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

/// What root of a RUN step may do: what distributions of Buildah give, without making packets or device
/// nodes. Left out, Buildah's built-in list counts, which has both.
const STEP_CAPABILITIES: [&str; 11] = [
    "CHOWN",
    "DAC_OVERRIDE",
    "FOWNER",
    "FSETID",
    "KILL",
    "NET_BIND_SERVICE",
    "SETFCAP",
    "SETGID",
    "SETPCAP",
    "SETUID",
    "SYS_CHROOT",
];

fn containers_conf() -> String {
    format!("[containers]\ndefault_capabilities = {STEP_CAPABILITIES:?}\n")
}

fn auth_json(registries: &Registries<'_>) -> String {
    let gateway = registries.gateway;
    let auth = gateway::login(gateway.key());
    let gates = gateway.guarded().map(|gate| gate.to_string());
    let auths: BTreeMap<_, _> = gates.map(|gate| (gate, json!({"auth": auth}))).collect();
    json!({"auths": auths}).to_string()
}

/// Registries in the format of `containers-registries.conf`. Host names were checked when they
/// were read and hold nothing that would end a string here; `{:?}` quotes them all the same.
fn registries_conf(registries: &Registries<'_>) -> String {
    let mut text = String::from(
        "unqualified-search-registries = [\"docker.io\"]\nshort-name-mode = \"permissive\"\n",
    );
    let gate = registries.gateway.own().to_string();
    let mut named: Vec<&str> = Vec::new();
    for own in [&*gate, registries.own, registries.own_public] {
        // A registry named twice would make the whole file invalid.
        if !named.contains(&own) {
            named.push(own);
            text += &entry(own, &gate);
        }
    }
    let upstreams = registries.mirrors.iter();
    let upstreams = upstreams.map(|(upstream, _)| (upstream.as_str(), upstream.clone()));
    for (prefix, location) in registries.gateway.logins().chain(upstreams) {
        if named.contains(&prefix) {
            continue;
        }
        named.push(prefix);
        text += &entry(prefix, &location);
        // The first one counts.
        let mirror = registries
            .mirrors
            .iter()
            .find(|(upstream, _)| upstream == prefix);
        if let Some((_, mirror)) = mirror {
            text += &format!(
                "[[registry.mirror]]\nlocation = {:?}\ninsecure = {}\n",
                registries.gateway.mirror(mirror),
                is_loopback(mirror)
            );
        }
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
    use std::net::TcpListener;
    use std::os::unix::fs::PermissionsExt;

    use super::*;
    use crate::gateway::{Gateway, Logins, Upstreams};
    use crate::token::Token;

    #[tokio::test]
    async fn the_files_say_what_was_asked() {
        // Another test of this process may have been first.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let dir = tempfile::tempdir().unwrap();
        let mirrors = [
            ("docker.io".to_owned(), "127.0.0.1:5000".to_owned()),
            ("docker.io".to_owned(), "127.0.0.1:5001".to_owned()),
            ("quay.io".to_owned(), "mirror.example:5000".to_owned()),
        ];
        let token = Token::new("hush");
        let hosts = mirrors.iter().map(|(_, mirror)| mirror.as_str());
        let pull = {
            let credential = |registry: &str| protocol::RegistryCredential {
                id: "example".into(),
                registry: registry.into(),
                username: "me".into(),
                password: "hush".into(),
            };
            [
                credential("docker.io"),
                credential("ghcr.io/org"),
                credential("ghcr.io/org"),
            ]
        };
        let logins = Logins::new(&pull, None, "".parse().unwrap());
        let upstreams = Upstreams::new("127.0.0.1:8484", &token, hosts, logins).unwrap();
        let sockets = (0..upstreams.gates()).map(|_| TcpListener::bind("127.0.0.1:0").unwrap());
        let gateway = Gateway::open(
            &upstreams,
            sockets.collect(),
            &crate::measures::Traffic::default(),
        )
        .unwrap();
        let registries = Registries {
            own: "127.0.0.1:8484",
            own_public: "builds.example",
            mirrors: &mirrors,
            gateway: &gateway,
        };
        let files = Files::write(dir.path()).unwrap();
        files.write_registries(&registries).unwrap();
        let text = fs::read_to_string(&files.registries).unwrap();
        assert_eq!(text.matches("prefix = \"docker.io\"").count(), 1);
        for own in ["builds.example", "127.0.0.1:8484"] {
            let entry = format!(
                "prefix = {own:?}\nlocation = \"{}\"\ninsecure = true",
                gateway.own()
            );
            assert!(text.contains(&entry), "{text}");
        }
        assert!(text.contains("location = \"mirror.example:5000\"\ninsecure = false"));
        assert!(!text.contains("127.0.0.1:500"), "{text}");
        let gates: Vec<_> = gateway.logins().map(|(_, gate)| gate).collect();
        assert_eq!(gates.len(), 2, "each registry once");
        let hub = format!(
            "prefix = \"docker.io\"\nlocation = {:?}\ninsecure = true",
            gates[0]
        );
        assert!(
            text.contains(&hub) && text.contains("[[registry.mirror]]"),
            "{text}"
        );
        let folder = format!("prefix = \"ghcr.io/org\"\nlocation = {:?}", gates[1]);
        assert!(
            gates[1].ends_with("/org") && text.contains(&folder),
            "{text}"
        );
        let auth = fs::read_to_string(&files.auth).unwrap();
        assert!(!auth.contains("hush") && auth.contains(&gates[0]), "{auth}");
        fs::write(&files.digest, "../../../v2/token").unwrap();
        assert!(files.digest(&files.digest).is_err());
        fs::write(&files.digest, format!("sha256:{}\n", "0a".repeat(32))).unwrap();
        assert_eq!(files.digest(&files.digest).unwrap().len(), 71);
        let mode = fs::metadata(&files.auth).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}
