//! Lists of builds that are like something. Each is one range read on an index, however long the
//! history: what a filter asks for comes first in its index, the number last.

use crate::builds::{build, build_columns};
use crate::sql::{Value, params};
use crate::{Page, Store, StoreError};
use domain::{Build, Millis, Service, Status};

/// What builds are to be like.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BuildFilter {
    /// In one of these, each named once; in any where none is named.
    pub statuses: Vec<Status>,
    /// Asked for by this branch.
    pub branch: Option<String>,
    /// Of this commit, in full.
    pub sha: Option<String>,
    /// Accepted later than this.
    pub created_after: Option<Millis>,
    /// Accepted earlier than this.
    pub created_before: Option<Millis>,
}

/// What the beginning of a commit's sha leads to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Commit {
    /// No build of the service is of a commit like that.
    Unknown,
    /// This one, in full.
    One(String),
    /// More than one.
    Several,
}

impl Store {
    /// A page of those builds of a service that are like the filter, newest first.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn find_builds(
        &self,
        service: &Service,
        filter: &BuildFilter,
        page: Page,
        limit: i64,
    ) -> Result<Vec<Build>, StoreError> {
        let (mut before, skip) = match page {
            Page::Before(number) => (number, 0),
            Page::Skip(count) => (i64::MAX, count),
        };
        if let Some(time) = filter.created_before {
            let first = self.first_since(&service.uid, time).await?;
            before = first.map_or(before, |first| before.min(first));
        }
        let mut from = 0;
        if let Some(time) = filter.created_after {
            let first = self
                .first_since(&service.uid, time.saturating_add(1))
                .await?;
            let Some(first) = first else {
                return Ok(Vec::new());
            };
            from = first;
        }
        let mut session = self.db.read().await?;
        let (sql, more) = statement(filter, |index| session.choose(index));
        let mut values = params![&service.uid, before, from, limit, skip].to_vec();
        values.extend(more);
        session.rows(&sql, values, build).await
    }

    /// The number of a service's first build that was accepted at this time or later.
    async fn first_since(
        &self,
        service_uid: &str,
        time: Millis,
    ) -> Result<Option<i64>, StoreError> {
        let mut session = self.db.read().await?;
        session
            .row(
                "SELECT number FROM builds WHERE service_uid = $1 AND created_at >= $2
                 ORDER BY created_at, number LIMIT 1",
                params![service_uid, time],
                |row| row.get(0),
            )
            .await
    }

    /// The commit of a service's builds whose sha begins with these hex digits.
    ///
    /// # Errors
    /// When the database fails.
    pub async fn commit(&self, service_uid: &str, prefix: &str) -> Result<Commit, StoreError> {
        const FIRST: &str = "SELECT sha FROM builds
            WHERE service_uid = $1 AND sha >= $2 AND sha < $3 ORDER BY sha LIMIT 1";
        const LAST: &str = "SELECT sha FROM builds
            WHERE service_uid = $1 AND sha >= $2 AND sha < $3 ORDER BY sha DESC LIMIT 1";
        // No hex digit comes after f.
        let range = params![service_uid, prefix, format!("{prefix}g")];
        let mut session = self.db.read().await?;
        let first: Option<String> = session.row(FIRST, &range, |row| row.get(0)).await?;
        let last: Option<String> = session.row(LAST, &range, |row| row.get(0)).await?;
        Ok(match (first, last) {
            (Some(first), Some(last)) if first == last => Commit::One(first),
            (None, _) => Commit::Unknown,
            _ => Commit::Several,
        })
    }
}

