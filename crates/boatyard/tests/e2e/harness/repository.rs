//! A git repository whose Dockerfile needs no base image: busybox on scratch.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// A repository in a temporary folder.
pub struct Repository {
    folder: TempDir,
}

impl Repository {
    /// A repository with a busybox and this Dockerfile, whose `FROM busybox` is provided.
    pub fn with_steps(steps: &str) -> Repository {
        Repository::with_dockerfile(&format!("{BUSYBOX}{steps}\n"))
    }

    /// A repository with this whole Dockerfile.
    pub fn with_dockerfile(dockerfile: &str) -> Repository {
        let repository = Repository::empty();
        std::fs::copy("/bin/busybox", repository.path().join("busybox")).unwrap();
        repository.write("Dockerfile", dockerfile);
        repository.commit("first");
        repository
    }

    /// A repository with one commit and no Dockerfile.
    pub fn empty() -> Repository {
        let folder = tempfile::Builder::new()
            .prefix("boatyard-repo-")
            .tempdir()
            .unwrap();
        let repository = Repository { folder };
        repository.git(&["init", "--quiet", "--initial-branch", "main"]);
        repository.write("README", "a repository\n");
        repository.commit("nothing yet");
        repository
    }

    pub fn path(&self) -> &Path {
        self.folder.path()
    }

    /// Its `file://` URL.
    pub fn url(&self) -> String {
        format!("file://{}", self.path().display())
    }

    pub fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Commits everything; the new commit's sha.
    pub fn commit(&self, message: &str) -> String {
        self.git(&["add", "--all"]);
        self.git(&["commit", "--quiet", "--allow-empty", "--message", message]);
        self.git(&["rev-parse", "HEAD"])
    }

    pub fn git(&self, args: &[&str]) -> String {
        self.git_with(args, Stdio::null())
    }

    /// Makes `main` a commit whose tree is small to fetch and endless to look through: folders of
    /// folders of the same file, ten by ten by ten.
    pub fn becomes_a_bomb(&self) {
        const LEVELS: usize = 10;
        let mut object = format!("100644 blob {}", self.git(&["hash-object", "-w", "README"]));
        for _ in 0..LEVELS {
            let entries: String = (0..10).map(|n| format!("{object}\t{n}\n")).collect();
            let listing = std::fs::File::open(self.write(".git/listing", &entries)).unwrap();
            object = format!("040000 tree {}", self.git_with(&["mktree"], listing.into()));
        }
        let tree = object.strip_prefix("040000 tree ").unwrap();
        let commit = self.git(&["commit-tree", "-m", "a bomb", tree]);
        self.git(&["update-ref", "refs/heads/main", &commit]);
    }

    fn git_with(&self, args: &[&str], input: Stdio) -> String {
        let output = Command::new("git")
            .current_dir(self.path())
            .args(["-c", "user.name=Test", "-c", "user.email=test@example.com"])
            .args(["-c", "commit.gpgsign=false"])
            .args(args)
            .stdin(input)
            .output()
            .unwrap();
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    }
}

/// The front of a Dockerfile that has a shell without a base image.
const BUSYBOX: &str = "FROM scratch\nCOPY busybox /bin/busybox\n\
    RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n";
