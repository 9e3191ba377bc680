//! Which pages are asked for.

use crate::api::Api;
use anyhow::{Context, ensure};
use reqwest::Method;
use serde_json::Value;

const PER_PAGE: i64 = 100;

/// One page of one history.
pub(crate) struct Case {
    /// Builds in the service.
    pub(crate) builds: i64,
    /// Which page, in words.
    pub(crate) page: &'static str,
    /// Path and query.
    pub(crate) path: String,
}

impl Case {
    /// First page, deepest by page, deepest by cursor.
    pub(crate) async fn of_service(
        api: &Api,
        service: &str,
        builds: i64,
    ) -> anyhow::Result<[Case; 3]> {
        let list = format!("/v1/projects/bench/services/{service}/build?per_page={PER_PAGE}");
        let last = builds / PER_PAGE;
        let before = api
            .call(Method::GET, &format!("{list}&page={}", last - 1), None)
            .await?;
        let cursor = before["pagination"]["cursor"].as_str();
        let cursor = cursor.context("the page before the last has no cursor")?;
        let case = |page, path| Case { builds, page, path };
        let cases = [
            case("first", list.clone()),
            case("deepest by page", format!("{list}&page={last}")),
            case("deepest by cursor", format!("{list}&cursor={cursor}")),
        ];
        let newest = [builds, PER_PAGE, PER_PAGE];
        for (case, newest) in cases.iter().zip(newest) {
            case.check(api, newest).await?;
        }
        Ok(cases)
    }

    /// The page is full and is the one it should be.
    async fn check(&self, api: &Api, newest: i64) -> anyhow::Result<()> {
        let answer = api.call(Method::GET, &self.path, None).await?;
        let rows = answer["data"]["builds"].as_array();
        let rows = rows.map_or(0, Vec::len) as i64;
        let first = &answer["data"]["builds"][0]["number"];
        ensure!(
            rows == PER_PAGE && first == &Value::from(newest),
            "{} has {rows} builds, from {first}",
            self.path
        );
        Ok(())
    }
}
