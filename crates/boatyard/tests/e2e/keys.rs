//! The key to the secrets: made at the first start, needed at every other, changed while the server is
//! stopped.

use crate::harness::{HeldDatabase, Place, Repository, Server, until};
use serde_json::json;

const SERVICE: &str = "/v1/projects/shop/services/web/build-arguments";

fn key_lines(server: &Server) -> Vec<String> {
    let text = std::fs::read_to_string(server.data_dir().join("secret.key")).unwrap();
    let keys = text.lines().filter(|line| !line.starts_with('#'));
    keys.map(str::to_owned).collect()
}

/// Kills a rotation that is about to write to the database for the first time.
async fn rotation_killed_at_its_first_write(server: &Server, url: &str) {
    let held = HeldDatabase::at(url).await;
    let rotation = server.boatyard_in_background(&["admin", "rotate-key"]);
    until("the new key", async || {
        (key_lines(server).len() == 2).then_some(())
    })
    .await;
    drop(rotation);
    held.let_go().await;
}

testkit::for_each_store! {
    async fn a_key_is_rotated_while_the_server_is_stopped(url: &str) {
        let mut server = Server::with().database(url).env("BOATYARD_MAX_CONCURRENT_BUILDS", 0).start().await;
        let arguments = json!({"buildArguments": {"KEY": "hush"}});
        let place = Place::named(&server, "shop", "web", &Repository::with_steps(""), arguments).await;
        place.build().await;
        let before = key_lines(&server);
        let rotate = ["admin", "rotate-key"];
        let refused = server.boatyard_beside_data(&rotate);
        assert!(!refused.status.success());
        assert!(String::from_utf8_lossy(&refused.stderr).contains("stop it first"));
        assert_eq!(key_lines(&server), before);

        server.terminate();
        let rotated = server.boatyard_beside_data(&rotate);
        let said = String::from_utf8_lossy(&rotated.stdout);
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
        assert!(said.contains("Sealed 3 values anew"), "{said}");
        let after = key_lines(&server);
        assert_eq!(after.len(), 1);
        assert_ne!(after, before);

        // One that was stopped after its first step: both keys are there, and it goes on.
        let file = server.data_dir().join("secret.key");
        let newest = "0b".repeat(32);
        std::fs::write(&file, format!("{newest}\n{}\n", after[0])).unwrap();
        let rotated = server.boatyard_beside_data(&rotate);
        assert!(rotated.status.success(), "{}", String::from_utf8_lossy(&rotated.stderr));
        assert_eq!(key_lines(&server), [newest]);
        server.launch().await;
        let shown = server.api().get(SERVICE).await.data().clone();
        assert_eq!(shown["buildArguments"], json!({"KEY": "hush"}));
    }

    async fn a_rotation_that_is_killed_goes_on(url: &str) {
        let mut server = Server::with().database(url).env("BOATYARD_MAX_CONCURRENT_BUILDS", 0).start().await;
        let arguments = json!({"buildArguments": {"KEY": "hush"}});
        Place::named(&server, "shop", "web", &Repository::with_steps(""), arguments).await;
        let shown = async |server: &Server| server.api().get(SERVICE).await.data()["buildArguments"].clone();
        let old = key_lines(&server).remove(0);
        server.terminate();

        // The new key is in the file, and nothing is sealed with it yet.
        rotation_killed_at_its_first_write(&server, url).await;
        let new = key_lines(&server).remove(0);
        assert_eq!(key_lines(&server), [&*new, &*old]);
        server.launch().await;
        assert_eq!(shown(&server).await, json!({"KEY": "hush"}));
        server.terminate();
        let rotated = server.boatyard_beside_data(&["admin", "rotate-key"]);
        let said = String::from_utf8_lossy(&rotated.stdout);
        assert!(said.contains("that rotation is complete"), "{said}");
        assert_eq!(key_lines(&server), [&*new], "the server had sealed everything anew");

        // Keys that are given stay where they are: whoever gives them takes the old one away.
        let given = "0d".repeat(32);
        server.set("BOATYARD_SECRET_KEY", format!("{given},{new}"));
        let rotated = server.boatyard_beside_data(&["admin", "rotate-key"]);
        let said = String::from_utf8_lossy(&rotated.stdout);
        assert!(said.contains("may be removed from BOATYARD_SECRET_KEY"), "{said}");
        server.set("BOATYARD_SECRET_KEY", given);
        server.launch().await;
        assert_eq!(shown(&server).await, json!({"KEY": "hush"}));
    }

    async fn a_server_without_its_key_does_not_start(url: &str) {
        let mut server = Server::with().database(url).start().await;
        let file = server.data_dir().join("secret.key");
        let key = key_lines(&server).remove(0);
        server.terminate();
        std::fs::remove_file(&file).unwrap();
        let start = ["serve", "--listen", "127.0.0.1:0"];
        for wrong in ["", &"0c".repeat(32)] {
            std::fs::write(&file, wrong).unwrap();
            let refused = server.boatyard_beside_data(&start);
            let text = String::from_utf8_lossy(&refused.stderr);
            assert!(!refused.status.success());
            assert!(text.contains("put the file back") && text.contains("secret_key_file"), "{text}");
            assert_eq!(std::fs::read_to_string(&file).unwrap(), wrong, "no new key is made");
        }
        std::fs::write(&file, "not a key").unwrap();
        let refused = server.boatyard_beside_data(&start);
        assert!(String::from_utf8_lossy(&refused.stderr).contains("64 hexadecimal digits"));
        // The same key from elsewhere is as good.
        std::fs::remove_file(&file).unwrap();
        server.set("BOATYARD_SECRET_KEY", &key);
        server.launch().await;
        server.terminate();
        let by_hand = server.boatyard_beside_data(&["admin", "rotate-key"]);
        assert!(String::from_utf8_lossy(&by_hand.stderr).contains("in front of the old one in BOATYARD_SECRET_KEY"));
        let elsewhere = server.scratch().join("given.key");
        std::fs::write(&elsewhere, key).unwrap();
        server.set("BOATYARD_SECRET_KEY", "");
        server.set("BOATYARD_SECRET_KEY_FILE", elsewhere.display());
        server.launch().await;
        assert!(!file.exists(), "none is made beside one that is given");
    }
}

