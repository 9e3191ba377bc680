//! Opens the rooms and fits them together.

use crate::belonging;
use crate::config::Options;
use crate::keys;
use anyhow::{Context, anyhow};
use api::{RegistryAccess, Settings, Telemetry, Watcher, Watching};
use dispatch::executor::{Exit, LocalSettings};
use dispatch::{Dispatcher, Limits, LocalExecutor};
use domain::Plan;
use domain::notification::Backoff;
use logs::{LogConfig, LogStore};
use notify::Deliverer;
use registry::{Registry, RegistryConfig};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use store::{Alone, Store};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio_util::sync::CancellationToken;

/// Where the server is reached.
#[derive(Clone, Debug)]
pub struct PublicAddress {
    /// The URL that clients use.
    pub url: String,
    /// Host and port in front of every image's name.
    pub registry_host: String,
    /// Host and port for processes on this machine.
    pub local: String,
    /// Whether nobody but this machine reaches it: then pulling needs no login.
    pub loopback_only: bool,
}

/// The opened rooms.
pub(super) struct Parts {
    pub(super) store: Store,
    pub(super) alone: Alone,
    pub(super) logs: LogStore,
    pub(super) registry: Registry,
    pub(super) telemetry: Telemetry,
    pub(super) router: axum::Router,
    pub(super) watcher: Watcher,
    pub(super) dispatcher: Dispatcher,
    pub(super) exits: UnboundedReceiver<Exit>,
    pub(super) deliverer: Deliverer,
}

pub(super) async fn open(
    options: &Options,
    address: &PublicAddress,
    stop: &CancellationToken,
) -> anyhow::Result<Parts> {
    let data = options.data_dir();
    // It measures the processor's clock first, for some 25 ms: beside the rest.
    let telemetry = tokio::task::spawn_blocking(Telemetry::install);
    let store = belonging::open(&options.database_url()?, &data, true).await?;
    // Before anything else is asked of the database: another server's secrets are its own business.
    let alone = store.alone().await?.ok_or_else(|| {
        anyhow!("another server uses this database; each server needs one of its own")
    })?;
    let store = keys::unlock(store, options, true).await?;
    let mut log_config = LogConfig::default();
    if let Some(mb) = options.log_limit {
        log_config.max_log_bytes = mb * 1024 * 1024;
    }
    let logs = LogStore::open(data.join("logs"), log_config).context("cannot open the logs")?;
    let access = RegistryAccess::new(store.clone(), address.loopback_only);
    let registry = Registry::new(
        store.clone(),
        data.join("registry"),
        registry_config(options, address),
        Arc::new(access),
    )
    .await
    .context("cannot open the registry")?;
    let telemetry = telemetry.await?.context("cannot count what happens")?;
    let git = questions(options, &data.join("git"))?;
    let (router, watcher) = api::open(api::Parts {
        store: store.clone(),
        logs: logs.clone(),
        registry: registry.clone(),
        watching: watching(options, &git)?,
        git,
        telemetry: telemetry.clone(),
        settings: settings(options, address)?,
        stop: stop.clone(),
    })
    .await?;
    let (reports, exits) = unbounded_channel();
    let executor = LocalExecutor::new(local_settings(options, address)?, reports);
    let dispatcher = Dispatcher::new(
        store.clone(),
        logs.clone(),
        Arc::new(executor),
        limits(options),
    );
    let deliverer = Deliverer::new(store.clone(), notifications(options, address)?);
    Ok(Parts {
        store,
        alone,
        logs,
        registry,
        telemetry,
        router,
        watcher,
        dispatcher,
        exits,
        deliverer,
    })
}

fn registry_config(options: &Options, address: &PublicAddress) -> RegistryConfig {
    let usual = RegistryConfig::default();
    RegistryConfig {
        public_url: Some(address.url.clone()),
        grace: options
            .garbage_grace
            .map_or(usual.grace, Duration::from_secs),
        ..usual
    }
}

