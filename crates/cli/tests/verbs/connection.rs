//! Logging in, contexts, and the server on one's own machine.

use crate::fake::{Fake, TOKEN};
use crate::person::Person;
use std::os::unix::fs::PermissionsExt;

#[tokio::test]
async fn a_login_is_remembered_in_a_file_of_ones_own() {
    let fake = Fake::start().await;
    let mut person = Person::new();
    person.input = format!("{TOKEN}\n");
    let host = fake.host();
    let said = person
        .types(&format!("boatyard login --host {host}/"))
        .await
        .well();
    assert_eq!(said, format!("logged in at {host} as context `local`\n"));

    let file = person.home.path().join("config/boatyard/contexts.json");
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);

    person
        .types("boatyard context use --project shop --service web")
        .await
        .well();
    person.types("boatyard get service builds").await.well();
    person
        .types("boatyard get service builds --project other")
        .await
        .failed();
    let listed = person.types("boatyard context ls").await.well();
    assert!(listed.starts_with("CURRENT   NAME    HOST"), "{listed}");
    assert!(listed.contains("*         local"), "{listed}");
    assert!(!listed.contains(TOKEN));
    assert!(
        !person
            .types("boatyard context list -o json")
            .await
            .well()
            .contains(TOKEN)
    );
    person.types("boatyard context remove local").await.well();
    assert!(
        person
            .types("boatyard list projects")
            .await
            .failed()
            .contains("not logged in")
    );
}

#[tokio::test]
async fn a_wrong_token_is_not_remembered() {
    let fake = Fake::start().await;
    let person = Person::new();
    let login = format!("boatyard login --host {} --token wrong", fake.host());
    let text = person.types(&login).await.failed();
    assert!(
        text.contains("No valid API token") && text.contains("admin.token"),
        "{text}"
    );
    assert!(
        !person
            .home
            .path()
            .join("config/boatyard/contexts.json")
            .exists()
    );
    let text = person
        .types(&format!("boatyard login --host {}", fake.host()))
        .await
        .failed();
    assert!(text.contains("no token"), "{text}");
}

#[tokio::test]
async fn a_context_is_not_taken_over_by_another_server_unasked() {
    let (one, other) = (Fake::start().await, Fake::start().await);
    let person = Person::new();
    let login = |fake: &Fake| format!("boatyard login -n ci -t {TOKEN} --host {}", fake.host());
    person.types(&login(&one)).await.well();
    assert!(
        person
            .types(&login(&other))
            .await
            .failed()
            .contains("--override")
    );
    person
        .types(&format!("{} --override", login(&other)))
        .await
        .well();
    person.types("boatyard list projects").await.well();
    assert_eq!(other.calls().last().unwrap(), "GET /v1/projects");
}

#[tokio::test]
async fn a_newcomer_on_the_servers_machine_needs_no_login() {
    let fake = Fake::start().await;
    let person = Person::new();
    let folder = person.home.path().join("data/boatyard");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("admin.token"), TOKEN).unwrap();
    let lock = std::fs::File::create(folder.join("lock")).unwrap();
    lock.lock().unwrap();
    person
        .types(&format!("boatyard list projects --host {}", fake.host()))
        .await
        .well();

    // The server says in the same folder where it is.
    let file = folder.join("server.address");
    let host = fake.host();
    std::fs::write(&file, format!("{host}\n")).unwrap();
    person.types("boatyard list projects").await.well();
    drop(fake);
    let text = person.types("boatyard list projects").await.failed();
    assert!(
        text.contains(&format!("nothing answers at {host}")),
        "{text}"
    );
    let hint = format!("the server that wrote {} does not answer", file.display());
    assert!(text.contains(&hint), "{text}");

    // Killed, it leaves the file, and another program may listen there.
    drop(lock);
    let text = person.types("boatyard list projects").await.failed();
    let gone = format!(
        "no server of the data folder {} is running",
        folder.display()
    );
    assert!(text.contains(&gone), "{text}");
}
