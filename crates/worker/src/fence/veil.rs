//! What programs in a room see of the machine's files.
//!
//! It is made by the worker's own program, started once more on the way into the room: in a mount
//! namespace of its own, and as root, which it would not be for longer.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::{MetadataExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::fs::Mode;
use rustix::mount::{MountFlags, mount, mount_bind, mount_bind_recursive, mount_move};
use serde::{Deserialize, Serialize};

/// Where a machine keeps what is people's and services': nothing of it is a build's business, and what
/// the engine cannot see, nobody who tricks the engine can. What is shared memory here is the machine's
/// and outlives a build. The last one has the machine's names and
/// mirrors of images, for which the engine has no switch.
const OTHERS: [&str; 12] = [
    "/dev/mqueue",
    "/dev/shm",
    "/home",
    "/root",
    "/run",
    "/srv",
    "/opt",
    "/var",
    "/tmp",
    "/mnt",
    "/media",
    "/etc/containers/registries.conf.d",
];
/// Where the engine keeps the secrets of a step while it runs: in the room's memory, not on a disk.
const SHARED_MEMORY: &str = "/dev/shm";
/// Where the system looks for name servers.
const NAMES: &str = "/etc/resolv.conf";
/// Where the room's name server is written, hidden folders being ours.
const OWN_NAMES: &str = "/run/boatyard-resolv.conf";

/// What is hidden and what is shown.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Veil {
    /// Folders that stay where they are, absolute paths.
    folders: Vec<PathBuf>,
    /// Folders that look empty.
    hidden: Vec<PathBuf>,
    /// An empty place to work in, one of the hidden folders.
    stage: PathBuf,
    /// Where `/var/tmp` leads.
    tmp: PathBuf,
    /// The name server, where it is not the machine's.
    name_server: Option<String>,
}

impl Veil {
    /// Shows nothing of people's and services' but these folders.
    pub(super) fn over_others(folders: &[PathBuf], tmp: &Path, name_server: Option<&str>) -> Veil {
        Veil {
            folders: folders.to_vec(),
            hidden: hidden(folders),
            stage: stage(folders).into(),
            tmp: tmp.to_owned(),
            name_server: name_server.map(str::to_owned),
        }
    }

    /// The words that put a command behind the veil, in the mount namespace they are run in.
    pub(super) fn around(&self, command: Vec<OsString>) -> io::Result<Vec<OsString>> {
        let plan = serde_json::to_string(self)?;
        let mut words = vec![std::env::current_exe()?.into_os_string()];
        words.extend(["worker", "--veil", &plan, "--"].map(OsString::from));
        words.extend(command);
        Ok(words)
    }

    fn lower(&self) -> io::Result<()> {
        rustix::process::umask(Mode::from_raw_mode(0o022));
        // What it leads to may be hidden in a moment.
        let names = fs::canonicalize(NAMES).ok();
        hide(&self.stage)?;
        let saved: Vec<_> = (0..self.folders.len())
            .map(|n| self.stage.join(n.to_string()))
            .collect();
        for (folder, saved) in self.folders.iter().zip(&saved) {
            fs::create_dir(saved)?;
            mount_bind_recursive(folder, saved)?;
        }
        for folder in &self.hidden {
            hide(folder)?;
        }
        for (folder, saved) in self.folders.iter().zip(&saved).rev() {
            fs::create_dir_all(folder)?;
            mount_move(saved, folder)?;
            fs::remove_dir(saved)?;
        }
        // The engine keeps large temporary files there.
        if !Path::new("/var/tmp").is_dir() {
            symlink(&self.tmp, "/var/tmp")?;
        }
        match (&self.name_server, names) {
            (Some(server), Some(names)) => ask(server, &names),
            _ => Ok(()),
        }
    }
}

