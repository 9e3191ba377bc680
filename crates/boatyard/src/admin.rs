//! `boatyard admin`: what only somebody on the server's machine may do.

mod notifications;
mod tokens;
mod vcs;

use crate::belonging;
use crate::config::Options;
use crate::{doctor, keys, rotate_key};
use anyhow::bail;
use clap::{Args, Subcommand};
use std::path::PathBuf;
use std::process::ExitCode;
use store::Store;

/// Administrative commands.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Token(tokens::TokenCommand),
    /// See what integrations were told of builds, and try again what was given up
    #[command(subcommand)]
    Notifications(notifications::NotificationsCommand),
    /// Change the key to the secrets in the database; the server must be stopped
    RotateKey(Place),
    /// Link accounts at forges, list and remove them
    #[command(subcommand)]
    Vcs(vcs::VcsCommand),
    /// Say what this machine lacks for building, and how to get it
    Doctor(Place),
}

/// Which server's data.
#[derive(Args)]
pub struct Place {
    /// Configuration file [default: boatyard.toml in the data folder]
    #[arg(long, env = "BOATYARD_CONFIG", value_name = "FILE")]
    config: Option<PathBuf>,
    /// The server's data folder
    #[arg(long, env = "BOATYARD_DATA_DIR", value_name = "DIR")]
    data_dir: Option<PathBuf>,
    /// The server's database
    #[arg(long, env = "BOATYARD_DATABASE_URL", value_name = "URL")]
    database_url: Option<String>,
    /// File that holds the key to the secrets in the database
    #[arg(long, env = "BOATYARD_SECRET_KEY_FILE", value_name = "FILE")]
    secret_key_file: Option<PathBuf>,
}

impl Place {
    fn options(&self) -> anyhow::Result<Options> {
        let options = Options {
            data_dir: self.data_dir.clone(),
            database_url: self.database_url.clone(),
            secret_key_file: self.secret_key_file.clone(),
            ..Options::default()
        };
        options.with_file(self.config.as_deref())
    }

    async fn store(&self) -> anyhow::Result<Store> {
        let (options, store) = self.open().await?;
        keys::unlock(store, &options, false).await
    }

    /// The store with its secrets still locked.
    pub(crate) async fn open(&self) -> anyhow::Result<(Options, Store)> {
        let options = self.options()?;
        let data_dir = options.data_dir();
        let named = options.database_url.is_some() || options.database_url_file.is_some();
        let used = belonging::address(&data_dir).is_some() || data_dir.join("boatyard.db").exists();
        if !named && !used {
            bail!(
                "there is no server's data in {}: start `boatyard serve` once, or name its folder with --data-dir",
                data_dir.display()
            );
        }
        let store = belonging::open(&options.database_url()?, &data_dir, false).await?;
        Ok((options, store))
    }
}

/// Runs an administrative command.
pub async fn run(command: AdminCommand) -> anyhow::Result<ExitCode> {
    match command {
        AdminCommand::Token(command) => tokens::run(command).await,
        AdminCommand::Notifications(command) => notifications::run(command).await,
        AdminCommand::RotateKey(place) => rotate_key::run(&place).await,
        AdminCommand::Vcs(command) => vcs::run(command).await,
        AdminCommand::Doctor(place) => doctor::run(&place.options()?).await,
    }
}

/// A time in the store's unit, as people read it.
fn time(millis: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    format!("{time:.3}")
}
