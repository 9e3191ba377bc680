//! What may be a secret stays where it belongs: build arguments are for the build alone.

use crate::harness::{Gate, Place, Repository, Server};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// Every process of the machine whose arguments have this text.
fn processes_that_show(text: &str) -> Vec<String> {
    let entries = std::fs::read_dir("/proc").unwrap();
    let lines = entries.filter_map(|entry| std::fs::read(entry.ok()?.path().join("cmdline")).ok());
    lines
        .map(|line| String::from_utf8_lossy(&line).replace('\0', " "))
        .filter(|line| line.contains(text))
        .collect()
}

#[tokio::test]
async fn a_build_argument_is_in_no_process_arguments_and_no_log() {
    // In two halves, so that this test's own text is not what is found.
    let secret = |name: &str| ["hush", name].join("-");
    let (one, two, three) = (secret("service"), secret("call"), secret("docker"));
    let server = Server::with().env("RUST_LOG", "trace").start().await;
    let gate = Gate::new();
    let check = "[ ${#NPM_TOKEN} = 12 ] && [ ${#DEPLOY_KEY} = 9 ] && \
                 [ ${#DOCKER_PASSWORD} = 11 ] && echo all arrived";
    let step = gate.step(check, "true");
    let repository = Repository::with_steps(&format!(
        "ARG NPM_TOKEN\nARG DEPLOY_KEY\nARG DOCKER_PASSWORD\n{step}"
    ));
    let arguments = json!({"buildArguments": {"NPM_TOKEN": one, "DOCKER_PASSWORD": three}});
    let place = Place::named(&server, "shop", "web", &repository, arguments).await;
    let body = json!({"branch": "main", "overrides": {"buildArguments": {"DEPLOY_KEY": two}}});
    let id = place.start(body).await;
    gate.reached(&place, &id).await;
    for secret in [&one, &two, &three] {
        assert_eq!(processes_that_show(secret), Vec::<String>::new());
    }
    gate.open();
    place.reaches(&id, "SUCCESS").await;
    let log = place.lines(&id).await;
    assert!(log.contains(&"all arrived".to_owned()), "{log:#?}");
    for secret in [&one, &two, &three] {
        assert!(
            !log.iter().any(|line| line.contains(secret.as_str())),
            "{log:#?}"
        );
        assert!(!server.log().contains(secret.as_str()), "the server's log");
    }
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let kind = path.symlink_metadata().unwrap().file_type();
        if kind.is_dir() {
            found.extend(files(&path));
        } else if kind.is_file() {
            found.push(path);
        }
    }
    found
}

/// What is in a file, unpacked where it is packed.
fn unpacked(path: &Path) -> Vec<u8> {
    let packed = std::fs::read(path).unwrap();
    let unzip = Command::new("zcat")
        .arg(path)
        .stderr(Stdio::null())
        .output()
        .unwrap();
    if unzip.status.success() {
        unzip.stdout
    } else {
        packed
    }
}

fn holds(bytes: &[u8], text: &[u8]) -> bool {
    bytes.windows(text.len()).any(|part| part == text)
}

/// An image's manifest, configuration and layers as files in a folder.
fn copied(image: &str, folder: &Path) -> Vec<PathBuf> {
    let copied = Command::new("skopeo")
        .args(["copy", "--quiet", "--src-tls-verify=false"])
        .args([
            format!("docker://{image}"),
            format!("dir:{}", folder.display()),
        ])
        .status()
        .unwrap();
    assert!(copied.success(), "{image}");
    files(folder)
}

