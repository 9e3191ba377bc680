//! Where the server of a data folder answers, in a file there: the command line on the same machine
//! finds it by that, whatever port it listens on.

use super::PublicAddress;
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

/// The file, there for as long as the server runs.
pub(super) struct AddressFile(PathBuf);

impl AddressFile {
    fn of(data_dir: &Path) -> AddressFile {
        AddressFile(data_dir.join("server.address"))
    }

    /// Takes away what a killed server left. While this one starts, its lock would vouch for an
    /// address at which somebody else may listen by now. The folder's lock must be held.
    pub(super) fn remove_old(data_dir: &Path) {
        drop(AddressFile::of(data_dir));
    }

    /// Writes it as a whole, so that nobody reads half of it. The folder's lock must be held.
    pub(super) fn write(data_dir: &Path, address: &PublicAddress) -> AddressFile {
        let file = AddressFile::of(data_dir);
        if let Err(error) = file.replace(data_dir, &address.local) {
            // A full disk, say: no reason not to serve. An old address would lead astray.
            tracing::warn!(%error, "the command line is not told where the server is");
            file.remove();
        }
        file
    }

    fn replace(&self, data_dir: &Path, address: &str) -> std::io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(data_dir)?;
        writeln!(file, "http://{address}")?;
        file.persist(&self.0)?;
        Ok(())
    }

    fn remove(&self) {
        match std::fs::remove_file(&self.0) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                tracing::warn!(%error, "the file with the server's address stays");
            }
            _ => {}
        }
    }
}

impl Drop for AddressFile {
    fn drop(&mut self) {
        self.remove();
    }
}
