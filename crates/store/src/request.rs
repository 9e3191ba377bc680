//! A build's request is kept in two parts: what a scheduler may look at often, and what is secret.

use crate::StoreError;
use crate::sealing::BUILD_SECRETS;
use crate::services::to_json;
use domain::BuildRequest;
use serde_json::{Map, Value};
use vault::Vault;

/// The secret fields, by their names in the JSON. The URLs may have logins in them.
const SECRET: [&str; 6] = [
    "projectUrl",
    "bundleUrl",
    "buildArguments",
    "accountSecrets",
    "buildFiles",
    "dockerSecretMounts",
];

/// The request's open part and its secret one.
pub(crate) fn split(mut request: Map<String, Value>) -> (Map<String, Value>, Map<String, Value>) {
    let secret = SECRET
        .iter()
        .filter_map(|name| request.remove_entry(*name))
        .collect();
    (request, secret)
}

/// What is stored of a request: the open part, and the secret part sealed.
pub(crate) fn seal(
    vault: &Vault,
    build_uid: &str,
    request: &BuildRequest,
) -> Result<(String, String), StoreError> {
    let Ok(Value::Object(request)) = serde_json::to_value(request) else {
        return Err(StoreError::corrupt("a request that is no object"));
    };
    let (open, secret) = split(request);
    let sealed = BUILD_SECRETS.seal_json(vault, build_uid, &secret)?;
    Ok((to_json(&open)?, sealed))
}

/// The whole request from what was stored.
pub(crate) fn open(
    vault: &Vault,
    build_uid: &str,
    mut request: Map<String, Value>,
    sealed: Option<&str>,
) -> Result<BuildRequest, StoreError> {
    if let Some(sealed) = sealed {
        let secret: Map<String, Value> = BUILD_SECRETS.open_json(vault, build_uid, sealed)?;
        request.extend(secret);
    }
    serde_json::from_value(Value::Object(request))
        .map_err(|_| StoreError::corrupt(format!("bad JSON in the request of {build_uid}")))
}
