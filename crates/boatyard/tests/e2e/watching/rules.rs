//! Which of them do: rules for branches, for what changed and for what a message says.

use super::{builds_are, sources, watch, watched, watching, watching_here};
use crate::harness::{Place, Repository};
use serde_json::{Value, json};

pub(super) async fn change(place: &Place, body: Value) {
    let path = format!(
        "/v1/projects/{}/services/build/{}",
        place.project, place.service
    );
    place.api.call("PATCH", &path, Some(body)).await.data();
}

/// A commit on a branch, which is made if need be.
fn commit_on(repository: &Repository, branch: &str, message: &str) -> String {
    repository.git(&["checkout", "--quiet", "-B", branch]);
    repository.commit(message)
}

#[tokio::test]
async fn rules_name_the_branches_that_build() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let rules = json!({"branchRestrictions": ["release/*"]});
    let place = watched(&server, &repository, json!({"buildConfiguration": rules})).await;
    commit_on(&repository, "feature/x", "not named");
    let one = commit_on(&repository, "release/1", "named");
    let built = builds_are(&place, 1).await;
    assert_eq!(sources(&built), [("release/1".to_owned(), one)]);

    // Another rule is good for the commits that come then.
    let rules = json!({"branchRestrictions": ["feature/*"]});
    change(&place, json!({"buildConfiguration": rules})).await;
    commit_on(&repository, "release/1", "not named any more");
    let two = commit_on(&repository, "feature/x", "named by now");
    let built = builds_are(&place, 2).await;
    assert_eq!(sources(&built)[1], ("feature/x".to_owned(), two));
}

#[tokio::test]
async fn a_service_without_ci_builds_nothing_by_itself() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let place = watched(&server, &repository, json!({})).await;
    change(&place, json!({"disabledCI": true})).await;
    repository.commit("while it is off");
    // One that is on shows that there were looks since.
    let other = Place::named(&server, "shop", "other", &repository, json!({})).await;
    super::begun(&other).await;
    let sha = repository.commit("still off");
    assert_eq!(builds_are(&other, 1).await[0]["sha"], sha);
    let shown = place.api.get(&place.path()).await;
    assert_eq!(shown.data()["watch"], Value::Null);
    builds_are(&place, 0).await;

    // What came meanwhile builds when it is asked for.
    change(&place, json!({"disabledCI": false})).await;
    super::begun(&place).await;
    let sha = repository.commit("on again");
    assert_eq!(builds_are(&place, 1).await[0]["sha"], sha);
}

testkit::for_each_store! {
    async fn commits_are_held_back_by_what_they_change_and_say(url: &str) {
        let server = watching(url).await;
        let repository = Repository::empty();
        let rules = json!({"pathIgnoreRules": ["docs/", "*.md"], "ciIgnoreFlagsEnabled": true});
        let place = watched(&server, &repository, json!({"buildConfiguration": rules})).await;
        let skipped = async |sha: &str| {
            let told = watch(&place, "a commit that is held back", |watch| watch["lastSkipped"]["sha"] == sha);
            told.await["lastSkipped"].clone()
        };
        repository.write("docs/guide.txt", "one");
        repository.write("README.md", "two");
        let docs = repository.commit("Only words");
        let told = skipped(&docs).await;
        assert_eq!((&told["reason"], &told["ref"]), (&json!("paths"), &json!("refs/heads/main")));

        repository.write("main.c", "int main;");
        let quiet = repository.commit("Tidy\n\n[skip ci]");
        assert_eq!(skipped(&quiet).await["reason"], "ignore_flag");

        repository.write("main.c", "int main() {}");
        let one = repository.commit("Mend it");
        assert_eq!(builds_are(&place, 1).await[0]["sha"], one);

        // A branch is new; what is on it is not.
        repository.git(&["branch", "same"]);
        let told = watch(&place, "the new branch", |watch| watch["lastSkipped"]["ref"] == "refs/heads/same");
        assert_eq!(told.await["lastSkipped"]["reason"], "paths");

        // A push counts as a whole, whatever its newest commit is about.
        repository.git(&["checkout", "--quiet", "-b", "feature"]);
        repository.write("feature.c", "int feature;");
        repository.commit("A feature");
        repository.write("docs/feature.txt", "its words");
        let two = repository.commit("Its documentation");
        assert_eq!(sources(&builds_are(&place, 2).await)[1], ("feature".to_owned(), two));

        let rules = json!({"pathIgnoreRules": ["/web/"], "isAllowList": true, "ciIgnoreFlags": ["#later"]});
        change(&place, json!({"buildConfiguration": rules})).await;
        repository.write("api/main.c", "int api;");
        let api = repository.commit("Another part [skip ci]");
        assert_eq!(skipped(&api).await["reason"], "paths");
        repository.write("web/main.c", "int web;");
        let later = repository.commit("This part #later");
        assert_eq!(skipped(&later).await["reason"], "ignore_flag");
        // Rewritten: what it is compared with may be gone from the repository.
        repository.write("web/main.c", "int web_too;");
        repository.git(&["commit", "--quiet", "--all", "--amend", "--message", "This part"]);
        let three = repository.git(&["rev-parse", "HEAD"]);
        assert_eq!(builds_are(&place, 3).await[2]["sha"], three);
    }
}