/// Lets names be asked for at the server.
fn ask(server: &str, names: &Path) -> io::Result<()> {
    fs::write(OWN_NAMES, format!("nameserver {server}\n"))?;
    if names.is_file() {
        return Ok(mount_bind(OWN_NAMES, names)?);
    }
    // It was in a folder that is hidden now.
    if let Some(folder) = names.parent() {
        fs::create_dir_all(folder)?;
    }
    symlink(OWN_NAMES, names)
}

fn hide(folder: &Path) -> io::Result<()> {
    let options = if folder == Path::new(SHARED_MEMORY) {
        c"mode=1777,size=4m"
    } else {
        c"mode=0755,size=64k"
    };
    Ok(mount(
        "boatyard",
        folder,
        "tmpfs",
        MountFlags::empty(),
        options,
    )?)
}

/// Puts up a veil in the mount namespace of this process and becomes the command: this is
/// `boatyard worker --veil PLAN -- COMMAND`. Returns only when that fails, with why.
pub fn become_veiled(plan: &str, command: &[OsString]) -> io::Error {
    let lowered = serde_json::from_str::<Veil>(plan)
        .map_err(io::Error::from)
        .and_then(|veil| veil.lower());
    match (lowered, command.split_first()) {
        (Err(error), _) => error,
        (Ok(()), None) => io::ErrorKind::InvalidInput.into(),
        (Ok(()), Some((program, words))) => Command::new(program).args(words).exec(),
    }
}

/// Others' folders, and what leads to ours and root of the room may not pass. The stage hides itself.
fn hidden(folders: &[PathBuf]) -> Vec<PathBuf> {
    let others = OTHERS.map(PathBuf::from).into_iter();
    let mut hidden: Vec<PathBuf> = others
        .filter(|other| other.is_dir() && !other.is_symlink())
        .chain(closed(folders))
        .filter(|folder| folder != Path::new(stage(folders)))
        .collect();
    hidden.sort();
    // What lies below another one is hidden by it.
    hidden.dedup_by(|below, above| below.starts_with(above));
    hidden
}

/// The outermost folder on the way to each of the folders that root of the room may not pass.
fn closed(folders: &[PathBuf]) -> impl Iterator<Item = PathBuf> {
    let closed = |path: &&Path| path.metadata().is_ok_and(|meta| meta.mode() & 0o001 == 0);
    folders
        .iter()
        .filter_map(move |folder| folder.ancestors().skip(1).filter(closed).last())
        .map(Path::to_path_buf)
}

/// A folder that every machine has and none of the folders is in.
fn stage(folders: &[PathBuf]) -> &'static str {
    let free = |stage: &&str| !folders.iter().any(|folder| folder.starts_with(stage));
    ["/mnt", "/media"].into_iter().find(free).unwrap_or("/srv")
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_veil_lies_over_the_outermost_closed_folder() {
        let dir = tempfile::tempdir().unwrap();
        let inner = dir.path().join("open/closed/also-closed/work");
        fs::create_dir_all(&inner).unwrap();
        let mode = |path: &str, mode| {
            fs::set_permissions(dir.path().join(path), fs::Permissions::from_mode(mode)).unwrap();
        };
        mode("", 0o755);
        assert_eq!(closed(std::slice::from_ref(&inner)).count(), 0);
        mode("open/closed", 0o700);
        mode("open/closed/also-closed", 0o700);
        let two = [inner.clone(), inner.join("cache")];
        let found: Vec<_> = closed(&two).collect();
        assert_eq!(found, vec![dir.path().join("open/closed"); 2]);
        let all = hidden(&two);
        assert!(
            all.contains(&"/home".into()) && !all.contains(&"/mnt".into()),
            "{all:?}"
        );
        let below = all
            .iter()
            .filter(|veil| all.iter().any(|v| v != *veil && veil.starts_with(v)));
        assert_eq!(below.count(), 0, "{all:?}");
    }

    #[test]
    fn the_stage_is_in_nobodys_way() {
        assert_eq!(stage(&["/data/work".into()]), "/mnt");
        assert_eq!(stage(&["/mnt/work".into()]), "/media");
    }
}
