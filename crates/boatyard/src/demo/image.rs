//! The image that was built, pulled back and checked.

use super::verbs::quiet_child;
use super::{print, say};
use anyhow::{Context, bail};
use serde_json::Value;
use std::path::Path;

/// Name and digest of the newest build's image.
pub(super) struct Image {
    uri: String,
    digest: String,
}

/// The image of the newest build in a list.
pub(super) fn newest(list: &str) -> anyhow::Result<Image> {
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
pub(super) async fn pull(image: &Image, into: &Path) -> anyhow::Result<()> {
    say(&format!("Pulling {} back", image.uri));
    let source = format!("docker://{}", image.uri);
    let target = format!("dir:{}", into.display());
    let output = quiet_child("skopeo")
        .args(["copy", "--quiet", "--src-tls-verify=false"])
        .args([&source, &target])
        .output()
        .await
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
    print(&format!(
        "    pulled, and its digest is the one that was built: {digest}"
    ));
    Ok(())
}
