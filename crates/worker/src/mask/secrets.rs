//! What of a job is secret.
//!
//! Secret mounts, build files, the passwords of registries and secrets of the account always are.
//! Docker's build arguments are no secrets, but people put some into them: one is that holds what the
//! server keeps as a secret, one whose name says so, and the password in one that is a URL. Any other,
//! like `NODE_ENV=production`, would blot out half of the log.

use std::borrow::Cow;

use domain::BuildRequest;
use protocol::Job;
use url::Url;

/// Parts of names that are given to secrets.
const SECRET: [&str; 6] = ["TOKEN", "SECRET", "PASS", "KEY", "CREDENTIAL", "PRIVATE"];

/// Whether something with this name is a secret.
pub(crate) fn says_secret(name: &str) -> bool {
    let upper = name.to_ascii_uppercase();
    SECRET.iter().any(|part| upper.contains(part))
}

/// The secret mounts of a job: nothing in them is anything but secret.
pub(crate) fn mounts_of(job: &Job) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let mounts = job.request.docker_secret_mounts.values();
    mounts.filter_map(|file| file.bytes()).map(Cow::Owned)
}

/// Every other secret of a job.
pub(crate) fn secrets_of(job: &Job) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let logins = job
        .credentials
        .iter()
        .chain(&job.push_credential)
        .map(|credential| Cow::Borrowed(credential.password.as_bytes()));
    let linked = job.git_login.as_ref();
    let linked = linked.map(|login| Cow::Borrowed(login.password.as_bytes()));
    secrets_in(&job.request).chain(logins).chain(linked)
}

fn secrets_in(request: &BuildRequest) -> impl Iterator<Item = Cow<'_, [u8]>> {
    let files = request
        .build_files
        .values()
        // What is not base64 is no file either: the build ends for it.
        .filter_map(|file| file.bytes())
        .map(Cow::Owned);
    let is_secret = |name: &str| request.secret_arguments.contains(name) || says_secret(name);
    let arguments = request
        .build_arguments
        .iter()
        .filter(move |(name, _)| is_secret(name))
        .map(|(_, value)| value)
        .chain(&request.account_secrets)
        .map(|value| Cow::Borrowed(value.as_bytes()));
    // A program that is given a URL prints the password without the rest of it.
    let passwords = request
        .build_arguments
        .values()
        .chain([&request.project_url])
        .filter_map(|url| password_in(url));
    files.chain(arguments).chain(passwords)
}

/// The password as it stands in a URL: it is what programs print.
fn password_in<'a>(url: &str) -> Option<Cow<'a, [u8]>> {
    let password = Url::parse(url).ok()?.password()?.to_owned();
    Some(Cow::Owned(password.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// The secrets of a request with these arguments, of which `GIVEN` is one.
    fn secrets(arguments: &[(&str, &str)]) -> Vec<String> {
        let request: BuildRequest = serde_json::from_value(serde_json::json!({
            "projectUrl": "https://example.com/a/b",
            "dockerFilePath": "/Dockerfile",
            "dockerWorkDir": "/",
            "buildArguments": BTreeMap::from_iter(arguments.iter().copied()),
            "secretArguments": ["GIVEN"],
            "accountSecrets": ["of the account"],
            "ephemeralStorageMb": 1,
            "plan": {"id": "p", "cpu_hundredths": 100, "memory_mb": 512},
            "timeLimitSeconds": 60,
        }))
        .unwrap();
        let text = |secret: Cow<'_, [u8]>| String::from_utf8(secret.into_owned()).unwrap();
        secrets_in(&request).map(text).collect()
    }

    #[test]
    fn names_and_addresses_say_it() {
        let secret = |name: &str, value: &str| {
            let mut secrets = secrets(&[(name, value)]);
            secrets.retain(|secret| secret != "of the account");
            secrets
        };
        assert_eq!(secret("NPM_TOKEN", "hush"), ["hush"]);
        assert_eq!(secret("db_password", "hush"), ["hush"]);
        let url = "postgres://me:hush@db/shop";
        assert_eq!(secret("DATABASE", url), ["hush"]);
        assert_eq!(secret("NODE_ENV", "production"), [""; 0]);
        assert_eq!(secret("MIRROR", "https://example.com/"), [""; 0]);
    }

    #[test]
    fn the_server_says_it_whatever_the_name() {
        let url = "postgres://me:hush@db/shop";
        assert_eq!(
            secrets(&[("GIVEN", url), ("OTHER", "open")]),
            [url, "of the account", "hush"]
        );
    }
}
