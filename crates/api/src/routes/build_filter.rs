//! What the list of builds is asked for beyond the contract: `status`, `branch`, `sha`,
//! `createdAfter` and `createdBefore`.

use crate::edge::{ApiError, Paging, Params, Problems};
use crate::state::State;
use domain::{Build, Service, Status};
use schemars::JsonSchema;
use store::{BuildFilter, Commit, Page};

/// Hex digits of a commit that are enough: git's own shortest.
const SHORTEST_SHA: usize = 7;

/// For the document: the parameters of the list.
#[derive(JsonSchema)]
#[serde(rename_all = "camelCase")]
#[expect(dead_code, reason = "for the document")]
pub(crate) struct BuildsQuery {
    #[serde(flatten)]
    paging: Paging,
    /// Only builds in this status, or in one of these: repeated, or with commas between them.
    status: Option<Vec<Status>>,
    /// Only builds that were asked for by this branch.
    branch: Option<String>,
    /// Only builds of the commit that begins with these hex digits, at least 7.
    #[schemars(regex(pattern = "^[0-9A-Fa-f]{7,40}$"))]
    sha: Option<String>,
    /// Only builds that were created later, ISO 8601.
    created_after: Option<String>,
    /// Only builds that were created earlier, ISO 8601.
    created_before: Option<String>,
}

/// A filter, and the name that it gives the list: a cursor of another one does not open it.
pub(super) struct Filtered {
    filter: BuildFilter,
    pub(super) list: String,
}

impl Filtered {
    /// Reads the filter; `None` when everything is wanted.
    pub(super) fn read(
        params: &Params<BuildsQuery>,
        list: &str,
    ) -> Result<Option<Filtered>, ApiError> {
        let mut problems = Problems::default();
        let millis = |micros: i64| micros.div_euclid(1000);
        let filter = BuildFilter {
            statuses: statuses(params, &mut problems),
            branch: params.get("branch").map(str::to_owned),
            sha: sha(params, &mut problems),
            created_after: params.time("createdAfter", &mut problems).map(millis),
            created_before: params.time("createdBefore", &mut problems).map(millis),
        };
        problems.into_result()?;
        if filter == BuildFilter::default() {
            return Ok(None);
        }
        let list = format!("{list} {filter:?}");
        Ok(Some(Filtered { filter, list }))
    }

    /// A page of what is wanted.
    pub(super) async fn rows(
        mut self,
        state: &State,
        service: &Service,
        page: Page,
        limit: i64,
    ) -> Result<Vec<Build>, ApiError> {
        if let Some(prefix) = &self.filter.sha {
            self.filter.sha = match state.store.commit(&service.uid, prefix).await? {
                Commit::One(sha) => Some(sha),
                Commit::Unknown => return Ok(Vec::new()),
                Commit::Several => {
                    let problem = "is the beginning of more than one commit; give more of it";
                    return Err(ApiError::field("sha", problem));
                }
            };
        }
        let store = &state.store;
        Ok(store
            .find_builds(service, &self.filter, page, limit)
            .await?)
    }
}

/// Each once, and always in the same order: it names the list.
fn statuses(params: &Params<BuildsQuery>, problems: &mut Problems) -> Vec<Status> {
    let mut asked = Vec::new();
    for word in params.words("status") {
        match Status::parse(word) {
            Some(status) => asked.push(status),
            None => {
                let known = Status::ALL.map(Status::as_str).join(", ");
                problems.add("status", format!("must be one of {known}, and is `{word}`"));
            }
        }
    }
    let wanted = |status: &Status| asked.contains(status);
    Status::ALL.into_iter().filter(wanted).collect()
}

fn sha(params: &Params<BuildsQuery>, problems: &mut Problems) -> Option<String> {
    let sha = params.get("sha")?;
    let digits = sha.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !digits || !(SHORTEST_SHA..=40).contains(&sha.len()) {
        let problem = format!("must be {SHORTEST_SHA} to 40 hex digits");
        problems.add("sha", problem);
        return None;
    }
    Some(sha.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str) -> Result<Option<Filtered>, ApiError> {
        Filtered::read(&Params::parse(query), "builds:x")
    }

    #[test]
    fn nothing_asked_is_the_whole_list() {
        assert!(read("per_page=5&status=").unwrap().is_none());
    }

    #[test]
    fn every_filter_is_a_list_of_its_own() {
        let lists = ["branch=a", "branch=b", "sha=1234567", "status=FAILURE"];
        let lists = lists.map(|query| read(query).unwrap().unwrap().list);
        for (at, list) in lists.iter().enumerate() {
            assert!(!lists[at + 1..].contains(list), "{list}");
        }
        let list = |query: &str| read(query).unwrap().unwrap().list;
        assert_eq!(list("branch=a&page=2"), list("branch=a&cursor=x"));
        let several = list("status=FAILURE,CRASHED,FAILURE");
        assert_eq!(several, list("status=CRASHED&status=FAILURE"));
        assert_ne!(several, list("status=FAILURE"));
    }

    #[test]
    fn what_is_wrong_is_named() {
        let query = "status=failed&sha=12345&createdAfter=monday&createdBefore=2021";
        let error = read(query).map(|_| ()).unwrap_err().to_string();
        for field in ["status", "sha", "createdAfter", "createdBefore"] {
            assert!(error.contains(&format!("`{field}`")), "{error}");
        }
    }
}