#[tokio::test]
async fn what_no_key_opens_stops_a_rotation_and_no_server() {
    let mut server = Server::start().await;
    let login = json!({"username": "ann", "password": "hush", "scope": {"pull": true}});
    let credential = json!({"name": "ours", "provider": "custom",
        "registryUrl": "https://registry.example.com", "credentials": login});
    let credentials = "/v1/integrations/registries";
    server.api().post(credentials, credential).await.data();
    server.terminate();
    let database = rusqlite::Connection::open(server.data_dir().join("boatyard.db")).unwrap();
    let garbled = "UPDATE registry_credentials SET login = 'nonsense'";
    database.execute_batch(garbled).unwrap();
    drop(database);
    let rotate = ["admin", "rotate-key"];
    let stopped = server.boatyard_beside_data(&rotate);
    let said = String::from_utf8_lossy(&stopped.stderr).into_owned();
    assert!(!stopped.status.success());
    assert!(said.contains("registry_credentials.login:"), "{said}");
    assert_eq!(key_lines(&server).len(), 2, "both are needed");

    server.launch().await;
    let ours = format!("{credentials}/ours");
    server.api().call("DELETE", &ours, None).await.data();
    server.terminate();
    let rotated = server.boatyard_beside_data(&rotate);
    let said = String::from_utf8_lossy(&rotated.stderr).into_owned();
    assert!(rotated.status.success(), "{said}");
    assert_eq!(key_lines(&server).len(), 1);
    server.launch().await;
}
