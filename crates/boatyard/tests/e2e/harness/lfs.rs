//! The part of a git server that hands out what Git LFS keeps.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode, Uri, header};
use serde_json::{Value, json};
use std::path::Path;

/// Where the server says that an object is.
const OBJECTS: &str = "/lfs-objects/";

/// Answers what is asked of Git LFS; `None` for anything else. With `elsewhere`, objects are said to be
/// at that address.
pub(super) fn answer(
    root: &Path,
    uri: &Uri,
    headers: &HeaderMap,
    body: &[u8],
    elsewhere: Option<&str>,
) -> Option<Response> {
    if let Some(path) = uri.path().strip_prefix(OBJECTS) {
        // `NAME.git/OID`
        let (name, oid) = path.split_once('/')?;
        let objects = root.join(name).join("lfs/objects");
        let file = objects.join(&oid[..2]).join(&oid[2..4]).join(oid);
        return Some(match std::fs::read(file) {
            Ok(content) => content.into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        });
    }
    let name = uri.path().strip_suffix("/info/lfs/objects/batch")?;
    let host = headers[header::HOST].to_str().unwrap();
    let asked: Value = serde_json::from_slice(body).unwrap();
    assert_eq!(asked["operation"], "download");
    let place = |oid: &str| match elsewhere {
        Some(address) => address.to_owned(),
        None => format!("http://{host}{OBJECTS}{}/{oid}", &name[1..]),
    };
    let objects: Vec<Value> = asked["objects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|object| {
            let href = place(object["oid"].as_str().unwrap());
            json!({"oid": object["oid"], "size": object["size"], "actions": {"download": {"href": href}}})
        })
        .collect();
    Some(Json(json!({"transfer": "basic", "objects": objects})).into_response())
}
