//! Images for another processor architecture than the machine's.

use crate::dockerfiles::skopeo;
use crate::harness::{Place, Repository, Server};
use serde_json::{Value, json};
use std::os::unix::fs::PermissionsExt;

/// A program for 64-bit Arm that says hello and needs nothing but the kernel.
fn hello() -> Vec<u8> {
    const TEXT: &[u8] = b"hello from arm\n";
    let mov = |register: u32, value: u32| 0xd280_0000 | value << 5 | register;
    let call = 0xd400_0001;
    let length = u32::try_from(TEXT.len()).unwrap();
    // write(1, the text behind the code, its length); exit(0)
    let code = [
        mov(0, 1),
        0x1000_0001 | 7 << 5,
        mov(2, length),
        mov(8, 64),
        call,
        mov(0, 0),
        mov(8, 93),
        call,
    ];
    let body: Vec<u8> = code.iter().flat_map(|word| word.to_le_bytes()).collect();
    let body = [&body, TEXT].concat();
    let (base, head) = (0x40_0000_u64, 64 + 56);
    let size = head + body.len() as u64;
    let mut file = b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x02\0\xb7\0\x01\0\0\0".to_vec();
    // Where it begins, where its one segment is described, and how long these descriptions are.
    file.extend([base + head, 64, 0].iter().flat_map(|n| n.to_le_bytes()));
    file.extend(b"\0\0\0\0\x40\0\x38\0\x01\0\0\0\0\0\0\0");
    // The segment: loaded, to be read and run, all of the file.
    file.extend(b"\x01\0\0\0\x05\0\0\0");
    let segment = [0, base, base, size, size, 0x1_0000];
    file.extend(segment.iter().flat_map(|n| n.to_le_bytes()));
    file.extend(body);
    file
}

fn repository() -> Repository {
    let repository = Repository::empty();
    let program = repository.path().join("hello");
    std::fs::write(&program, hello()).unwrap();
    std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).unwrap();
    repository.write(
        "Dockerfile",
        "FROM scratch\nCOPY hello /\nRUN [\"/hello\"]\n",
    );
    repository.write("Plain", "FROM scratch\nCOPY README /\n");
    repository.commit("hello");
    repository
}

fn architecture(name: &str) -> Value {
    json!({"infrastructure": {"architecture": name}})
}

fn of_image(build: &Value) -> Value {
    let uri = build["registry"]["uri"].as_str().unwrap();
    skopeo(&["--config"], uri)["architecture"].clone()
}

#[tokio::test]
async fn steps_of_another_architecture_run_where_the_machine_can_emulate_it() {
    let server = Server::start().await;
    let repository = repository();
    let place = Place::named(&server, "shop", "web", &repository, architecture("arm")).await;
    let id = place.build().await;
    if cfg!(not(target_arch = "aarch64"))
        && let Err(missing) = machine::emulation("aarch64")
    {
        let build = place.reaches(&id, "UNSCHEDULABLE").await;
        let message = build["message"].as_str().unwrap();
        assert!(message.ends_with(&missing), "{message}");
        println!("this machine emulates nothing: {missing}");
        return;
    }
    let build = place.reaches(&id, "SUCCESS").await;
    let log = place.lines(&id).await.join("\n");
    assert!(log.contains("hello from arm"), "{log}");
    assert_eq!(of_image(&build), "arm64");
    // What is cached for one architecture is not taken for the other.
    let path = "/v1/projects/shop/services/build/web";
    for (name, oci) in [("arm", "arm64"), ("x86", "amd64"), ("arm", "arm64")] {
        let patch = Some(architecture(name));
        place.api.call("PATCH", path, patch).await.data();
        let plain =
            json!({"branch": "main", "overrides": {"docker": {"dockerFilePath": "/Plain"}}});
        let id = place.start(plain).await;
        let build = place.reaches(&id, "SUCCESS").await;
        assert_eq!(of_image(&build), oci);
    }
}

#[tokio::test]
async fn without_an_emulator_a_build_waits_and_says_what_is_missing() {
    let server = Server::with()
        // There is git, and no emulator.
        .env("PATH", "/usr/local/bin")
        .start()
        .await;
    let place = Place::named(&server, "shop", "web", &repository(), architecture("arm")).await;
    let id = place.build().await;
    if cfg!(target_arch = "aarch64")
        || machine::emulation("aarch64") == Ok(machine::Emulation::OfMachine)
    {
        println!("this machine runs programs for arm whatever is installed");
        return;
    }
    let build = place.reaches(&id, "UNSCHEDULABLE").await;
    assert_eq!(build["reason"], "architecture_unavailable");
    let message = build["message"].as_str().unwrap();
    for word in [
        "aarch64",
        "qemu-aarch64-static",
        "apt-get install qemu-user-static",
    ] {
        assert!(message.contains(word), "{message}");
    }
    assert_eq!(place.abort(&id).await.status, 200);
}
