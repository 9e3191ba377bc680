//! Tokens: whoever is on the server's machine makes them.

use super::{Place, time};
use anyhow::bail;
use clap::{Args, Subcommand};
use domain::team::DEFAULT_TEAM;
use domain::{Permission, PermissionSet, Role};
use serde_json::json;
use std::io::Write;
use std::process::ExitCode;
use store::{NewToken, Store, Token};

const DAY_MS: i64 = 24 * 3600 * 1000;

/// Commands about tokens.
#[derive(Subcommand)]
pub enum TokenCommand {
    /// Make a token; it is printed this once
    Create(CreateToken),
    /// List tokens, without their secrets
    List {
        /// Only those of this team
        #[arg(long, value_name = "TEAM")]
        team: Option<String>,
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

/// What a new token may do.
#[derive(Args)]
#[command(
    after_help = "Example: boatyard admin token create --name ci --role builder --project shop"
)]
pub struct CreateToken {
    /// What to call it
    #[arg(long, default_value = "token")]
    name: String,
    /// admin, developer, builder, viewer, or a role of the team. An admin without a team and
    /// projects is one of the organisation
    #[arg(long, value_name = "ROLE")]
    role: Option<String>,
    /// A permission beside the role's, spelled as the API spells it; repeat for more
    #[arg(long = "permission", value_name = "PERMISSION")]
    permissions: Vec<String>,
    /// The team whose token it is [default: default]
    #[arg(long, value_name = "TEAM")]
    team: Option<String>,
    /// A member of the team whose token it is: it may do what they may
    #[arg(long, value_name = "MEMBER", conflicts_with_all = ["role", "permissions"])]
    member: Option<String>,
    /// Make it a token of the organisation, which acts in every team
    #[arg(long, conflicts_with_all = ["team", "member", "projects"])]
    organisation: bool,
    /// A project the token may see; repeat for more. Without it: all of them
    #[arg(long = "project", value_name = "PROJECT")]
    projects: Vec<String>,
    /// Days until it stops working
    #[arg(long, value_name = "DAYS")]
    expires_in_days: Option<i64>,
    #[command(flatten)]
    place: Place,
}

/// Runs a command about tokens.
pub async fn run(command: TokenCommand) -> anyhow::Result<ExitCode> {
    match command {
        TokenCommand::Create(create) => create.run().await,
        TokenCommand::List { team, shown, place } => list(&place, team.as_deref(), &shown).await,
        TokenCommand::Revoke { id, place } => revoke(&place, &id).await,
    }
}

impl CreateToken {
    async fn run(self) -> anyhow::Result<ExitCode> {
        let permissions = self.permissions()?;
        let store = self.place.store().await?;
        self.check(&store).await?;
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH)?;
        let now_ms = i64::try_from(now.as_millis())?;
        let new = NewToken {
            organisation: self.is_organisations(),
            team: self.team().to_owned(),
            name: self.name.clone(),
            role: self.role,
            member: self.member,
            permissions,
            projects: (!self.projects.is_empty()).then_some(self.projects),
            expires_at: self.expires_in_days.map(|days| now_ms + days * DAY_MS),
        };
        let (id, secret) = store.create_token(new).await?;
        eprintln!("Token `{}` (id {id}). It is shown this once:", self.name);
        writeln!(std::io::stdout(), "{}", secret.expose())?;
        Ok(ExitCode::SUCCESS)
    }

    fn team(&self) -> &str {
        self.team.as_deref().unwrap_or(DEFAULT_TEAM)
    }

    /// Whether it is above the teams: an administrator is, unless kept to a team or projects.
    fn is_organisations(&self) -> bool {
        let admin = self.role.as_deref() == Some(Role::Admin.as_str());
        self.organisation || (admin && self.team.is_none() && self.projects.is_empty())
    }

    /// Whether all that it names is there.
    async fn check(&self, store: &Store) -> anyhow::Result<()> {
        let team = self.team();
        if store.team(team).await?.is_none() {
            bail!("there is no team `{team}`");
        }
        if let Some(member) = &self.member
            && store.member(team, member).await?.is_none()
        {
            bail!("the team `{team}` has no member `{member}`");
        }
        if let Some(role) = &self.role
            && store.role(team, role).await?.is_none()
        {
            let known = store.roles(team).await?.into_iter().map(|role| role.id);
            let known: Vec<_> = known.collect();
            bail!("there is no role `{role}`; there are: {}", known.join(", "));
        }
        for project in &self.projects {
            if store.project(team, project).await?.is_none() {
                eprintln!("Note: there is no project `{project}` yet.");
            }
        }
        Ok(())
    }

    /// What it may do beside its role.
    fn permissions(&self) -> anyhow::Result<PermissionSet> {
        let mut set = PermissionSet::default();
        for words in &self.permissions {
            let Some(permission) = Permission::parse(words) else {
                let known: Vec<_> = Permission::ALL.iter().map(|p| p.as_str()).collect();
                bail!(
                    "there is no permission `{words}`; there are:\n  {}",
                    known.join("\n  ")
                );
            };
            if !permission.counts_in_team() && !self.is_organisations() {
                bail!("`{words}` is about the organisation: add --organisation");
            }
            set.extend([permission]);
        }
        if set.is_empty() && self.role.is_none() && self.member.is_none() {
            bail!("say what the token may do, with --role, --permission or --member");
        }
        Ok(set)
    }
}

async fn list(place: &Place, team: Option<&str>, shown: &cli::Shown) -> anyhow::Result<ExitCode> {
    let tokens = place.store().await?.tokens(team).await?;
    // In a table, what is missing would look like a token without projects.
    let all = (shown.output == cli::Format::Table).then_some("all");
    let rows = tokens.into_iter().map(|token| row(token, all));
    let columns = [
        ("ID", "id"),
        ("NAME", "name"),
        ("TEAM", "team"),
        ("ROLE", "role"),
        ("PROJECTS", "projects"),
        ("CREATED", "createdAt"),
        ("EXPIRES", "expiresAt"),
    ];
    let console = &mut cli::Console::of_process();
    cli::show_list(console, shown, rows.collect(), &columns)?;
    Ok(ExitCode::SUCCESS)
}

fn row(token: Token, all: Option<&str>) -> serde_json::Value {
    let permissions = Permission::ALL.iter().filter(|p| token.rights.allow(**p));
    let permissions: Vec<_> = permissions.map(|p| p.as_str()).collect();
    let team = json!(token.team);
    json!({
        "id": token.id,
        "name": token.name,
        "team": if token.organisation { all.map_or(team, |all| json!(all)) } else { team },
        "organisation": token.organisation,
        "role": token.role,
        "member": token.member,
        "projects": token.projects.map_or_else(|| json!(all), |projects| json!(projects)),
        "permissions": permissions,
        "createdAt": time(token.created_at),
        "expiresAt": token.expires_at.map(time),
    })
}

async fn revoke(place: &Place, id: &str) -> anyhow::Result<ExitCode> {
    if !place.store().await?.delete_token(id).await? {
        bail!("there is no token with the id `{id}`; `boatyard admin token list` shows them");
    }
    writeln!(std::io::stdout(), "Revoked.")?;
    Ok(ExitCode::SUCCESS)
}
