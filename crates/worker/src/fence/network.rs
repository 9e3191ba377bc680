//! What a build reaches.
//!
//! A room's network has no way out by itself. `slirp4netns` gives it one: it speaks TCP and UDP for
//! the room as an ordinary process of the machine would. It would connect to the machine's loopback,
//! too, for whoever sends it such a packet. The kernel makes none, and routes in the room keep it from
//! making those to the machine's own addresses, where the API listens, and to link-local ones, where
//! clouds keep credentials. Nobody in the room may make packets by hand, or change the routes
//! (`program::given_up`).

use std::io;
use std::net::Ipv4Addr;
use std::process::Stdio;

use ipnet::{IpNet, Ipv4Net};
use serde::Deserialize;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::process::{Child, Command};

use super::program::PATH;

/// The name server that `slirp4netns` offers in the room: it asks the machine's own.
pub(super) const NAME_SERVER: &str = "10.0.2.3";
/// Where clouds keep a machine's credentials.
const LINK_LOCAL: &str = "169.254.0.0/16";

/// A room's way out. Gone when dropped.
#[derive(Debug)]
pub(super) struct Uplink {
    _slirp: Child,
}

impl Uplink {
    /// Connects the room whose first process is `first`. `enroll` gets the number of the process
    /// that carries its traffic. Addresses in `allow` stay open although they are the machine's.
    ///
    /// # Errors
    /// What is missing on this machine, in words for its operator.
    pub(super) async fn connect(
        first: u32,
        allow: &[IpNet],
        enroll: impl FnOnce(u32) -> io::Result<()>,
    ) -> io::Result<Uplink> {
        // Nothing runs in the room before both are done.
        let routes = async { close_routes(first, &closed(allow).await?).await };
        let (slirp, ()) = tokio::try_join!(started(first, enroll), routes)?;
        Ok(Uplink { _slirp: slirp })
    }
}

/// Starts what carries the room's traffic, and waits until it does.
async fn started(first: u32, enroll: impl FnOnce(u32) -> io::Result<()>) -> io::Result<Child> {
    let mut slirp = slirp(first).spawn().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => io::Error::other(
            "slirp4netns is not installed; get it with: apt-get install slirp4netns",
        ),
        _ => error,
    })?;
    if let Some(pid) = slirp.id() {
        enroll(pid)?;
    }
    ready(&mut slirp).await?;
    Ok(slirp)
}

/// Its standard input is its life: it ends when the worker's end of the pipe is closed.
fn slirp(first: u32) -> Command {
    let mut command = command("slirp4netns");
    command
        .args(["--configure", "--mtu=65520", "--disable-host-loopback"])
        .args(["--enable-sandbox", "--enable-seccomp"])
        .args(["--exit-fd=0", "--ready-fd=1"])
        .arg(format!("--userns-path=/proc/{first}/ns/user"))
        .args([
            "--netns-type=path",
            &format!("/proc/{first}/ns/net"),
            "tap0",
        ])
        .stdin(Stdio::piped());
    command
}

fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command
        .env_clear()
        .env("PATH", PATH)
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .kill_on_drop(true);
    command
}

/// Waits until it says `1`; what it said instead otherwise.
async fn ready(slirp: &mut Child) -> io::Result<()> {
    let mut out = slirp.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
    let mut bytes = [0; 256];
    loop {
        let count = out.read(&mut bytes).await?;
        if bytes[..count].ends_with(b"1") {
            return Ok(());
        }
        if count == 0 {
            return Err(io::Error::other(complaint("slirp4netns", slirp).await));
        }
    }
}

/// What a program said on its standard error, as one line.
async fn complaint(program: &str, child: &mut Child) -> String {
    let mut text = String::new();
    if let Some(errors) = child.stderr.take() {
        // What it said is worth showing as far as it can be read.
        let _ = errors.take(4096).read_to_string(&mut text).await;
    }
    let lines: Vec<&str> = text
        .lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .collect();
    if lines.is_empty() {
        return format!("{program} ended unexpectedly");
    }
    let said = format!("{program}: {}", lines.join("; "));
    if said.contains("/dev/net/tun") {
        return format!("{said}; open it to this user with: chmod 666 /dev/net/tun");
    }
    said
}

/// The address ranges that a build must not reach.
async fn closed(allow: &[IpNet]) -> io::Result<Vec<Ipv4Net>> {
    let mut closed: Vec<Ipv4Net> = own_addresses().await?.into_iter().map(Into::into).collect();
    closed.extend(LINK_LOCAL.parse::<Ipv4Net>());
    closed.retain(|range| !allow.iter().any(|open| open.contains(&IpNet::V4(*range))));
    Ok(closed)
}

/// The machine's own addresses, without loopback: the room has its own.
async fn own_addresses() -> io::Result<Vec<Ipv4Addr>> {
    let output = command("ip")
        .args(["-4", "-json", "address"])
        .output()
        .await;
    let output = output.map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            io::Error::other("ip is not installed; get it with: apt-get install iproute2")
        }
        _ => error,
    })?;
    parse_addresses(&output.stdout)
}

fn parse_addresses(json: &[u8]) -> io::Result<Vec<Ipv4Addr>> {
    #[derive(Deserialize)]
    struct Interface {
        #[serde(default)]
        addr_info: Vec<Address>,
    }
    #[derive(Deserialize)]
    struct Address {
        local: Option<Ipv4Addr>,
    }
    let interfaces: Vec<Interface> = serde_json::from_slice(json)?;
    let addresses = interfaces
        .into_iter()
        .flat_map(|interface| interface.addr_info);
    Ok(addresses
        .filter_map(|address| address.local)
        .filter(|address| !address.is_loopback())
        .collect())
}

/// Closes the ranges in the network of the room.
async fn close_routes(first: u32, ranges: &[Ipv4Net]) -> io::Result<()> {
    let mut child = command("nsenter")
        .args(["--target", &first.to_string(), "--user", "--net"])
        .args(["ip", "-batch", "-"])
        .stdin(Stdio::piped())
        .spawn()?;
    if let Some(mut input) = child.stdin.take() {
        for range in ranges {
            let line = format!("route replace blackhole {range}\n");
            input.write_all(line.as_bytes()).await?;
        }
    }
    if child.wait().await?.success() {
        return Ok(());
    }
    Err(io::Error::other(complaint("ip", &mut child).await))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machines_addresses_are_read() {
        let json = br#"[{"ifname":"lo","addr_info":[{"family":"inet","local":"127.0.0.1"}]},
            {"ifname":"eth0","addr_info":[{"family":"inet","local":"192.0.2.2","prefixlen":24}]},
            {},{"addr_info":[{}]}]"#;
        assert_eq!(
            parse_addresses(json).unwrap(),
            [Ipv4Addr::new(192, 0, 2, 2)]
        );
        assert!(parse_addresses(b"").is_err());
    }

    #[tokio::test]
    async fn what_the_operator_allows_stays_open() {
        let link_local: Ipv4Net = LINK_LOCAL.parse().unwrap();
        assert!(closed(&[]).await.unwrap().contains(&link_local));
        let allow = ["169.254.0.0/16".parse().unwrap()];
        assert!(!closed(&allow).await.unwrap().contains(&link_local));
    }
}
