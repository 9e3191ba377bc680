//! Online garbage collection: what nothing refers to, and no push relied on for the grace period,
//! is freed while pushes go on. The catalogue decides twice: it lists candidates, then decides each
//! again inside the transaction that deletes it. A file goes after its row. Last go files that have
//! no row: a refused manifest, or what a server that was killed had placed and not yet noted.

use crate::digest::Digest;
use crate::{Inner, RegistryError, millis, now_ms};
use std::collections::HashSet;
use store::RepositoryDigest;

/// What a collection freed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GcReport {
    /// Manifests that no tag, index or subject needed.
    pub manifests: usize,
    /// Files.
    pub files: usize,
    /// Abandoned uploads.
    pub uploads: usize,
}

pub(crate) async fn collect(inner: &Inner) -> Result<GcReport, RegistryError> {
    let cutoff = now_ms() - millis(inner.config.grace);
    let catalog = inner.store.catalog();
    let mut report = GcReport::default();
    let mut from = Some(RepositoryDigest::default());
    while let Some(at) = from {
        let swept = catalog.sweep_manifests(&at, cutoff).await?;
        for manifest in &swept.unneeded {
            report.manifests += usize::from(catalog.collect_manifest(manifest, cutoff).await?);
        }
        from = swept.next;
    }
    let mut from = Some(RepositoryDigest::default());
    while let Some(at) = from {
        let swept = catalog.sweep_links(&at, cutoff).await?;
        for link in &swept.unneeded {
            catalog.collect_link(link, cutoff).await?;
        }
        from = swept.next;
    }
    let mut from = Some(RepositoryDigest::default());
    while let Some(at) = from {
        let swept = catalog.sweep_blobs(&at, cutoff).await?;
        for blob in &swept.unneeded {
            report.files += usize::from(free(inner, &blob.digest, cutoff).await?);
        }
        from = swept.next;
    }
    for shard in 0..=u8::MAX {
        report.files += free_strays(inner, shard).await?;
    }
    report.uploads = inner
        .uploads
        .remove_old(&inner.files, inner.config.upload_age)
        .await?;
    Ok(report)
}

/// Removes the files of one folder that the catalogue does not know; how many.
async fn free_strays(inner: &Inner, shard: u8) -> Result<usize, RegistryError> {
    let there = inner.files.in_shard(shard).await?;
    if there.is_empty() {
        return Ok(0);
    }
    let first = format!("sha256:{shard:02x}");
    // `g` comes right after the last hex digit.
    let end = format!("{first}g");
    let catalog = inner.store.catalog();
    let known: HashSet<String> = catalog
        .content_between(&first, &end)
        .await?
        .into_iter()
        .collect();
    let mut removed = 0;
    for digest in there.iter().filter(|d| !known.contains(d.as_str())) {
        // Nobody is between a file and its row now, so that what has none then gets none.
        let _alone = inner.placing.write().await;
        if !catalog.knows_content(digest.as_str()).await? {
            inner.files.remove(digest).await?;
            removed += 1;
        }
    }
    Ok(removed)
}

/// Deletes the row, then the file, while no push is between putting the same file in place and
/// its row.
async fn free(inner: &Inner, digest: &str, cutoff: i64) -> Result<bool, RegistryError> {
    let Some(parsed) = Digest::parse(digest) else {
        return Ok(false);
    };
    let _alone = inner.placing.write().await;
    if !inner.store.catalog().collect_blob(digest, cutoff).await? {
        return Ok(false);
    }
    inner.files.remove(&parsed).await?;
    Ok(true)
}
