//! Fencing one build in: its share of processor, memory and processes, and an end to all of it.
//!
//! Each build gets a control group named after it. The group itself holds the limits and never a
//! process; processes sit in two leaves below it: `own` for those the worker starts and puts there,
//! and the engine's leaf ([`Cgroup::engine_parent`]), which the OCI runtime makes **and removes**
//! for every RUN step. Were the runtime given the group itself, it would remove the group with its
//! limits after the first step and the later steps would run without any.
//!
//! Version 1, version 2 and the hybrid layout are handled alike: a group is one folder in each
//! hierarchy that matters. Calls here are short file operations; [`Cgroup::kill_all`] may wait for
//! some seconds and belongs on a blocking thread.

mod enforce;
pub(crate) mod hierarchy;
mod kill;
mod name;
mod oom;
mod stats;

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

pub use enforce::{Enforcement, Limit, Limits};
pub use stats::Stats;

use hierarchy::{Hierarchies, Hierarchy, Version};
use name::GroupName;
use oom::OomWatch;

/// The leaf for processes that the worker starts itself.
const OWN_LEAF: &str = "own";
/// The leaf that the OCI runtime makes and removes.
const ENGINE_LEAF: &str = "run";

/// Why a control group could not be made, found or emptied.
#[derive(Debug, thiserror::Error)]
pub enum CgroupError {
    /// The name has characters or parts that could lead elsewhere.
    #[error("\"{0}\" is no control group name: use 1 to 4 parts of letters, digits, '-', '_', '.'")]
    InvalidName(String),
    /// The machine offers no hierarchy that this process may write.
    #[error("control groups cannot be used here: {0}")]
    Unavailable(String),
    /// There is no group of that name.
    #[error("there is no control group \"{0}\"")]
    NotFound(String),
    /// Processes were still there after the time given.
    #[error("{0} processes of the control group did not end")]
    NotEmpty(usize),
    /// A file of the group could not be read or written.
    #[error("{path}: {source}", path = path.display())]
    Io {
        /// The file or folder.
        path: PathBuf,
        /// What the kernel said.
        source: io::Error,
    },
}

impl CgroupError {
    fn io(path: &Path, source: io::Error) -> Self {
        Self::Io {
            path: path.to_path_buf(),
            source,
        }
    }
}

/// One folder of the group, in one hierarchy.
#[derive(Debug)]
pub(crate) struct GroupDir {
    pub(crate) path: PathBuf,
    pub(crate) version: Version,
    /// Controllers that work in this very folder.
    pub(crate) controllers: Vec<String>,
}

impl GroupDir {
    fn in_hierarchy(hierarchy: &Hierarchy, path: PathBuf) -> Self {
        let controllers = match hierarchy.version {
            Version::V1 => hierarchy.controllers.clone(),
            // Only those that every level above has passed on.
            Version::V2 => hierarchy::available_controllers(&path),
        };
        Self {
            path,
            version: hierarchy.version,
            controllers,
        }
    }
}

/// A control group, in every hierarchy it needs. Dropping it leaves the group in place, so that a
/// build outlives a restart; [`Cgroup::remove`] ends it.
#[derive(Debug)]
pub struct Cgroup {
    name: GroupName,
    dirs: Vec<GroupDir>,
    enforcement: Enforcement,
    oom: OomWatch,
}

impl Cgroup {
    /// Makes the group `name` (`"boatyard/BUILD"`) and sets its limits. A limit that the machine
    /// cannot keep is no error but is told by [`Cgroup::enforcement`]. A group that exists already
    /// is taken over.
    ///
    /// # Errors
    /// [`CgroupError::InvalidName`]; [`CgroupError::Unavailable`] when no hierarchy can be written.
    pub fn create(name: &str, limits: Limits) -> Result<Self, CgroupError> {
        let name = GroupName::parse(name)?;
        let hierarchies = Hierarchies::detect();
        let mut dirs = Vec::new();
        let mut refused = Vec::new();
        for hierarchy in hierarchies.needed() {
            let path = hierarchy.mount.join(name.as_path());
            if hierarchy.version == Version::V2 {
                enforce::delegate_controllers(&hierarchy.mount, name.as_path(), &mut refused);
            }
            match fs::create_dir_all(path.join(OWN_LEAF)) {
                Ok(()) => dirs.push(GroupDir::in_hierarchy(hierarchy, path)),
                Err(error) => refused.push(format!("{}: {error}", path.display())),
            }
        }
        if dirs.is_empty() {
            // The other hierarchies refuse for the same cause.
            let first = refused.into_iter().next();
            let unmounted = || "no cgroup file system is mounted".to_owned();
            return Err(CgroupError::Unavailable(first.unwrap_or_else(unmounted)));
        }
        let enforcement = enforce::apply(&dirs, limits, &refused);
        let oom = OomWatch::start(&dirs);
        Ok(Self {
            name,
            dirs,
            enforcement,
            oom,
        })
    }

