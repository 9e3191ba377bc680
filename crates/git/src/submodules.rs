//! Submodules, fetched through mirrors of their own.
//!
//! `git submodule` runs in the work tree and trusts what it finds there; a repository could use it
//! to reach protocols, paths and configuration that are none of its business. So the commit itself
//! is asked which submodules it has, and each is an ordinary fetch and checkout.

use std::collections::HashMap;
use std::fs;
use std::future::Future;
use std::path::{Component, Path, PathBuf};
use std::pin::Pin;

use crate::checkout::{CheckoutOptions, GitDir, Others};
use crate::error::GitError;
use crate::fetch::Want;
use crate::lock::Mode;
use crate::mirror::Mirror;
use crate::names::CommitSha;
use crate::process::{Progress, quiet};
use crate::url::{Protocol, RepoUrl, UrlError};

/// Submodules of submodules of …; deeper nesting is a mistake or an attack.
const MAX_DEPTH: usize = 5;
/// All submodules of a repository together.
const MAX_COUNT: usize = 200;

/// One submodule as the commit has it.
#[derive(Debug)]
struct Submodule {
    path: String,
    commit: CommitSha,
    url: String,
}

/// Checks out all submodules of `commit` below `root`, and theirs.
pub(crate) async fn checkout_all(
    mirror: &Mirror,
    commit: &CommitSha,
    root: &Path,
    options: CheckoutOptions,
    progress: Progress<'_>,
) -> Result<(), GitError> {
    let mut left = Left {
        depth: MAX_DEPTH,
        count: MAX_COUNT,
    };
    let options = CheckoutOptions {
        git_dir: GitDir::None,
        ..options
    };
    descend(mirror, commit, root, options, &mut left, progress).await
}

/// How much deeper, and how many more.
struct Left {
    depth: usize,
    count: usize,
}

type Work<'a> = Pin<Box<dyn Future<Output = Result<(), GitError>> + Send + 'a>>;

fn descend<'a>(
    mirror: &'a Mirror,
    commit: &'a CommitSha,
    root: &'a Path,
    options: CheckoutOptions,
    left: &'a mut Left,
    progress: Progress<'a>,
) -> Work<'a> {
    Box::pin(async move {
        for submodule in list(mirror, commit, progress).await? {
            let refused = |reason: String| GitError::Submodule {
                path: submodule.path.clone(),
                reason,
            };
            if left.depth == 0 {
                return Err(refused(format!("they nest deeper than {MAX_DEPTH} levels")));
            }
            left.count = left
                .count
                .checked_sub(1)
                .ok_or_else(|| refused(format!("there are more than {MAX_COUNT}")))?;
            let into = place(root, &submodule.path).map_err(refused)?;
            let url = address(&mirror.url, &submodule, mirror, options.others)?;
            progress(&format!("Submodule {}: {url}", submodule.path));
            let other = mirror.sibling(&url, options.others);
            let want = Want::commit(submodule.commit.clone());
            other.fetch(&want, progress).await?;
            other
                .checkout_plain(&submodule.commit, &into, options, progress)
                .await?;
            left.depth -= 1;
            descend(&other, &submodule.commit, &into, options, left, progress).await?;
            left.depth += 1;
        }
        Ok(())
    })
}

/// The submodules that the commit both has and describes.
async fn list(
    mirror: &Mirror,
    commit: &CommitSha,
    progress: Progress<'_>,
) -> Result<Vec<Submodule>, GitError> {
    let _lock = mirror.lock(Mode::Shared).await?;
    let links = gitlinks(mirror, commit).await?;
    if links.is_empty() {
        return Ok(Vec::new());
    }
    let mut addresses = described(mirror, commit).await?;
    let mut submodules = Vec::new();
    for (path, commit) in links {
        match addresses.remove(&path) {
            Some(url) => submodules.push(Submodule { path, commit, url }),
            None => progress(&format!("Submodule {path} is not in .gitmodules: left out")),
        }
    }
    Ok(submodules)
}

/// Path and commit of every submodule in the tree. Paths that are not UTF-8 are none.
async fn gitlinks(
    mirror: &Mirror,
    commit: &CommitSha,
) -> Result<Vec<(String, CommitSha)>, GitError> {
    let call = mirror
        .local()
        .args(["ls-tree", "-r", "-z", "--full-tree", commit.as_str()]);
    let output = mirror.run(call, &quiet).await?;
    let entries = output.stdout.split(|byte| *byte == 0);
    let links = entries.filter_map(|entry| {
        let entry = std::str::from_utf8(entry).ok()?;
        let (sha, path) = entry.strip_prefix("160000 commit ")?.split_once('\t')?;
        Some((path.to_owned(), CommitSha::parse(sha).ok()?))
    });
    Ok(links.collect())
}

