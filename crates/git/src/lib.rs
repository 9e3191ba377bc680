//! Safe git: from a repository's address to a work tree, through the `git` program.
//!
//! A repository, its address and its server are hostile input. So addresses and names are parsed
//! into types that cannot be mistaken for options ([`RepoUrl`], [`RefName`], [`CommitSha`]), git
//! runs in an environment that knows nothing of this host ([`Git`]), a server is contacted only at
//! an address that was checked after name resolution ([`outbound`]), and whatever goes wrong has a
//! kind and a sentence for a person ([`GitError`]). [`Mirror`] keeps what was fetched, so that the
//! next build fetches only what is new.

mod belonging;
mod bounded;
mod changes;
mod checkout;
mod classify;
mod commit;
mod environment;
mod error;
mod fetch;
pub mod forge;
mod heads;
mod http;
mod lfs;
mod lock;
mod mirror;
mod names;
mod process;
mod prune;
mod reach;
mod remote;
mod runner;
mod safe_path;
mod submodules;
mod supervisor;
mod url;

pub use changes::Changes;
pub use checkout::{CheckoutOptions, GitDir, Others};
pub use commit::CommitInfo;
pub use error::GitError;
pub use fetch::Want;
pub use heads::Heads;
pub use http::{HttpClient, HttpError};
pub use mirror::Mirror;
pub use names::{CommitSha, NameError, RefName};
pub use outbound::{OutboundError, OutboundPolicy};
pub use process::{Progress, quiet};
pub use prune::prune_mirrors;
pub use remote::{Branch, PullRequest};
pub use runner::{Git, GitSettings, SshSettings};
pub use safe_path::{PathError, safe_join};
pub use supervisor::Supervisor;
pub use url::{Credentials, Protocol, Protocols, RepoUrl, UrlError};
