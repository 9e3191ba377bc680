//! Which programs the machine has, for the doctor and for choosing an engine.

use std::env;
use std::path::{Path, PathBuf};

use rustix::fs::{Access, access};

/// The first executable file called `name` in the folders of `PATH`, or `name` itself when it is
/// an absolute path to an executable file.
#[must_use]
pub fn find_program(name: &str) -> Option<PathBuf> {
    find_in(name, &env::var_os("PATH").unwrap_or_default())
}

fn find_in(name: &str, path: &std::ffi::OsStr) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    if name.contains('/') {
        let candidate = PathBuf::from(name);
        return (candidate.is_absolute() && is_executable(&candidate)).then_some(candidate);
    }
    env::split_paths(path)
        .filter(|folder| folder.is_absolute())
        .map(|folder| folder.join(name))
        .find(|candidate| is_executable(candidate))
}

fn is_executable(path: &Path) -> bool {
    path.is_file() && access(path, Access::EXEC_OK).is_ok()
}

#[cfg(test)]
mod tests {
    use std::ffi::OsStr;
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn finds_the_shell_and_nothing_that_is_not_there() {
        assert!(find_program("sh").is_some());
        assert!(find_program("/bin/sh").is_some());
        assert_eq!(find_program("no-such-program-here"), None);
        assert_eq!(find_program(""), None);
        assert_eq!(find_program("../bin/sh"), None);
    }

    #[test]
    fn a_file_without_the_bit_and_a_folder_are_no_programs() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("tool");
        fs::write(&file, "#!/bin/sh\n").unwrap();
        fs::create_dir(dir.path().join("folder")).unwrap();
        let path: &OsStr = dir.path().as_os_str();
        assert_eq!(find_in("tool", path), None);
        assert_eq!(find_in("folder", path), None);
        fs::set_permissions(&file, fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(find_in("tool", path), Some(file));
    }
}
