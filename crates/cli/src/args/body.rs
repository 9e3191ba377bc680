//! Flags that make up a request's body: raw JSON or YAML, and friendly ones for common fields.

use clap::Args;
use std::path::PathBuf;

/// A body as written by the caller; friendly flags win over its fields.
#[derive(Clone, Debug, Default, Args)]
pub struct Body {
    /// The whole body as JSON; wins over --file
    #[arg(short, long, value_name = "JSON", help_heading = "Body")]
    pub input: Option<String>,
    /// A file with the whole body as JSON or YAML; - is standard input
    #[arg(short, long, value_name = "PATH", help_heading = "Body")]
    pub file: Option<PathBuf>,
}

impl Body {
    /// Whether a body was written, and not only flags.
    pub(crate) fn is_given(&self) -> bool {
        self.input.is_some() || self.file.is_some()
    }
}

/// The common fields of a build service.
#[derive(Clone, Debug, Default, Args)]
pub struct ServiceFields {
    /// What it is for
    #[arg(long, value_name = "TEXT")]
    pub description: Option<String>,
    /// URL of the git repository
    #[arg(long, value_name = "URL")]
    pub repo: Option<String>,
    /// The repository's provider: github, gitlab, bitbucket, azure or self-hosted [default: by the URL]
    #[arg(long, value_name = "NAME")]
    pub vcs: Option<String>,
    /// The Dockerfile's path in the repository [default when created: /Dockerfile]
    #[arg(long, value_name = "PATH", value_parser = from_root)]
    pub dockerfile: Option<String>,
    /// The build context's folder in the repository [default when created: /]
    #[arg(long, value_name = "PATH", value_parser = from_root)]
    pub workdir: Option<String>,
    /// The Dockerfile's stage to build [default: the last]
    #[arg(long, value_name = "STAGE")]
    pub target: Option<String>,
    /// How much of a machine a build may use; see `boatyard list plans`
    #[arg(long, value_name = "PLAN")]
    pub plan: Option<String>,
    /// A build argument (repeatable); KEY alone takes the value from the environment
    #[arg(long = "arg", value_name = "KEY=VALUE", value_parser = key_value)]
    pub args: Vec<KeyValue>,
}

/// `KEY=VALUE`
#[derive(Clone)]
pub struct KeyValue {
    /// Before the first `=`.
    pub key: String,
    /// Behind it.
    pub value: String,
}

impl std::fmt::Debug for KeyValue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}=…", self.key)
    }
}

pub(super) fn key_value(text: &str) -> Result<KeyValue, String> {
    let (key, value) = match text.split_once('=') {
        Some((key, value)) => (key, value.to_owned()),
        None => {
            let value = std::env::var(text);
            (
                text,
                value.map_err(|_| format!("write KEY=VALUE, or set {text} in the environment"))?,
            )
        }
    };
    if key.is_empty() {
        return Err("the key before `=` is missing".into());
    }
    Ok(KeyValue {
        key: key.to_owned(),
        value,
    })
}

/// The API wants paths from the repository's root; people write them in many ways.
pub(super) fn from_root(text: &str) -> Result<String, std::convert::Infallible> {
    let inner = text.trim_start_matches("./").trim_start_matches('/');
    Ok(if inner == "." {
        "/".into()
    } else {
        format!("/{inner}")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_become_paths_from_the_root() {
        for (given, wanted) in [
            ("Dockerfile", "/Dockerfile"),
            ("./docker/Dockerfile", "/docker/Dockerfile"),
            ("/a/b", "/a/b"),
            (".", "/"),
            ("/", "/"),
            ("./", "/"),
        ] {
            assert_eq!(from_root(given).as_deref(), Ok(wanted));
        }
    }

    #[test]
    fn arguments_split_at_the_first_equals_sign() {
        let pair = key_value("OPTS=-a=b").unwrap();
        assert_eq!((pair.key.as_str(), pair.value.as_str()), ("OPTS", "-a=b"));
        assert!(key_value("=x").is_err());
        assert!(key_value("BOATYARD_NOT_SET_ANYWHERE").is_err());
        assert_eq!(format!("{pair:?}"), "OPTS=…");
    }
}
