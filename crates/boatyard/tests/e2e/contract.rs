//! The wire contract: envelope, pagination, errors, permissions, rate limit.

use crate::harness::{Place, Repository, Server};
use serde_json::json;

testkit::for_each_store! {
    async fn projects_and_services_live_and_die(url: &str) {
        let server = Server::with().database(url).start().await;
        let api = server.api();
        let body = json!({"name": "New Project", "description": "This is a new project.",
            "color": "#EF233C", "region": "local"});
        let made = api.post("/v1/projects", body.clone()).await.data().clone();
        assert_eq!(made["id"], "new-project");
        let message = api.post("/v1/projects", body).await.refusal(409);
        assert!(message.contains("new-project"), "{message}");
        let changed = json!({"description": "Better words"});
        api.call("PATCH", "/v1/projects/new-project", Some(changed)).await.data();
        let read = api.get("/v1/projects/new-project").await.data().clone();
        assert_eq!(read["description"], "Better words");
        assert_eq!(read["color"], "#EF233C");
        assert_eq!(read["deployment"]["region"], "local");
        assert_eq!(read["services"], json!([]));
        let team = api.get("/v1/teams/default/projects/new-project").await.data().clone();
        assert_eq!(team, read);
        api.get("/v1/teams/other/projects/new-project").await.refusal(404);

        let repository = Repository::with_steps("");
        let place = Place::named(&server, "new-project", "Example Service", &repository, json!({
            "buildArguments": {"KEY": "value"},
            "buildConfiguration": {"branchRestrictions": ["main"], "dockerfileTarget": "release"},
        })).await;
        let service = api.get("/v1/projects/new-project/services/example-service").await.data().clone();
        assert_eq!(service["appId"], "/default/new-project/example-service");
        assert_eq!(service["serviceType"], "build");
        assert_eq!(service["vcsData"]["projectUrl"], repository.url());
        assert_eq!(service["buildConfiguration"]["dockerfileTarget"], "release");
        assert_eq!(service["buildConfiguration"]["branchRestrictions"], json!(["main"]));
        let patched = api.call("PATCH", "/v1/projects/new-project/services/build/example-service",
            Some(json!({"buildSettings": {"dockerfile": {"dockerFilePath": "/Other"}}}))).await.data().clone();
        assert_eq!(patched["vcsData"]["dockerFilePath"], "/Other");
        assert_eq!(patched["buildArguments"], json!({"KEY": "value"}), "the rest stays");
        let listed = api.get("/v1/projects/new-project/services").await;
        assert_eq!(listed.data()["services"][0]["id"], "example-service");
        assert_eq!(listed.body["pagination"], json!({"hasNextPage": false, "count": 1}));

        let message = api.call("DELETE", "/v1/projects/new-project", None).await.refusal(409);
        assert!(message.contains("delete_child_objects"), "{message}");
        for path in ["/v1/projects/new-project", "/v1/projects/new-project/services/example-service"] {
            let answer = api.call("DELETE", &format!("{path}?delete_child_objects=maybe"), None).await;
            assert_eq!(answer.fields(), ["delete_child_objects"], "{path}");
        }
        let kept = "/v1/projects/new-project?delete_child_objects=false";
        api.call("DELETE", kept, None).await.refusal(409);
        // A service has no volumes: either way it is only the service that goes.
        let child = json!({"name": "child", "buildSource": "bundle", "buildSettings": {"dockerfile": {}}});
        for children in [true, false] {
            api.post("/v1/projects/new-project/services/build", child.clone()).await.data();
            let path = format!("/v1/projects/new-project/services/child?delete_child_objects={children}");
            api.call("DELETE", &path, None).await.data();
        }
        let gone = api.call("DELETE", "/v1/projects/new-project?delete_child_objects=true", None).await;
        assert_eq!(gone.data(), &json!({}));
        api.get("/v1/projects/new-project").await.refusal(404);
        drop(place);
    }

    async fn a_list_of_builds_is_walked_by_page_and_by_cursor(url: &str) {
        // No worker ever comes: the builds stay where they are.
        let server = Server::with().database(url).env("BOATYARD_MAX_CONCURRENT_BUILDS", 0).start().await;
        let repository = Repository::with_steps("");
        let place = Place::new(&server, &repository).await;
        let sha = repository.git(&["rev-parse", "HEAD"]);
        let mut ids = Vec::new();
        for _ in 0..7 {
            ids.insert(0, place.start(json!({"branch": "main", "sha": sha})).await);
        }
        let list = format!("{}/build", place.path());
        let walk = async |query: &str| -> (Vec<String>, serde_json::Value) {
            let answer = place.api.get(&format!("{list}?{query}")).await;
            let builds = answer.data()["builds"].as_array().unwrap();
            let ids = builds.iter().map(|b| b["id"].as_str().unwrap().to_owned()).collect();
            (ids, answer.body["pagination"].clone())
        };
        let (first, pagination) = walk("per_page=3").await;
        assert_eq!(first, ids[0..3]);
        assert_eq!((&pagination["hasNextPage"], &pagination["count"]), (&json!(true), &json!(3)));
        let cursor = pagination["cursor"].as_str().unwrap().to_owned();
        // A newer build moves pages, not cursors; and a cursor wins over a page.
        place.start(json!({"branch": "main", "sha": sha})).await;
        let (second, pagination) = walk(&format!("per_page=3&page=1&cursor={cursor}")).await;
        assert_eq!(second, ids[3..6]);
        let next = pagination["cursor"].as_str().unwrap().to_owned();
        let (last, pagination) = walk(&format!("per_page=3&cursor={next}")).await;
        assert_eq!(last, ids[6..]);
        assert_eq!(pagination, json!({"hasNextPage": false, "count": 1}), "no cursor on the last page");
        let (page, _) = walk("per_page=3&page=3").await;
        assert_eq!(page, ids[5..7]);
        assert!(walk("page=99999999999").await.0.is_empty());
        for bad in ["per_page=0", "per_page=101", "page=0", "cursor=AAAAAAAAAAAAAAAAAAAAAAAA", "page=x"] {
            place.api.get(&format!("{list}?{bad}")).await.refusal(400);
        }
        // A cursor of one list is none of another.
        let other = Place::named(&server, "shop", "other", &repository, json!({})).await;
        let answer = other.api.get(&format!("{}/build?cursor={cursor}", other.path())).await;
        assert_eq!(answer.fields(), ["cursor"]);
    }
}

