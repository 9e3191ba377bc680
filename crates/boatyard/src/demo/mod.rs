//! `boatyard demo`: a whole round trip on a throw-away data folder: a server, a repository, a build
//! with its live log, the list, the image pulled back and checked by its digest.

mod sample;

use crate::config::Options;
use crate::server;
use anyhow::{Context, bail};
use clap::Args;
use serde_json::Value;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

/// Options of the demo.
#[derive(Args)]
#[command(after_help = "\
Examples:
  boatyard demo
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
}

/// Runs the demo; succeeds when the image was built, pulled and is the one that was built.
pub async fn run(args: DemoArgs) -> anyhow::Result<ExitCode> {
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
        move |address| {
            // Nobody waits any more when the demo was given up.
            let _ = tell.send(address.clone());
        },
    ));
    let Ok(address) = ready.await else {
        return serving.await?.map(|()| ExitCode::FAILURE);
    };
    println!("    {}", address.url);
    let outcome = round_trip(&args, folder.path(), &data_dir, &address.url).await;
    stop.cancel();
    serving.await??;
    let code = outcome?;
    println!();
    println!("That was Boatyard. Start your own server with `boatyard serve`.");
    Ok(code)
}

fn options(data_dir: &Path) -> Options {
    Options {
        listen: Some(([127, 0, 0, 1], 0).into()),
        data_dir: Some(data_dir.to_owned()),
        git_protocols: Some("https,ssh,http,file".to_owned()),
        outbound_allow: Some("127.0.0.0/8".to_owned()),
        ..Options::default()
    }
}

async fn round_trip(
    args: &DemoArgs,
    folder: &Path,
    data_dir: &Path,
    host: &str,
) -> anyhow::Result<ExitCode> {
    let token = std::fs::read_to_string(data_dir.join("admin.token"))?
        .trim()
        .to_owned();
    let boatyard = Boatyard {
        host: host.to_owned(),
        token,
    };
    let repo = match &args.repo {
        Some(url) => url.clone(),
        None => bundled(folder)?,
    };
    say("Creating the project `demo` and the service `sample`");
    boatyard.quietly(&["create", "project", "--name", "demo"])?;
    let service = [
        "create",
        "service",
        "build",
        "--project",
        "demo",
        "--name",
        "sample",
    ];
    let source = ["--repo", &repo, "--dockerfile", &args.dockerfile];
    boatyard.quietly(&[&service[..], &source[..]].concat())?;
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
    let built = boatyard.shown(&[&start[..], &place[..]].concat())?;
    say("The list of builds");
    boatyard.shown(&[&["get", "service", "builds"][..], &place[..]].concat())?;
    if !built {
        bail!("the build did not succeed; its log above says why");
    }
    let list = boatyard
        .quietly(&[&["get", "service", "builds", "-o", "json"][..], &place[..]].concat())?;
    let image = newest_image(&list)?;
    pull(&image, &folder.join("pulled"))?;
    Ok(ExitCode::SUCCESS)
}

fn bundled(folder: &Path) -> anyhow::Result<String> {
    let repository = folder.join("repository");
    std::fs::create_dir(&repository)?;
    sample::make(&repository)?;
    say("Made the sample repository: a multi-stage Dockerfile with COPY, RUN, ARG and USER");
    Ok(format!("file://{}", repository.display()))
}

/// The client verbs, as a person would type them.
struct Boatyard {
    host: String,
    token: String,
}

impl Boatyard {
    fn command(&self, args: &[&str]) -> anyhow::Result<Command> {
        let program = std::env::current_exe().context("cannot find this program's own file")?;
        let mut command = Command::new(program);
        command.args(args).stdin(Stdio::null());
        command
            .env("BOATYARD_HOST", &self.host)
            .env("BOATYARD_TOKEN", &self.token);
        Ok(command)
    }

    /// Runs a verb for what it prints; an error when it fails.
    fn quietly(&self, args: &[&str]) -> anyhow::Result<String> {
        let output = tokio::task::block_in_place(|| {
            self.command(args)?.output().map_err(anyhow::Error::from)
        })?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`boatyard {}` failed: {}", args.join(" "), said.trim());
        }
        Ok(String::from_utf8(output.stdout)?)
    }

    /// Runs a verb for a person to watch; whether it succeeded.
    fn shown(&self, args: &[&str]) -> anyhow::Result<bool> {
        println!("    $ boatyard {}", args.join(" "));
        let status = tokio::task::block_in_place(|| {
            self.command(args)?.status().map_err(anyhow::Error::from)
        })?;
        Ok(status.success())
    }
}

/// Name and digest of the newest build's image.
struct Image {
    uri: String,
    digest: String,
}

fn newest_image(list: &str) -> anyhow::Result<Image> {
    let list: Value = serde_json::from_str(list).context("the list of builds cannot be read")?;
    let registry = &list["builds"][0]["registry"];
    match (registry["uri"].as_str(), registry["digest"].as_str()) {
        (Some(uri), Some(digest)) => Ok(Image {
            uri: uri.to_owned(),
            digest: digest.to_owned(),
        }),
        _ => bail!("the newest build has no image"),
    }
}

/// Pulls the image and checks that what arrived has the digest that was listed.
fn pull(image: &Image, into: &Path) -> anyhow::Result<()> {
    say(&format!("Pulling {} back", image.uri));
    let source = format!("docker://{}", image.uri);
    let target = format!("dir:{}", into.display());
    let output = tokio::task::block_in_place(|| {
        Command::new("skopeo")
            .args([
                "copy",
                "--quiet",
                "--src-tls-verify=false",
                &source,
                &target,
            ])
            .output()
    })
    .context("cannot run skopeo; get it with: apt-get install skopeo")?;
    if !output.status.success() {
        bail!(
            "the image cannot be pulled: {}",
            String::from_utf8_lossy(&output.stderr).trim()
        );
    }
    let manifest = std::fs::read(into.join("manifest.json"))?;
    let digest = registry::digest_of(&manifest);
    if digest != image.digest {
        bail!(
            "the pulled image is {digest}, and {} was built",
            image.digest
        );
    }
    println!("    pulled, and its digest is the one that was built: {digest}");
    Ok(())
}

fn say(text: &str) {
    println!("\n==> {text}");
}
