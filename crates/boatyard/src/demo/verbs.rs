//! The client verbs, as a person would type them.

use super::print;
use anyhow::{Context, bail};
use std::path::Path;
use std::process::Stdio;
use tokio::process::Command;

/// The client verbs, against the demo's server.
pub(super) struct Boatyard {
    host: String,
    token: String,
}

impl Boatyard {
    /// The verbs as the administrator of the server with this data folder.
    pub(super) fn new(host: &str, data_dir: &Path) -> anyhow::Result<Boatyard> {
        let token = std::fs::read_to_string(data_dir.join("admin.token"))?;
        Ok(Boatyard {
            host: host.to_owned(),
            token: token.trim().to_owned(),
        })
    }

    fn command(&self, args: &[&str]) -> anyhow::Result<Command> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = quiet_child(program);
        command
            .args(args)
            .env("BOATYARD_HOST", &self.host)
            .env("BOATYARD_TOKEN", &self.token);
        Ok(command)
    }

    /// Runs a verb for what it prints; an error when it fails.
    pub(super) async fn quietly(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = self.command(args)?.output().await?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`boatyard {}` failed: {}", args.join(" "), said.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a verb for a person to watch; whether it succeeded.
    pub(super) async fn shown(&self, args: &[&str]) -> anyhow::Result<bool> {
        print(&format!("    $ boatyard {}", args.join(" ")));
        Ok(self.command(args)?.status().await?.success())
    }
}

/// A program that ends with the demo. In a process group of its own, so that Ctrl-C reaches the
/// demo alone: a verb would say how to follow a build that goes on, and this one does not.
pub(super) fn quiet_child(program: impl AsRef<std::ffi::OsStr>) -> Command {
    let mut command = Command::new(program);
    command
        .stdin(Stdio::null())
        .process_group(0)
        .kill_on_drop(true);
    command
}