fn notifications(options: &Options, address: &PublicAddress) -> anyhow::Result<notify::Settings> {
    let allow = options.outbound_allow.as_deref().unwrap_or_default();
    let outbound = allow.parse().context("outbound_allow is wrong")?;
    let registry_host = address.registry_host.clone();
    Ok(notify::Settings {
        outbound,
        backoff: options
            .notification_retry_ms
            .map_or_else(Backoff::default, |ms| Backoff {
                first: Duration::from_millis(ms),
            }),
        describe: Arc::new(move |build| api::describe(build, &registry_host)),
    })
}

fn settings(options: &Options, address: &PublicAddress) -> anyhow::Result<Settings> {
    let plans = Plan::published();
    Ok(Settings {
        registry_host: address.registry_host.clone(),
        worker_registry_host: address.local.clone(),
        region: "local".to_owned(),
        default_plan: default_plan(options.default_plan.as_deref(), &plans)?,
        plans,
        rate_limit: options.rate_limit.unwrap_or(1000),
        time_limit_seconds: options.build_time_limit.unwrap_or(3600),
        ephemeral_storage_mb: options.ephemeral_storage.unwrap_or(16384),
        cache_storage_mb: Some(options.cache_storage.unwrap_or(32768)),
        git_protocols: protocols(options)?,
        places: limits(options).overall,
        metrics_public: options.metrics_public.unwrap_or(address.loopback_only),
        lease: lease(options),
    })
}

/// The plan asked for; else the usual one, or the largest that this machine can hold.
fn default_plan(asked: Option<&str>, plans: &[Plan]) -> anyhow::Result<Plan> {
    const USUAL: &str = "nf-compute-200-8";
    let find = |id: &str| plans.iter().find(|plan| plan.id == id).cloned();
    if let Some(id) = asked {
        return find(id).ok_or_else(|| anyhow!("default_plan {id} is not one of the plans"));
    }
    let has = machine::capacity();
    let fits = |plan: &Plan| plan.fits(has.cpu_hundredths, has.memory_mb);
    let largest = plans
        .iter()
        .rev()
        .find(|plan| fits(plan))
        .or(plans.first())
        .cloned();
    find(USUAL)
        .filter(fits)
        .or(largest)
        .ok_or_else(|| anyhow!("there are no plans"))
}

fn protocols(options: &Options) -> anyhow::Result<git::Protocols> {
    let list = options.git_protocols.as_deref().unwrap_or("https,ssh");
    list.parse()
        .map_err(|error| anyhow!("git_protocols {list} is wrong: {error}"))
}

/// Git for the API's own questions: which commit a branch has.
fn questions(options: &Options, home: &Path) -> anyhow::Result<git::Git> {
    let list = |text: Option<&str>| -> Vec<String> {
        text.unwrap_or_default()
            .split(',')
            .map(str::trim)
            .filter(|s| !s.is_empty())
            .map(str::to_owned)
            .collect()
    };
    let access = worker::GitAccess {
        protocols: list(options.git_protocols.as_deref().or(Some("https,ssh"))),
        outbound_allow: list(options.outbound_allow.as_deref()),
        ssh_key: Options::ssh_file(options.ssh_key.as_ref())?,
        ssh_known_hosts: Options::ssh_file(options.ssh_known_hosts.as_ref())?,
        stall_timeout: options.git_stall_timeout.map(Duration::from_secs),
    };
    worker::git_for(&access, home).map_err(|problem| anyhow!(problem))
}

/// How long a look may fetch from a repository.
const LOOKS_FETCH: Duration = Duration::from_secs(4 * 60);

/// More seconds between looks than anybody waits for, and fewer than a clock can count.
const SELDOMEST_LOOK: u64 = 365 * 24 * 3600;

/// What repositories are looked at with for new commits.
fn watching(options: &Options, git: &git::Git) -> anyhow::Result<Watching> {
    let seconds = options.watch_interval.unwrap_or(60).min(SELDOMEST_LOOK);
    Ok(Watching {
        interval: (seconds > 0).then(|| Duration::from_secs(seconds)),
        git: git.bounded(LOOKS_FETCH).context("cannot prepare git")?,
        mirrors: worker::mirrors_in(&options.data_dir().join("cache")),
    })
}

fn lease(options: &Options) -> Duration {
    Duration::from_secs(options.lease.unwrap_or(30).max(2))
}

