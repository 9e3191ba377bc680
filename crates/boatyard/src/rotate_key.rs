//! `boatyard admin rotate-key`: a new key for the secrets in the database, and everything sealed with
//! it anew. The old key is kept until that is done, so it can be stopped at any moment and run again.

use crate::admin::Place;
use crate::keys::{self, Source};
use crate::server;
use anyhow::{Context, bail};
use std::io::Write;
use std::process::ExitCode;
use vault::Key;

/// Changes the key of a server that is stopped.
pub async fn run(place: &Place) -> anyhow::Result<ExitCode> {
    let (options, store) = place.open().await?;
    let running =
        "a server is running: stop it first (running builds go on), rotate, and start it again";
    let Some(_lock) = server::lock(&options.data_dir()).await? else {
        bail!(running);
    };
    let Some(_alone) = store.alone().await? else {
        bail!(running);
    };
    let source = Source::of(&options)?;
    let keys = ring(&source)?;
    let store = keys::unlock_with(store, &source, &keys).await?;
    let sealed = store.reseal().await.context("run this again to go on")?;
    let mut out = std::io::stdout();
    writeln!(
        out,
        "Sealed {sealed} values anew, with the key {}.",
        keys[0].id()
    )?;
    if let Some(file) = source.file()
        && let Err(error) = file.write(&keys[..1])
    {
        writeln!(out, "Remove the older keys from {source}: {error}.")?;
    } else if source.file().is_none() {
        writeln!(out, "The older keys may be removed from {source}.")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// The keys to rotate with, the new one first. Where there are several already, somebody has put a new
/// one in front, or a rotation was stopped in the middle: then it goes on.
fn ring(source: &Source) -> anyhow::Result<Vec<Key>> {
    let mut keys = source.keys()?;
    if keys.is_empty() {
        bail!("there is no key yet: the first start of `boatyard serve` makes one");
    }
    if keys.len() > 1 {
        return Ok(keys);
    }
    let by_hand = format!(
        "put a new key (`openssl rand -hex 32`) in front of the old one in {source}, and run this again"
    );
    let Some(file) = source.file() else {
        bail!(by_hand);
    };
    keys.insert(0, Key::random());
    file.write(&keys).context(by_hand)?;
    Ok(keys)
}
