//! Where a registry is: a host, perhaps with a port, and perhaps the folder of repositories in it
//! that is meant.

/// The longest address.
const LENGTH: usize = 255;

/// The host and port of a registry, and the folder of repositories behind them, if any.
pub fn host_and_path(registry: &str) -> (&str, Option<&str>) {
    match registry.split_once('/') {
        Some((host, path)) => (host, Some(path)),
        None => (registry, None),
    }
}

/// Whether the registry is on this machine: then, and only then, it is spoken to in plain HTTP.
pub fn is_loopback(registry: &str) -> bool {
    let (host, _) = host_and_path(registry);
    let host = match host.rsplit_once(':') {
        Some((host, port)) if port.bytes().all(|b| b.is_ascii_digit()) => host,
        _ => host,
    };
    let host = host.trim_start_matches('[').trim_end_matches(']');
    host == "localhost"
        || host
            .parse::<std::net::IpAddr>()
            .is_ok_and(|address| address.is_loopback())
}

/// Where a registry is spoken to: in plain HTTP on this machine, and nowhere else.
pub fn base_url(registry: &str) -> String {
    let (host, _) = host_and_path(registry);
    // The name in front of images is another one than that of the machine behind it.
    let host = match host {
        "docker.io" => "registry-1.docker.io",
        host => host,
    };
    let scheme = if is_loopback(host) { "http" } else { "https" };
    format!("{scheme}://{host}")
}

/// A registry's address as a person writes it, in the form in which images name it: without a
/// scheme, and with Docker Hub under its one name.
///
/// # Errors
/// What is wrong with it, as a phrase that follows the field's name.
pub fn parse(text: &str) -> Result<String, String> {
    let bare = match text.split_once("://") {
        None => text,
        Some(("https", rest)) => rest,
        Some(("http", rest)) if is_loopback(rest) => rest,
        Some(("http", _)) => {
            return Err("must be reached by https: a password is not sent in the clear".into());
        }
        Some((scheme, _)) => return Err(format!("must begin with https://, not {scheme}://")),
    };
    let (host, path) = host_and_path(bare.trim_end_matches('/'));
    if is_docker_hub(host) {
        let path = path.filter(|path| !matches!(*path, "v1" | "v2"));
        return checked("docker.io", path);
    }
    checked(host, path)
}

fn checked(host: &str, path: Option<&str>) -> Result<String, String> {
    let host = host.to_ascii_lowercase();
    let address = match path {
        Some(path) => format!("{host}/{path}"),
        None => host.clone(),
    };
    if !is_host(&host) || !path.is_none_or(is_folder) || address.len() > LENGTH {
        return Err(
            "must be a registry's host, like registry.example.com:5000, with at most the folder \
             of its repositories behind it, in lower-case letters"
                .into(),
        );
    }
    Ok(address)
}

fn is_docker_hub(host: &str) -> bool {
    matches!(
        host,
        "docker.io" | "index.docker.io" | "registry-1.docker.io" | "hub.docker.com"
    )
}

/// Letters, digits, dots and hyphens, or an IPv6 address in brackets, with a port where there is one.
fn is_host(text: &str) -> bool {
    let (name, port) = match text.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((address, port)) => {
            if address.parse::<std::net::Ipv6Addr>().is_err() {
                return false;
            }
            (
                None,
                port.strip_prefix(':').or((!port.is_empty()).then_some("")),
            )
        }
        None => match text.split_once(':') {
            Some((name, port)) => (Some(name), Some(port)),
            None => (Some(text), None),
        },
    };
    let label = |label: &str| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    name.is_none_or(|name| name.split('.').all(label))
        && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|port| port > 0))
}

/// Parts of a repository's name (OCI Distribution Specification, "Pulling manifests").
fn is_folder(path: &str) -> bool {
    let letter = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit();
    path.split('/').all(|part| {
        part.bytes()
            .all(|b| letter(b) || matches!(b, b'.' | b'_' | b'-'))
            && part.bytes().next().is_some_and(letter)
            && part.bytes().last().is_some_and(letter)
            && !part.contains("..")
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for host in [
            "localhost",
            "localhost:5000",
            "127.0.0.1:1/x",
            "127.9.9.9",
            "[::1]:5000",
        ] {
            assert!(is_loopback(host), "{host}");
        }
        for host in [
            "",
            "docker.io",
            "127.0.0.1.example.com",
            "10.0.0.1:5000",
            "[::2]:1",
        ] {
            assert!(!is_loopback(host), "{host}");
        }
    }

    #[test]
    fn an_address_is_read_as_people_write_it() {
        for (written, read) in [
            ("registry.example.com", "registry.example.com"),
            (
                "https://Registry.example.com:5000/",
                "registry.example.com:5000",
            ),
            ("https://index.docker.io/v1/", "docker.io"),
            ("docker.io/shop", "docker.io/shop"),
            ("http://127.0.0.1:5000", "127.0.0.1:5000"),
            ("ghcr.io/some-org/images", "ghcr.io/some-org/images"),
            ("[::1]:5000", "[::1]:5000"),
        ] {
            assert_eq!(parse(written).as_deref(), Ok(read), "{written}");
        }
        for bad in [
            "",
            "http://registry.example.com",
            "ftp://registry.example.com",
            "registry.example.com:0",
            "registry.example.com:port",
            "user:password@registry.example.com",
            "registry.example.com/../v1",
            "registry.example.com/A",
            "registry.example.com?x",
            "-x",
            "[::1]x",
            "a b",
            "\"]\n[x",
        ] {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn docker_hub_answers_under_another_name() {
        assert_eq!(base_url("docker.io/shop"), "https://registry-1.docker.io");
        assert_eq!(base_url("127.0.0.1:5000/shop"), "http://127.0.0.1:5000");
    }

    proptest! {
        #[test]
        fn what_was_read_reads_the_same(text in "\\PC{0,40}|[a-z0-9./:\\[\\]-]{0,40}") {
            if let Ok(read) = parse(&text) {
                prop_assert_eq!(parse(&read), Ok(read.clone()));
                prop_assert!(!read.contains(['"', '\\', '@', '?', '#', ' ']), "{}", read);
            }
        }
    }
}