#[tokio::test]
async fn a_secret_mount_is_in_no_layer_history_argument_or_log() {
    // In two halves, so that this test's own text is not what is found.
    let (text, bytes) = (["hush", "mounted"].join("-"), ["hush", "bytes"].join("-"));
    let file = |bytes: &[u8]| json!({"data": STANDARD.encode(bytes), "encoding": "binary"});
    let server = Server::with().env("RUST_LOG", "trace").start().await;
    let gate = Gate::new();
    let look = "cat /run/secrets/npm; echo; base64 /run/secrets/npm; \
                wc -c < /run/secrets/keys; cat /proc/*/cmdline | tr '\\0' ' '; echo; \
                text=$(cat /run/secrets/npm); [ ${#text} = 12 ] && echo as it is";
    let step = gate.step(look, "true").replacen(
        "RUN",
        "RUN --mount=type=secret,id=npm --mount=type=secret,id=keys",
        1,
    );
    let repository = Repository::with_steps(&format!(
        "{step}\nARG BOATYARD_SECRET_1\n\
         RUN ls /run/secrets 2>/dev/null; [ \"$BOATYARD_SECRET_1\" = own ] && echo its own value\n"
    ));
    let mounts = json!({
        "dockerSecretMounts": {
            "npm": file(text.as_bytes()),
            "keys": file(&[&[0xff, 0], bytes.as_bytes()].concat()),
        },
        "buildArguments": {"BOATYARD_SECRET_1": "own"},
    });
    let place = Place::named(&server, "shop", "web", &repository, mounts).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    for secret in [&text, &bytes] {
        assert_eq!(processes_that_show(secret), Vec::<String>::new());
    }
    gate.open();
    let build = place.reaches(&id, "SUCCESS").await;
    let log = place.lines(&id).await;
    for line in ["as it is", "***", "12", "its own value"] {
        assert!(
            log.iter().any(|said| said.trim() == line),
            "{line}: {log:#?}"
        );
    }
    let coded = STANDARD.encode(&text);
    let coded = coded.trim_end_matches('=');
    let image = build["registry"]["uri"].as_str().unwrap();
    let image = copied(image, &server.scratch().join("copy"));
    assert!(image.len() > 3, "{image:?}");
    for secret in [text.as_str(), &bytes, &coded[..coded.len() - 1]] {
        assert!(!log.iter().any(|line| line.contains(secret)), "{log:#?}");
        assert!(!server.log().contains(secret), "the server's log");
        for file in &image {
            let found = holds(&unpacked(file), secret.as_bytes());
            assert!(!found, "{secret} is in {}", file.display());
        }
        // Neither among layers that are kept, nor in the database, nor in what is left of the build.
        for file in files(&server.data_dir()) {
            let mut content = Vec::new();
            // What is not there any more holds nothing.
            if let Ok(mut file) = std::fs::File::open(&file) {
                file.read_to_end(&mut content).unwrap();
            }
            assert!(
                !holds(&content, secret.as_bytes()),
                "{secret} is in {}",
                file.display()
            );
        }
    }
}

#[tokio::test]
async fn build_files_are_in_the_context_in_place_of_what_is_committed() {
    let secret = ["hush", "in-a-file"].join("-");
    let server = Server::start().await;
    let repository = Repository::with_steps(
        "COPY conf /conf\nRUN cat /conf/app; echo; wc -c < /conf/app; cat /conf/README; echo\n",
    );
    repository.write("conf/app", "committed");
    repository.write("conf/README", "left alone");
    repository.commit("files");
    let file = json!({"data": STANDARD.encode(&secret)});
    let files = json!({"buildFiles": {"/conf/app": file}});
    let place = Place::named(&server, "shop", "web", &repository, files).await;
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    let log = place.lines(&id).await;
    for line in ["***", "14", "left alone", "==> Build file /conf/app"] {
        assert!(log.iter().any(|said| said == line), "{line}: {log:#?}");
    }
    assert!(!log.iter().any(|line| line.contains(&secret)), "{log:#?}");

    repository.git(&["rm", "-r", "--quiet", "conf"]);
    std::os::unix::fs::symlink("/etc", repository.path().join("conf")).unwrap();
    repository.commit("a link");
    let build = place.ends(&place.build().await).await;
    assert_eq!(build["reason"], "path_not_allowed", "{build}");
}
