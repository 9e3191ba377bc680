//! Groups of secrets, secrets of the account, and tags: `secret`, `global-secret` and `tag` behind the
//! verbs.

use super::body::key_value;
use super::thing::{changed, deleted, made, shown};
use super::{Body, Common, KeyValue, Paging, ProjectArg};
use clap::{Args, ValueEnum};

/// `list global-secrets`, `list tags`
#[derive(Debug, Args)]
pub struct ListOfTeam {
    /// Which part.
    #[command(flatten)]
    pub paging: Paging,
    /// What every verb takes.
    #[command(flatten)]
    pub common: Common,
}

/// `list secrets`
#[derive(Debug, Args)]
pub struct ListSecrets {
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

/// Which group of secrets.
#[derive(Clone, Debug, Args)]
pub struct SecretArg {
    /// Of which project.
    #[command(flatten)]
    pub of: ProjectArg,
    /// Id of the group of secrets; see `boatyard list secrets`
    #[arg(long, alias = "secretId", value_name = "ID")]
    pub secret: String,
}

/// Which secret of the account.
#[derive(Clone, Debug, Args)]
pub struct GlobalSecretArg {
    /// Id of the secret; see `boatyard list global-secrets`
    #[arg(long, alias = "secretId", value_name = "ID")]
    pub secret: String,
}

/// Which tag.
#[derive(Clone, Debug, Args)]
pub struct TagArg {
    /// Id of the tag; see `boatyard list tags`
    #[arg(long, aliases = ["resourceTag", "resourceTagId"], value_name = "ID")]
    pub tag: String,
}

/// What the values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretKind {
    /// Masked in logs
    Secret,
    /// Free to be seen
    Config,
}

/// Where the values go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum SecretScope {
    /// To builds
    Arguments,
    /// To builds and running containers, which there are none of
    EnvironmentArguments,
    /// To running containers, which there are none of
    Environment,
}

/// The common fields of a group of secrets.
#[derive(Clone, Debug, Args)]
pub struct SecretFields {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A variable (repeatable), in place of all that were there; KEY alone takes the value from the
    /// environment, where others on the machine do not see it
    #[arg(long = "var", value_name = "KEY=VALUE", value_parser = key_value)]
    pub variables: Vec<KeyValue>,
    /// What the values are: secret, or config, which logs may show
    #[arg(
        long = "type",
        value_enum,
        value_name = "TYPE",
        hide_possible_values = true
    )]
    pub kind: Option<SecretKind>,
    /// Where the values go: arguments (to builds), environment-arguments or environment
    /// [default when created: arguments]
    #[arg(
        long,
        alias = "secretType",
        value_enum,
        value_name = "SCOPE",
        hide_possible_values = true
    )]
    pub secret_type: Option<SecretScope>,
    /// From 0 to 100: which group's value counts where several have the same name; the highest
    /// [default when created: 0]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u8).range(..=100))]
    pub priority: Option<u8>,
}

/// The common fields of a secret of the account.
#[derive(Clone, Debug, Args)]
pub struct GlobalSecretFields {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// A value (repeatable), in place of all that were there; KEY alone takes it from the environment,
    /// where others on the machine do not see it
    #[arg(long = "value", value_name = "KEY=VALUE", value_parser = key_value)]
    pub values: Vec<KeyValue>,
    /// What the values are: secret, or config, which logs may show [default when created: secret]
    #[arg(
        long = "type",
        value_enum,
        value_name = "TYPE",
        hide_possible_values = true
    )]
    pub kind: Option<SecretKind>,
}

/// The common fields of a tag.
#[derive(Clone, Debug, Args)]
pub struct TagFields {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// Its colour, like #EF233C, for programs that show tags
    #[arg(long, value_name = "COLOUR")]
    pub color: Option<String>,
}

made! {
    /// `create secret`, `put secret`
    #[command(after_help = "\
Examples:
  boatyard create secret --project shop --name Stage --var STAGE=test --var DATABASE=db.internal
  DATABASE_PASSWORD=… boatyard create secret -p shop --name Database --var DATABASE_PASSWORD
  boatyard put secret -p shop --file stage.yaml")]
    CreateSecret { SecretFields, in ProjectArg }
}
made! {
    /// `create global-secret`, `put global-secret`
    #[command(after_help = "\
Services name its values in theirs, as ${secrets.package-token.values.npm}.

Examples:
  npm=… boatyard create global-secret --name 'Package Token' --value npm
  boatyard put global-secret --file token.yaml")]
    CreateGlobalSecret { GlobalSecretFields }
}
made! {
    /// `create tag`, `add tag`, `put tag`
    #[command(after_help = "\
Examples:
  boatyard create tag --name Web --color '#EF233C'
  boatyard put tag --name Web --description 'What the internet sees'")]
    CreateTag { TagFields }
}

changed! {
    /// `patch secret`, `update secret`
    #[command(after_help = "\
Only what is given changes; --var replaces all variables that were there.

Examples:
  boatyard patch secret --project shop --secret stage --priority 50
  boatyard patch secret -p shop --secret stage --file stage.yaml")]
    PatchSecret { SecretArg, SecretFields }
}
changed! {
    /// `patch global-secret`
    #[command(after_help = "\
Only what is given changes; --value replaces all values that were there.

Examples:
  npm=… boatyard patch global-secret --secret package-token --value npm")]
    PatchGlobalSecret { GlobalSecretArg, GlobalSecretFields }
}
changed! {
    /// `patch tag`
    #[command(after_help = "\
Examples:
  boatyard patch tag --tag web --color '#EF233C'")]
    PatchTag { TagArg, TagFields }
}

shown! {
    /// `get secret`
    #[command(after_help = "\
The table leaves the values out; -o json and -o yaml have them, for a token that may read them.

Examples:
  boatyard get secret --project shop --secret stage
  boatyard get secret -p shop --secret stage -o json | jq .secrets.variables")]
    GetSecret { SecretArg }
}
shown! {
    /// `get global-secret`
    #[command(after_help = "\
The table leaves the values out; -o json and -o yaml have them, for a token that may read them.

Examples:
  boatyard get global-secret --secret package-token")]
    GetGlobalSecret { GlobalSecretArg }
}
shown! {
    /// `get tag`
    #[command(after_help = "\
Examples:
  boatyard get tag --tag web")]
    GetTag { TagArg }
}

deleted! {
    /// `delete secret`
    #[command(after_help = "\
Examples:
  boatyard delete secret --project shop --secret stage")]
    DeleteSecret { SecretArg }
}
deleted! {
    /// `delete global-secret`
    #[command(after_help = "\
Examples:
  boatyard delete global-secret --secret package-token")]
    DeleteGlobalSecret { GlobalSecretArg }
}
deleted! {
    /// `delete tag`
    #[command(after_help = "\
Examples:
  boatyard delete tag --tag web")]
    DeleteTag { TagArg }
}
