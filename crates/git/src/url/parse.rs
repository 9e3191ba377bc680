//! From text to address. Everything that is not plainly fine is refused.

use url::{Host, Url};

use super::{Credentials, Protocol, RepoUrl, UrlError};

const MAX_LENGTH: usize = 2048;

pub(super) fn parse(text: &str) -> Result<RepoUrl, UrlError> {
    if text.is_empty() {
        return invalid("it is empty");
    }
    if text.len() > MAX_LENGTH {
        return invalid("it is too long");
    }
    if text.starts_with('-') {
        return invalid("it starts with '-'");
    }
    // A URL parser would take the first part of the path for the host.
    let hostless = |(scheme, rest): (&str, &str)| scheme != "file" && rest.starts_with('/');
    if text.split_once("://").is_some_and(hostless) {
        return invalid("it has no host");
    }
    if text
        .chars()
        .any(|c| c.is_control() || c.is_whitespace() || c == '\\')
    {
        return invalid("it contains a space, a control character or a backslash");
    }
    if let Some(transport) = remote_helper(text) {
        return Err(UrlError::ProtocolNotAllowed(format!("{transport}::")));
    }
    if let Some((scheme, _)) = text.split_once("://") {
        return match scheme.parse()? {
            Protocol::File => parse_file(text),
            protocol => parse_network(text, protocol),
        };
    }
    if text.starts_with('/') {
        return parse_file(&format!("file://{text}"));
    }
    parse_without_scheme(text)
}

fn invalid<T>(why: &'static str) -> Result<T, UrlError> {
    Err(UrlError::Invalid(why))
}

/// `ext::sh -c …`: git would run the program `git-remote-ext`.
fn remote_helper(text: &str) -> Option<&str> {
    let (transport, _) = text.split_once("::")?;
    transport
        .bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'-' | b'.' | b'_'))
        .then_some(transport)
}

/// `user@host:path`, or `host/path` and `host:port/path`, which mean https.
fn parse_without_scheme(text: &str) -> Result<RepoUrl, UrlError> {
    let first = text.split('/').next().unwrap_or_default();
    if let Some((user, _)) = first.split_once('@') {
        let Some((authority, path)) = text.split_once(':') else {
            return invalid("after user@host a ':' and the path are missing");
        };
        let Some((_, host)) = authority.split_once('@') else {
            return invalid("the user name contains ':'");
        };
        return scp_like(user, host, path);
    }
    let (host, port) = first.split_once(':').unwrap_or((first, "443"));
    if !host.contains('.') && host != "localhost" {
        return invalid("write it as https://host/path or user@host:path");
    }
    if port.parse::<u16>().is_err() {
        return invalid("an address by ssh needs a user: user@host:path");
    }
    parse_network(&format!("https://{text}"), Protocol::Https)
}

fn scp_like(user: &str, host: &str, path: &str) -> Result<RepoUrl, UrlError> {
    check_user(user)?;
    check_host(host)?;
    if path.is_empty() || path.starts_with('-') {
        return invalid("the path is empty or starts with '-'");
    }
    // An absolute path is the same in the other form, which has one meaning only.
    Ok(RepoUrl {
        protocol: Protocol::Ssh,
        user: Some(user.to_owned()),
        host: host.to_ascii_lowercase(),
        port: None,
        path: path.to_owned(),
        credentials: None,
    })
}

fn parse_file(text: &str) -> Result<RepoUrl, UrlError> {
    let (_, path) = text.split_once("://").unwrap_or_default();
    if !path.starts_with('/') {
        return invalid("a file address has no host: file:///path");
    }
    if path.starts_with("//") || path == "/" {
        return invalid("it names no folder");
    }
    check_encoding(path)?;
    Ok(RepoUrl {
        protocol: Protocol::File,
        user: None,
        host: String::new(),
        port: None,
        path: path.to_owned(),
        credentials: None,
    })
}

fn parse_network(text: &str, protocol: Protocol) -> Result<RepoUrl, UrlError> {
    let Ok(url) = Url::parse(text) else {
        return invalid("host or port cannot be read");
    };
    if url.query().is_some() || url.fragment().is_some() {
        return invalid("it contains '?' or '#'");
    }
    let host = match url.host() {
        Some(Host::Domain(name)) => {
            check_host(name)?;
            name.to_ascii_lowercase()
        }
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return invalid("the host is missing"),
    };
    check_encoding(url.path())?;
    if url.path().trim_matches('/').is_empty() {
        return invalid("the path to the repository is missing");
    }
    let (user, credentials) = identity(&url, protocol)?;
    Ok(RepoUrl {
        protocol,
        user,
        host,
        port: url
            .port()
            .filter(|port| Some(*port) != protocol.default_port()),
        path: url.path().to_owned(),
        credentials,
    })
}

type Identity = (Option<String>, Option<Credentials>);

/// Who we are at the server: a login for ssh, credentials for http.
fn identity(url: &Url, protocol: Protocol) -> Result<Identity, UrlError> {
    let user = decode(url.username())?;
    let password = url.password().map(decode).transpose()?;
    if user.is_empty() && password.is_none() {
        return Ok((None, None));
    }
    if protocol != Protocol::Ssh {
        let password = password.unwrap_or_default();
        return Ok((None, Some(Credentials { user, password })));
    }
    if password.is_some() {
        return invalid("a password cannot be used with ssh; use a key");
    }
    check_user(&user)?;
    Ok((Some(user), None))
}

fn check_user(user: &str) -> Result<(), UrlError> {
    let plain =
        |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b'+');
    if user.is_empty() || user.starts_with('-') || !user.bytes().all(plain) {
        return invalid("the user name is empty, starts with '-' or has odd characters");
    }
    Ok(())
}

fn check_host(host: &str) -> Result<(), UrlError> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if host.is_empty() || host.len() > 253 || host.starts_with(['-', '.']) {
        return invalid("the host is empty, too long or starts with '-' or '.'");
    }
    if !host.bytes().all(plain) {
        return invalid("the host has odd characters");
    }
    Ok(())
}

/// Git decodes the path; what it would get must be plain as well.
fn check_encoding(path: &str) -> Result<(), UrlError> {
    decode(path).map(|_| ())
}

/// Undoes percent-encoding. Control characters, encoded or not, are refused, and so is what would
/// not be text.
fn decode(text: &str) -> Result<String, UrlError> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        if byte != b'%' {
            decoded.push(byte);
            continue;
        }
        let mut digit = || char::from(bytes.next()?).to_digit(16);
        match (digit(), digit()) {
            (Some(high), Some(low)) => decoded.push((high * 16 + low) as u8),
            _ => return invalid("'%' is not followed by two hexadecimal digits"),
        }
    }
    match String::from_utf8(decoded) {
        Ok(decoded) if !decoded.contains(char::is_control) => Ok(decoded),
        _ => invalid("it contains encoded control characters or is not UTF-8"),
    }
}