/// Address by path, from `.gitmodules`. Those that ask not to be checked out are left out.
async fn described(
    mirror: &Mirror,
    commit: &CommitSha,
) -> Result<HashMap<String, String>, GitError> {
    let blob = format!("--blob={commit}:.gitmodules");
    let call = mirror
        .local()
        .args(["config", &blob, "--no-includes", "--null", "--list"]);
    let about = mirror.url.to_string();
    let output = mirror.git.run(call, &about, &quiet).await?;
    if !output.success {
        // No such file, or nothing that is configuration: no submodule is described.
        return Ok(HashMap::new());
    }
    Ok(parse_gitmodules(&output.text()))
}

/// `KEY<LF>VALUE<NUL>…`
fn parse_gitmodules(listing: &str) -> HashMap<String, String> {
    let mut modules: HashMap<&str, HashMap<&str, &str>> = HashMap::new();
    for entry in listing.split('\0') {
        let Some((key, value)) = entry.split_once('\n') else {
            continue;
        };
        let Some((name, field)) = key
            .strip_prefix("submodule.")
            .and_then(|rest| rest.rsplit_once('.'))
        else {
            continue;
        };
        modules.entry(name).or_default().insert(field, value);
    }
    let described = modules.values().filter_map(|fields| {
        if fields.get("update") == Some(&"none") {
            return None;
        }
        Some((
            (*fields.get("path")?).to_owned(),
            (*fields.get("url")?).to_owned(),
        ))
    });
    described.collect()
}

/// The folder for a submodule: below `root`, and not through a symbolic link of the repository's.
fn place(root: &Path, path: &str) -> Result<PathBuf, String> {
    let mut folder = root.to_path_buf();
    for component in Path::new(path).components() {
        let Component::Normal(part) = component else {
            return Err("its path leads out of the repository".to_owned());
        };
        if part.eq_ignore_ascii_case(".git") {
            return Err("its path leads into .git".to_owned());
        }
        folder.push(part);
        match fs::symlink_metadata(&folder) {
            Ok(meta) if meta.is_dir() => {}
            Ok(_) => return Err("something else is in its place".to_owned()),
            Err(_) => fs::create_dir(&folder).map_err(|error| error.to_string())?,
        }
    }
    if folder == root {
        return Err("it has no path".to_owned());
    }
    Ok(folder)
}

/// Where the submodule is. Credentials go along only to the parent's own server, and a repository
/// from elsewhere cannot have this machine's own folders for submodules. A stranger's commit gets
/// neither: no credentials but those that it has itself.
fn address(
    parent: &RepoUrl,
    submodule: &Submodule,
    mirror: &Mirror,
    others: Others,
) -> Result<RepoUrl, GitError> {
    let path = || submodule.path.clone();
    let not_by_this_protocol = |reason: String| GitError::SubmoduleProtocol {
        path: path(),
        reason,
    };
    let given = submodule.url.as_str();
    let is_relative = given.starts_with("./") || given.starts_with("../");
    let url = if is_relative {
        parent.join(given)
    } else {
        RepoUrl::parse(given, &mirror.git.settings().protocols)
    };
    let url = url.map_err(|error| match error {
        UrlError::ProtocolNotAllowed(_) => not_by_this_protocol(error.to_string()),
        UrlError::Invalid(_) => GitError::Submodule {
            path: path(),
            reason: error.to_string(),
        },
    })?;
    let strangers = others == Others::AsNobody;
    if url.protocol() == Protocol::File && (strangers || parent.protocol() != Protocol::File) {
        let reason = "a remote repository, or a stranger's commit, cannot have a local one for a \
                      submodule";
        return Err(not_by_this_protocol(reason.to_owned()));
    }
    if strangers {
        let own = url.credentials().filter(|_| !is_relative).cloned();
        return Ok(url.with_credentials(own));
    }
    if url.credentials().is_none() && url.same_origin(parent) {
        return Ok(url.with_credentials(parent.credentials().cloned()));
    }
    Ok(url)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_listing_is_read_whatever_the_names() {
        let listing = "submodule.a.b.path\nlib/a\0submodule.a.b.url\n../a.git\0core.x\ny\0\
                       submodule.off.path\noff\0submodule.off.url\nu\0submodule.off.update\nnone\0\
                       submodule.nourl.path\nx\0garbage";
        let found = parse_gitmodules(listing);
        assert_eq!(found.len(), 1);
        assert_eq!(found["lib/a"], "../a.git");
    }

    #[test]
    fn a_submodule_stays_in_its_place() {
        let dir = tempfile::tempdir().unwrap();
        std::os::unix::fs::symlink("/etc", dir.path().join("link")).unwrap();
        assert_eq!(
            place(dir.path(), "lib/a").unwrap(),
            dir.path().join("lib/a")
        );
        for path in ["../x", "/x", "", ".", "link", "link/x", ".git/x", "a/.GIT"] {
            assert!(place(dir.path(), path).is_err(), "{path}");
        }
    }
}