    /// Finds a group made earlier, perhaps by a process before this one. Its limits are as they
    /// were set then; [`Cgroup::enforcement`] lists none of them.
    ///
    /// # Errors
    /// [`CgroupError::InvalidName`]; [`CgroupError::NotFound`] when no hierarchy has it.
    pub fn open(name: &str) -> Result<Self, CgroupError> {
        let name = GroupName::parse(name)?;
        let dirs: Vec<_> = Hierarchies::detect()
            .needed()
            .map(|hierarchy| {
                GroupDir::in_hierarchy(hierarchy, hierarchy.mount.join(name.as_path()))
            })
            .filter(|dir| dir.path.is_dir())
            .collect();
        if dirs.is_empty() {
            return Err(CgroupError::NotFound(name.to_string()));
        }
        let oom = OomWatch::start(&dirs);
        Ok(Self {
            name,
            dirs,
            enforcement: Enforcement::default(),
            oom,
        })
    }

    /// The name it was made with.
    #[must_use]
    pub fn name(&self) -> &str {
        self.name.as_str()
    }

    /// What to give an OCI engine as cgroup parent (`buildah --cgroup-parent`): a path from the
    /// root of every hierarchy, below this group.
    #[must_use]
    pub fn engine_parent(&self) -> String {
        format!("/{}/{ENGINE_LEAF}", self.name)
    }

    /// Which limits hold and which do not, with the reason.
    #[must_use]
    pub fn enforcement(&self) -> &Enforcement {
        &self.enforcement
    }

    /// Moves a process, with the children it will have, into the group.
    ///
    /// # Errors
    /// [`CgroupError::Io`] when the process is gone or the kernel refuses.
    pub fn add(&self, pid: u32) -> Result<(), CgroupError> {
        for dir in &self.dirs {
            let leaf = dir.path.join(OWN_LEAF);
            // The leaf is made again if need be: someone may have tidied up an empty group.
            fs::create_dir_all(&leaf).map_err(|error| CgroupError::io(&leaf, error))?;
            let file = leaf.join("cgroup.procs");
            fs::write(&file, pid.to_string()).map_err(|error| CgroupError::io(&file, error))?;
        }
        Ok(())
    }

    /// The processes in the group and the groups below it, by number, ascending.
    #[must_use]
    pub fn pids(&self) -> Vec<u32> {
        let mut pids = BTreeSet::new();
        for folder in self.folders() {
            // A folder may vanish while it is read: the runtime removes its own.
            let text = fs::read_to_string(folder.join("cgroup.procs")).unwrap_or_default();
            pids.extend(text.lines().filter_map(|line| line.parse::<u32>().ok()));
        }
        // Zero stands for a process outside our pid namespace.
        pids.remove(&0);
        pids.into_iter().collect()
    }

    /// Kills every process in the group and below, however fast they fork, and waits until they
    /// have ended. Takes up to ten seconds; call it on a blocking thread.
    ///
    /// # Errors
    /// [`CgroupError::NotEmpty`] when some would not end, stuck in the kernel as a rule.
    pub fn kill_all(&self) -> Result<(), CgroupError> {
        kill::kill_all(self)
    }

    /// Whether the kernel killed a process of the group for want of memory since the group was
    /// made or opened. Ask before [`Cgroup::remove`].
    #[must_use]
    pub fn oom_killed(&self) -> bool {
        self.oom.seen(&self.dirs)
    }

    /// Processor time and memory used so far.
    #[must_use]
    pub fn stats(&self) -> Stats {
        stats::read(&self.dirs)
    }

    /// Removes the group and the empty groups below it from every hierarchy, also from those that
    /// only the OCI runtime uses.
    ///
    /// # Errors
    /// [`CgroupError::Io`] when processes are left in it; kill them first.
    pub fn remove(self) -> Result<(), CgroupError> {
        for hierarchy in Hierarchies::detect().all {
            remove_tree(&hierarchy.mount.join(self.name.as_path()))?;
        }
        Ok(())
    }

    /// Every folder of the group in every hierarchy, parents before children.
    fn folders(&self) -> Vec<PathBuf> {
        self.dirs.iter().flat_map(|dir| tree(&dir.path)).collect()
    }
}

/// A folder and the folders below it, parents first.
pub(crate) fn tree(root: &Path) -> Vec<PathBuf> {
    let mut found = vec![root.to_path_buf()];
    let mut next = 0;
    while let Some(folder) = found.get(next).cloned() {
        next += 1;
        let Ok(entries) = fs::read_dir(&folder) else {
            continue;
        };
        let folders = entries.flatten();
        found.extend(
            folders
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()))
                .map(|entry| entry.path()),
        );
    }
    found
}

/// How often a busy group is tried again: the kernel frees a group a moment after its last
/// process was reaped.
const REMOVE_TRIES: u32 = 50;

fn remove_tree(root: &Path) -> Result<(), CgroupError> {
    for folder in tree(root).iter().rev() {
        let mut tries = 0;
        loop {
            match fs::remove_dir(folder) {
                Ok(()) => break,
                Err(error) if error.kind() == io::ErrorKind::NotFound => break,
                Err(error)
                    if error.kind() == io::ErrorKind::ResourceBusy && tries < REMOVE_TRIES =>
                {
                    tries += 1;
                    std::thread::sleep(std::time::Duration::from_millis(10));
                }
                Err(error) => return Err(CgroupError::io(folder, error)),
            }
        }
    }
    Ok(())
}
