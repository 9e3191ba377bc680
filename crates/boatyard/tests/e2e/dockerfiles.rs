//! What Dockerfiles say, and what a service says about them, as it shows in the build and the image.

use crate::harness::{Gate, Place, Repository, Server};
use serde_json::{Value, json};
use std::process::Command;

pub fn skopeo(args: &[&str], image: &str) -> Value {
    let output = Command::new("skopeo")
        .args(["inspect", "--tls-verify=false"])
        .args(args)
        .arg(format!("docker://{image}"))
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{image}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

/// The configuration of the image that a build ended with.
fn image_config(build: &Value) -> Value {
    // Raw: only that has what the OCI format has no place for.
    skopeo(
        &["--config", "--raw"],
        build["registry"]["uri"].as_str().unwrap(),
    )
}

fn printed(lines: &[String], text: &str) {
    assert!(lines.iter().any(|line| line == text), "{text}: {lines:#?}");
}

#[tokio::test]
async fn arguments_reach_the_steps_that_declare_them() {
    let server = Server::start().await;
    let repository = Repository::with_dockerfile(
        "ARG BEFORE=outside\nARG OTHER=other\nFROM scratch\nCOPY busybox /bin/busybox\n\
         RUN [\"/bin/busybox\", \"--install\", \"-s\", \"/bin\"]\n\
         ARG BEFORE\nARG WITH=default\nENV WITH=$WITH\n\
         RUN echo \"$BEFORE, $WITH, ${OTHER:-undeclared}\"\n",
    );
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    printed(&place.lines(&id).await, "outside, default, undeclared");
    let arguments = json!({"BEFORE": "given", "OTHER": "given", "WITH": "a 'b' \"c\" $d = e"});
    let id = place
        .start(json!({"branch": "main", "overrides": {"buildArguments": arguments}}))
        .await;
    let build = place.reaches(&id, "SUCCESS").await;
    printed(
        &place.lines(&id).await,
        "given, a 'b' \"c\" $d = e, undeclared",
    );
    let environment = image_config(&build)["config"]["Env"].to_string();
    assert!(environment.contains("WITH=a 'b'"), "{environment}");
}

#[tokio::test]
async fn what_only_some_image_formats_can_say_is_in_the_image() {
    let server = Server::start().await;
    let repository = Repository::with_steps(
        "SHELL [\"/bin/sh\", \"-e\", \"-c\"]\nRUN false; true || echo not reached\n",
    );
    let place = Place::new(&server, &repository).await;
    let build = place.ends(&place.build().await).await;
    assert_eq!(build["reason"], "step_failed", "the shell is -e: {build}");

    let repository = Repository::with_steps(
        "SHELL [\"/bin/ash\", \"-c\"]\nRUN echo by \"$0\"\n\
         HEALTHCHECK --interval=7s CMD /bin/true\nONBUILD RUN echo later\n\
         LABEL org.example=yes\nEXPOSE 8080\nVOLUME /data\nSTOPSIGNAL SIGQUIT\n\
         ENTRYPOINT [\"/bin/echo\"]\nCMD [\"hello\"]\n",
    );
    let place = Place::named(&server, "shop", "words", &repository, json!({})).await;
    let build = place.reaches(&place.build().await, "SUCCESS").await;
    let image = image_config(&build);
    let config = &image["config"];
    assert_eq!(config["Shell"], json!(["/bin/ash", "-c"]));
    let health = &config["Healthcheck"];
    assert_eq!(health["Interval"], 7_000_000_000_i64, "{config:#}");
    assert_eq!(config["OnBuild"], json!(["RUN echo later"]));
    assert_eq!(config["Labels"]["org.example"], "yes");
    assert_eq!(config["ExposedPorts"], json!({"8080/tcp": {}}));
    assert_eq!(config["Volumes"], json!({"/data": {}}));
    assert_eq!(config["StopSignal"], "SIGQUIT");
    assert_eq!(config["Entrypoint"], json!(["/bin/echo"]));
    assert_eq!(config["Cmd"], json!(["hello"]));
}

#[tokio::test]
async fn steps_run_as_the_user_that_the_dockerfile_names() {
    let server = Server::start().await;
    let repository = Repository::with_steps(
        "RUN mkdir /home && chown 10001:10002 /home\nUSER 10001:10002\nWORKDIR /home\n\
         RUN echo \"I am $(id -u):$(id -g) in $(pwd)\" && touch mine\n\
         RUN touch /bin/not-mine 2>&1 || echo refused\n",
    );
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.reaches(&id, "SUCCESS").await;
    let lines = place.lines(&id).await;
    printed(&lines, "I am 10001:10002 in /home");
    printed(&lines, "refused");
    assert_eq!(image_config(&build)["config"]["User"], "10001:10002");
}

#[tokio::test]
async fn what_is_ignored_stays_out_of_the_context() {
    let server = Server::start().await;
    let repository = Repository::with_steps("COPY . /src\nRUN cd /src && echo \"has: $(ls -A)\"\n");
    repository.write("keep.md", "x");
    repository.write("drop.md", "x");
    repository.write("other", "x");
    repository.write(".dockerignore", "# comment\n*\n!busybox\n!*.md\ndrop.*\n");
    // A Dockerfile may have an ignore file of its own, which counts instead.
    let text = std::fs::read_to_string(repository.path().join("Dockerfile")).unwrap();
    repository.write("Own", &text);
    repository.write("Own.dockerignore", "*\n!busybox\n!other\n");
    repository.commit("files");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    place.reaches(&id, "SUCCESS").await;
    let lines = place.lines(&id).await;
    let listing = |lines: &[String]| {
        let start = lines.iter().position(|line| line.starts_with("has: "));
        let names = &lines[start.unwrap()..];
        let mut found: Vec<_> = [
            "busybox",
            "keep.md",
            "drop.md",
            "other",
            "Dockerfile",
            ".git",
        ]
        .into_iter()
        .filter(|name| {
            let is = |line: &String| line.trim_start_matches("has: ") == *name;
            names.iter().any(is)
        })
        .collect();
        found.sort_unstable();
        found
    };
    assert_eq!(listing(&lines), ["busybox", "keep.md"], "{lines:#?}");
    let own = json!({"branch": "main", "overrides": {"docker": {"dockerFilePath": "/Own"}}});
    let id = place.start(own).await;
    place.reaches(&id, "SUCCESS").await;
    let lines = place.lines(&id).await;
    assert_eq!(listing(&lines), ["busybox", "other"], "{lines:#?}");
}

#[tokio::test]
async fn the_git_folder_is_in_the_context_where_the_service_asks_for_it() {
    let server = Server::start().await;
    let repository = Repository::with_steps(
        "COPY . /src\nRUN test -d /src/.git && echo with git || echo without\n",
    );
    for (asked, says) in [(false, "without"), (true, "with git")] {
        let extra = json!({"buildConfiguration": {"includeGitFolder": asked}});
        let name = format!("git-{asked}");
        let place = Place::named(&server, "shop", &name, &repository, extra).await;
        let id = place.build().await;
        place.reaches(&id, "SUCCESS").await;
        printed(&place.lines(&id).await, says);
    }
}

#[tokio::test]
async fn a_service_without_a_cache_runs_every_step_again() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo costly");
    let settings = |cache: bool| {
        json!({"buildSettings": {"dockerfile": {
            "dockerFilePath": "/Dockerfile", "dockerWorkDir": "/", "buildkit": {"useCache": cache},
        }}})
    };
    for (name, cache) in [("with", true), ("without", false)] {
        let service = Place::named(&server, "shop", name, &repository, settings(cache)).await;
        let first = service.build().await;
        service.reaches(&first, "SUCCESS").await;
        let second = service.build().await;
        service.reaches(&second, "SUCCESS").await;
        let lines = service.lines(&second).await;
        assert_eq!(
            lines.iter().any(|line| line == "costly"),
            !cache,
            "{lines:#?}"
        );
    }
}

