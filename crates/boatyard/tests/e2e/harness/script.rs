//! A program of a few lines of shell, that goes with the test.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use tempfile::TempDir;

/// The program, in a folder of its own. To be made before the server that starts it, so that it is
/// dropped after it.
pub struct Script {
    folder: TempDir,
}

impl Script {
    /// With this text below the `#!`; a `{folder}` in it stands for the program's own folder.
    pub fn new(text: &str) -> Script {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-script-")
            .tempdir()
            .unwrap();
        let script = Script { folder };
        let text = text.replace("{folder}", &script.folder().display().to_string());
        let path = script.path();
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        script
    }

    /// The file to start.
    pub fn path(&self) -> PathBuf {
        self.folder().join("program")
    }

    /// Its folder, where it may leave something.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }
}
