//! `boatyard admin rotate-key`: a new key for the secrets in the database, and everything sealed with
//! it anew. The old key is kept until that is done, so it can be stopped at any moment and run again.

use crate::admin::Place;
use crate::keys::{self, Source};
use crate::server;
use anyhow::{Context, bail};
use std::io::Write;
use std::process::ExitCode;
use store::Store;
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
    let said = rotate(store, &Source::of(&options)?).await?;
    writeln!(std::io::stdout(), "{said}")?;
    Ok(ExitCode::SUCCESS)
}

/// Rotates; what there is to say about it.
async fn rotate(store: Store, source: &Source) -> anyhow::Result<String> {
    let present = source.keys()?;
    if present.is_empty() {
        bail!("there is no key yet: the first start of `boatyard serve` makes one");
    }
    // Before the file is touched: with a key missing there is nothing to rotate.
    let store = keys::unlock_with(store, source, &present).await?;
    let keys = ring(source, present)?;
    let new = keys[0].id();
    let was_done = store.sealed_with().await?.only(&new);
    let store = keys::unlock_with(store, source, &keys).await?;
    let sealed = store
        .reseal_all()
        .await
        .context("run this again to go on")?;
    let mut said = if was_done {
        // Either the last step of a rotation was missing, or a key was put behind the one in use.
        format!(
            "Everything was sealed with the key {new} already, the first one in {source}: that rotation is \
             complete. Run this again for a new key."
        )
    } else {
        format!("Sealed {sealed} values anew, with the key {new}.")
    };
    match source.file().map(|file| file.write(&keys[..1])) {
        Some(Ok(())) => {}
        Some(Err(error)) => said += &format!("\nRemove the other keys from {source}: {error}."),
        None => said += &format!("\nThe other keys may be removed from {source}."),
    }
    Ok(said)
}

/// The keys to rotate with, the new one first. Where there are several already, somebody has put a new
/// one in front, or a rotation was stopped in the middle: then it goes on.
fn ring(source: &Source, mut keys: Vec<Key>) -> anyhow::Result<Vec<Key>> {
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