#[tokio::test]
async fn every_image_has_the_tags_of_its_build_its_commit_and_its_branch() {
    let server = Server::start().await;
    let repository = Repository::with_steps("RUN echo tagged");
    let place = Place::new(&server, &repository).await;
    let branches = [
        ("main", "main"),
        ("feature/log-in", "feature-log-in"),
        ("release_1.2+rc#3", "release_1.2-rc-3"),
        ("@home", "home"),
        ("größe", "gr--e"),
    ];
    for (branch, tag) in branches {
        if branch != "main" {
            repository.git(&["checkout", "--quiet", "-b", branch]);
            repository.write("branch", branch);
            repository.commit(branch);
        }
        let id = place.start(json!({"branch": branch})).await;
        let build = place.reaches(&id, "SUCCESS").await;
        assert_eq!(build["branch"], branch);
        let sha = build["sha"].as_str().unwrap();
        assert_eq!(sha, repository.git(&["rev-parse", "HEAD"]));
        for tag in [id.as_str(), sha, tag] {
            let image = format!("{}/shop/web:{tag}", server.host());
            let found = skopeo(&[], &image);
            assert_eq!(
                found["Digest"], build["registry"]["digest"],
                "{branch}: {tag}"
            );
        }
    }
}

#[tokio::test]
async fn a_branch_stays_with_its_newest_build_when_an_older_one_ends_later() {
    let server = Server::start().await;
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let place = Place::new(&server, &repository).await;
    let old = place.build().await;
    gate.reached(&place, &old).await;
    repository.write("Dockerfile", "FROM scratch\nCOPY README /\n");
    repository.commit("quick");
    let new = place.build().await;
    let newer = place.reaches(&new, "SUCCESS").await;
    gate.open();
    let older = place.reaches(&old, "SUCCESS").await;
    let digest = |tag: &str| {
        let image = format!("{}/shop/web:{tag}", server.host());
        skopeo(&[], &image)["Digest"].clone()
    };
    let sha = older["sha"].as_str().unwrap();
    assert_eq!(digest("main"), newer["registry"]["digest"]);
    for own in [old.as_str(), sha] {
        assert_eq!(digest(own), older["registry"]["digest"], "{own}");
    }
    place
        .logs(&old, "The tag `main` stays with a newer build")
        .await;
    place.logs(&old, &format!("Tags: {old}, {sha}")).await;
    let lines = place.lines(&old).await;
    assert!(
        !lines.iter().any(|line| line.ends_with(", main")),
        "{lines:#?}"
    );
}

