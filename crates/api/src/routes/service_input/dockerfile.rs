//! The Dockerfile, its cache, and the storage that its build may fill.

use super::values::{either, nullable};
use crate::edge::Problems;
use domain::service::DockerfileSettings;
use domain::{ServiceSpec, fields};
use schemars::JsonSchema;
use serde::Deserialize;

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "StorageInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct Storage {
    #[serde(default, deserialize_with = "nullable")]
    ephemeral_storage: Option<Option<EphemeralStorage>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "EphemeralStorageInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct EphemeralStorage {
    #[serde(default, deserialize_with = "nullable")]
    storage_size: Option<Option<u64>>,
}

impl Storage {
    /// The size that is asked for; `Some(None)` takes it back, by `null` wherever it stands.
    pub(super) fn size(asked: &Option<Option<Storage>>) -> Option<Option<u64>> {
        let Some(storage) = asked.as_ref()? else {
            return Some(None);
        };
        let Some(ephemeral) = storage.ephemeral_storage.as_ref()? else {
            return Some(None);
        };
        ephemeral.storage_size
    }

    /// Lays what is said onto the specification; fields are named behind `prefix`.
    pub(super) fn apply(
        asked: &Option<Option<Storage>>,
        prefix: &str,
        spec: &mut ServiceSpec,
        problems: &mut Problems,
    ) {
        let Some(size) = Storage::size(asked) else {
            return;
        };
        let field = format!("{prefix}ephemeralStorage.storageSize");
        problems.check_some(&field, size.as_ref(), |size| fields::storage_size(*size));
        spec.ephemeral_storage_mb = size;
    }
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "DockerfileInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(in super::super) struct Dockerfile {
    /// Published as deprecated and without effect; read so that old bodies still work.
    #[serde(rename = "useCache")]
    _use_cache: Option<bool>,
    build_engine: Option<EngineName>,
    docker_file_path: Option<String>,
    docker_work_dir: Option<String>,
    buildkit: Option<CacheSettings>,
}

/// Dockerfiles are built as BuildKit builds them; which program does it is the operator's choice.
#[derive(Clone, Copy, Debug, Deserialize, PartialEq, JsonSchema)]
#[serde(rename_all = "lowercase")]
enum EngineName {
    Buildkit,
    Kaniko,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[schemars(rename = "CacheSettingsInput")]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct CacheSettings {
    use_cache: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    cache_storage_size: Option<Option<u64>>,
    /// Published as deprecated; `useCache` and `cacheStorageSize` say the same.
    use_internal_cache: Option<bool>,
    #[serde(default, deserialize_with = "nullable")]
    internal_cache_storage: Option<Option<u64>>,
}

impl CacheSettings {
    fn apply(&self, prefix: &str, dockerfile: &mut DockerfileSettings, problems: &mut Problems) {
        let field = |name: &str| format!("{prefix}{name}");
        let use_cache = either(
            (&field("useCache"), self.use_cache),
            (&field("useInternalCache"), self.use_internal_cache),
            problems,
        );
        dockerfile.use_cache = use_cache.unwrap_or(dockerfile.use_cache);
        let size = either(
            (&field("cacheStorageSize"), self.cache_storage_size),
            (&field("internalCacheStorage"), self.internal_cache_storage),
            problems,
        );
        dockerfile.cache_storage_mb = size.unwrap_or(dockerfile.cache_storage_mb);
    }
}

impl Dockerfile {
    /// Lays what is said onto the specification; fields are named behind `prefix`.
    pub(in super::super) fn apply(
        &self,
        prefix: &str,
        spec: &mut ServiceSpec,
        problems: &mut Problems,
    ) {
        let kaniko = self.build_engine == Some(EngineName::Kaniko);
        problems.refuse(&format!("{prefix}buildEngine"), kaniko);
        let dockerfile = &mut spec.dockerfile;
        if let Some(path) = &self.docker_file_path {
            let field = format!("{prefix}dockerFilePath");
            problems.check(&field, fields::docker_file_path(path));
            dockerfile.docker_file_path.clone_from(path);
        }
        if let Some(path) = &self.docker_work_dir {
            let field = format!("{prefix}dockerWorkDir");
            problems.check(&field, fields::docker_work_dir(path));
            dockerfile.docker_work_dir.clone_from(path);
        }
        if let Some(cache) = &self.buildkit {
            cache.apply(&format!("{prefix}buildkit."), dockerfile, problems);
        }
    }
}
