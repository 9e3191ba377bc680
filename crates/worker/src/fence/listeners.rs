//! Sockets of the worker that listen in the network of a room.
//!
//! Only a process of one thread may join another network as an ordinary user, and the worker has
//! many. So it starts its own program once more, in the room's network, to bind the sockets and hand
//! them back over a pair of unix sockets. A socket stays in the network it was bound in.

use std::io::{self, IoSlice, IoSliceMut};
use std::mem::MaybeUninit;
use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Stdio;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};
use tokio::process::Command;

use super::program::{Entrance, PATH};

/// The most that one message carries.
const MOST: usize = 64;

/// Binds sockets on free ports of loopback in the network this process is in, and hands them to
/// whoever holds the other end of standard output. This is `boatyard worker --listeners COUNT`.
///
/// # Errors
/// When a socket cannot be bound, or nobody takes them.
pub fn hand_over_listeners(count: usize) -> io::Result<()> {
    let listeners = bound(count)?;
    let sockets: Vec<_> = listeners.iter().map(AsFd::as_fd).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut message = SendAncillaryBuffer::new(&mut space);
    if !message.push(SendAncillaryMessage::ScmRights(&sockets)) {
        return Err(too_many());
    }
    sendmsg(
        io::stdout(),
        &[IoSlice::new(b".")],
        &mut message,
        SendFlags::empty(),
    )?;
    Ok(())
}

fn bound(count: usize) -> io::Result<Vec<TcpListener>> {
    (0..count)
        .map(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)))
        .collect()
}

fn too_many() -> io::Error {
    io::Error::other(format!("at most {MOST} registries can be reached"))
}

/// Sockets that listen on loopback: the room's where that has a network of its own, else the
/// machine's.
///
/// # Errors
/// When they cannot be bound there.
pub(super) async fn open(room: Option<Entrance>, count: usize) -> io::Result<Vec<TcpListener>> {
    let Some(room) = room.filter(|room| room.network.takes_own()) else {
        return bound(count);
    };
    let (ours, theirs) = UnixStream::pair()?;
    let mut command = command(room, count)?;
    let child = command.stdout(OwnedFd::from(theirs)).spawn()?;
    // It holds the other end, by which we would see that the helper ended without a word.
    drop(command);
    let received = tokio::task::spawn_blocking(move || receive(&ours)).await;
    let said = child.wait_with_output().await?;
    let listeners = received.map_err(io::Error::other)??;
    if listeners.len() == count {
        return Ok(listeners);
    }
    let why = String::from_utf8_lossy(&said.stderr).trim().to_owned();
    Err(io::Error::other(format!(
        "no sockets in its network: {why}"
    )))
}

fn command(room: Entrance, count: usize) -> io::Result<Command> {
    let mut command = Command::new("nsenter");
    command.arg(format!("--net=/proc/{}/ns/net", room.first));
    if !rustix::process::geteuid().is_root() {
        command.arg(format!("--user=/proc/{}/ns/user", room.first));
    }
    command
        .arg(std::env::current_exe()?)
        .args(["worker", "--listeners", &count.to_string()])
        .env_clear()
        .env("PATH", PATH)
        .stdin(Stdio::null())
        .stderr(Stdio::piped())
        .kill_on_drop(true);
    Ok(command)
}

/// The sockets that come; none when the other end is closed.
fn receive(from: &UnixStream) -> io::Result<Vec<TcpListener>> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(MOST))];
    let mut message = RecvAncillaryBuffer::new(&mut space);
    let mut byte = [0];
    recvmsg(
        from,
        &mut [IoSliceMut::new(&mut byte)],
        &mut message,
        RecvFlags::CMSG_CLOEXEC,
    )?;
    Ok(message
        .drain()
        .filter_map(|part| match part {
            RecvAncillaryMessage::ScmRights(sockets) => Some(sockets),
            _ => None,
        })
        .flatten()
        .map(TcpListener::from)
        .collect())
}
