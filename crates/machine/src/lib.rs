//! What this machine has and what runs on it.
//!
//! Builds run foreign code, so the server and the worker have to know three things about the
//! machine: how much of it there is ([`capacity`]), how to fence one build in and end all of it
//! ([`cgroup`]), and whether a process noted down earlier is still that very process
//! ([`ProcessId`]). All of it is Linux only and none of it needs `unsafe`.

mod capacity;
pub mod cgroup;
mod descendants;
mod disk;
mod emulation;
mod gate;
mod lineage;
mod process;
mod program;
mod remove;

pub use capacity::{Capacity, capacity};
pub use cgroup::{Cgroup, CgroupError, Enforcement, Limit, Limits, Stats};
pub use descendants::used_by_descendants;
pub use disk::{SizeError, dir_size, disk_free};
pub use emulation::{BINFMT, Emulation, emulation};
pub use gate::behind_gate;
pub use lineage::{LineageError, become_subreaper, die_with_parent};
pub use process::{ProcessError, ProcessId};
pub use program::find_program;
pub use remove::remove_tree;
pub use rustix::process::Signal;
