//! Where the server is reached: by clients, by workers, by `docker pull`.

use super::PublicAddress;
use crate::config::Options;
use anyhow::{Context, bail};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

/// Works out the addresses from what is configured and what is bound.
pub(super) fn of(options: &Options, bound: SocketAddr) -> anyhow::Result<PublicAddress> {
    let local = SocketAddr::new(reachable(bound.ip()), bound.port());
    let url = match &options.public_url {
        Some(url) => url.trim_end_matches('/').to_owned(),
        None => format!("http://{local}"),
    };
    let uri: axum::http::Uri = url
        .parse()
        .with_context(|| format!("public_url {url} is no URL"))?;
    let (Some("http" | "https"), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
        bail!("public_url must begin with http:// or https://, and is {url}");
    };
    if uri.path() != "/" {
        bail!(
            "public_url is {url}; images have no path before their names, so it has to end with the host"
        );
    }
    if options.public_url.is_none() && bound.ip().is_unspecified() {
        tracing::warn!(
            "other machines are told to pull from {local}; say with --public-url how they reach this one"
        );
    }
    Ok(PublicAddress {
        registry_host: authority.to_string(),
        url: url.clone(),
        local: local.to_string(),
        loopback_only: bound.ip().is_loopback() && options.public_url.is_none(),
    })
}

/// An address that a process on this machine can connect to.
fn reachable(ip: IpAddr) -> IpAddr {
    match ip {
        IpAddr::V4(ip) if ip.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(ip) if ip.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        ip => ip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(public_url: Option<&str>, bound: &str) -> PublicAddress {
        let options = Options {
            public_url: public_url.map(str::to_owned),
            ..Options::default()
        };
        of(&options, bound.parse().unwrap()).unwrap()
    }

    #[test]
    fn loopback_pulls_are_open_and_named_as_bound() {
        let address = address(None, "127.0.0.1:8484");
        assert!(address.loopback_only);
        assert_eq!(address.registry_host, "127.0.0.1:8484");
    }

    #[test]
    fn a_public_url_names_the_images() {
        let address = address(Some("https://ci.example.com/"), "0.0.0.0:8484");
        assert!(!address.loopback_only);
        assert_eq!(address.registry_host, "ci.example.com");
        assert_eq!(address.local, "127.0.0.1:8484");
        assert!(
            of(
                &Options {
                    public_url: Some("ci".into()),
                    ..Options::default()
                },
                "0.0.0.0:1".parse().unwrap()
            )
            .is_err()
        );
    }
}
