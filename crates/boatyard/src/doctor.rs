//! `boatyard admin doctor`: says what the machine lacks for building, and how to get it.

use crate::config::Options;
use domain::service::Architecture;
use machine::{Cgroup, Limits};
use std::io::Write;
use std::process::ExitCode;

/// One thing a build needs or would like.
struct Check {
    name: &'static str,
    needed: bool,
    outcome: Result<String, String>,
}

/// Checks everything and prints a line for each; fails when something needed is missing.
pub async fn run(options: &Options) -> anyhow::Result<ExitCode> {
    let checks = [
        program("git", true, "git", "sources cannot be fetched"),
        program("buildah", true, "buildah", "nothing can be built"),
        program(
            "runc",
            false,
            "runc",
            "RUN steps get weaker isolation (chroot)",
        ),
        program(
            "ssh",
            false,
            "openssh-client",
            "repositories over ssh cannot be fetched",
        ),
        Check {
            name: "isolation",
            needed: false,
            outcome: worker::probe_isolation().await.map(|()| {
                "builds are nobody here, and reach the network but not this machine".to_owned()
            }),
        },
        Check {
            name: "engine",
            needed: false,
            outcome: engine().await,
        },
        Check {
            name: "architectures",
            needed: false,
            outcome: architectures(),
        },
        Check {
            name: "control groups",
            needed: false,
            outcome: cgroups(),
        },
        Check {
            name: "machine",
            needed: true,
            outcome: Ok(capacity()),
        },
        Check {
            name: "disk",
            needed: true,
            outcome: disk(options),
        },
    ];
    let (mut out, mut missing) = (std::io::stdout(), 0);
    for check in checks {
        let (mark, text) = match &check.outcome {
            Ok(text) => ("ok     ", text),
            Err(text) if check.needed => ("MISSING", text),
            Err(text) => ("note   ", text),
        };
        missing += usize::from(check.needed && check.outcome.is_err());
        writeln!(out, "{mark}  {:<15} {text}", check.name)?;
    }
    Ok(if missing == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

fn program(name: &'static str, needed: bool, package: &str, without: &str) -> Check {
    let outcome = match machine::find_program(name) {
        Some(path) => Ok(path.display().to_string()),
        None => Err(format!(
            "not found: {without}. Get it with: apt-get install {package}"
        )),
    };
    Check {
        name,
        needed,
        outcome,
    }
}

/// The first version of Buildah without CVE-2024-11218, the last of several ways in which `RUN --mount`
/// left its container.
const SOUND_BUILDAH: (u32, u32, u32) = (1, 38, 1);

async fn engine() -> Result<String, String> {
    let output = tokio::process::Command::new("buildah")
        .arg("--version")
        .output();
    let output = output.await.map_err(|error| format!("buildah: {error}"))?;
    let said = String::from_utf8_lossy(&output.stdout);
    let version = said
        .split_whitespace()
        .nth(2)
        .unwrap_or("of unknown version");
    if buildah_version(version).is_some_and(|version| version >= SOUND_BUILDAH) {
        return Ok(format!("buildah {version}"));
    }
    Err(format!(
        "buildah {version}: before 1.38.1 a hostile `RUN --mount` can leave its container \
         (CVE-2024-11218), unless your distribution mended it. What holds it then is the isolation above"
    ))
}

fn buildah_version(text: &str) -> Option<(u32, u32, u32)> {
    let plain = text.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(str::parse);
    let mut next = || parts.next()?.ok();
    Some((next()?, next()?, next()?))
}

/// For which architectures this machine builds.
fn architectures() -> Result<String, String> {
    let known = [Architecture::X86, Architecture::Arm];
    let others = known
        .into_iter()
        .filter(|other| Architecture::native() != Some(*other));
    let mut can = vec![std::env::consts::ARCH.to_owned()];
    for other in others {
        let name = other.machine_name();
        machine::emulation(name).map_err(|missing| format!("no builds for {name}: {missing}"))?;
        can.push(format!("{name} by emulation"));
    }
    Ok(can.join(", "))
}

fn cgroups() -> Result<String, String> {
    let limits = Limits {
        cpu_hundredths: Some(10),
        memory_mb: Some(64),
        pids: None,
    };
    let name = format!("boatyard/doctor-{}", std::process::id());
    let cgroup = Cgroup::create(&name, limits).map_err(|error| {
        format!("plan limits cannot be enforced: {error}. Run as root, or delegate a control group")
    })?;
    let enforcement = cgroup.enforcement().clone();
    cgroup.remove().map_err(|error| error.to_string())?;
    let kept: Vec<String> = enforcement
        .enforced
        .iter()
        .map(ToString::to_string)
        .collect();
    let text = format!("enforced: {}", kept.join(", "));
    match enforcement.missing.first() {
        None => Ok(text),
        Some((limit, why)) => Err(format!("{text}; {limit} is not: {why}")),
    }
}

fn capacity() -> String {
    let has = machine::capacity();
    format!(
        "{} vCPU, {} MB memory",
        f64::from(has.cpu_hundredths) / 100.0,
        has.memory_mb
    )
}

fn disk(options: &Options) -> Result<String, String> {
    const ENOUGH: u64 = 5 * 1024 * 1024 * 1024;
    let dir = options.data_dir();
    let there = dir.ancestors().find(|dir| dir.exists()).unwrap_or(&dir);
    let free = machine::disk_free(there).map_err(|error| error.to_string())?;
    let text = format!(
        "{} GB free for {}",
        free / (1024 * 1024 * 1024),
        dir.display()
    );
    if free >= ENOUGH {
        Ok(text)
    } else {
        Err(format!("{text}: builds may fill it"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(buildah_version("1.28.2"), Some((1, 28, 2)));
        assert!(buildah_version("1.100.0-dev") > Some(SOUND_BUILDAH));
        assert_eq!(buildah_version("of unknown version"), None);
    }
}
