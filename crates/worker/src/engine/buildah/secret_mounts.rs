//! What `RUN --mount=type=secret` finds.
//!
//! Text goes to the engine in its environment: it keeps such a secret in memory only, in the room's
//! own `/dev/shm`, for as long as the step runs. Bytes that no environment can hold go by a file,
//! which the engine copies beside the container for as long as the step runs. Neither is in a layer,
//! in an image's history or among a process's arguments.

use std::collections::BTreeMap;
use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use domain::{FileContent, Reason};
use rand::distr::{Alphanumeric, SampleString};

use crate::build_files::decoded;
use crate::failure::Failure;
use crate::fence::Program;

/// The most that goes by the environment, in bytes: a variable holds 128 KiB, and all of them lie in
/// the room's shared memory.
const MOST: usize = 32 * 1024;
/// How many letters and digits are drawn for the names of the variables.
const DRAWN: usize = 22;

/// A secret as the engine takes it.
enum Source {
    /// A variable of the environment.
    Variable(String),
    /// A file.
    File(PathBuf),
}

/// The secrets of a build.
pub(super) struct SecretMounts {
    /// What the variables' names begin with. Build arguments lie in the same environment, and their
    /// names are strangers': one that knew a variable's would read the secret or put another in its place.
    prefix: String,
    sources: Vec<(String, Source)>,
}

impl SecretMounts {
    /// Writes what goes by files into the folder, which is made for it.
    pub(super) fn prepare(
        folder: &Path,
        mounts: &BTreeMap<String, FileContent>,
    ) -> Result<SecretMounts, Failure> {
        let mut room = MOST;
        let mut sources = Vec::new();
        for (id, content) in mounts {
            if !is_id(id) {
                return Err(Failure::new(
                    Reason::DockerfileInvalid,
                    format!("The secret mount {id:?} cannot be given to the engine"),
                ));
            }
            let bytes = decoded(&format!("secret mount {id}"), content)?;
            let source = match String::from_utf8(bytes) {
                Ok(text) if text.len() <= room && !text.contains('\0') => {
                    room -= text.len();
                    Source::Variable(text)
                }
                Ok(text) => Source::File(keep(folder, sources.len(), text.as_bytes())?),
                Err(bytes) => Source::File(keep(folder, sources.len(), bytes.as_bytes())?),
            };
            sources.push((id.clone(), source));
        }
        let drawn = Alphanumeric.sample_string(&mut rand::rng(), DRAWN);
        let prefix = format!("BOATYARD_SECRET_{drawn}");
        Ok(SecretMounts { prefix, sources })
    }

    /// The files, which have to become the engine's.
    pub(super) fn files(&self) -> impl Iterator<Item = &Path> {
        self.sources.iter().filter_map(|(_, source)| match source {
            Source::Variable(_) => None,
            Source::File(path) => Some(path.as_path()),
        })
    }

    /// Gives them to the engine.
    pub(super) fn give(&self, program: &mut Program) {
        for (index, (id, source)) in self.sources.iter().enumerate() {
            let said = match source {
                Source::Variable(text) => {
                    let name = format!("{}_{index}", self.prefix);
                    program.env(&name, text);
                    format!("id={id},type=env,src={name}")
                }
                Source::File(path) => format!("id={id},type=file,src={}", path.display()),
            };
            program.args(["--secret", &said]);
        }
    }
}

impl Drop for SecretMounts {
    fn drop(&mut self) {
        for (_, source) in &self.sources {
            if let Source::File(path) = source
                && let Err(error) = std::fs::remove_file(path)
            {
                tracing::warn!(%error, "a secret's file goes with the build's folder only");
            }
        }
    }
}

/// Whether the engine's list of options can hold it.
fn is_id(id: &str) -> bool {
    !id.is_empty()
        && id
            .chars()
            .all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'))
}

fn keep(folder: &Path, index: usize, bytes: &[u8]) -> Result<PathBuf, Failure> {
    let path = folder.join(format!("secret-{index}"));
    let write = || -> io::Result<()> {
        let mut file = OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(&path)?;
        file.write_all(bytes)
    };
    match write() {
        Ok(()) => Ok(path),
        Err(error) => Err(Failure::new(
            Reason::EngineFailed,
            format!("A secret cannot be given to the engine: {error}"),
        )),
    }
}

#[cfg(test)]
mod tests {
    use std::ffi::OsString;
    use std::os::unix::fs::PermissionsExt;

    use base64::Engine;
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    fn content(bytes: &[u8]) -> FileContent {
        FileContent {
            data: STANDARD.encode(bytes),
            encoding: "utf-8".into(),
        }
    }

    #[test]
    fn text_is_in_the_environment_and_bytes_in_a_file_of_one_reader() {
        let dir = tempfile::tempdir().unwrap();
        let mounts = [
            ("npm".to_owned(), content(b"hush")),
            ("store".to_owned(), content(b"\xff\0hush")),
        ]
        .into();
        let secrets = SecretMounts::prepare(dir.path(), &mounts).unwrap();
        let mut program = Program::new(Path::new("/bin/true"));
        secrets.give(&mut program);
        let words = program.words().iter().map(|word| word.to_string_lossy());
        assert!(!words.into_iter().any(|word| word.contains("hush")));
        assert!(
            program
                .environment()
                .iter()
                .any(|(_, value)| value == "hush")
        );
        let file = dir.path().join("secret-1");
        let mode = file.metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        assert_eq!(std::fs::read(&file).unwrap(), b"\xff\0hush");
        drop(secrets);
        assert!(!file.exists());
    }

    #[test]
    fn no_build_argument_has_the_name_of_a_secret() {
        let dir = tempfile::tempdir().unwrap();
        let mounts = [("npm".to_owned(), content(b"hush"))].into();
        let given = || {
            let secrets = SecretMounts::prepare(dir.path(), &mounts).unwrap();
            let mut program = Program::new(Path::new("/bin/true"));
            let own = [("BOATYARD_SECRET_0".to_owned(), "own".to_owned())].into();
            super::super::arguments::give(&mut program, &own).unwrap();
            secrets.give(&mut program);
            let text = |word: &OsString| word.to_string_lossy().into_owned();
            let pairs = program.environment().iter();
            let environment: BTreeMap<_, _> =
                pairs.map(|(key, value)| (text(key), text(value))).collect();
            let named = program.words().last().map(text).unwrap();
            (environment, named)
        };
        let (environment, named) = given();
        assert_eq!(environment["BOATYARD_SECRET_0"], "own");
        let name = named.strip_prefix("id=npm,type=env,src=").unwrap();
        assert_eq!(environment[name], "hush");
        assert_ne!(given().1, named, "another build's names are others");
    }

    #[test]
    fn an_id_that_says_more_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        for id in ["", "a,src=/etc/shadow", "a=b", "../x"] {
            let mounts = [(id.to_owned(), content(b"hush"))].into();
            assert!(SecretMounts::prepare(dir.path(), &mounts).is_err(), "{id}");
        }
    }
}
