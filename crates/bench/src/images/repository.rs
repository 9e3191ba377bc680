//! The repositories that are built.

use anyhow::{Context, ensure};
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

/// The sample that `boatyard demo` builds.
const SAMPLE: [(&str, &str); 4] = [
    (
        "Dockerfile",
        include_str!("../../../boatyard/sample/Dockerfile"),
    ),
    (
        "app/greet.sh",
        include_str!("../../../boatyard/sample/app/greet.sh"),
    ),
    (
        ".dockerignore",
        include_str!("../../../boatyard/sample/.dockerignore"),
    ),
    (
        "README.md",
        include_str!("../../../boatyard/sample/README.md"),
    ),
];

/// A build on Debian that needs nothing from a network: what an archive answers varies more than
/// what is measured.
const DEBIAN: [(&str, &str); 2] = [
    (
        "Dockerfile",
        "FROM debian:12 AS build\n\
         WORKDIR /src\n\
         COPY app.pl .\n\
         RUN perl -c app.pl && perl app.pl > /out\n\
         FROM debian:12\n\
         RUN groupadd app && useradd --gid app --no-create-home app\n\
         COPY --from=build /out /srv/out\n\
         USER app\n\
         CMD [\"cat\", \"/srv/out\"]\n",
    ),
    ("app.pl", "print \"line $_\\n\" for 1 .. 100_000;\n"),
];

/// A git repository in a temporary folder.
pub(crate) struct Repository {
    folder: TempDir,
    /// The file that changes when one file changes.
    changing: &'static str,
}

impl Repository {
    /// A repository with one commit and nothing to build.
    pub(crate) fn empty() -> anyhow::Result<Repository> {
        Repository::with(&[("README", "a repository\n")], "README")
    }

    /// The bundled sample.
    pub(crate) fn sample() -> anyhow::Result<Repository> {
        let repository = Repository::with(&SAMPLE, "app/greet.sh")?;
        let busybox = repository.path().join("busybox");
        std::fs::copy("/bin/busybox", busybox).context("there is no /bin/busybox")?;
        repository.commit("with a busybox")?;
        Ok(repository)
    }

    /// A two-stage build on `debian:12`.
    pub(crate) fn debian() -> anyhow::Result<Repository> {
        Repository::with(&DEBIAN, "app.pl")
    }

    fn with(files: &[(&str, &str)], changing: &'static str) -> anyhow::Result<Repository> {
        let repository = Repository {
            folder: tempfile::Builder::new()
                .prefix("boatyard-bench-repo-")
                .tempdir()?,
            changing,
        };
        for (name, text) in files {
            let path = repository.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap_or(repository.path()))?;
            std::fs::write(path, text)?;
        }
        repository.git(&["init", "--quiet", "--initial-branch", "main"])?;
        repository.commit("the beginning")?;
        Ok(repository)
    }

    pub(crate) fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Changes one file and commits it.
    pub(crate) fn change(&self) -> anyhow::Result<()> {
        let path = self.path().join(self.changing);
        let mut text = std::fs::read_to_string(&path)?;
        text += &format!("# {} bytes before this line\n", text.len());
        std::fs::write(path, text)?;
        self.commit("one file changed")
    }

    fn commit(&self, message: &str) -> anyhow::Result<()> {
        self.git(&["add", "--all"])?;
        self.git(&["commit", "--quiet", "--message", message])
    }

    fn git(&self, args: &[&str]) -> anyhow::Result<()> {
        let output = Command::new("git")
            .arg("-C")
            .arg(self.path())
            .args([
                "-c",
                "user.name=Bench",
                "-c",
                "user.email=bench@boatyard.invalid",
            ])
            .args(["-c", "commit.gpgsign=false"])
            .args(args)
            .output()
            .context("cannot run git")?;
        let said = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "git {}: {said}", args.join(" "));
        Ok(())
    }
}