fn limits(options: &Options) -> Limits {
    let cores = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let overall = options.max_concurrent_builds.unwrap_or(cores.max(2));
    Limits {
        overall,
        per_service: options.max_concurrent_builds_per_service.unwrap_or(overall),
        lease: lease(options),
        unschedulable_for: Duration::from_secs(options.unschedulable_for.unwrap_or(86_400)),
    }
}

fn local_settings(options: &Options, address: &PublicAddress) -> anyhow::Result<LocalSettings> {
    let data = options.data_dir();
    let (output_dir, work_dir) = (data.join("workers"), data.join("work"));
    for dir in [&output_dir, &work_dir, &data.join("cache")] {
        make_dir(dir)?;
    }
    let program = match &options.worker_program {
        Some(program) => program.clone(),
        None => std::env::current_exe().context("cannot find this program's own file")?,
    };
    Ok(LocalSettings {
        program,
        environment: environment_of_workers(options, address)?,
        output_dir,
        work_dir,
    })
}

fn make_dir(dir: &Path) -> anyhow::Result<()> {
    std::fs::create_dir_all(dir).with_context(|| format!("cannot make {}", dir.display()))
}

/// The environment of a worker: what it needs and nothing else of the server's.
fn environment_of_workers(
    options: &Options,
    address: &PublicAddress,
) -> anyhow::Result<Vec<(String, String)>> {
    let data = options.data_dir();
    let mut environment = vec![
        (
            "BOATYARD_WORKER_SERVER".to_owned(),
            format!("http://{}", address.local),
        ),
        (
            "BOATYARD_WORKER_DIR".to_owned(),
            data.join("work").display().to_string(),
        ),
        (
            "BOATYARD_CACHE_DIR".to_owned(),
            data.join("cache").display().to_string(),
        ),
    ];
    let mut pass = |name: &str, value: Option<&String>| {
        environment.extend(value.map(|value| (name.to_owned(), value.clone())));
    };
    pass("BOATYARD_GIT_PROTOCOLS", options.git_protocols.as_ref());
    pass("BOATYARD_OUTBOUND_ALLOW", options.outbound_allow.as_ref());
    pass(
        "BOATYARD_REGISTRY_MIRRORS",
        options.registry_mirrors.as_ref(),
    );
    pass("BOATYARD_ENGINE", options.engine.as_ref());
    pass("BOATYARD_STEP_NETWORK", options.step_network.as_ref());
    let text = |path: std::path::PathBuf| path.display().to_string();
    let key = Options::ssh_file(options.ssh_key.as_ref())?.map(text);
    pass("BOATYARD_SSH_KEY", key.as_ref());
    let known_hosts = Options::ssh_file(options.ssh_known_hosts.as_ref())?.map(text);
    pass("BOATYARD_SSH_KNOWN_HOSTS", known_hosts.as_ref());
    let stall = options.git_stall_timeout.map(|seconds| seconds.to_string());
    pass("BOATYARD_GIT_STALL_TIMEOUT", stall.as_ref());
    for name in [
        "PATH",
        "HOME",
        "LANG",
        "RUST_LOG",
        "SSL_CERT_FILE",
        "SSL_CERT_DIR",
        "XDG_RUNTIME_DIR",
    ] {
        pass(name, std::env::var(name).ok().as_ref());
    }
    Ok(environment)
}

/// How often the registry looks for what nothing refers to.
pub(super) fn garbage_interval(options: &Options) -> Duration {
    Duration::from_secs(options.garbage_interval.unwrap_or(3600).max(1))
}

/// A server that has just started has other things to do than to walk through all of the registry.
const AFTER_START: Duration = Duration::from_secs(60);

/// Frees what nothing in the registry refers to any more, from time to time.
pub(super) async fn collect_garbage(registry: Registry, every: Duration, stop: CancellationToken) {
    let first = tokio::time::Instant::now() + every.min(AFTER_START);
    let mut ticks = tokio::time::interval_at(first, every);
    // A collection that took longer than that is not made up for.
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = ticks.tick() => match registry.collect_garbage().await {
                Ok(report) => tracing::debug!(?report, "collected the registry's garbage"),
                Err(error) => tracing::error!(%error, "the registry's garbage stays for now"),
            },
        }
    }
}
