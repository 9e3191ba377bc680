//! The environment and configuration every git process gets, and nothing besides.
//!
//! A developer's or operator's own configuration could add credential helpers, URL rewrites, hooks
//! or other transports to what a hostile repository can reach; so none of it is read.

use std::ffi::OsString;
use std::path::Path;

use crate::runner::GitSettings;

/// Our own configuration file, read in place of the user's, also by git processes that git starts
/// on the other side of a `file` address and that do not inherit command-line configuration.
/// Ownership of repositories is not checked: which of them `file` may reach is decided by the
/// operator who allows that protocol, and our mirrors may sit on volumes owned by others.
pub(crate) const CONFIG: &str = "\
[safe]
\tdirectory = *
[core]
\thooksPath = /dev/null
[init]
\tdefaultBranch = main
[gc]
\tauto = 0
[maintenance]
\tauto = false
[advice]
\tdetachedHead = false
";

/// Environment and `-c`-like configuration of one git process.
#[derive(Debug, Clone, Default)]
pub(crate) struct Environment {
    pub(crate) variables: Vec<(String, OsString)>,
    /// Passed in the environment, where other users of the machine cannot read it, unlike
    /// arguments.
    config: Vec<(String, String)>,
}

impl Environment {
    pub(crate) fn variable(&mut self, name: &str, value: impl Into<OsString>) {
        self.variables.push((name.to_owned(), value.into()));
    }

    pub(crate) fn config(&mut self, key: impl Into<String>, value: impl Into<String>) {
        self.config.push((key.into(), value.into()));
    }

    /// All of it, as environment variables.
    pub(crate) fn into_variables(self) -> Vec<(String, OsString)> {
        let mut all = self.variables;
        all.push((
            "GIT_CONFIG_COUNT".to_owned(),
            self.config.len().to_string().into(),
        ));
        for (index, (key, value)) in self.config.into_iter().enumerate() {
            all.push((format!("GIT_CONFIG_KEY_{index}"), key.into()));
            all.push((format!("GIT_CONFIG_VALUE_{index}"), value.into()));
        }
        all
    }
}

pub(crate) fn for_git(settings: &GitSettings) -> Environment {
    let mut env = Environment::default();
    let path = std::env::var_os("PATH").unwrap_or_else(|| "/usr/local/bin:/usr/bin:/bin".into());
    env.variable("PATH", path);
    env.variable("HOME", &settings.home);
    env.variable("XDG_CONFIG_HOME", &settings.home);
    env.variable("LC_ALL", "C");
    env.variable("GIT_CONFIG_NOSYSTEM", "1");
    env.variable("GIT_CONFIG_GLOBAL", settings.config_file());
    env.variable("GIT_ATTR_NOSYSTEM", "1");
    env.variable("GIT_NO_REPLACE_OBJECTS", "1");
    env.variable("GIT_TERMINAL_PROMPT", "0");
    env.variable("GIT_ASKPASS", "/bin/false");
    env.variable("SSH_ASKPASS", "/bin/false");
    env.variable("SSH_ASKPASS_REQUIRE", "never");
    // An allow list: what is not on it is refused, also for what git itself wants to follow.
    env.variable("GIT_ALLOW_PROTOCOL", settings.protocols.for_git());
    if let Some(file) = &settings.ca_file {
        env.variable("GIT_SSL_CAINFO", file);
    }
    env.config("core.hooksPath", "/dev/null");
    env.config("core.fsmonitor", "false");
    env.config("credential.helper", "");
    env.config("http.followRedirects", "false");
    env.config("http.lowSpeedLimit", "1000");
    let stall = settings.stall_timeout.as_secs().max(1);
    env.config("http.lowSpeedTime", stall.to_string());
    // Small packs are kept whole instead of being unpacked object by object: a fetch that is cut
    // off then leaves either all of a commit or nothing of it.
    env.config("fetch.unpackLimit", "1");
    env.config("protocol.version", "2");
    env
}

/// The command line for ssh. The host's name stays what keys are looked up by, while the
/// connection goes to the address that was checked.
pub(crate) fn ssh_command(settings: &GitSettings, name: &str, address: &str) -> String {
    let ssh = &settings.ssh;
    let known_hosts = settings.known_hosts();
    let stall = settings.stall_timeout.as_secs().max(1);
    let mut words = vec![
        quoted(&ssh.program),
        "-F /dev/null -o BatchMode=yes -o StrictHostKeyChecking=yes".to_owned(),
        format!("-o UserKnownHostsFile={}", quoted(&known_hosts)),
        "-o GlobalKnownHostsFile=/dev/null -o UpdateHostKeys=no -o CheckHostIP=no".to_owned(),
        format!("-o HostKeyAlias={}", quoted(Path::new(name))),
        format!("-o HostName={}", quoted(Path::new(address))),
        format!("-o ConnectTimeout={stall} -o ServerAliveInterval={stall}"),
        "-o ServerAliveCountMax=2 -o IdentityAgent=none -o IdentitiesOnly=yes".to_owned(),
        "-o ForwardAgent=no -o ForwardX11=no -o ClearAllForwardings=yes".to_owned(),
        "-o PermitLocalCommand=no -o ProxyCommand=none -o ControlPath=none".to_owned(),
    ];
    words.push(match &ssh.key {
        Some(key) => format!("-i {}", quoted(key)),
        None => "-o IdentityFile=none".to_owned(),
    });
    words.join(" ")
}

/// One word to the shell that git starts ssh with.
pub(crate) fn quoted(text: &Path) -> String {
    format!("'{}'", text.to_string_lossy().replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_cannot_leave_their_quotes() {
        assert_eq!(quoted(Path::new("a b")), "'a b'");
        assert_eq!(quoted(Path::new("a'; id; '")), r"'a'\''; id; '\'''");
    }
}
