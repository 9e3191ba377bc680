//! What a build cannot do: be somebody on the machine, reach the server or the cloud's credentials,
//! look into what is not its own, outlive its worker.

use crate::harness::{Place, Repository, Server, until};
use std::io::ErrorKind;
use std::net::TcpListener;
use std::path::Path;

/// The steps' output, of a build that has to succeed.
async fn output(server: &Server, steps: &str) -> Vec<String> {
    let repository = Repository::with_steps(steps);
    let place = Place::new(server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    place.lines(&id).await
}

/// The machine's own address towards others, where it has one.
fn own_address() -> Option<std::net::IpAddr> {
    let socket = std::net::UdpSocket::bind("0.0.0.0:0").ok()?;
    // Nothing is sent: the kernel only says which address it would send from.
    socket.connect("192.0.2.254:9").ok()?;
    Some(socket.local_addr().ok()?.ip())
}

#[tokio::test]
async fn root_of_a_step_is_nobody_on_the_machine() {
    let server = Server::start().await;
    let lines = output(&server, "RUN id -u && cat /proc/self/uid_map && ps").await;
    let map = lines
        .iter()
        .find(|line| line.trim_end().ends_with(" 65536"))
        .unwrap();
    let outside: Vec<u32> = map.split_whitespace().map(|n| n.parse().unwrap()).collect();
    assert_eq!(outside[0], 0);
    assert!(outside[1] > 0, "{map}");
    let own = std::process::id().to_string();
    let sees = |line: &String| line.split_whitespace().next() == Some(&own);
    assert!(
        !lines.iter().any(sees),
        "a step sees its own processes only: {lines:?}"
    );
}

#[tokio::test]
async fn a_step_reaches_neither_the_server_nor_the_clouds_credentials() {
    let server = Server::start().await;
    let port = server.host().rsplit_once(':').unwrap().1.to_owned();
    let own = own_address().map(|address| TcpListener::bind((address, 0)).unwrap());
    // 10.0.2.2 is what the room's network calls the machine's loopback.
    let mut targets = vec![
        format!("127.0.0.1 {port}"),
        format!("10.0.2.2 {port}"),
        "169.254.169.254 80".to_owned(),
    ];
    targets.extend(own.iter().map(|listener| {
        let address = listener.local_addr().unwrap();
        format!("{} {}", address.ip(), address.port())
    }));
    let knock = |target: &String| format!("nc -w 5 {target} -e true && echo reached {target};");
    let steps = targets.iter().map(knock).collect::<String>();
    let lines = output(&server, &format!("RUN {steps} echo knocked")).await;
    let reached = |line: &&String| line.starts_with("reached");
    assert!(!lines.iter().any(|line| reached(&line)), "{lines:?}");
    assert!(lines.iter().any(|line| line == "knocked"), "{lines:?}");
}

/// `FROM` and `ADD` are the engine's doing, not a step's: it is held to the same network.
#[tokio::test]
async fn the_engine_fetches_nothing_from_the_machine() {
    let loopback = Some(std::net::Ipv4Addr::LOCALHOST.into());
    for address in [loopback, own_address()].into_iter().flatten() {
        let server = Server::start().await;
        let listener = TcpListener::bind((address, 0)).unwrap();
        let here = listener.local_addr().unwrap();
        let repository =
            Repository::with_dockerfile(&format!("FROM scratch\nADD http://{here}/secret /\n"));
        let place = Place::new(&server, &repository).await;
        let id = place.build().await;
        assert_eq!(place.ends(&id).await["status"], "FAILURE");
        listener.set_nonblocking(true).unwrap();
        let knocked = listener.accept().map(|(_, from)| from);
        assert!(knocked.is_err(), "{here} was reached: {knocked:?}");
    }
}

/// Routes keep a build from the machine's addresses; who makes packets by hand has none.
#[tokio::test]
async fn nobody_in_the_room_makes_packets_or_routes() {
    const NET_ADMIN: u64 = 1 << 12;
    const NET_RAW: u64 = 1 << 13;
    let bounds = |status: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix("CapBnd:"));
        line.map(|hex| u64::from_str_radix(hex.trim(), 16).unwrap())
    };
    let server = Server::start().await;
    let repository = Repository::with_steps(
        "RUN grep CapBnd /proc/self/status; arping -c 1 -I tap0 10.0.2.2 || echo no packets; \\\n  \
         ip route del 169.254.0.0/16 || echo no routes; echo all''tried; sleep 1000009",
    );
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.logs(&id, "alltried").await;
    let lines = place.lines(&id).await;
    for word in ["no packets", "no routes"] {
        assert!(lines.iter().any(|line| line == word), "{lines:?}");
    }
    let step = bounds(&lines.join("\n")).unwrap();
    assert_eq!(step & (NET_ADMIN | NET_RAW), 0, "{step:x}");
    let worker = server.workers()[0];
    // Who waits for the room outside sees nothing of it, and is not seen.
    let namespace = |pid: u32| std::fs::read_link(format!("/proc/{pid}/ns/pid")).ok();
    let outside = namespace(worker);
    let mut seen = 0;
    for pid in descendants(worker).into_iter().skip(1) {
        if namespace(pid) == outside {
            continue;
        }
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        if let Some(bound) = bounds(&status) {
            seen += 1;
            assert_eq!(bound & (NET_ADMIN | NET_RAW), 0, "{status}");
        }
    }
    assert!(seen > 2, "the holder, the engine, the step");
    place.abort(&id).await;
}

