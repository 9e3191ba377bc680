//! New commits build by themselves.

mod pull_requests;
mod rules;

use crate::harness::{GitServer, Manner, Place, Repository, Server, until};
use serde_json::{Value, json};

/// A server that looks at repositories as often as it can.
async fn watching(url: &str) -> Server {
    let server = Server::with()
        .database(url)
        .env("BOATYARD_WATCH_INTERVAL", 1);
    server.start().await
}

/// The same with a database of its own.
async fn watching_here() -> Server {
    Server::with()
        .env("BOATYARD_WATCH_INTERVAL", 1)
        .start()
        .await
}

/// Waits until what `place` shows of its watch is as wanted.
async fn watch(place: &Place, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    until(what, async || {
        let shown = place.api.get(&place.path()).await;
        let watch = shown.data()["watch"].clone();
        wanted(&watch).then_some(watch)
    })
    .await
}

/// Waits until what there is in the repository has been noted.
async fn begun(place: &Place) {
    watch(place, "the first look", |watch| watch["since"].is_string()).await;
}

/// A service whose repository has been looked at.
async fn watched(server: &Server, repository: &Repository, extra: Value) -> Place {
    let place = Place::named(server, "shop", "web", repository, extra).await;
    begun(&place).await;
    place
}

/// The builds there are, the oldest first.
async fn builds(place: &Place) -> Vec<Value> {
    let list = place
        .api
        .get(&format!("{}/build?per_page=100", place.path()))
        .await;
    let mut builds = list.data()["builds"].as_array().unwrap().clone();
    builds.reverse();
    builds
}

/// Waits until there are as many builds; all of them.
async fn builds_are(place: &Place, count: usize) -> Vec<Value> {
    until(&format!("{count} builds"), async || {
        let builds = builds(place).await;
        assert!(builds.len() <= count, "{builds:#?}");
        (builds.len() == count).then_some(builds)
    })
    .await
}

/// What built, as branch and commit.
fn sources(builds: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let source = |build: &Value| (text(&build["branch"]), text(&build["sha"]));
    builds.iter().map(source).collect()
}

/// How many looks went well, or failed.
async fn looks(server: &Server, outcome: &str) -> usize {
    let figures = server.api().get("/metrics").await;
    let series = format!("boatyard_repository_looks_total{{outcome=\"{outcome}\"}} ");
    let figures = figures.body.as_str().unwrap().to_owned();
    let figure = figures.lines().find_map(|line| line.strip_prefix(&series));
    figure.map_or(0, |figure| figure.parse().unwrap())
}

testkit::for_each_store! {
    async fn a_push_builds_by_itself_and_says_so(url: &str) {
        let server = watching(url).await;
        let repository = Repository::with_steps("RUN echo built by itself");
        let place = watched(&server, &repository, json!({})).await;
        let sha = repository.commit("second");
        let build = builds_are(&place, 1).await.remove(0);
        assert_eq!((&build["trigger"], &build["createdBy"]), (&json!("commit"), &Value::Null));
        assert_eq!((&build["branch"], &build["sha"]), (&json!("main"), &json!(sha)));
        let id = build["id"].as_str().unwrap();
        let build = place.reaches(id, "SUCCESS").await;
        assert!(build["registry"]["uri"].as_str().unwrap().ends_with(id));

        // Whoever asks for it again is who starts it.
        let again = place.api.post(&format!("{}/build/{id}/retry", place.path()), json!({})).await;
        assert_eq!(again.data()["trigger"], "call");
        assert!(again.data()["createdBy"].is_object());
        let args = ["get", "service", "builds", "--project", "shop", "--service", "web"];
        let table = server.boatyard(&args);
        let table = String::from_utf8_lossy(&table.stdout).into_owned();
        assert!(table.contains("commit") && table.contains("call"), "{table}");
        assert!(looks(&server, "done").await > 0);
    }

    async fn a_server_that_was_away_builds_once_what_came_meanwhile(url: &str) {
        let mut server = watching(url).await;
        let repository = Repository::empty();
        let place = watched(&server, &repository, json!({})).await;
        server.kill();
        repository.commit("while nobody looks");
        let main = repository.commit("and another one");
        repository.git(&["checkout", "--quiet", "-b", "side"]);
        let side = repository.commit("on a new branch");
        server.launch().await;
        let known = builds_are(&place, 2).await;
        let expected = [("main".to_owned(), main), ("side".to_owned(), side)];
        assert_eq!(sources(&known), expected);

        // Nothing builds twice, and a branch that is back as it was is not new.
        server.terminate();
        repository.git(&["checkout", "--quiet", "main"]);
        repository.git(&["branch", "--move", "side", "elsewhere"]);
        server.launch().await;
        let moved = builds_are(&place, 3).await.remove(2);
        assert_eq!(moved["branch"], "elsewhere");
        repository.git(&["branch", "--move", "elsewhere", "side"]);
        let later = repository.commit("later");
        assert_eq!(sources(&builds_are(&place, 4).await)[3], ("main".to_owned(), later));
    }
}

