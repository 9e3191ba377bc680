//! Why a build ended as it did (or waits): one typed word beside the status, and the table that
//! documents them all.

use crate::Status;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

macro_rules! reasons {
    ($( $(#[doc = $doc:literal])+ $variant:ident = $word:literal => $status:ident; )+) => {
        /// A typed reason; stable words to match on, as `message` is for people.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
        pub enum Reason {
            $( $(#[doc = $doc])+ #[serde(rename = $word)] $variant, )+
        }

        impl Reason {
            /// Every reason, in the order of the table in the manual.
            pub const ALL: &'static [Reason] = &[ $( Reason::$variant, )+ ];

            /// The word on the wire and in the store.
            pub fn as_str(self) -> &'static str {
                match self { $( Reason::$variant => $word, )+ }
            }

            /// The status that a build with this reason has.
            pub fn status(self) -> Status {
                match self { $( Reason::$variant => Status::$status, )+ }
            }

            /// What it means, for the table in the manual.
            pub fn meaning(self) -> &'static str {
                match self { $( Reason::$variant => concat!($($doc),+).trim_ascii(), )+ }
            }
        }
    };
}

reasons! {
    /// The branch, tag or pull request is not in the repository.
    GitRefNotFound = "git_ref_not_found" => Failure;
    /// The commit is not in the repository.
    GitCommitNotFound = "git_commit_not_found" => Failure;
    /// There is no repository at the URL, or it may not be read.
    GitRepositoryNotFound = "git_repository_not_found" => Failure;
    /// The git server refused the credentials.
    GitAuthFailed = "git_auth_failed" => Failure;
    /// The git server could not be reached or stopped answering.
    GitUnreachable = "git_unreachable" => Failure;
    /// The URL's protocol is not one the operator allows.
    GitProtocolNotAllowed = "git_protocol_not_allowed" => Failure;
    /// The git server's address is private and the operator has not allowed it.
    GitAddressNotAllowed = "git_address_not_allowed" => Failure;
    /// The git server sends us to another address; redirects are not followed.
    GitRedirected = "git_redirected" => Failure;
    /// The ssh server's host key is not in the operator's known hosts, or is another one there.
    GitHostKeyRejected = "git_host_key_rejected" => Failure;
    /// Any other failure of git; the log has its words.
    GitFailed = "git_failed" => Failure;
    /// A file that Git LFS keeps could not be fetched.
    GitLfsFailed = "git_lfs_failed" => Failure;
    /// There is no bundle at the URL, or its server does not hand it out.
    BundleNotFound = "bundle_not_found" => Failure;
    /// The bundle's server could not be reached, stopped answering or failed.
    BundleUnreachable = "bundle_unreachable" => Failure;
    /// The bundle's URL, or one it redirects to, has a private address or a protocol that the operator has not allowed.
    BundleAddressNotAllowed = "bundle_address_not_allowed" => Failure;
    /// The bundle is no tar, tar.gz or zip, is broken, or holds what leads out of it.
    BundleInvalid = "bundle_invalid" => Failure;
    /// The bundle, or what is in it, is larger than the build's ephemeral storage.
    BundleTooLarge = "bundle_too_large" => Failure;
    /// The Dockerfile is not in the commit or bundle.
    DockerfileNotFound = "dockerfile_not_found" => Failure;
    /// The Dockerfile cannot be parsed, or names a stage that is not there.
    DockerfileInvalid = "dockerfile_invalid" => Failure;
    /// The Dockerfile's path or work directory leads out of the repository, or the latter is not there.
    PathNotAllowed = "path_not_allowed" => Failure;
    /// A base image could not be pulled.
    BaseImageNotFound = "base_image_not_found" => Failure;
    /// A registry refused the login it was given, or asks for one; some say so of images that are not there.
    RegistryAuthFailed = "registry_auth_failed" => Failure;
    /// A registry could not be reached.
    RegistryUnreachable = "registry_unreachable" => Failure;
    /// The registry's address is private and the operator has not allowed it.
    RegistryAddressNotAllowed = "registry_address_not_allowed" => Failure;
    /// A step of the Dockerfile failed.
    StepFailed = "step_failed" => Failure;
    /// The registry did not take the image.
    PushFailed = "push_failed" => Failure;
    /// The build wrote more than its ephemeral storage, what was fetched for it included.
    StorageLimitExceeded = "storage_limit_exceeded" => Failure;
    /// The machine's disk is full.
    DiskFull = "disk_full" => Failure;
    /// The engine failed in a way that is not the Dockerfile's.
    EngineFailed = "engine_failed" => Failure;
    /// A person or a program stopped it.
    AbortedByRequest = "aborted_by_request" => Aborted;
    /// Its service or project was deleted.
    ServiceDeleted = "service_deleted" => Aborted;
    /// The build, or git when it fetched the source, used more memory than its plan has.
    OutOfMemory = "out_of_memory" => Crashed;
    /// The build took longer than it may.
    TimeLimitExceeded = "time_limit_exceeded" => Crashed;
    /// The worker died or was not heard of until its lease ran out.
    WorkerLost = "worker_lost" => Crashed;
    /// The executor could not start a worker.
    WorkerNotStarted = "worker_not_started" => SubmissionFailure;
    /// Nothing could take the build for as long as it may wait.
    UnschedulableTooLong = "unschedulable_too_long" => SubmissionFailure;
    /// The plan asks for more than the machine has.
    PlanTooLarge = "plan_too_large" => Unschedulable;
    /// No machine here can build for the architecture.
    ArchitectureUnavailable = "architecture_unavailable" => Unschedulable;
}

impl Reason {
    /// Reads the word back; `None` for any other word.
    pub fn parse(word: &str) -> Option<Reason> {
        Reason::ALL.iter().copied().find(|r| r.as_str() == word)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const BEGIN: &str = "run it with UPDATE_DOCS=1 -->\n";
    const END: &str = "<!-- /reasons -->";

    fn table() -> String {
        let row = |r: &Reason| format!("| `{}` | {} | {} |\n", r.as_str(), r.status(), r.meaning());
        let rows: String = Reason::ALL.iter().map(row).collect();
        format!("| reason | status | when |\n|---|---|---|\n{rows}")
    }

    #[test]
    fn the_manual_has_the_table() {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/builds.md");
        let text = std::fs::read_to_string(path).unwrap();
        let (head, rest) = text.split_once(BEGIN).unwrap();
        let (kept, tail) = rest.split_once(END).unwrap();
        if std::env::var_os("UPDATE_DOCS").is_some() {
            std::fs::write(path, format!("{head}{BEGIN}{}{END}{tail}", table())).unwrap();
        } else {
            assert_eq!(kept, table(), "run this test with UPDATE_DOCS=1");
        }
    }

    #[test]
    fn words_are_unique_and_round_trip() {
        for reason in Reason::ALL {
            assert_eq!(Reason::parse(reason.as_str()), Some(*reason));
            assert!(!reason.meaning().is_empty());
        }
    }
}
