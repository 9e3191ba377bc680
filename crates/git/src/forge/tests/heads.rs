//! Whose a pull request is, in each forge's words: 1 is of the repository itself, the others are not.

use super::*;

/// Asks for each of the pull requests; whether it is a fork's.
async fn forks<const COUNT: usize>(forge: &Forge, owner: &str) -> [bool; COUNT] {
    let mut forks = [false; COUNT];
    for (fork, number) in forks.iter_mut().zip(1..) {
        let head = forge.pull_request_head(owner, "web", number).await.unwrap();
        let merged_for_a_try = forge.kind == VcsKind::Azure;
        assert_eq!(head.sha.as_deref(), (!merged_for_a_try).then_some(SHA));
        if number == 1 {
            assert_eq!(head.branch, "fix/bugs");
        }
        *fork = head.is_from_fork;
    }
    let missing = forge.pull_request_head(owner, "web", 99).await.unwrap_err();
    assert!(matches!(missing, ForgeError::Missing { .. }), "{missing}");
    forks
}

/// Answers below a folder, by number.
fn numbered(folder: &str, answers: impl IntoIterator<Item = Value>) -> Vec<(String, Value)> {
    let path = |(number, answer)| (format!("{folder}/{number}"), answer);
    (1..).zip(answers).map(path).collect()
}

async fn knows(kind: VcsKind, login: &str, answers: Vec<(String, Value)>) -> Forge {
    let answers: Vec<_> = answers
        .iter()
        .map(|(p, v)| (p.as_str(), v.clone()))
        .collect();
    forge(kind, login, &answers).await
}

/// GitHub's form, which Gitea shares.
fn pull(head: Value) -> Value {
    json!({"number": 1, "state": "open", "merged": false, "merged_at": null, "title": MESSAGE,
        "head": head, "base": {"ref": "main", "sha": SHA, "repo_id": 7, "repo": {"id": 7}},
        "created_at": DATE, "updated_at": LATER, "html_url": "https://git.example.com"})
}

#[tokio::test]
async fn github() {
    let repositories = [json!({"id": 7}), json!({"id": 8}), Value::Null];
    let pulls = repositories.map(|repo| pull(json!({"ref": "fix/bugs", "sha": SHA, "repo": repo})));
    let answers = numbered("/api/v3/repos/acme/web/pulls", pulls);
    let forge = knows(VcsKind::Github, "Bearer s3cret", answers).await;
    assert_eq!(forks(&forge, "acme").await, [false, true, true]);
}

#[tokio::test]
async fn gitea() {
    let heads = [
        json!({"ref": "fix/bugs", "sha": SHA, "repo_id": 7}),
        json!({"ref": "fix/bugs", "sha": SHA, "repo_id": 8}),
        json!({"ref": "refs/pull/3/head", "sha": SHA, "repo_id": -1, "repo": null}),
        // Pushed to `refs/for/main` by somebody who may only read.
        json!({"ref": "refs/pull/4/head", "sha": SHA, "repo_id": 7}),
        json!({"ref": "fix/bugs", "sha": SHA}),
    ];
    let answers = numbered("/api/v1/repos/acme/web/pulls", heads.map(pull));
    let forge = knows(VcsKind::Gitea, "Bearer s3cret", answers).await;
    let expected = [false, true, true, true, true];
    assert_eq!(forks(&forge, "acme").await, expected);
}

#[tokio::test]
async fn gitlab() {
    let rows = [json!(4), json!(5), Value::Null].map(|source| {
        json!({"iid": 1, "state": "opened", "title": MESSAGE, "sha": SHA, "source_branch": "fix/bugs",
            "target_branch": "main", "source_project_id": source, "target_project_id": 4,
            "created_at": DATE, "updated_at": LATER, "web_url": "https://gitlab.example.com"})
    });
    let answers = numbered("/api/v4/projects/acme%2Fdeep%2Fweb/merge_requests", rows);
    let forge = knows(VcsKind::Gitlab, "Bearer s3cret", answers).await;
    assert_eq!(forks(&forge, "acme/deep").await, [false, true, true]);
}

#[tokio::test]
async fn bitbucket() {
    let folder = "/2.0/repositories/acme/web/pullrequests";
    let repositories = [
        json!({"full_name": "acme/web"}),
        json!({"full_name": "bob/web"}),
        Value::Null,
    ];
    let rows = repositories.map(|repository| {
        let side = |name: &str, repository: Value| {
            json!({"branch": {"name": name}, "commit": {"hash": &SHA[..12]}, "repository": repository})
        };
        json!({"id": 1, "state": "OPEN", "title": MESSAGE, "source": side("fix/bugs", repository),
            "destination": side("main", json!({"full_name": "acme/web"})), "created_on": DATE,
            "updated_on": LATER, "links": {"html": {"href": "https://bitbucket.org"}}})
    });
    let mut answers = numbered(folder, rows);
    let commits = json!({"values": [{"hash": SHA}]});
    answers.extend((1..=3).map(|n| (format!("{folder}/{n}/commits"), commits.clone())));
    let forge = knows(VcsKind::Bitbucket, "Bearer s3cret", answers).await;
    assert_eq!(forks(&forge, "acme").await, [false, true, true]);
}

#[tokio::test]
async fn azure() {
    let pull = json!({"pullRequestId": 1, "status": "active", "title": MESSAGE,
        "sourceRefName": "refs/heads/fix/bugs", "targetRefName": "refs/heads/main",
        "lastMergeSourceCommit": {"commitId": SHA}, "creationDate": DATE});
    let mut of_fork = pull.clone();
    of_fork["forkSource"] = json!({"name": "refs/heads/fix/bugs", "repository": {"id": "another"}});
    let folder = "/acme/_apis/git/repositories/web/pullrequests";
    let answers = numbered(folder, [pull, of_fork]);
    // ":s3cret" in base64.
    let forge = knows(VcsKind::Azure, "Basic OnMzY3JldA==", answers).await;
    assert_eq!(forks(&forge, "acme").await, [false, true]);
}
