//! The bundled sample repository: a multi-stage Dockerfile around a static busybox, so that the
//! demo needs no network at all.

use anyhow::{Context, bail};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;

const FILES: [(&str, &str); 4] = [
    ("Dockerfile", include_str!("../../sample/Dockerfile")),
    ("app/greet.sh", include_str!("../../sample/app/greet.sh")),
    (".dockerignore", include_str!("../../sample/.dockerignore")),
    ("README.md", include_str!("../../sample/README.md")),
];

/// The branch of the sample repository.
pub const BRANCH: &str = "main";

/// Makes the repository in `dir`.
pub fn make(dir: &Path) -> anyhow::Result<()> {
    for (name, text) in FILES {
        let path = dir.join(name);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent)?;
        }
        std::fs::write(path, text)?;
    }
    std::fs::copy(static_busybox()?, dir.join("busybox")).context("cannot copy busybox")?;
    git(dir, &["init", "--quiet", "--initial-branch", BRANCH])?;
    git(dir, &["add", "--all"])?;
    git(dir, &["commit", "--quiet", "--message", "A sample"])
}

/// A busybox that needs no library: it runs in an image that holds nothing else.
fn static_busybox() -> anyhow::Result<PathBuf> {
    machine::find_program("busybox").context(
        "the sample repository needs a static busybox. Get it with: apt-get install busybox-static, \
         or build another repository with `boatyard demo --repo URL`",
    )
}

fn git(dir: &Path, args: &[&str]) -> anyhow::Result<()> {
    let output = Command::new("git")
        // Ctrl-C is the demo's own to take.
        .process_group(0)
        .arg("-C")
        .arg(dir)
        .args([
            "-c",
            "user.name=Boatyard",
            "-c",
            "user.email=demo@boatyard.invalid",
        ])
        .args([
            "-c",
            "commit.gpgsign=false",
            "-c",
            "core.hooksPath=/dev/null",
        ])
        .args(args)
        .output()
        .context("cannot run git; get it with: apt-get install git")?;
    if !output.status.success() {
        bail!(
            "git {}: {}",
            args.join(" "),
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    Ok(())
}
