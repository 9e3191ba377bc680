//! What of a job is secret.
//!
//! Secret mounts, build files and the passwords of registries always are. Docker's build arguments
//! are no secrets, but people put some into them: one whose name says so is, and so is the password
//! in one that is a URL. Any other, like `NODE_ENV=production`, would blot out half of the log.

use std::borrow::Cow;

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
    let request = &job.request;
    let files = request
        .build_files
        .values()
        // What is not base64 is no file either: the build ends for it.
        .filter_map(|file| file.bytes())
        .map(Cow::Owned);
    let arguments = request
        .build_arguments
        .iter()
        .filter_map(|(name, value)| in_argument(name, value));
    let logins = job
        .credentials
        .iter()
        .chain(&job.push_credential)
        .map(|credential| Cow::Borrowed(credential.password.as_bytes()));
    let source = password_in(&request.project_url);
    let linked = job.git_login.as_ref();
    let linked = linked.map(|login| Cow::Borrowed(login.password.as_bytes()));
    files
        .chain(arguments)
        .chain(logins)
        .chain(source)
        .chain(linked)
}

fn in_argument<'a>(name: &str, value: &'a str) -> Option<Cow<'a, [u8]>> {
    if says_secret(name) {
        return Some(Cow::Borrowed(value.as_bytes()));
    }
    password_in(value)
}

/// The password as it stands in a URL: it is what programs print.
fn password_in<'a>(url: &str) -> Option<Cow<'a, [u8]>> {
    let password = Url::parse(url).ok()?.password()?.to_owned();
    Some(Cow::Owned(password.into_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_addresses_say_it() {
        let secret = |name: &str, value: &str| {
            in_argument(name, value).map(|secret| String::from_utf8(secret.into_owned()).unwrap())
        };
        assert_eq!(secret("NPM_TOKEN", "hush").as_deref(), Some("hush"));
        assert_eq!(secret("db_password", "hush").as_deref(), Some("hush"));
        assert_eq!(
            secret("DATABASE", "postgres://me:hush@db/shop").as_deref(),
            Some("hush")
        );
        assert_eq!(secret("NODE_ENV", "production"), None);
        assert_eq!(secret("MIRROR", "https://example.com/"), None);
    }
}