#[tokio::test]
async fn one_question_is_asked_for_all_services() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let mut places = Vec::new();
    for name in ["one", "two", "three"] {
        let place = Place::at(&server, "shop", name, &url, json!({})).await;
        begun(&place).await;
        places.push(place);
    }
    let before = looks(&server, "done").await;
    git.asked();
    let after = until("three more looks", async || {
        let looks = looks(&server, "done").await;
        (looks >= before + 3).then_some(looks)
    })
    .await;
    // A question is two requests; the one that is being asked at this moment may be seen, too.
    let asked = git.asked().len();
    assert!(
        asked <= 2 * (after - before + 2),
        "{asked} for {}",
        after - before
    );
    let sha = repository.commit("for all");
    for place in &places {
        assert_eq!(builds_are(place, 1).await[0]["sha"], sha);
    }
}

#[tokio::test]
async fn a_repository_that_goes_away_is_told_until_it_is_back() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    begun(&place).await;
    git.drops("web");
    let told = watch(&place, "the problem", |watch| watch["problem"].is_string()).await;
    assert!(
        told["problem"].as_str().unwrap().contains("not found"),
        "{told:#}"
    );
    assert!(told["since"].is_string());
    let shown = server.boatyard(&["get", "service", "--project", "shop", "--service", "web"]);
    assert!(
        String::from_utf8_lossy(&shown.stdout).contains("not found"),
        "{shown:?}"
    );
    assert!(looks(&server, "failed").await > 0);
    let sha = repository.commit("while it is away");
    git.serves("web", &repository);
    watch(&place, "the end of the problem", |watch| {
        watch["problem"].is_null()
    })
    .await;
    assert_eq!(builds_are(&place, 1).await[0]["sha"], sha);

    // Another one begins anew.
    let other = Repository::empty();
    let source = json!({"projectUrl": other.url()});
    let path = format!("{}/build-source", place.path());
    let before = place.api.get(&place.path()).await.data()["watch"]["since"].clone();
    place.api.post(&path, source).await.data();
    watch(&place, "a new beginning", |watch| watch["since"] != before).await;
    let sha = other.commit("of the other one");
    assert_eq!(builds_are(&place, 2).await[1]["sha"], sha);
}

#[tokio::test]
async fn a_service_may_be_deleted_while_it_is_looked_at() {
    let server = watching_here().await;
    let repository = Repository::empty();
    let git = GitServer::start().await;
    let url = git.serves("web", &repository);
    git.behaves(Manner::Hangs);
    let place = Place::at(&server, "shop", "web", &url, json!({})).await;
    until("a question", async || {
        (!git.asked().is_empty()).then_some(())
    })
    .await;
    place.api.call("DELETE", &place.path(), None).await.data();
    git.behaves(Manner::Well);
    // The same name may come again, and begins anew.
    let place = Place::at(&server, "shop", "web", &repository.url(), json!({})).await;
    begun(&place).await;
    let sha = repository.commit("second");
    assert_eq!(builds_are(&place, 1).await[0]["sha"], sha);
    assert!(!server.log().contains("ERROR"), "{}", server.log());
}
