//! Accounts at forges: the operator links them, with tokens from the forges.

use super::Place;
use anyhow::{Context, bail};
use clap::{Args, Subcommand};
use domain::team::DEFAULT_TEAM;
use domain::vcs::{VcsKind, VcsLink};
use domain::{Secret, fields, slug};
use git::HttpClient;
use git::forge::{Account, Forge};
use serde_json::json;
use std::io::Write;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;
use store::StoreError;
use url::Url;

/// How long a forge may stand still.
const PATIENCE: Duration = Duration::from_secs(20);

/// Commands about accounts at forges.
#[derive(Subcommand)]
pub enum VcsCommand {
    /// Link an account: its repositories and branches can then be listed
    Add(AddLink),
    /// List the linked accounts, without their tokens
    List {
        #[command(flatten)]
        team: Team,
        #[command(flatten)]
        shown: cli::Shown,
        #[command(flatten)]
        place: Place,
    },
    /// Forget a linked account and its token
    Remove {
        /// The link's id, as `list` shows it
        id: String,
        #[command(flatten)]
        team: Team,
        #[command(flatten)]
        place: Place,
    },
}

/// Whose links.
#[derive(Args)]
pub struct Team {
    /// The team
    #[arg(id = "team", long, value_name = "TEAM", default_value = DEFAULT_TEAM)]
    id: String,
}

/// An account to be linked.
#[derive(Args)]
#[command(
    after_help = "Example: boatyard admin vcs add --kind gitea --url https://git.example.com --token-file token"
)]
pub struct AddLink {
    /// github, gitlab, gitea, bitbucket or azure
    #[arg(long, value_name = "KIND", value_parser = kind)]
    kind: VcsKind,
    /// Where the forge's pages are; for Azure, the organisation's [default: the one of that name]
    #[arg(long, value_name = "URL")]
    url: Option<Url>,
    /// A file with the account's token, or - for the standard input. USER:PASSWORD works, too
    #[arg(long, value_name = "FILE")]
    token_file: PathBuf,
    /// What to call the link; its id derives from it [default: the kind]
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// The account's name, for a forge that does not tell a token whose it is
    #[arg(long, value_name = "LOGIN")]
    login: Option<String>,
    /// Address ranges that may be asked although private, as for the server
    #[arg(long, env = "BOATYARD_OUTBOUND_ALLOW", value_name = "LIST")]
    outbound_allow: Option<String>,
    /// Protocols that may be spoken, as for the server
    #[arg(long, env = "BOATYARD_GIT_PROTOCOLS", value_name = "LIST")]
    git_protocols: Option<String>,
    #[command(flatten)]
    team: Team,
    #[command(flatten)]
    place: Place,
}

fn kind(word: &str) -> Result<VcsKind, String> {
    let known = || VcsKind::ALL.iter().map(|kind| kind.as_str());
    VcsKind::parse(word).ok_or_else(|| {
        let known: Vec<_> = known().collect();
        format!("there are: {}", known.join(", "))
    })
}

/// Runs a command about accounts at forges.
pub async fn run(command: VcsCommand) -> anyhow::Result<ExitCode> {
    match command {
        VcsCommand::Add(add) => add.run().await,
        VcsCommand::List { team, shown, place } => list(&place, &team.id, &shown).await,
        VcsCommand::Remove { id, team, place } => remove(&place, &team.id, &id).await,
    }
}

impl AddLink {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let name = self.name.clone();
        let name = name.unwrap_or_else(|| self.kind.as_str().to_owned());
        if let Err(problem) = fields::name(&name, fields::TEAM_NAME) {
            bail!("--name {problem}");
        }
        let (url, token) = (self.url()?, self.token()?);
        let store = self.place.store().await?;
        if store.team(&self.team.id).await?.is_none() {
            bail!("there is no team `{}`", self.team.id);
        }
        let account = self.account(&url, &token).await?;
        let link = VcsLink {
            uid: String::new(),
            team: self.team.id,
            id: slug::from_name(&name),
            name,
            kind: self.kind,
            url: url.to_string(),
            login: account.login,
            email: account.email,
            token: Secret::new(token),
            unreadable: false,
            created_at: 0,
        };
        let taken = format!(
            "there is a link `{}` already; choose another --name",
            link.id
        );
        let link = match store.create_vcs_link(link).await {
            Err(StoreError::Conflict) => bail!(taken),
            made => made?,
        };
        writeln!(std::io::stdout(), "Linked {} as `{}`.", link.login, link.id)?;
        Ok(ExitCode::SUCCESS)
    }

    fn url(&self) -> anyhow::Result<Url> {
        let url = match (&self.url, self.kind.home()) {
            (Some(url), _) => url.clone(),
            (None, Some(home)) if self.kind != VcsKind::Azure => {
                format!("https://{home}").parse()?
            }
            (None, _) => bail!("say where the forge is, with --url"),
        };
        if !url.username().is_empty() || url.password().is_some() {
            bail!("--url must hold no login; that goes into the token's file");
        }
        Ok(url)
    }

    fn token(&self) -> anyhow::Result<String> {
        let file = self.token_file.as_path();
        let text = if file.as_os_str() == "-" {
            std::io::read_to_string(std::io::stdin())
        } else {
            std::fs::read_to_string(file)
        };
        let text = text.with_context(|| format!("cannot read {}", file.display()))?;
        let token = text.trim();
        if token.is_empty() {
            bail!("{} holds no token", file.display());
        }
        Ok(token.to_owned())
    }

    /// Whose token it is, which shows that it is one.
    async fn account(&self, url: &Url, token: &str) -> anyhow::Result<Account> {
        if let Some(login) = &self.login {
            let login = login.clone();
            return Ok(Account {
                login,
                ..Account::default()
            });
        }
        let forge = Forge::new(self.kind, url, token, self.http()?)?;
        Ok(forge.account().await?)
    }

    /// Requests by the same rules as the server's.
    fn http(&self) -> anyhow::Result<HttpClient> {
        let options = self.place.options()?;
        let allow = self.outbound_allow.clone().or(options.outbound_allow);
        let policy = allow.unwrap_or_default().parse();
        let protocols = self.git_protocols.clone().or(options.git_protocols);
        let protocols = protocols.as_deref().unwrap_or("https,ssh").parse();
        Ok(HttpClient::new(
            policy.context("outbound_allow is wrong")?,
            protocols.context("git_protocols is wrong")?,
            PATIENCE,
        ))
    }
}

async fn list(place: &Place, team: &str, shown: &cli::Shown) -> anyhow::Result<ExitCode> {
    let links = place.store().await?.vcs_links(team).await?;
    let rows = links.into_iter().map(|link| {
        json!({
            "id": link.id,
            "name": link.name,
            "kind": link.kind.as_str(),
            "url": link.url,
            "login": link.login,
        })
    });
    let columns = [
        ("ID", "id"),
        ("NAME", "name"),
        ("KIND", "kind"),
        ("URL", "url"),
        ("LOGIN", "login"),
    ];
    let console = &mut cli::Console::of_process();
    cli::show_list(console, shown, rows.collect(), &columns)?;
    Ok(ExitCode::SUCCESS)
}

async fn remove(place: &Place, team: &str, id: &str) -> anyhow::Result<ExitCode> {
    if !place.store().await?.delete_vcs_link(team, id).await? {
        bail!("there is no link `{id}`; `boatyard admin vcs list` shows them");
    }
    writeln!(std::io::stdout(), "Removed.")?;
    Ok(ExitCode::SUCCESS)
}
