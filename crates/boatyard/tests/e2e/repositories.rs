//! What a service's repository has: branches and pull requests.

use crate::harness::{GitServer, Place, Repository, Server};
use serde_json::{Value, json};

/// All rows of a list, by pages of two.
async fn walk(place: &Place, path: &str, list: &str) -> Vec<Value> {
    let (mut rows, mut cursor) = (Vec::new(), String::new());
    loop {
        let query = format!("{}/{path}?per_page=2{cursor}", place.path());
        let answer = place.api.get(&query).await;
        rows.extend(answer.data()[list].as_array().unwrap().iter().cloned());
        match answer.body["pagination"]["cursor"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return rows,
        }
    }
}

#[tokio::test]
async fn branches_and_pull_requests_are_listed_as_refs_tell_of_them() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    repository.git(&["branch", "feature/log-in"]);
    let first = repository.git(&["rev-parse", "HEAD"]);
    for branch in ["release", "side", "main"] {
        repository.git(&["checkout", "--quiet", "-B", branch]);
        repository.write("branch", branch);
        repository.commit(branch);
    }
    let side = repository.git(&["rev-parse", "side"]);
    for (name, commit) in [
        ("refs/pull/2/head", &side),
        ("refs/pull/2/merge", &first),
        ("refs/pull/10/head", &first),
        ("refs/pull/7/head", &side),
    ] {
        repository.git(&["update-ref", name, commit]);
    }
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let vcs = json!({"projectUrl": url, "projectType": "github"});
    let place = Place::at(&server, "shop", "web", &url, json!({"vcsData": vcs})).await;

    let branches = walk(&place, "branches", "branches").await;
    let names: Vec<_> = branches.iter().map(|branch| &branch["name"]).collect();
    assert_eq!(names, ["feature/log-in", "main", "release", "side"]);
    assert_eq!(branches[0]["commit"]["sha"], first);
    let page = place
        .api
        .get(&format!("{}/branches?per_page=3&page=2", place.path()))
        .await;
    assert_eq!(page.data()["branches"][0]["name"], "side");

    let pulls = walk(&place, "pull-requests", "pullRequests").await;
    let numbers: Vec<_> = pulls
        .iter()
        .map(|pull| pull["id"].as_i64().unwrap())
        .collect();
    assert_eq!(numbers, [10, 7, 2]);
    let two = &pulls[2];
    assert_eq!(
        (&two["state"], &two["source"], &two["sha"]),
        (&json!("OPEN"), &json!("side"), &json!(side))
    );
    assert_eq!(
        two["html_url"],
        format!("{}/pull/2", url.trim_end_matches(".git"))
    );
    assert_eq!(pulls[0]["state"], "UNKNOWN");

    git.drops("web");
    for list in ["branches", "pull-requests"] {
        let gone = place.api.get(&format!("{}/{list}", place.path())).await;
        assert_eq!(gone.body["error"]["id"], "repository-unavailable");
        assert!(gone.refusal(409).contains("not found"), "{:#}", gone.body);
    }
}
