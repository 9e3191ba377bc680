//! Lists: tags, and what speaks about a manifest.

use super::{Answer, Call, digest};
use crate::error::Refusal;
use crate::manifest::OCI_INDEX;
use axum::Json;
use axum::response::IntoResponse;
use http::StatusCode;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue, LINK};
use serde_json::{Value, json};

/// Names and descriptors at a time, at the most.
const PAGE: i64 = 1000;
const FILTERS: HeaderName = HeaderName::from_static("oci-filters-applied");

impl Call<'_> {
    /// `GET tags/list`, with `n` and `last`.
    pub(super) async fn tags(&self) -> Answer {
        let asked = match self.query.get("n").map(|text| text.parse::<i64>()) {
            None => PAGE,
            Some(Ok(count)) if count >= 0 => count.min(PAGE),
            Some(_) => {
                let message = "n must be a whole number.";
                let status = StatusCode::BAD_REQUEST;
                return Err(Refusal::new(status, "PAGINATION_NUMBER_INVALID", message));
            }
        };
        let after = self.query.get("last").map_or("", String::as_str);
        let catalog = self.inner.store.catalog();
        let found = catalog.tags(self.repository, after, asked + 1).await?;
        let mut tags = found.ok_or_else(Refusal::name_unknown)?;
        let count = usize::try_from(asked).unwrap_or(usize::MAX);
        let more = tags.len() > count;
        tags.truncate(count);
        let next = tags.last().filter(|_| more).map(|last| {
            format!(
                "<{}?n={asked}&last={last}>; rel=\"next\"",
                self.path("tags/list")
            )
        });
        let mut response = Json(json!({"name": self.repository, "tags": tags})).into_response();
        if let Some(Ok(next)) = next.map(HeaderValue::try_from) {
            response.headers_mut().insert(LINK, next);
        }
        Ok(response)
    }

    /// `GET referrers/<digest>`, with `artifactType`. A subject that is not there has none.
    pub(super) async fn referrers(&self, text: &str) -> Answer {
        let subject = digest(text)?;
        let kind = self.query.get("artifactType").map(String::as_str);
        let after = self.query.get("last").map_or("", String::as_str);
        let catalog = self.inner.store.catalog();
        let mut found = catalog
            .referrers(self.repository, subject.as_str(), kind, after, PAGE + 1)
            .await?;
        let page = usize::try_from(PAGE).unwrap_or(usize::MAX);
        let more = found.len() > page;
        found.truncate(page);
        let next = found.last().filter(|_| more).map(|last| {
            let path = self.path(&format!("referrers/{}", subject.as_str()));
            let mut query = url::form_urlencoded::Serializer::new(String::new());
            query.append_pair("last", &last.manifest.digest);
            query.extend_pairs(kind.map(|kind| ("artifactType", kind)));
            format!("<{path}?{}>; rel=\"next\"", query.finish())
        });
        let manifests: Vec<Value> = found.into_iter().map(descriptor).collect();
        let index = json!({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests});
        let mut response = Json(index).into_response();
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(OCI_INDEX));
        if kind.is_some() {
            headers.insert(FILTERS, HeaderValue::from_static("artifactType"));
        }
        if let Some(Ok(next)) = next.map(HeaderValue::try_from) {
            headers.insert(LINK, next);
        }
        Ok(response)
    }
}

fn descriptor(referrer: store::Referrer) -> Value {
    let manifest = referrer.manifest;
    let mut value = json!({
        "mediaType": manifest.media_type,
        "digest": manifest.digest,
        "size": manifest.size,
    });
    if let Some(kind) = referrer.artifact_type {
        value["artifactType"] = Value::String(kind);
    }
    let annotations = referrer
        .annotations
        .and_then(|text| serde_json::from_str(&text).ok());
    if let Some(annotations) = annotations {
        value["annotations"] = annotations;
    }
    value
}
