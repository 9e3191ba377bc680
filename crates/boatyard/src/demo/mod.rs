//! `boatyard demo`: a whole round trip on a throw-away data folder: a server, a repository, a build
//! with its live log, the list, the image pulled back and checked by its digest.

mod clear;
mod image;
mod sample;
mod verbs;

use crate::config::Options;
use crate::server;
use anyhow::bail;
use clap::Args;
use std::io::{IsTerminal, Write};
use std::path::Path;
use std::process::ExitCode;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;
use verbs::Boatyard;

/// Options of the demo.
#[derive(Args)]
#[command(after_help = "\
Examples:
  boatyard demo
  boatyard demo --arg GREETING=Ahoy
  boatyard demo --repo https://github.com/you/yours --branch main")]
pub struct DemoArgs {
    /// Build this repository instead of the bundled sample
    #[arg(long, value_name = "URL")]
    repo: Option<String>,
    /// The branch to build
    #[arg(long, default_value = sample::BRANCH)]
    branch: String,
    /// Where its Dockerfile is
    #[arg(long, value_name = "PATH", default_value = "/Dockerfile")]
    dockerfile: String,
    /// A build argument (repeatable)
    #[arg(long = "arg", value_name = "KEY=VALUE")]
    args: Vec<String>,
}

/// The person stopped it (128 + SIGINT).
const INTERRUPTED: u8 = 130;

/// Runs the demo; succeeds when the image was built, pulled and is the one that was built. However
/// it ends, nothing of it goes on and nothing is left.
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
    let interrupted = CancellationToken::new();
    let on_signal = interrupted.clone();
    tokio::spawn(async move {
        tokio::select! {
            () = server::signalled() => {}
            () = hung_up() => {}
        }
        on_signal.cancel();
    });
    let folder = tempfile::Builder::new()
        .prefix("boatyard-demo-")
        .tempdir()?;
    let data_dir = folder.path().join("data");
    say("Starting a server on a throw-away data folder");
    let stop = CancellationToken::new();
    let (tell, ready) = oneshot::channel();
    let serving = tokio::spawn(server::serve_until(
        options(&data_dir),
        stop.clone(),
        move |started| {
            // Nobody waits any more when the demo was given up.
            let _ = tell.send(started.address.clone());
        },
    ));
    let Ok(address) = ready.await else {
        return serving.await?.map(|()| ExitCode::FAILURE);
    };
    print(&format!("    {}", address.url));
    let boatyard = Boatyard::new(&address.url, &data_dir)?;
    let outcome = tokio::select! {
        biased;
        () = interrupted.cancelled() => {
            say_stopping();
            Ok(ExitCode::from(INTERRUPTED))
        }
        outcome = round_trip(&args, folder.path(), &boatyard) => outcome,
    };
    clear::builds(&boatyard, &data_dir).await;
    stop.cancel();
    serving.await??;
    clear::folder(folder);
    let code = outcome?;
    if code == ExitCode::SUCCESS {
        print("\nThat was Boatyard. Start your own server with `boatyard serve`.");
    }
    Ok(code)
}

fn options(data_dir: &Path) -> Options {
    Options {
        listen: Some(([127, 0, 0, 1], 0).into()),
        data_dir: Some(data_dir.to_owned()),
        git_protocols: Some("https,ssh,http,file".to_owned()),
        outbound_allow: Some("127.0.0.0/8".to_owned()),
        registry_mirrors: std::env::var("BOATYARD_REGISTRY_MIRRORS").ok(),
        ..Options::default()
    }
}

async fn round_trip(
    args: &DemoArgs,
    folder: &Path,
    boatyard: &Boatyard,
) -> anyhow::Result<ExitCode> {
    let repo = match &args.repo {
        Some(url) => url.clone(),
        None => bundled(folder)?,
    };
    say("Creating the project `demo` and the service `sample`");
    boatyard
        .quietly(&["create", "project", "--name", "demo"])
        .await?;
    let service = [
        "create",
        "service",
        "build",
        "--project",
        "demo",
        "--name",
        "sample",
    ];
    let arguments: Vec<&str> = args
        .args
        .iter()
        .flat_map(|arg| ["--arg", arg.as_str()])
        .collect();
    let source = ["--repo", &repo, "--dockerfile", &args.dockerfile];
    boatyard
        .quietly(&[&service[..], &source[..], &arguments[..]].concat())
        .await?;
    say("Starting a build and following its log");
    let place = ["--project", "demo", "--service", "sample"];
    let start = [
        "start",
        "service",
        "build",
        "--branch",
        &args.branch,
        "--wait",
    ];
    let built = boatyard.shown(&[&start[..], &place[..]].concat()).await?;
    say("The list of builds");
    boatyard
        .shown(&[&["get", "service", "builds"][..], &place[..]].concat())
        .await?;
    if !built {
        bail!("the build did not succeed; its log above says why");
    }
    let list = boatyard
        .quietly(&[&["get", "service", "builds", "-o", "json"][..], &place[..]].concat())
        .await?;
    let image = image::newest(&list)?;
    image::pull(&image, &folder.join("pulled")).await?;
    Ok(ExitCode::SUCCESS)
}

fn bundled(folder: &Path) -> anyhow::Result<String> {
    let repository = folder.join("repository");
    std::fs::create_dir(&repository)?;
    sample::make(&repository)?;
    say("Made the sample repository: a multi-stage Dockerfile with COPY, RUN, ARG and USER");
    Ok(format!("file://{}", repository.display()))
}

/// Waits for the terminal to close.
async fn hung_up() {
    use tokio::signal::unix::{SignalKind, signal};
    match signal(SignalKind::hangup()) {
        Ok(mut signals) => drop(signals.recv().await),
        Err(_) => std::future::pending().await,
    }
}

fn say(text: &str) {
    print(&format!("\n==> {text}"));
}

/// Prints a line. Nobody may be there to read it any more: that is no reason to leave things behind.
fn print(text: &str) {
    let _ = writeln!(std::io::stdout(), "{text}");
}

fn say_stopping() {
    if std::io::stderr().is_terminal() {
        // The line that moved is still there: what moved it was cut off.
        let _ = write!(std::io::stderr(), "\r\x1b[2K");
    }
    say("Stopped; clearing away");
}