/// The engine speaks for the build without holding what it speaks with.
#[tokio::test]
async fn nobody_in_the_room_holds_the_builds_token() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo waiting && sleep 1000008");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.logs(&id, "waiting").await;
    let worker = server.workers()[0];
    let environment = std::fs::read_to_string(format!("/proc/{worker}/environ")).unwrap();
    let token = environment
        .split('\0')
        .find_map(|pair| pair.strip_prefix("BOATYARD_WORKER_TOKEN="))
        .unwrap();
    let secrets = [token.to_owned(), base64(&format!("boatyard:{token}"))];
    let told = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes);
        secrets.iter().any(|secret| text.contains(secret))
    };
    for pid in descendants(worker).into_iter().skip(1) {
        for file in ["environ", "cmdline"] {
            // One that ended meanwhile tells nothing.
            let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            assert!(!told(&bytes), "{file} of {pid}");
        }
    }
    let scratch = server.data_dir().join("work");
    for file in files_below(&scratch) {
        // The engine makes files that are gone again in a moment.
        let bytes = match std::fs::read(&file) {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            read => read.unwrap(),
        };
        assert!(!told(&bytes), "{}", file.display());
    }
    place.abort(&id).await;
}

/// A step may look for the gate that the engine reaches the registry by: without the engine's key it
/// gets nowhere, and with it nothing can be pushed yet.
#[tokio::test]
async fn the_gate_to_the_registry_opens_for_the_engine_only() {
    let server = Server::start().await;
    let steps = "RUN for port in $(netstat -ltn | sed -n 's/.*127.0.0.1:\\([0-9]*\\) .*/\\1/p'); do \\\n  \
        echo gate at $port; wget -O - http://127.0.0.1:$port/v2/ && echo opened; done; true";
    let lines = output(&server, steps).await;
    assert!(
        lines.iter().any(|line| line.starts_with("gate at")),
        "{lines:?}"
    );
    assert!(lines.iter().any(|line| line.contains("401")), "{lines:?}");
    assert!(!lines.iter().any(|line| line == "opened"), "{lines:?}");
}

/// Buildah 1.28 follows a symbolic link out of a stage when it mounts from one. What it then shows is
/// the room, in which nothing of people and services is.
#[tokio::test]
async fn who_tricks_the_engine_sees_an_empty_machine() {
    let server = Server::start().await;
    let hidden = tempfile::tempdir().unwrap();
    std::fs::write(hidden.path().join("letter"), "private").unwrap();
    let repository = Repository::with_dockerfile(&format!(
        "FROM scratch AS a\nCOPY busybox /bin/busybox\n\
         RUN [\"/bin/busybox\", \"ln\", \"-s\", \"/\", \"/link\"]\n\
         FROM scratch\nCOPY busybox /bin/busybox\n\
         RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
         RUN --mount=type=bind,from=a,source=/link,target=/x,rw \\\n  \
         ls /x/home /x/root; cat /x{}/letter && echo read; echo tried\n",
        hidden.path().display()
    ));
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.ends(&id).await;
    let lines = place.lines(&id).await;
    assert!(
        !lines.iter().any(|line| line == "read" || line == "private"),
        "{lines:?}"
    );
    // A newer Buildah refuses the mount.
    let refused = build["status"] == "FAILURE";
    assert!(
        refused || lines.iter().any(|line| line == "tried"),
        "{lines:?}"
    );
}

