//! What a build is made with: engine, fence, gateway, source, and the measure of its storage.

use std::sync::Arc;

use domain::Reason;
use domain::service::Architecture;
use ipnet::IpNet;
use machine::{Cgroup, Emulation};
use outbound::OutboundPolicy;
use tokio::task::JoinSet;

use super::{Course, Stop, by_machine, unprepared};
use crate::config::EngineChoice;
use crate::engine::buildah::Buildah;
use crate::engine::{Engine, EngineFolders, Registries};
use crate::failure::Failure;
use crate::fence::{self, Fence, Site};
use crate::gateway::{Gateway, Logins, Upstreams};
use crate::git_limits::GitLimits;
use crate::growth::{Grown, Growth};
use crate::halt::Cause;
use crate::meter::Meter;
use crate::source::{self, Source};

/// An engine with its folders.
pub(super) struct ReadyEngine {
    pub(super) door: Box<dyn Engine>,
    pub(super) folders: EngineFolders,
}

/// What a build is made with.
pub(super) struct Building<'a> {
    pub(super) engine: &'a ReadyEngine,
    pub(super) fence: &'a Fence,
    pub(super) registries: Registries<'a>,
}

impl Course {
    pub(super) fn engine(&self) -> Result<ReadyEngine, Failure> {
        let prepare = || {
            let folders = self.workspace.engine_folders()?;
            let door: Box<dyn Engine> = match self.config.engine {
                EngineChoice::Auto | EngineChoice::Buildah => Box::new(Buildah::prepare(&folders)?),
            };
            Ok(ReadyEngine { door, folders })
        };
        prepare().map_err(|error| unprepared(&error))
    }

    /// Puts up the fence and fetches the source, which do not need each other; what git uses is the
    /// build's own.
    pub(super) async fn prepare(
        &self,
        engine: Result<&ReadyEngine, &Failure>,
        fetched: Growth,
    ) -> (Fence, Result<Gateway, Failure>, Result<Source, Stop>) {
        let (uid, plan) = (&self.job.build_uid, &self.job.request.plan);
        let group = fence::limits(uid, plan, self.session.log()).await;
        self.measures.processes(group.as_ref());
        let limits = GitLimits {
            group: group.clone(),
            fetched,
        };
        let source = async {
            match engine {
                Ok(_) => self.clone_source(limits).await,
                Err(failure) => Err(Stop::Failed(failure.clone())),
            }
        };
        let fence = self.put_up_fence(group, engine.ok());
        let ((fence, gateway), source) = tokio::join!(fence, source);
        let source = source.map_err(|stop| match stop {
            Stop::Failed(failure) => {
                Stop::Failed(self.want_of_memory(&failure, &fence).unwrap_or(failure))
            }
            Stop::Halted => Stop::Halted,
        });
        (fence, gateway, source)
    }

    async fn put_up_fence(
        &self,
        group: Option<Arc<Cgroup>>,
        engine: Option<&ReadyEngine>,
    ) -> (Fence, Result<Gateway, Failure>) {
        let log = self.session.log();
        let allow = source::address_ranges(&self.config.git.outbound_allow).unwrap_or_default();
        let mut inside = vec![self.workspace.scratch.clone()];
        inside.extend(engine.and_then(|engine| engine.folders.cache.clone()));
        let site = Site {
            tmp: self.workspace.scratch.join("engine/tmp"),
            folders: inside,
            network: self.config.step_network,
            allow: &allow,
            emulator: self.emulator(),
        };
        let fence = Fence::put_up(group, site, log).await;
        if let Some(first) = fence.own_network().await {
            self.measures.network(first);
        }
        let gateway = self.open_gateway(&fence, allow).await;
        (fence, gateway)
    }

    /// What the kernel has to be told so that the steps of a build for another architecture run.
    fn emulator(&self) -> Option<String> {
        let asked = self.job.request.architecture?;
        if Architecture::native() == Some(asked) {
            return None;
        }
        let log = self.session.log();
        match machine::emulation(asked.machine_name()) {
            Ok(emulation) => {
                log.say(format_args!(
                    "Building for {}, by emulation",
                    asked.machine_name()
                ));
                match emulation {
                    Emulation::OfMachine => None,
                    Emulation::OfNamespace(line) => Some(line),
                }
            }
            // There was one when the build was handed out.
            Err(missing) => {
                log.say(format_args!(
                    "Steps for {} cannot run: {missing}",
                    asked.machine_name()
                ));
                None
            }
        }
    }

    async fn open_gateway(&self, fence: &Fence, allow: Vec<IpNet>) -> Result<Gateway, Failure> {
        let logins = self.logins(OutboundPolicy { allow })?;
        let mirrors = self.config.registry_mirrors.iter();
        let upstreams = Upstreams::new(
            &self.job.registry,
            &self.config.token,
            mirrors.map(|(_, mirror)| mirror.as_str()),
            logins,
        );
        let open = async {
            let upstreams = upstreams?;
            let sockets = fence.listeners(upstreams.gates()).await?;
            Gateway::open(&upstreams, sockets, self.measures.traffic())
        };
        let opened: std::io::Result<Gateway> = open.await;
        opened.map_err(|error| by_machine("The registry cannot be reached from the build", &error))
    }

    /// The logins of the build, and in the log those it should have and has not. Without the one that
    /// its image is to be pushed with there is no use in building it.
    fn logins(&self, policy: OutboundPolicy) -> Result<Logins<'_>, Failure> {
        let (job, request) = (&self.job, &self.job.request);
        let has = |id: &String| job.credentials.iter().any(|login| login.id == *id);
        for id in request.docker_credentials.iter().filter(|id| !has(id)) {
            self.session.log().say(format_args!(
                "The registry credential `{id}` is gone, or is not for this project any more"
            ));
        }
        let push = match (&request.push_to, &job.push_credential) {
            (None, _) => None,
            (Some(to), Some(login)) => Some((to.repository.as_str(), login)),
            (Some(to), None) => {
                let id = &to.credential_id;
                return Err(Failure::new(
                    Reason::RegistryAuthFailed,
                    format!(
                        "The project's registry credential `{id}` is gone, or may not push for this \
                         project any more"
                    ),
                ));
            }
        };
        Ok(Logins::new(&job.credentials, push, policy))
    }

    pub(super) fn registries<'a>(&'a self, gateway: &'a Gateway) -> Registries<'a> {
        Registries {
            own: &self.job.registry,
            own_public: &self.job.registry_public,
            mirrors: &self.config.registry_mirrors,
            gateway,
        }
    }

    /// Measures the build's storage, and halts the build when that is more than it may have.
    pub(super) async fn measure(
        &self,
        engine: Option<&ReadyEngine>,
        fetched: Growth,
    ) -> JoinSet<()> {
        let cache_mounts = engine.and_then(|engine| engine.door.cache_mounts());
        let measured = tokio::task::spawn_blocking(|| cache_mounts.map(Grown::since_now));
        let meter = Meter::start(
            self.workspace.scratch.clone(),
            self.workspace.disks(),
            engine.map_or_else(Vec::new, |engine| engine.door.layer_folders()),
            fetched,
            // The look itself never panics.
            measured.await.unwrap_or_default(),
            self.job.request.ephemeral_storage_mb,
        );
        let (halt, measures) = (self.halt.clone(), self.measures.clone());
        let mut metering = JoinSet::new();
        metering.spawn(async move {
            let exceeded = meter.exceeded(|bytes| measures.disk(bytes));
            halt.raise(Cause::Limit(exceeded.await));
        });
        metering
    }
}
