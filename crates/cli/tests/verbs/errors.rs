//! What people are told when something is wrong.

use crate::fake::{Fake, READER, build};
use crate::person::Person;
use serde_json::json;

#[tokio::test]
async fn a_server_that_is_not_there_is_named_with_a_way_to_start_one() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut person = Person::new();
    person.environment.token = Some("t".into());
    let text = person
        .types(&format!("boatyard list projects --host {address}"))
        .await
        .failed();
    assert!(
        text.starts_with(&format!("error: nothing answers at http://{address} (")),
        "{text}"
    );
    assert!(text.contains("Connection refused"), "{text}");
    assert!(text.contains("boatyard serve"), "{text}");
}

#[tokio::test]
async fn a_refused_token_leads_to_login() {
    let fake = Fake::start().await;
    let mut person = Person::at(&fake);
    person.environment.token = Some("stale".into());
    let text = person.types("boatyard list projects").await.failed();
    let host = fake.host();
    assert_eq!(
        text,
        format!(
            "error: {host} does not take the token in BOATYARD_TOKEN: No valid API token was given.\n\
             hint: unset BOATYARD_TOKEN to use the one that `boatyard login` remembered\n"
        )
    );
    person.environment.token = None;
    let list = "boatyard list projects --token stale";
    let text = person.types(list).await.failed();
    assert!(text.contains("hint: without --token, the one"), "{text}");
}

#[tokio::test]
async fn a_missing_permission_is_named() {
    let fake = Fake::start().await;
    let mut person = Person::at(&fake);
    person.environment.token = Some(READER.into());
    let text = person
        .types("boatyard start service build -p shop -s web --branch main")
        .await
        .failed();
    assert!(
        text.contains("`Project > Services > Deployment > Deploy Build`"),
        "{text}"
    );
    assert!(text.contains("boatyard login"), "{text}");
}

#[tokio::test]
async fn what_is_not_there_is_answered_with_what_is() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = vec![build(2), build(1)]);
    let person = Person::at(&fake);
    let failure = |line: &'static str| {
        let person = &person;
        async move { person.types(line).await.failed() }
    };
    assert_eq!(
        failure("boatyard list services --project shpo").await,
        format!(
            "error: no project `shpo` at {}; there are: shop (did you mean `shop`?)\n",
            fake.host()
        )
    );
    assert_eq!(
        failure("boatyard get service builds -p shop -s wbe").await,
        "error: no service `wbe` in project `shop`; there are: web, worker (did you mean `web`?)\n"
    );
    assert_eq!(
        failure("boatyard get service build -p shop -s web -b calm-sea-7").await,
        "error: no build `calm-sea-7` of service `web`; among the newest there are: \
         calm-sea-2, calm-sea-1 (did you mean `calm-sea-1`?)\n"
    );
    assert_eq!(
        failure("boatyard get service -p shop").await,
        "error: which service? Give --service ID; there are: web, worker\n\
         hint: `boatyard context use --service ID` sets a default\n"
    );
    assert!(
        failure("boatyard list services")
            .await
            .contains("which project? Give --project ID")
    );
    assert_eq!(
        failure("boatyard get project -p ..").await,
        "error: `..` cannot be an id\n"
    );
}

#[tokio::test]
async fn offending_fields_are_listed_one_by_one() {
    let fake = Fake::start().await;
    let details = json!([
        { "field": "vcsData.projectUrl", "problem": "must be a URL" },
        { "field": "billing.buildPlan", "problem": "there is no plan `big`; `GET /v1/plans` lists them" },
    ]);
    let refusal =
        json!({ "status": 400, "id": "invalid-request", "message": "m", "details": details });
    fake.change(|world| world.refusals.push_back((400, refusal.clone())));
    let person = Person::at(&fake);
    let create = "boatyard create service build -p shop";
    let flags = format!("{create} --name Web --repo nowhere --plan big");
    assert_eq!(
        person.types(&flags).await.failed(),
        "error: the server refused the request:\n\
         \x20 --repo: must be a URL\n\
         \x20 --plan: there is no plan `big`; `boatyard list plans` shows them\n"
    );
    // Who wrote a body knows its fields.
    fake.change(|world| world.refusals.push_back((400, refusal)));
    let text = person.types(&format!("{create} -i {{}}")).await.failed();
    assert!(
        text.contains("\n  vcsData.projectUrl: must be a URL\n"),
        "{text}"
    );
}

#[tokio::test]
async fn what_is_missing_is_asked_for_by_its_flag() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let create = "boatyard create service build -p shop --name Web";
    let text = person.types(create).await.failed();
    assert_eq!(
        text,
        "error: which repository? Give its address with --repo URL\n"
    );
    fake.change(|world| world.projects.clear());
    let text = person.types("boatyard list services").await.failed();
    assert!(
        text.contains("; there is none that this token may see\n"),
        "{text}"
    );
    let message = "The project `shop` still has services. Delete them first, or call with delete_child_objects=true.";
    let refusal = json!({ "status": 409, "id": "conflict", "message": message });
    fake.change(|world| world.refusals.push_back((409, refusal)));
    let delete = "boatyard delete project -p shop --force";
    let text = person.types(delete).await.failed();
    assert!(
        text.ends_with("or give --delete-child-objects.\n"),
        "{text}"
    );
}

#[tokio::test]
async fn something_else_at_the_address_is_recognised() {
    let app = axum::Router::new()
        .route(
            "/v1/projects",
            axum::routing::get(|| async { "<html>hello</html>" }),
        )
        .route(
            "/v1/plans",
            axum::routing::get(|| async {
                axum::response::Redirect::permanent("https://elsewhere.example/")
            }),
        );
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let host = format!("http://{}", listener.local_addr().unwrap());
    let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    let mut person = Person::new();
    person.environment.token = Some("t".into());
    person.environment.host = Some(host);
    let text = person.types("boatyard list projects").await.failed();
    assert!(text.contains("not as a Boatyard server does"), "{text}");
    let text = person.types("boatyard list plans").await.failed();
    assert!(
        text.contains("redirects to `https://elsewhere.example/`"),
        "{text}"
    );
    server.abort();
}
