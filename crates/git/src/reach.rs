//! On the way to a server: may we, to which address, and with which credentials?

use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

use crate::classify;
use crate::environment::{self, Environment};
use crate::error::GitError;
use crate::process::{Call, quiet};
use crate::runner::{Git, GitSettings};
use crate::url::{Protocol, RepoUrl};
use outbound::OutboundError;

impl Git {
    /// A call that may contact the server of `url`, at the address checked just now.
    pub(crate) async fn call_to(&self, url: &RepoUrl) -> Result<Call, GitError> {
        let settings = self.settings();
        if !settings.protocols.contains(url.protocol()) {
            return Err(GitError::ProtocolNotAllowed {
                protocol: url.protocol().to_string(),
            });
        }
        let mut call = self.call();
        let Some(port) = url.port() else {
            return Ok(call);
        };
        let addresses = check(settings, url, port).await?;
        let env = call.environment();
        match url.protocol() {
            Protocol::Https | Protocol::Http => prepare_http(env, url, port, &addresses),
            Protocol::Ssh => prepare_ssh(env, settings, url, port, &addresses),
            Protocol::File => {}
        }
        Ok(call)
    }
}

impl Git {
    /// Runs a command of an ssh server's that hands out a repository's objects; what it says.
    pub(crate) async fn ask_over_ssh(
        &self,
        url: &RepoUrl,
        command: &str,
    ) -> Result<Vec<u8>, GitError> {
        let mut call = self.call_to(url).await?;
        let port = url.port().unwrap_or_default().to_string();
        let host = url.login_at_host();
        let words = [
            command,
            &environment::quoted(Path::new(url.path())),
            "download",
        ]
        .join(" ");
        // The command line for ssh is made for the shell that git starts it with.
        call = call.args([
            "-c",
            "eval \"exec $GIT_SSH_COMMAND\" '-p \"$1\" -- \"$2\" \"$3\"'",
        ]);
        call = call.args(["ssh", &port, &host, &words]);
        let (about, patience) = (url.to_string(), self.settings().question_timeout);
        let output = call
            .run(Path::new("/bin/sh"), &about, patience, &quiet)
            .await?;
        if output.success {
            return Ok(output.stdout);
        }
        Err(classify::to_error(&output.stderr, &about, ""))
    }
}

async fn check(
    settings: &GitSettings,
    url: &RepoUrl,
    port: u16,
) -> Result<Vec<SocketAddr>, GitError> {
    match settings.outbound.check(url.host(), port).await {
        Ok(addresses) => Ok(addresses),
        Err(error @ OutboundError::Unresolved { .. }) => Err(GitError::Unreachable {
            url: url.to_string(),
            detail: error.to_string(),
        }),
        Err(error) => Err(GitError::AddressNotAllowed(error)),
    }
}

fn prepare_http(env: &mut Environment, url: &RepoUrl, port: u16, addresses: &[SocketAddr]) {
    // Pinned, so that a name server cannot give curl another answer than it gave us.
    let list: Vec<_> = addresses.iter().map(address_for_curl).collect();
    let pin = format!("{}:{port}:{}", url.host(), list.join(","));
    if url.host().parse::<std::net::IpAddr>().is_err() {
        env.config("http.curloptResolve", pin);
    }
    // No proxy: it would resolve the name for itself.
    env.config("http.proxy", "");
    if let Some(credentials) = url.credentials() {
        let pair = format!("{}:{}", credentials.user, credentials.password);
        env.config(
            format!("http.{}.extraHeader", url.origin()),
            format!("Authorization: Basic {}", BASE64.encode(pair)),
        );
    }
}

fn address_for_curl(address: &SocketAddr) -> String {
    match address {
        SocketAddr::V4(address) => address.ip().to_string(),
        SocketAddr::V6(address) => format!("[{}]", address.ip()),
    }
}

fn prepare_ssh(
    env: &mut Environment,
    settings: &GitSettings,
    url: &RepoUrl,
    port: u16,
    addresses: &[SocketAddr],
) {
    let Some(address) = addresses.first() else {
        return;
    };
    // The form in which ssh itself looks up a host on another port.
    let name = if port == 22 {
        url.host().to_owned()
    } else {
        format!("[{}]:{port}", url.host())
    };
    let command = environment::ssh_command(settings, &name, &address.ip().to_string());
    env.variable("GIT_SSH_COMMAND", command);
    env.variable("GIT_SSH_VARIANT", "ssh");
}
