//! Lists and single things, as tables and for programs.

use crate::fake::{Fake, build};
use crate::person::Person;
use cli::Look;
use serde_json::{Value, json};

#[tokio::test]
async fn builds_are_a_table_that_a_person_can_read() {
    let fake = Fake::start().await;
    fake.change(|world| {
        let mut waiting = build(3);
        waiting["status"] = json!("QUEUED");
        for gone in ["sha", "registry", "success", "buildConcludedAt", "message"] {
            waiting.as_object_mut().unwrap().remove(gone);
        }
        waiting["concluded"] = json!(false);
        let mut failed = build(2);
        failed["status"] = json!("FAILURE");
        failed["success"] = json!(false);
        failed["pullRequestId"] = json!(17);
        failed["message"] = json!("RUN cargo build failed\nwith exit code 101");
        failed["trigger"] = json!("commit");
        world.builds = vec![waiting, failed, build(1)];
    });
    let table = Person::at(&fake)
        .types("boatyard get service builds -p shop -s web")
        .await
        .well();
    assert_eq!(
        table,
        "\
ID           STATUS    SOURCE   COMMIT       TRIGGER   CREATED   TOOK     MESSAGE
calm-sea-3   QUEUED    main     -            -         4m ago    -        -
calm-sea-2   FAILURE   #17      12c15e7ee2   commit    4m ago    1m 11s   RUN cargo build failed with exit code 101
calm-sea-1   SUCCESS   main     12c15e7ee2   -         4m ago    1m 11s   Image successfully built
"
    );
}

#[tokio::test]
async fn a_terminal_gets_colours_and_a_pipe_does_not() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = vec![build(1)]);
    let mut person = Person::at(&fake);
    assert!(
        !person
            .types("boatyard list builds -p shop -s web")
            .await
            .well()
            .contains('\u{1b}')
    );
    person.look = Look {
        out_is_terminal: true,
        colour: true,
        width: Some(100),
        ..Look::default()
    };
    assert!(
        person
            .types("boatyard list builds -p shop -s web")
            .await
            .well()
            .contains('\u{1b}')
    );
}

#[tokio::test]
async fn a_service_says_how_looks_for_new_commits_go() {
    let fake = Fake::start().await;
    fake.change(|world| {
        world.services[0]["watch"] = json!({
            "since": "2026-11-22T08:00:00.000Z", "problem": "The repository cannot be read: gone.",
            "lastSkipped": {"sha": "12c15e7ee99dd0bc5b4b2d2ac9eb9ea5a4a0b5a0",
                "ref": "refs/heads/fix/word", "reason": "paths"},
        });
    });
    let shown = Person::at(&fake)
        .types("boatyard get service -p shop -s web")
        .await
        .well();
    for line in [
        "Problem         The repository cannot be read: gone.",
        "Last skipped    12c15e7ee9 of fix/word: paths",
    ] {
        assert!(shown.contains(line), "{shown}");
    }
    assert!(shown.contains("Watched since"), "{shown}");
}

#[tokio::test]
async fn all_pages_are_walked_by_cursor() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = (1..=250).rev().map(build).collect());
    let person = Person::at(&fake);
    let line = "boatyard get service builds --projectId shop --serviceId web --loadAll -o json";
    let all: Value = serde_json::from_str(&person.types(line).await.well()).unwrap();
    let ids: Vec<&str> = all["builds"]
        .as_array()
        .unwrap()
        .iter()
        .map(|b| b["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 250);
    assert_eq!((ids[0], ids[249]), ("calm-sea-250", "calm-sea-1"));
    let base = "GET /v1/projects/shop/services/web/build?per_page=100";
    assert_eq!(
        fake.calls(),
        [
            base.to_owned(),
            format!("{base}&cursor=c100"),
            format!("{base}&cursor=c200")
        ]
    );
}

#[tokio::test]
async fn a_single_page_says_how_to_go_on() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = (1..=7).rev().map(build).collect());
    let person = Person::at(&fake);
    let builds = "boatyard get service builds -p shop -s web --per-page 3";
    let first = person.types(builds).await;
    assert_eq!(
        first.err,
        "there are more: --per-page 3 --cursor c3, or --all\n"
    );
    let second = person.types(&format!("{builds} --cursor c3")).await;
    assert!(second.out.contains("calm-sea-4") && second.out.contains("calm-sea-2"));
    let second = person.types(&format!("{builds} --page 2")).await;
    assert_eq!(
        second.err,
        "there are more: --per-page 3 --page 3, or --all\n"
    );
    let last = person.types(&format!("{builds} --page 3")).await;
    assert_eq!((last.out.lines().count(), last.err.as_str()), (2, ""));
    let json = person.types(&format!("{builds} -o json")).await;
    assert_eq!(json.err, "", "a program is told nothing");
}

