//! `boatyard list …`

use super::logs::time;
use super::{Common, ListOfTeam, ListSecrets, ProjectArg, ServiceArg};
use clap::{Args, Subcommand};
use jiff::Timestamp;

/// What to list.
#[derive(Debug, Subcommand)]
pub enum List {
    /// List the projects this token may see
    #[command(
        visible_alias = "project",
        after_help = "\
Examples:
  boatyard list projects
  boatyard list projects -o json --all"
    )]
    Projects(ListProjects),
    /// List a project's services, with the state of their newest builds
    #[command(
        visible_alias = "service",
        after_help = "\
Examples:
  boatyard list services --project shop
  boatyard list services -p shop -o yaml"
    )]
    Services(ListServices),
    /// List a service's builds, newest first (the same as `get service builds`)
    #[command(visible_alias = "build")]
    Builds(ListBuilds),
    /// List who is told about builds, and how their receivers do
    #[command(
        visible_alias = "notification",
        after_help = "\
Examples:
  boatyard list notifications
  boatyard list notifications -o json --all"
    )]
    Notifications(ListNotifications),
    /// List a project's groups of secrets, without their values
    #[command(
        visible_alias = "secret",
        after_help = "\
Examples:
  boatyard list secrets --project shop"
    )]
    Secrets(ListSecrets),
    /// List the secrets of the account, without their values
    #[command(
        visible_alias = "global-secret",
        after_help = "\
Examples:
  boatyard list global-secrets"
    )]
    GlobalSecrets(ListOfTeam),
    /// List the tags that services can have
    #[command(
        visible_alias = "tag",
        after_help = "\
Examples:
  boatyard list tags -o json"
    )]
    Tags(ListOfTeam),
    /// List the plans: how much of a machine a build may use
    #[command(visible_alias = "plan")]
    Plans(ListSimple),
    /// List the regions a project can be in
    #[command(visible_alias = "region")]
    Regions(ListSimple),
}

/// Which part of a long list.
#[derive(Clone, Debug, Default, Args)]
pub struct Paging {
    /// Rows per page, 1 to 100 [the server's default: 50]
    #[arg(help_heading = "Pages", long, alias = "per_page", value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub per_page: Option<u16>,
    /// The page to show, counted from 1
    #[arg(help_heading = "Pages", long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub page: Option<u32>,
    /// The cursor that the previous page ended with
    #[arg(
        help_heading = "Pages",
        long,
        value_name = "CURSOR",
        conflicts_with = "page"
    )]
    pub cursor: Option<String>,
    /// Show every page
    #[arg(help_heading = "Pages", long, alias = "loadAll", conflicts_with_all = ["page", "cursor"])]
    pub all: bool,
}

/// `list projects`
#[derive(Debug, Args)]
pub struct ListProjects {
    /// Which part.
    #[command(flatten)]
    pub paging: Paging,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `list notifications`
#[derive(Debug, Args)]
pub struct ListNotifications {
    /// Which part.
    #[command(flatten)]
    pub paging: Paging,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `list services`
#[derive(Debug, Args)]
pub struct ListServices {
    /// Of which project.
    #[command(flatten)]
    pub of: ProjectArg,
    /// Which part.
    #[command(flatten)]
    pub paging: Paging,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// Which builds.
#[derive(Clone, Debug, Default, Args)]
pub struct BuildFilters {
    /// Only builds in this status, like FAILURE
    #[arg(help_heading = "Filters", long, value_name = "STATUS")]
    pub status: Option<String>,
    /// Only builds that were asked for by this branch
    #[arg(help_heading = "Filters", long, value_name = "NAME")]
    pub branch: Option<String>,
    /// Only builds of the commit that begins like this, with 7 digits at least
    #[arg(help_heading = "Filters", long, value_name = "SHA")]
    pub sha: Option<String>,
    /// Only builds created later than this (ISO 8601, or seconds since 1970)
    #[arg(help_heading = "Filters", long, alias = "createdAfter", value_name = "TIME", value_parser = time)]
    pub created_after: Option<Timestamp>,
    /// Only builds created earlier than this
    #[arg(help_heading = "Filters", long, alias = "createdBefore", value_name = "TIME", value_parser = time)]
    pub created_before: Option<Timestamp>,
}

/// `list builds`, `get service builds`
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  boatyard get service builds --project shop --service web
  boatyard get service builds -p shop -s web --per-page 10
  boatyard get service builds -p shop -s web --branch main --status FAILURE
  boatyard get service builds -p shop -s web --created-after 2026-11-24
  boatyard get service builds -p shop -s web --all -o json | jq -r '.builds[].registry.uri'")]
pub struct ListBuilds {
    /// Of which service.
    #[command(flatten)]
    pub of: ServiceArg,
    /// Which ones.
    #[command(flatten)]
    pub filters: BuildFilters,
    /// Which part.
    #[command(flatten)]
    pub paging: Paging,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// A list that has no pages.
#[derive(Debug, Args)]
pub struct ListSimple {
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}
