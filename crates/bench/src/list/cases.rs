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
    /// What happens while it is asked for.
    pub(crate) way: Way,
}

/// How pages are asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    /// The same page again and again, and nothing is written. The aims are for this one.
    Again,
    /// The same page again and again, while the database changes.
    WhileChanging,
    /// One page after the other, through so many, which is more than are kept: each answer is made
    /// anew.
    Walk(i64),
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
        let case = |page, path, way| Case {
            builds,
            page,
            path,
            way,
        };
        let by_page = format!("{list}&page={last}");
        let by_cursor = format!("{list}&cursor={cursor}");
        let cases = [
            case("first", list.clone(), Way::Again),
            case("deepest by page", by_page, Way::Again),
            case("deepest by cursor", by_cursor, Way::Again),
        ];
        let newest = [builds, PER_PAGE, PER_PAGE];
        for (case, newest) in cases.iter().zip(newest) {
            case.check(api, newest).await?;
        }
        Ok(cases)
    }

    /// The ways in which no answer is good for long.
    pub(crate) fn of_restless_service(service: &str, builds: i64) -> [Case; 2] {
        let path = format!("/v1/projects/bench/services/{service}/build?per_page={PER_PAGE}");
        let case = |page, way| Case {
            builds,
            page,
            path: path.clone(),
            way,
        };
        let pages = builds / PER_PAGE;
        [
            case("first, while changing", Way::WhileChanging),
            case("one after the other", Way::Walk(pages)),
        ]
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
