//! Paths that a user gives into a checked-out repository.
//!
//! The Dockerfile's path and the work dir come from a user, the links on the way from whoever
//! writes the repository; neither may lead the worker to a file outside of it.

use std::io;
use std::path::{Component, Path, PathBuf};

/// Why a path may not be used.
#[derive(Debug, thiserror::Error)]
pub enum PathError {
    /// The path itself climbs: it contains `..`.
    #[error("the path \"{0}\" contains \"..\"; give it from the repository's root")]
    Climbs(String),
    /// A symbolic link on the way leads out of the repository, or nowhere.
    #[error("the path \"{0}\" passes a symbolic link that leads out of the repository or nowhere")]
    LeadsOut(String),
    /// There is nothing at that path.
    #[error("there is no \"{0}\" in the repository")]
    NotFound(String),
    /// The path has characters no path of ours has.
    #[error("the path contains control characters")]
    Malformed,
    /// It could not be looked at.
    #[error("the path \"{path}\" cannot be read: {source}")]
    Io {
        /// The path as given.
        path: String,
        /// What the system said.
        source: io::Error,
    },
}

impl PathError {
    /// A stable word for the kind of error.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Climbs(_) | Self::LeadsOut(_) => "path_outside_repository",
            Self::NotFound(_) => "path_not_found",
            Self::Malformed => "path_malformed",
            Self::Io { .. } => "path_unreadable",
        }
    }
}

/// The real place of `user_path` below `root`, with every link resolved. A leading slash means the
/// repository's root, as in `/Dockerfile`.
///
/// The answer holds as long as nobody changes the tree; do not run a build's own code before use.
///
/// # Errors
/// [`PathError::Climbs`], [`PathError::LeadsOut`] or [`PathError::NotFound`].
pub fn safe_join(root: &Path, user_path: &str) -> Result<PathBuf, PathError> {
    if user_path.contains(char::is_control) {
        return Err(PathError::Malformed);
    }
    let mut inside = PathBuf::new();
    for component in Path::new(user_path).components() {
        match component {
            Component::Normal(part) => inside.push(part),
            Component::RootDir | Component::CurDir => {}
            Component::ParentDir | Component::Prefix(_) => {
                return Err(PathError::Climbs(user_path.to_owned()));
            }
        }
    }
    let failed = |source: io::Error| describe(user_path, source);
    let root = root.canonicalize().map_err(failed)?;
    let real = match root.join(&inside).canonicalize() {
        Ok(real) => real,
        Err(error) => return Err(unresolved(&root, &inside, user_path, error)),
    };
    if real.starts_with(&root) {
        Ok(real)
    } else {
        Err(PathError::LeadsOut(user_path.to_owned()))
    }
}

/// What is missing may be missing outside: whether a file exists out there is none of a user's
/// business, so the part of the way that does exist has to be inside.
fn unresolved(root: &Path, inside: &Path, user_path: &str, error: io::Error) -> PathError {
    let mut real = root.to_path_buf();
    for part in inside.components() {
        let next = real.join(part);
        real = match next.canonicalize() {
            Ok(real) if real.starts_with(root) => real,
            Ok(_) => return PathError::LeadsOut(user_path.to_owned()),
            Err(_) if next.is_symlink() => return PathError::LeadsOut(user_path.to_owned()),
            Err(_) => break,
        };
    }
    describe(user_path, error)
}

fn describe(user_path: &str, source: io::Error) -> PathError {
    let path = user_path.to_owned();
    match source.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => PathError::NotFound(path),
        _ => PathError::Io { path, source },
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::symlink;

    use proptest::prelude::*;

    use super::*;

    fn repository() -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().join("root");
        fs::create_dir_all(root.join("app")).unwrap();
        fs::write(root.join("app/Dockerfile"), "FROM scratch\n").unwrap();
        fs::write(dir.path().join("outside"), "secret\n").unwrap();
        symlink("app", root.join("alias")).unwrap();
        symlink("../outside", root.join("leak")).unwrap();
        symlink("../gone", root.join("probe")).unwrap();
        symlink("/etc", root.join("etc")).unwrap();
        symlink("loop", root.join("loop")).unwrap();
        dir
    }

    #[test]
    fn paths_inside_are_found_links_inside_too() {
        let dir = repository();
        let root = dir.path().join("root");
        let file = root.canonicalize().unwrap().join("app/Dockerfile");
        for path in [
            "app/Dockerfile",
            "/app/Dockerfile",
            "./app//Dockerfile",
            "alias/Dockerfile",
        ] {
            assert_eq!(safe_join(&root, path).unwrap(), file, "{path}");
        }
        for path in ["", "/", "."] {
            assert_eq!(
                safe_join(&root, path).unwrap(),
                root.canonicalize().unwrap()
            );
        }
    }

    #[test]
    fn each_way_out_is_refused_by_its_name() {
        let dir = repository();
        let root = dir.path().join("root");
        let kind = |path| safe_join(&root, path).unwrap_err().kind();
        for path in ["..", "app/../../outside", "/../outside", "app/.."] {
            assert!(
                matches!(safe_join(&root, path), Err(PathError::Climbs(_))),
                "{path}"
            );
        }
        for path in [
            "leak",
            "etc",
            "etc/passwd",
            "probe",
            "probe/x",
            "etc/no-such",
            "loop",
        ] {
            assert!(
                matches!(safe_join(&root, path), Err(PathError::LeadsOut(_))),
                "{path}"
            );
        }
        for path in ["gone", "app/gone/deep", "app/Dockerfile/x"] {
            assert_eq!(kind(path), "path_not_found", "{path}");
        }
        assert_eq!(kind("a\nb"), "path_malformed");
        assert_eq!(kind("a\0b"), "path_malformed");
    }

    proptest! {
        #[test]
        fn no_path_leads_out(path in "[a-z./]{0,16}|(leak|etc|alias|app|\\.\\.|/|outside){1,5}") {
            let dir = repository();
            let root = dir.path().join("root");
            if let Ok(real) = safe_join(&root, &path) {
                prop_assert!(real.starts_with(root.canonicalize().unwrap()));
            }
        }
    }
}