#[tokio::test]
async fn one_build_is_shown_property_by_property() {
    let fake = Fake::start().await;
    fake.change(|world| world.builds = vec![build(1)]);
    let person = Person::at(&fake);
    let get = "boatyard get service build -p shop -s web -b calm-sea-1";
    assert_eq!(
        person.types(get).await.well(),
        "\
ID        calm-sea-1
Status    SUCCESS
Message   Image successfully built
Branch    main
Commit    12c15e7ee25fd78f567ebf87f9178b8ad70025b3
Created   2026-11-24T08:00:00Z (4m ago)
Took      1m 11s
Image     127.0.0.1:8484/shop/web:1
"
    );
    let yaml = person.types(&format!("{get} -o yaml")).await.well();
    assert!(
        yaml.contains("status: SUCCESS\n") && yaml.contains("  uri: 127.0.0.1:8484/shop/web:1")
    );
    let back: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert_eq!(back, build(1), "nothing is lost on the way to YAML");
}

#[tokio::test]
async fn a_short_failure_says_why_and_how_short_it_was() {
    let fake = Fake::start().await;
    fake.change(|world| {
        let mut failed = build(1);
        failed["status"] = json!("FAILURE");
        failed["reason"] = json!("step_failed");
        failed["startedAt"] = json!("2026-11-24T08:01:11.100Z");
        failed["concludedAt"] = json!("2026-11-24T08:01:12.900Z");
        world.builds = vec![failed];
    });
    let person = Person::at(&fake);
    let get = "boatyard get service build -p shop -s web -b calm-sea-1";
    let shown = person.types(get).await.well();
    assert!(shown.contains("Reason    step_failed\n"), "{shown}");
    assert!(shown.contains("Took      1.8s\n"), "{shown}");
}

#[tokio::test]
async fn projects_services_plans_and_regions_have_tables_too() {
    let fake = Fake::start().await;
    fake.change(|world| {
        world.services[0]["status"] = json!({ "build": {
            "status": "BUILDING", "lastTransitionTime": "2026-11-24T08:04:30.000Z",
        }});
    });
    let person = Person::at(&fake);
    let shown = |line: &'static str| {
        let person = &person;
        async move { person.types(line).await.well() }
    };
    assert_eq!(
        shown("boatyard list projects").await,
        "ID     NAME   DESCRIPTION\nshop   Shop   Sells things\n"
    );
    assert_eq!(
        shown("boatyard list services --project shop").await,
        "\
ID       NAME     LAST BUILD   SINCE     DESCRIPTION
web      WEB      BUILDING     30s ago   -
worker   WORKER   -            -         -
"
    );
    assert_eq!(
        shown("boatyard get project -p shop").await,
        "\
ID            shop
Name          Shop
Description   Sells things
Region        local
Created       2d ago
Services      web, worker
"
    );
    assert_eq!(
        shown("boatyard list plans").await,
        "ID                 CPU   MEMORY\nnf-compute-20      0.2   512 MB\nnf-compute-200-8   2     8192 MB\n"
    );
    assert_eq!(
        shown("boatyard list regions").await,
        "ID      NAME\nlocal   Local\n"
    );
    assert_eq!(
        shown("boatyard list notifications").await,
        "\
ID     NAME   TYPE          RECEIVER                LAST ERROR
bell   Bell   RAW_WEBHOOK   fine                    -
chat   Chat   DISCORD       failing since 30s ago   it answered 404
old    Old    TEAMS         disabled                -
"
    );
    assert!(
        shown("boatyard get service -p shop -s web")
            .await
            .contains("Last build   BUILDING")
    );
}