#[tokio::test]
async fn a_program_that_a_bare_image_lacks_is_the_dockerfiles_fault() {
    let server = Server::start().await;
    let repository = Repository::with_dockerfile("FROM scratch\nCOPY busybox /\nRUN nope\n");
    let place = Place::new(&server, &repository).await;
    let id = place.build().await;
    let build = place.reaches(&id, "FAILURE").await;
    let lines = place.lines(&id).await;
    assert_eq!(build["reason"], "step_failed", "{lines:#?}");
    let message = build["message"].as_str().unwrap();
    assert!(message.contains("stat /bin/sh: no such file"), "{message}");
}

#[tokio::test]
async fn a_plan_limits_the_processor_and_the_memory_of_every_step() {
    let server = Server::start().await;
    let gate = Gate::new();
    let repository = Repository::with_steps(&gate.step("true", "true"));
    let plan = json!({"billing": {"buildPlan": "nf-compute-20"}});
    let place = Place::named(&server, "shop", "small", &repository, plan).await;
    let id = place.build().await;
    gate.reached(&place, &id).await;
    let limits = limits_of(gate.process());
    assert_eq!(limits, (0.2, 512 << 20), "vCPU and bytes");
    gate.open();
    place.reaches(&id, "SUCCESS").await;
    place
        .logs(&id, "Limits of plan nf-compute-20: 0.2 vCPU, 512 MB memory")
        .await;
}

/// The vCPU and the bytes of memory that the kernel gives a process, by the control groups it is in.
fn limits_of(pid: u32) -> (f64, u64) {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).unwrap();
    let file = |controller: &str, name: &str| {
        // The group itself may be unlimited below one that is.
        let line = groups.lines().find(|line| {
            let controllers = line.split(':').nth(1).unwrap();
            controllers.split(',').any(|one| one == controller)
        })?;
        let group = line.splitn(3, ':').nth(2).unwrap();
        let mount = if controller.is_empty() {
            ""
        } else {
            controller
        };
        std::path::Path::new(group).ancestors().find_map(|group| {
            let path = format!("/sys/fs/cgroup/{mount}{}/{name}", group.display());
            let value = std::fs::read_to_string(path).ok()?;
            let unlimited = value.starts_with("max")
                || value.starts_with("-1")
                // Version 1 says so by the largest number of pages.
                || value.trim().parse().is_ok_and(|bytes: u64| bytes > 1 << 60);
            (!unlimited).then_some(value)
        })
    };
    let number = |text: String| text.trim().parse::<f64>().unwrap();
    let cpu = match file("cpu", "cpu.cfs_quota_us") {
        Some(quota) => number(quota) / number(file("cpu", "cpu.cfs_period_us").unwrap()),
        None => {
            let both = file("", "cpu.max").unwrap();
            let (quota, period) = both.trim().split_once(' ').unwrap();
            number(quota.to_owned()) / number(period.to_owned())
        }
    };
    let memory = file("memory", "memory.limit_in_bytes").or_else(|| file("", "memory.max"));
    (cpu, memory.unwrap().trim().parse().unwrap())
}