#[tokio::test]
async fn a_token_does_what_its_role_says_where_it_may() {
    let server = Server::start().await;
    let repository = Repository::with_steps("");
    let place = Place::new(&server, &repository).await;
    Place::named(&server, "bank", "web", &repository, json!({})).await;
    let make = |args: &[&str]| {
        let args = [&["admin", "token", "create"], args].concat();
        let output = server.boatyard(&args);
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        place
            .api
            .with_token(String::from_utf8(output.stdout).unwrap().trim())
    };
    let viewer = make(&["--role", "viewer", "--project", "shop"]);
    viewer.get(&format!("{}/build", place.path())).await.data();
    let refused = viewer
        .post(
            &format!("{}/build", place.path()),
            json!({"branch": "main"}),
        )
        .await;
    let message = refused.refusal(403);
    assert!(
        message.contains("Project > Services > Deployment > Deploy Build"),
        "{message}"
    );
    // Not yours to see looks like not there.
    let hidden = viewer.get("/v1/projects/bank").await.refusal(404);
    let missing = viewer.get("/v1/projects/nope").await.refusal(404);
    assert_eq!(hidden.replace("bank", "X"), missing.replace("nope", "X"));
    let listed = viewer.get("/v1/projects").await;
    assert_eq!(listed.data()["projects"].as_array().unwrap().len(), 1);
    let nobody = make(&["--permission", "Account > Tags > General > Read"]);
    nobody.get("/v1/projects").await.refusal(403);
    nobody.get("/v1/login").await.data();
    place
        .api
        .with_token("boatyard_guess")
        .get("/v1/login")
        .await
        .refusal(401);
    place
        .api
        .with_token("")
        .get("/v1/projects")
        .await
        .refusal(401);
}

#[tokio::test]
async fn the_rate_limit_counts_and_says_so() {
    let server = Server::with().env("BOATYARD_RATE_LIMIT", 3).start().await;
    let api = server.api();
    let header = |answer: &crate::harness::Answer, name: &str| -> i64 {
        answer.headers[name].to_str().unwrap().parse().unwrap()
    };
    for remaining in [2, 1, 0] {
        let answer = api.get("/v1/plans").await;
        answer.data();
        assert_eq!(header(&answer, "x-ratelimit-limit"), 3);
        assert_eq!(header(&answer, "x-ratelimit-remaining"), remaining);
        assert!((1..=3600).contains(&header(&answer, "x-ratelimit-reset")));
    }
    let over = api.get("/v1/plans").await;
    over.refusal(429);
    assert!(header(&over, "retry-after") > 0);
}

#[tokio::test]
async fn plans_and_regions_are_what_the_server_has() {
    let server = Server::start().await;
    let api = server.api();
    let plans = api.get("/v1/plans").await;
    let plans = plans.data()["plans"].as_array().unwrap().clone();
    let plan = plans
        .iter()
        .find(|plan| plan["id"] == "nf-compute-20")
        .unwrap();
    assert_eq!(
        (&plan["cpuResource"], &plan["ramResource"]),
        (&json!(0.2), &json!(512))
    );
    assert_eq!(
        api.get("/v1/regions").await.data()["regions"][0]["id"],
        "local"
    );
    for (query, regions) in [
        ("", 1),
        ("?provider=", 1),
        ("?provider=local", 1),
        ("?provider=gcp", 0),
        ("?provider=gcp&per_page=1&page=1", 0),
    ] {
        let answer = api
            .get(&format!("/v1/cloud-providers/regions{query}"))
            .await;
        let listed = answer.data()["providers"].as_array().unwrap();
        assert_eq!(listed.len(), regions, "{query}");
        assert_eq!(answer.body["pagination"]["count"], regions, "{query}");
    }
    assert_eq!(api.get("/healthz").await.status, 200);
}