#[tokio::test]
async fn the_operator_decides_what_steps_reach() {
    let server = Server::with()
        .env("BOATYARD_STEP_NETWORK", "host")
        .start()
        .await;
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let knock = format!("RUN nc -w 5 127.0.0.1 {port} -e true && echo it is open");
    let lines = output(&server, &knock).await;
    assert!(lines.iter().any(|line| line == "it is open"), "{lines:?}");

    let server = Server::with()
        .env("BOATYARD_STEP_NETWORK", "none")
        .start()
        .await;
    let lines = output(&server, "RUN ls /sys/class/net").await;
    assert!(lines.iter().any(|line| line == "lo"), "{lines:?}");
    assert!(!lines.iter().any(|line| line == "tap0"), "{lines:?}");

    let wrong = server.boatyard(&["serve", "--step-network", "bridge"]);
    let said = String::from_utf8_lossy(&wrong.stderr).into_owned();
    assert!(said.contains("isolated, none or host"), "{said}");
}

#[tokio::test]
async fn a_data_folder_that_only_root_may_enter_is_enough() {
    use std::os::unix::fs::PermissionsExt;
    let server = Server::start().await;
    let closed = std::fs::Permissions::from_mode(0o700);
    std::fs::set_permissions(server.scratch(), closed).unwrap();
    let repository = Repository::with_steps("RUN echo made");
    let place = Place::new(&server, &repository).await;
    for _ in ["cold", "warm"] {
        let id = place.build().await;
        place.reaches(&id, "SUCCESS").await;
    }
}

#[tokio::test]
async fn nothing_of_a_build_outlives_its_worker() {
    let server = Server::start().await;
    let repository =
        Repository::with_steps("RUN (sleep 1000007 &) ; echo waiting && sleep 1000007");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.logs(&id, "waiting").await;
    let workers = server.workers();
    let family: Vec<u32> = workers.iter().flat_map(|pid| descendants(*pid)).collect();
    assert!(
        family.iter().any(|pid| command_is(*pid, "slirp4netns")),
        "the way out is there"
    );
    for pid in workers {
        let pid = rustix::process::Pid::from_raw(pid as i32).unwrap();
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
    }
    let alive = |pid: &&u32| Path::new(&format!("/proc/{pid}/exe")).read_link().is_ok();
    until("everything to end", async || {
        (!family.iter().any(|pid| alive(&pid))).then_some(())
    })
    .await;
    assert_eq!(place.ends(&id).await["status"], "CRASHED");
}

fn base64(text: &str) -> String {
    base64::Engine::encode(&base64::engine::general_purpose::STANDARD, text)
}

/// Plain files that this test may read; the layers are not a build's secrets.
fn files_below(folder: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(folder).into_iter().flatten().flatten();
    entries
        .flat_map(|entry| match entry.file_type() {
            Ok(kind) if kind.is_dir() => files_below(&entry.path()),
            Ok(kind) if kind.is_file() => vec![entry.path()],
            _ => Vec::new(),
        })
        .collect()
}

fn descendants(pid: u32) -> Vec<u32> {
    let mut found = vec![pid];
    let mut next = 0;
    while let Some(&pid) = found.get(next) {
        next += 1;
        let tasks = std::fs::read_dir(format!("/proc/{pid}/task"))
            .into_iter()
            .flatten();
        for task in tasks.flatten() {
            let text = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
            found.extend(
                text.split_whitespace()
                    .map(|pid| pid.parse::<u32>().unwrap()),
            );
        }
    }
    found
}

fn command_is(pid: u32, name: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/comm")).is_ok_and(|comm| comm.trim() == name)
}