/// The statement for a filter, and its values from `$6` on. Only what is in here becomes part of it. Of
/// several statuses each is a range of its own, of which the newest are taken together.
fn statement(filter: &BuildFilter, choose: impl Fn(&str) -> String) -> (String, Vec<Value>) {
    const NEWEST: &str = "ORDER BY number DESC LIMIT $4 OFFSET $5";
    let mut values = Vec::new();
    let mut place = |value: Value| {
        values.push(value);
        5 + values.len()
    };
    let mut common = String::from("service_uid = $1 AND number < $2 AND number >= $3");
    for (column, value) in [("branch", &filter.branch), ("sha", &filter.sha)] {
        if let Some(value) = value {
            common.push_str(&format!(" AND {column} = ${}", place(value.into())));
        }
    }
    let mut range = |status: Option<Status>| {
        let condition = status.map(|status| {
            let not = if status.is_concluded() { "NOT " } else { "" };
            let place = place(status.as_str().into());
            format!(" AND concluded_at IS {not}NULL AND status = ${place}")
        });
        format!(
            "SELECT {} FROM builds{} WHERE {common}{}",
            build_columns!(),
            index(filter, status).map(&choose).unwrap_or_default(),
            condition.unwrap_or_default()
        )
    };
    let sql = match filter.statuses[..] {
        [] => format!("{} {NEWEST}", range(None)),
        [status] => format!("{} {NEWEST}", range(Some(status))),
        ref several => {
            let ranges = several.iter().enumerate().map(|(n, status)| {
                let enough = "LIMIT CAST($4 AS BIGINT) + CAST($5 AS BIGINT)";
                let range = range(Some(*status));
                format!("SELECT * FROM ({range} ORDER BY number DESC {enough}) AS range_{n}")
            });
            let ranges: Vec<_> = ranges.collect();
            format!("{} {NEWEST}", ranges.join(" UNION ALL "))
        }
    };
    (sql, values)
}

/// The index that begins with what a filter asks for; none for the whole history.
fn index(filter: &BuildFilter, status: Option<Status>) -> Option<&'static str> {
    let ended = status.map(Status::is_concluded);
    match (&filter.sha, &filter.branch, ended) {
        (_, _, Some(false)) => Some("builds_in_phase"),
        (Some(_), ..) => Some("builds_sha"),
        (None, Some(_), Some(true)) => Some("builds_branch_ended"),
        (None, None, Some(true)) => Some("builds_ended"),
        (None, Some(_), None) => Some("builds_branch"),
        (None, None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// How SQLite runs the statement for a filter.
    async fn plan(filter: &BuildFilter) -> String {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("boatyard.db");
        let store = Store::open(path.to_str().unwrap(), testkit::vault())
            .await
            .unwrap();
        let session = store.db.read().await.unwrap();
        let (sql, _) = statement(filter, |index| session.choose(index));
        let database = rusqlite::Connection::open(&path).unwrap();
        let mut plan = database
            .prepare(&format!("EXPLAIN QUERY PLAN {sql}"))
            .unwrap();
        let mut steps = plan.raw_query();
        let mut text = String::new();
        while let Some(step) = steps.next().unwrap() {
            text.push_str(&step.get::<_, String>(3).unwrap());
        }
        text
    }

    #[tokio::test]
    async fn every_filter_is_a_range_of_an_index() {
        let given = || [None, Some("x".to_owned())];
        let several = vec![Status::Queued, Status::Building, Status::Crashed];
        for statuses in [vec![], vec![Status::Queued], vec![Status::Crashed], several] {
            for (branch, sha) in given()
                .into_iter()
                .flat_map(|branch| given().map(|sha| (branch.clone(), sha)))
            {
                let filter = BuildFilter {
                    statuses: statuses.clone(),
                    branch,
                    sha,
                    ..BuildFilter::default()
                };
                let plan = plan(&filter).await;
                // What several give is sorted once more, a page at the most.
                let sorts = plan.matches("TEMP B-TREE").count();
                let ranges = statuses.len().max(1);
                assert_eq!(
                    plan.matches("number<?").count(),
                    ranges,
                    "{filter:?}: {plan}"
                );
                assert!(ranges > 1 || sorts == 0, "{filter:?}: {plan}");
            }
        }
    }
}
