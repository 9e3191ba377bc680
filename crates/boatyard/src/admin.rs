//! `boatyard admin`: what only somebody on the server's machine may do.

mod notifications;

use crate::belonging;
use crate::config::Options;
use crate::{doctor, keys, rotate_key};
use anyhow::bail;
use clap::{Args, Subcommand};
use domain::{Permission, PermissionSet, Role};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use store::{NewToken, Store};

/// Administrative commands.
#[derive(Subcommand)]
pub enum AdminCommand {
    /// Make, list and revoke API tokens
    #[command(subcommand)]
    Token(TokenCommand),
    /// See what integrations were told of builds, and try again what was given up
    #[command(subcommand)]
    Notifications(notifications::NotificationsCommand),
    /// Change the key to the secrets in the database; the server must be stopped
    RotateKey(Place),
    /// Say what this machine lacks for building, and how to get it
    Doctor(Place),
}

/// Commands about tokens.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is printed this once
    Create(CreateToken),
    /// List tokens, without their secrets
    List {
        #[command(flatten)]
        shown: cli::Shown,
        #[command(flatten)]
        place: Place,
    },
    /// Revoke a token by its id
    Revoke {
        /// The token's id, as `list` shows it
        id: String,
        #[command(flatten)]
        place: Place,
    },
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

/// What a new token may do.
#[derive(Args)]
#[command(
    after_help = "Example: boatyard admin token create --name ci --role builder --project shop"
)]
pub struct CreateToken {
    /// What to call it
    #[arg(long, default_value = "token")]
    name: String,
    /// admin, developer, builder or viewer
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// A permission beside the role's, spelled as the API spells it; repeat for more
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// A project the token may see; repeat for more. Without it: all of them
    #[arg(long = "project", value_name = "PROJECT")]
    projects: Vec<String>,
    /// Days until it stops working
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<i64>,
    #[command(flatten)]
    place: Place,
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
        AdminCommand::Token(TokenCommand::Create(create)) => create_token(create).await,
        AdminCommand::Token(TokenCommand::List { shown, place }) => {
            list_tokens(&place, &shown).await
        }
        AdminCommand::Token(TokenCommand::Revoke { id, place }) => revoke(&place, &id).await,
        AdminCommand::Notifications(command) => notifications::run(command).await,
        AdminCommand::RotateKey(place) => rotate_key::run(&place).await,
        AdminCommand::Doctor(place) => doctor::run(&place.options()?).await,
    }
}

async fn create_token(create: CreateToken) -> anyhow::Result<ExitCode> {
    let permissions = create.permissions()?;
    let store = create.place.store().await?;
    for project in &create.projects {
        if store.project(api::DEFAULT_TEAM, project).await?.is_none() {
            eprintln!("Note: there is no project `{project}` yet.");
        }
    }
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
    let day_ms = 24 * 3600 * 1000;
    let now_ms = i64::try_from(now.as_millis())?;
    let (token, secret) = store
        .create_token(NewToken {
            name: create.name,
            team: api::DEFAULT_TEAM.to_owned(),
            role: create.role,
            permissions,
            projects: (!create.projects.is_empty()).then_some(create.projects),
            expires_at: create.expires_in_days.map(|days| now_ms + days * day_ms),
        })
        .await?;
    eprintln!(
        "Token `{}` (id {}). It is shown this once:",
        token.name, token.id
    );
    writeln!(std::io::stdout(), "{}", secret.expose())?;
    Ok(ExitCode::SUCCESS)
}

impl CreateToken {
    fn permissions(&self) -> anyhow::Result<PermissionSet> {
        let mut set = PermissionSet::default();
        if let Some(word) = &self.role {
            let Some(role) = Role::parse(word) else {
                let known = Role::ALL.map(Role::as_str).join(", ");
                bail!("there is no role `{word}`; there are: {known}");
            };
            set.extend(role.permissions().iter());
        }
        for words in &self.permissions {
            let Some(permission) = Permission::parse(words) else {
                let known: Vec<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
                bail!(
                    "there is no permission `{words}`; there are:\n  {}",
                    known.join("\n  ")
                );
            };
            set.extend([permission]);
        }
        if set.is_empty() {
            bail!("say what the token may do, with --role or --permission");
        }
        Ok(set)
    }
}

async fn list_tokens(place: &Place, shown: &cli::Shown) -> anyhow::Result<ExitCode> {
    let tokens = place.store().await?.tokens(api::DEFAULT_TEAM).await?;
    // In a table, what is missing would look like a token without projects.
    let all = (shown.output == cli::Format::Table).then_some("all");
    let rows = tokens.into_iter().map(|token| {
        json!({
            "id": token.id,
            "name": token.name,
            "role": token.role,
            "projects": token.projects.map_or_else(|| json!(all), |projects| json!(projects)),
            "permissions": token.permissions.iter().map(|p| p.as_str()).collect::<Vec<_>>(),
            "createdAt": time(token.created_at),
            "expiresAt": token.expires_at.map(time),
        })
    });
    let columns = [
        ("ID", "id"),
        ("NAME", "name"),
        ("ROLE", "role"),
        ("PROJECTS", "projects"),
        ("CREATED", "createdAt"),
        ("EXPIRES", "expiresAt"),
    ];
    let console = &mut cli::Console::of_process();
    cli::show_list(console, shown, rows.collect(), &columns)?;
    Ok(ExitCode::SUCCESS)
}

fn time(millis: i64) -> String {
    let time = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    format!("{time:.3}")
}

async fn revoke(place: &Place, id: &str) -> anyhow::Result<ExitCode> {
    if !place.store().await?.delete_token(id).await? {
        bail!("there is no token with the id `{id}`; `boatyard admin token list` shows them");
    }
    writeln!(std::io::stdout(), "Revoked.")?;
    Ok(ExitCode::SUCCESS)
}
