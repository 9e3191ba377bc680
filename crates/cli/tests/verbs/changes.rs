//! Creating, changing and deleting.

use crate::fake::Fake;
use crate::person::Person;
use cli::Look;
use serde_json::{Value, json};

/// The body of the newest call, and the call.
fn sent(fake: &Fake) -> (String, Value) {
    let call = fake.calls().pop().unwrap();
    let (line, body) = call.split_once(" {").unwrap();
    (
        line.to_owned(),
        serde_json::from_str(&format!("{{{body}")).unwrap(),
    )
}

#[tokio::test]
async fn friendly_flags_make_a_whole_service() {
    let fake = Fake::start().await;
    let done = Person::at(&fake)
        .types(
            "boatyard create service build --project shop --name Web \
             --repo https://git.example.com/web.git --dockerfile docker/Dockerfile \
             --target release --plan nf-compute-200-8 --arg A=1 --arg B=x=y",
        )
        .await;
    let (line, body) = sent(&fake);
    assert_eq!(line, "POST /v1/projects/shop/services/build");
    assert_eq!(
        body,
        json!({
            "name": "Web",
            "billing": { "buildPlan": "nf-compute-200-8" },
            "vcsData": {
                "projectUrl": "https://git.example.com/web.git", "projectType": "self-hosted",
            },
            "buildSettings": { "dockerfile": {
                "dockerFilePath": "/docker/Dockerfile", "dockerWorkDir": "/",
            }},
            "buildConfiguration": { "dockerfileTarget": "release" },
            "buildArguments": { "A": "1", "B": "x=y" },
        })
    );
    assert!(
        done.err
            .contains("next: boatyard start service build --project shop"),
        "{}",
        done.err
    );
    assert!(
        done.well()
            .contains("Repository   https://git.example.com/web.git")
    );
}

#[tokio::test]
async fn bodies_come_from_json_yaml_and_standard_input() {
    let fake = Fake::start().await;
    let mut person = Person::at(&fake);
    let file = person.home.path().join("project.yaml");
    std::fs::write(&file, "name: Shop\nregion: local\ncolor: '#EF233C'\n").unwrap();
    let path = file.to_str().unwrap();
    person
        .types(&format!("boatyard put project --file {path} --name Store"))
        .await
        .well();
    assert_eq!(
        sent(&fake),
        (
            "PUT /v1/projects".into(),
            json!({ "name": "Store", "region": "local", "color": "#EF233C" })
        )
    );
    person.input = r#"{"description": "new"}"#.into();
    person
        .types("boatyard patch project -p shop -f -")
        .await
        .well();
    assert_eq!(
        sent(&fake),
        (
            "PATCH /v1/projects/shop".into(),
            json!({ "description": "new" })
        )
    );
    person
        .types(r#"boatyard patch service build -p shop -s web -i {"disabledCI":true}"#)
        .await
        .well();
    assert_eq!(
        sent(&fake),
        (
            "PATCH /v1/projects/shop/services/build/web".into(),
            json!({ "disabledCI": true })
        )
    );
}

#[tokio::test]
async fn a_body_that_makes_no_sense_is_not_sent() {
    let fake = Fake::start().await;
    let person = Person::at(&fake);
    let failure = |line: &'static str| {
        let person = &person;
        async move { person.types(line).await.failed() }
    };
    assert!(
        failure("boatyard create project -i {name}")
            .await
            .contains("--input is not JSON")
    );
    assert!(
        failure("boatyard create project -i [1]")
            .await
            .contains("must be an object")
    );
    assert!(
        failure("boatyard patch project -p shop")
            .await
            .contains("nothing to change")
    );
    let missing = failure("boatyard create project -f /does/not/exist.yaml").await;
    assert!(
        missing.contains("cannot read /does/not/exist.yaml"),
        "{missing}"
    );
    assert_eq!(fake.calls(), Vec::<String>::new());
}

#[tokio::test]
async fn starting_sends_only_what_was_said() {
    let fake = Fake::start().await;
    let done = Person::at(&fake)
        .types(
            "boatyard start service build -p shop -s web --branch main --sha 12c1 \
             --arg V=2 --target test --dockerfile ./ci/Dockerfile --workdir .",
        )
        .await;
    assert_eq!(
        sent(&fake).1,
        json!({
            "branch": "main",
            "sha": "12c1",
            "overrides": {
                "buildArguments": { "V": "2" },
                "docker": {
                    "dockerFilePath": "/ci/Dockerfile",
                    "dockerWorkDir": "/",
                    "dockerfileTarget": "test",
                },
            },
        })
    );
    assert!(
        done.err.contains("--build joyous-view-6290 --tail"),
        "{}",
        done.err
    );
    assert!(done.well().contains("QUEUED"));
}

#[tokio::test]
async fn deleting_asks_first() {
    let fake = Fake::start().await;
    let mut person = Person::at(&fake);
    let delete = "boatyard delete service -p shop -s web";
    assert!(person.types(delete).await.failed().contains("add --force"));
    person.look = Look {
        in_is_terminal: true,
        ..Look::default()
    };
    person.input = "n\n".into();
    let no = person.types(delete).await.failed();
    assert!(
        no.contains("Delete service `web` of project `shop`"),
        "{no}"
    );
    assert!(no.contains("nothing was deleted"), "{no}");
    assert_eq!(fake.calls(), Vec::<String>::new());
    person.input = "y\n".into();
    person.types(delete).await.well();
    person
        .types("boatyard delete project -p shop --delete_child_objects --force")
        .await
        .well();
    person
        .types("boatyard abort service build -p shop -s web -b calm-sea-1")
        .await
        .well();
    assert_eq!(
        fake.calls(),
        [
            "DELETE /v1/projects/shop/services/web",
            "DELETE /v1/projects/shop?delete_child_objects=true",
            "DELETE /v1/projects/shop/services/web/build/calm-sea-1",
        ]
    );
}
