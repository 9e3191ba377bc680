//! `boatyard login` and `boatyard context …`

use super::Shown;
use clap::{Args, Subcommand};

/// `login`
#[derive(Args)]
#[command(after_help = "\
The token is taken from --token, from BOATYARD_TOKEN, or asked for; in a script it can come from
standard input. On the server's own machine no login is needed: the token that `boatyard serve`
made at its first start is used.

Examples:
  boatyard login --host https://builds.example.com
  boatyard login --name local --host http://127.0.0.1:8484 --token TOKEN
  boatyard login --host https://builds.example.com < token-file")]
pub struct Login {
    /// What to call this server [default: local on this machine, else the host's name]
    #[arg(short, long, value_name = "NAME")]
    pub name: Option<String>,
    /// The server's address (or BOATYARD_HOST) [default: http://127.0.0.1:8484]
    #[arg(long, value_name = "URL")]
    pub host: Option<String>,
    /// The token (or BOATYARD_TOKEN); better not given here, where other users may see it
    #[arg(short, long, value_name = "TOKEN")]
    pub token: Option<String>,
    /// Replace a context of that name even if it is of another server
    #[arg(long = "override")]
    pub replace: bool,
    /// How to show the result.
    #[command(flatten)]
    pub shown: Shown,
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Login")
            .field("name", &self.name)
            .field("host", &self.host)
            .finish_non_exhaustive()
    }
}

/// `context …`
#[derive(Debug, Subcommand)]
pub enum ContextCommand {
    /// List the remembered servers
    #[command(visible_alias = "ls")]
    List(ContextList),
    /// Choose the server to use, and its default project and service
    Use(ContextUse),
    /// Forget a server and its token
    #[command(visible_alias = "delete")]
    Remove(ContextRemove),
}

/// `context list`
#[derive(Debug, Args)]
pub struct ContextList {
    /// How to show the result.
    #[command(flatten)]
    pub shown: Shown,
}

/// `context use`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard context use production
  boatyard context use --project shop --service web")]
pub struct ContextUse {
    /// Its name [default: the current one]
    #[arg(value_name = "NAME")]
    pub name: Option<String>,
    /// The same, as the published CLI spells it
    #[arg(
        short,
        long = "name",
        value_name = "NAME",
        conflicts_with = "name",
        hide = true
    )]
    pub named: Option<String>,
    /// Default for --project from now on
    #[arg(short, long, value_name = "ID")]
    pub project: Option<String>,
    /// Default for --service from now on
    #[arg(short, long, value_name = "ID")]
    pub service: Option<String>,
}

/// `context remove`
#[derive(Debug, Args)]
pub struct ContextRemove {
    /// Its name
    #[arg(value_name = "NAME")]
    pub name: String,
}
