//! Which cgroup hierarchies this machine has mounted, and where.

use std::fs;
use std::path::{Path, PathBuf};

/// The version of the cgroup interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Version {
    /// One hierarchy a controller (or a few of them).
    V1,
    /// One hierarchy for all.
    V2,
}

/// The version 1 controllers a build's group needs. `cpuset` is not among them: a group there
/// takes no process before its processors and memory nodes are set.
const NEEDED_V1: [&str; 5] = ["cpu", "cpuacct", "memory", "pids", "freezer"];

/// One mounted hierarchy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hierarchy {
    pub(crate) mount: PathBuf,
    /// The group that the mount shows as its root; not `/` in some containers.
    root: PathBuf,
    pub(crate) version: Version,
    /// Controllers that can set limits here.
    pub(crate) controllers: Vec<String>,
}

impl Hierarchy {
    /// The folder of the group this process is in, given `/proc/self/cgroup`.
    pub(crate) fn own_group(&self, proc_self_cgroup: &str) -> Option<PathBuf> {
        proc_self_cgroup.lines().find_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            let same = match self.version {
                Version::V2 => controllers.is_empty(),
                Version::V1 => controllers
                    .split(',')
                    .any(|name| self.controllers.iter().any(|own| own == name)),
            };
            let inside = Path::new(path).strip_prefix(&self.root).ok()?;
            same.then(|| self.mount.join(inside))
        })
    }
}

/// All mounted hierarchies.
#[derive(Debug)]
pub(crate) struct Hierarchies {
    pub(crate) all: Vec<Hierarchy>,
}

impl Hierarchies {
    pub(crate) fn detect() -> Self {
        let mut all =
            parse_mountinfo(&fs::read_to_string("/proc/self/mountinfo").unwrap_or_default());
        for hierarchy in &mut all {
            if hierarchy.version == Version::V2 {
                hierarchy.controllers = available_controllers(&hierarchy.mount);
            }
        }
        Self { all }
    }

    /// Those a build's group needs. The version 2 one is always among them: even without
    /// controllers, as in the hybrid layout, it counts time and can kill a whole group at once.
    pub(crate) fn needed(&self) -> impl Iterator<Item = &Hierarchy> {
        self.all.iter().filter(|hierarchy| {
            hierarchy.version == Version::V2
                || hierarchy
                    .controllers
                    .iter()
                    .any(|name| NEEDED_V1.contains(&name.as_str()))
        })
    }
}

/// The controllers that a version 2 folder may use.
pub(crate) fn available_controllers(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(folder.join("cgroup.controllers")).unwrap_or_default();
    text.split_whitespace().map(str::to_owned).collect()
}

fn parse_mountinfo(text: &str) -> Vec<Hierarchy> {
    let mut all: Vec<Hierarchy> = Vec::new();
    for hierarchy in text.lines().filter_map(parse_mount) {
        // The same hierarchy may be mounted twice; the first place will do.
        let known = all.iter().any(|other| {
            other.version == hierarchy.version && other.controllers == hierarchy.controllers
        });
        if !known {
            all.push(hierarchy);
        }
    }
    all
}

/// `ID PARENT MAJ:MIN ROOT MOUNT OPTIONS [TAG…] - TYPE SOURCE SUPER_OPTIONS`
fn parse_mount(line: &str) -> Option<Hierarchy> {
    let (place, kind) = line.split_once(" - ")?;
    let mut place = place.split(' ').skip(3);
    let (root, mount) = (place.next()?, place.next()?);
    let mut kind = kind.split(' ');
    let version = match kind.next()? {
        "cgroup" => Version::V1,
        "cgroup2" => Version::V2,
        _ => return None,
    };
    let options = kind.nth(1)?.split(',');
    let controllers = match version {
        Version::V1 => options
            .filter(|option| !matches!(*option, "rw" | "ro" | "xattr" | "noprefix"))
            .map(str::to_owned)
            .collect(),
        Version::V2 => Vec::new(),
    };
    Some(Hierarchy {
        mount: PathBuf::from(mount),
        root: PathBuf::from(root),
        version,
        controllers,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const HYBRID: &str = "\
31 23 0:28 / /sys/fs/cgroup rw,relatime - tmpfs tmpfs rw,mode=755
32 31 0:29 / /sys/fs/cgroup/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct
34 31 0:31 / /sys/fs/cgroup/cpuset rw,relatime - cgroup cgroup rw,cpuset
35 31 0:32 /docker/abc /sys/fs/cgroup/memory rw,relatime - cgroup cgroup rw,memory
40 31 0:37 / /sys/fs/cgroup/systemd rw,relatime - cgroup cgroup rw,xattr,name=systemd
41 31 0:38 / /sys/fs/cgroup/unified rw,relatime - cgroup2 cgroup2 rw,nsdelegate";

    #[test]
    fn the_hybrid_layout_is_read() {
        let all = Hierarchies {
            all: parse_mountinfo(HYBRID),
        };
        let needed: Vec<_> = all.needed().map(|h| h.mount.to_str().unwrap()).collect();
        assert_eq!(
            needed,
            [
                "/sys/fs/cgroup/cpu,cpuacct",
                "/sys/fs/cgroup/memory",
                "/sys/fs/cgroup/unified"
            ]
        );
        assert_eq!(all.all.len(), 5);
    }

    #[test]
    fn the_own_group_is_found_below_the_mounts_root() {
        let memory = &parse_mountinfo(HYBRID)[2];
        let groups = "1:cpu,cpuacct:/x\n4:memory:/docker/abc/inner\n0::/y";
        assert_eq!(
            memory.own_group(groups),
            Some(PathBuf::from("/sys/fs/cgroup/memory/inner"))
        );
        assert_eq!(memory.own_group("4:memory:/elsewhere"), None);
    }

    #[test]
    fn garbage_is_no_hierarchy() {
        assert!(parse_mountinfo("\n - \na b c - cgroup\n1 2 3 4 5 - ext4 x y").is_empty());
    }
}
